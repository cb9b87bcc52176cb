import {
  DEFAULT_SCHEDULER_CONFIGURATION,
  evolve,
  isClientTerminal,
  isEvaluationTerminal,
  isServerTerminal,
  type AggregateState,
  type AllocationState,
  type DeploymentState,
  type EvaluationState,
  type JobPurgeState,
  type JobState,
  type JobVersion,
  type KeyringState,
  type NodeState,
  type SchedulerConfiguration,
  type SchedulerConfigurationState,
} from '@app/domain';
import { KEYRING, SCHEDULER_CONFIGURATION, streamKey, streamType, type Index, type StreamName } from '@app/kernel';
import { usageOf, type ClusterView, type Usage } from '@app/scheduling';
import type { LogCommit } from '@app/streaming';
import { AllocationEssence } from './allocation-essence.js';

const NOTHING_USED: Usage = { cpu: 0, memory: 0, disk: 0, cores: 0 };

/** What a commit did to one object, for reactors that follow the cluster. */
export interface Movement {
  readonly stream: StreamName;
  readonly before: AggregateState | undefined;
  readonly after: AggregateState | undefined;
}

interface Held {
  version: number;
  state: AggregateState | undefined;
}

/**
 * Jobs, nodes, deployments, open evaluations and the allocations that still matter, in memory, as of the last commit that was applied.
 * A fold of the log like everything else: fed by the tail, started from stored states.
 */
export class ClusterState implements ClusterView {
  private readonly held = new Map<StreamName, Held>();
  private readonly versions = new Index2<JobVersion>();
  private readonly allocationsBy = {
    job: new Index2<AllocationState>(),
    node: new Index2<AllocationState>(),
    deployment: new Index2<AllocationState>(),
  };
  private readonly essence = new AllocationEssence();
  private readonly deploymentsByJob = new Index2<DeploymentState>();
  private readonly evaluationsByJob = new Index2<EvaluationState>();
  private readonly activeDeploymentIds = new Set<string>();
  private readonly blocked = new Map<string, EvaluationState>();
  private readonly latestEvaluations = new Map<string, Index>();
  private readonly inFlight = new Index2<AllocationState>();
  /** What live and planned allocations use on each node. */
  private readonly used = new Map<string, Usage>();
  private readonly jobStreams = new Set<StreamName>();
  private readonly purges = new Map<string, JobPurgeState>();
  private nodeList: readonly NodeState[] | undefined;
  private readonly nodesById = new Map<string, NodeState>();
  private at: Index = 0;
  /** Commits that wait for stored states to be there; undefined: they are. */
  private waiting: LogCommit[] | undefined;

  /** The index of the last commit applied, or of the head that the stored states are at least as new as. */
  get index(): Index {
    return this.at;
  }

  /** It shows the whole cluster: nothing is being restored. */
  get isComplete(): boolean {
    return this.waiting === undefined;
  }

  get configuration(): SchedulerConfiguration {
    return this.state<SchedulerConfigurationState>(SCHEDULER_CONFIGURATION) ?? DEFAULT_SCHEDULER_CONFIGURATION;
  }

  get keyring(): KeyringState | undefined {
    return this.state<KeyringState>(KEYRING);
  }

  /**
   * Forgets everything. From now on commits wait for {@link endRestoring}: events cannot be folded into a state that is still being read, and what was
   * read may be older than they are by the time that it comes.
   */
  beginRestoring(): void {
    const { allocationsBy } = this;
    const parts = [
      ...[this.held, this.versions, allocationsBy.job, allocationsBy.node, allocationsBy.deployment],
      ...[this.deploymentsByJob, this.evaluationsByJob, this.activeDeploymentIds, this.blocked],
      ...[this.latestEvaluations, this.inFlight, this.used, this.jobStreams, this.nodesById, this.purges, this.essence],
    ];
    for (const part of parts) part.clear();
    this.nodeList = undefined;
    this.at = 0;
    this.waiting = [];
  }

  /** Every stored state is there, as of `head` or later: applies what has waited. */
  endRestoring(head: Index): void {
    this.at = Math.max(this.at, head);
    const commits = this.waiting ?? [];
    this.waiting = undefined;
    for (const commit of commits) this.apply(commit);
  }

  /** Takes over a stored state; a newer one that is held already stays. */
  restore(stream: StreamName, version: number, state: AggregateState): void {
    const held = this.held.get(stream);
    if (held === undefined || held.version < version) this.replace(stream, version, state);
  }

  /** Versions that jobs no longer retain, for the allocations that still run them. */
  restoreVersion(version: JobVersion): void {
    this.versions.add(
      `${version.spec.Namespace}/${version.spec.ID}`,
      versionOfJob(version.createIndex, version.version),
      version,
    );
  }

  /** Keys of the versions, among those that allocations run, that jobs no longer retain: `<namespace>/<job id>/<create index>/<version>`. */
  unknownVersions(): string[] {
    const keys = new Set<string>();
    for (const { namespace, jobId, jobCreateIndex, jobVersion } of this.allocationsBy.job.everyOne())
      if (this.jobVersion(namespace, jobId, jobCreateIndex, jobVersion) === undefined)
        keys.add(`${namespace}/${jobId}/${versionOfJob(jobCreateIndex, jobVersion)}`);
    return [...keys];
  }

  /**
   * Applies one commit and tells what moved. Changes that a restored state already holds are passed over.
   * @throws Error when something is missing between what is held and the commit: this picture is wrong, and is to be restored.
   */
  apply(commit: LogCommit): Movement[] {
    if (this.waiting !== undefined) {
      this.waiting.push(commit);
      return [];
    }
    if (commit.index > this.at + 1) throw new Error(`between ${this.at} and ${commit.index} commits are missing`);
    const movements: Movement[] = [];
    for (const { stream, version, events, state } of commit.changes) {
      const held = this.held.get(stream);
      if (held !== undefined && held.version >= version) continue;
      // What is over is not held any more: only of what is can the version tell.
      if (held !== undefined && held.version + events.length !== version)
        throw new Error(`events of ${stream} are missing between versions ${held.version} and ${version}`);
      const before = held?.state;
      const fact = { index: commit.index, time: commit.time };
      const after =
        state === undefined
          ? events.reduce<AggregateState | undefined>((folded, event) => evolve(stream, folded, event, fact), before)
          : (state as AggregateState);
      this.replace(stream, version, after);
      movements.push({ stream, before, after });
    }
    this.at = Math.max(this.at, commit.index);
    return movements;
  }

  /** Everything that is held, in no order. */
  *objects(): Generator<readonly [StreamName, AggregateState]> {
    for (const [stream, { state }] of this.held) if (state !== undefined) yield [stream, state];
  }

  job(namespace: string, jobId: string): JobState | undefined {
    return this.state<JobState>(`job/${namespace}/${jobId}`);
  }

  jobs(): JobState[] {
    return [...this.jobStreams].map((stream) => this.state<JobState>(stream)!);
  }

  jobVersion(namespace: string, jobId: string, jobCreateIndex: Index, version: number): JobVersion | undefined {
    return this.versions.get(`${namespace}/${jobId}`, versionOfJob(jobCreateIndex, version));
  }

  allocation(id: string): AllocationState | undefined {
    return this.state<AllocationState>(`allocation/${id}`);
  }

  allocationsOfJob(namespace: string, jobId: string): readonly AllocationState[] {
    return this.withoutRemnants(`${namespace}/${jobId}`, this.allocationsBy.job.list(`${namespace}/${jobId}`));
  }

  /** Purges that are under way. */
  jobPurges(): JobPurgeState[] {
    return [...this.purges.values()];
  }

  private withoutRemnants<S extends { readonly createIndex: Index }>(job: string, all: readonly S[]): readonly S[] {
    const purge = this.purges.get(job);
    return purge === undefined ? all : all.filter(({ createIndex }) => createIndex > purge.upTo);
  }

  allocationsOfDeployment(id: string): readonly AllocationState[] {
    return this.allocationsBy.deployment.list(id);
  }

  deployment(id: string): DeploymentState | undefined {
    return this.state<DeploymentState>(`deployment/${id}`);
  }

  deploymentsOfJob(namespace: string, jobId: string): readonly DeploymentState[] {
    const deployments = this.withoutRemnants(
      `${namespace}/${jobId}`,
      this.deploymentsByJob.list(`${namespace}/${jobId}`),
    );
    return deployments.toSorted((a, b) => a.createIndex - b.createIndex);
  }

  activeDeployments(): DeploymentState[] {
    return [...this.activeDeploymentIds].map((id) => this.deployment(id)!).filter(Boolean);
  }

  evaluation(id: string): EvaluationState | undefined {
    return this.state<EvaluationState>(`evaluation/${id}`);
  }

  /** Evaluations of a job that are not terminal. */
  openEvaluationsOfJob(namespace: string, jobId: string): readonly EvaluationState[] {
    return this.evaluationsByJob.list(`${namespace}/${jobId}`);
  }

  openEvaluations(): EvaluationState[] {
    return this.evaluationsByJob.all();
  }

  blockedEvaluations(): EvaluationState[] {
    return [...this.blocked.values()];
  }

  /** The newest state of the cluster that an evaluation of the job has looked at; spec/lifecycle §6.3. */
  latestEvaluationIndex(namespace: string, jobId: string): Index {
    return this.latestEvaluations.get(`${namespace}/${jobId}`) ?? 0;
  }

  node(id: string): NodeState | undefined {
    return this.nodesById.get(id);
  }

  nodes(): readonly NodeState[] {
    return (this.nodeList ??= [...this.nodesById.values()].sort((a, b) => (a.id < b.id ? -1 : 1)));
  }

  liveAllocationsOnNode(nodeId: string): readonly AllocationState[] {
    const planned = this.inFlight.list(nodeId);
    const live = this.allocationsBy.node.list(nodeId);
    return planned.length === 0 ? live : [...live, ...planned];
  }

  usedOnNode(nodeId: string): Usage {
    return this.used.get(nodeId) ?? NOTHING_USED;
  }

  /** Allocations of a plan that is being committed hold their room until the returned function is called. */
  reserve(allocations: readonly AllocationState[]): () => void {
    for (const alloc of allocations) {
      this.inFlight.add(alloc.nodeId, alloc.id, alloc);
      this.use(alloc, 1);
    }
    return () => {
      for (const alloc of allocations) this.unreserve(alloc);
    };
  }

  /** A planned allocation is there, or will not come. */
  private unreserve({ nodeId, id }: AllocationState): void {
    const planned = this.inFlight.get(nodeId, id);
    if (planned === undefined) return;
    this.inFlight.remove(nodeId, id);
    this.use(planned, -1);
  }

  private use({ nodeId, allocatedResources }: AllocationState, sign: 1 | -1): void {
    const sum = this.used.get(nodeId) ?? NOTHING_USED;
    const { cpu, memory, disk, cores } = usageOf(allocatedResources);
    const now = {
      cpu: sum.cpu + sign * cpu,
      memory: sum.memory + sign * memory,
      disk: sum.disk + sign * disk,
      cores: sum.cores + sign * cores,
    };
    if (now.cpu === 0 && now.memory === 0 && now.disk === 0 && now.cores === 0) this.used.delete(nodeId);
    else this.used.set(nodeId, now);
  }

  private state<S extends AggregateState>(stream: StreamName): S | undefined {
    return this.held.get(stream)?.state as S | undefined;
  }

  private replace(stream: StreamName, version: number, after: AggregateState | undefined): void {
    const before = this.held.get(stream)?.state;
    const type = streamType(stream);
    let kept = after;
    if (type === 'allocation')
      kept = this.indexAllocation(before as AllocationState | undefined, after as AllocationState | undefined);
    else if (type === 'deployment') kept = this.indexDeployment(after as DeploymentState | undefined);
    else if (type === 'evaluation') kept = this.indexEvaluation(after as EvaluationState | undefined);
    else if (type === 'job') kept = this.indexJob(stream, after as JobState | undefined);
    else if (type === 'job-purge') kept = this.indexPurge(after as JobPurgeState | undefined);
    else if (type === 'node') kept = this.indexNode(after as NodeState | undefined);
    // Many, large, and no reactor's business.
    else if (type === 'job-summary' || type === 'variable' || type === 'services') return;
    if (kept === undefined) this.held.delete(stream);
    else this.held.set(stream, { version, state: kept });
  }

  private indexJob(stream: StreamName, after: JobState | undefined): JobState | undefined {
    const job = streamKey(stream);
    const kept = after === undefined || after.purged ? undefined : after;
    if (kept === undefined) this.jobStreams.delete(stream);
    else this.jobStreams.add(stream);
    for (const version of kept?.versions ?? []) this.restoreVersion(version);
    this.forgetVersions(job, kept?.versions ?? []);
    this.forgetIfGone(job);
    return kept;
  }

  /** Versions that are no longer retained go when nothing runs them, at the latest with the job's next change. */
  private forgetVersions(job: string, retained: readonly JobVersion[]): void {
    const known = this.versions.list(job);
    if (known.length === retained.length) return;
    const needed = new Set(retained.map(({ createIndex, version }) => versionOfJob(createIndex, version)));
    for (const one of [...this.allocationsBy.job.list(job), ...this.deploymentsByJob.list(job)])
      needed.add(versionOfJob(one.jobCreateIndex, one.jobVersion));
    for (const { createIndex, version } of known) {
      const key = versionOfJob(createIndex, version);
      if (!needed.has(key)) this.versions.remove(job, key);
    }
  }

  /** Nothing is remembered of a job that has gone with all that it had: the ids of launched and dispatched ones never come back. */
  private forgetIfGone(job: string): void {
    if (this.jobStreams.has(`job/${job}`) || this.evaluationsByJob.has(job)) return;
    if (this.allocationsBy.job.has(job) || this.deploymentsByJob.has(job)) return;
    this.versions.removeAll(job);
    this.essence.forget(job);
    this.latestEvaluations.delete(job);
  }

  private indexAllocation(
    before: AllocationState | undefined,
    after: AllocationState | undefined,
  ): AllocationState | undefined {
    const known = after ?? before;
    if (known === undefined) return undefined;
    const { id } = known;
    if (before !== undefined && before.deploymentId !== after?.deploymentId)
      this.allocationsBy.deployment.remove(before.deploymentId, id);
    const keeps = after !== undefined && !after.purged && !isOver(after);
    const kept = keeps ? this.essence.of(after, before) : undefined;
    const job = `${known.namespace}/${known.jobId}`;
    set(this.allocationsBy.job, job, id, kept);
    set(this.allocationsBy.deployment, known.deploymentId, id, known.deploymentId === '' ? undefined : kept);
    this.unreserve(known);
    const lived = this.allocationsBy.node.get(known.nodeId, id);
    const lives = kept !== undefined && !isClientTerminal(kept) ? kept : undefined;
    set(this.allocationsBy.node, known.nodeId, id, lives);
    if (lived?.allocatedResources !== lives?.allocatedResources) {
      if (lived !== undefined) this.use(lived, -1);
      if (lives !== undefined) this.use(lives, 1);
    }
    if (kept === undefined) this.forgetIfGone(job);
    return kept;
  }

  private indexDeployment(after: DeploymentState | undefined): DeploymentState | undefined {
    if (after === undefined) return undefined;
    const active = !after.purged && !['failed', 'successful', 'cancelled'].includes(after.status);
    if (active) this.activeDeploymentIds.add(after.id);
    else this.activeDeploymentIds.delete(after.id);
    const job = `${after.namespace}/${after.jobId}`;
    set(this.deploymentsByJob, job, after.id, after.purged ? undefined : after);
    if (after.purged) this.forgetIfGone(job);
    return after.purged ? undefined : after;
  }

  private indexEvaluation(after: EvaluationState | undefined): EvaluationState | undefined {
    if (after === undefined) return undefined;
    const job = `${after.namespace}/${after.jobId}`;
    const seen = after.snapshotIndex || after.createIndex;
    if (after.status !== 'canceled' && seen > (this.latestEvaluations.get(job) ?? 0))
      this.latestEvaluations.set(job, seen);
    const open = !isEvaluationTerminal(after);
    set(this.evaluationsByJob, job, after.id, open ? after : undefined);
    if (after.status === 'blocked') this.blocked.set(after.id, after);
    else this.blocked.delete(after.id);
    if (!open) this.forgetIfGone(job);
    return open ? after : undefined;
  }

  private indexPurge(after: JobPurgeState | undefined): JobPurgeState | undefined {
    if (after === undefined) return undefined;
    const job = `${after.namespace}/${after.jobId}`;
    if (after.isOver) this.purges.delete(job);
    else this.purges.set(job, after);
    return after.isOver ? undefined : after;
  }

  private indexNode(after: NodeState | undefined): NodeState | undefined {
    if (after === undefined) return undefined;
    this.nodeList &&= withNode(this.nodeList, after);
    if (after.purged) this.nodesById.delete(after.id);
    else this.nodesById.set(after.id, after);
    return after.purged ? undefined : after;
  }
}

/** Over for server and client alike: no decision about a service looks at it any more. Batch jobs count what has completed. */
export const isOver = (alloc: AllocationState): boolean =>
  alloc.jobType !== 'batch' && alloc.jobType !== 'sysbatch' && isServerTerminal(alloc) && isClientTerminal(alloc);

/** The list with the node as it is now: another one, so that those who have made something of the former can tell. */
function withNode(nodes: readonly NodeState[], node: NodeState): readonly NodeState[] {
  let [at, end] = [0, nodes.length];
  while (at < end) {
    const middle = (at + end) >>> 1;
    if (nodes[middle]!.id < node.id) at = middle + 1;
    else end = middle;
  }
  return nodes.toSpliced(at, nodes[at]?.id === node.id ? 1 : 0, ...(node.purged ? [] : [node]));
}

const versionOfJob = (createIndex: Index, version: number): string => `${createIndex}/${version}`;

function set<V>(index: Index2<V>, group: string, id: string, value: V | undefined): void {
  if (value === undefined) index.remove(group, id);
  else index.add(group, id, value);
}

/** Objects by group and id. Lists are made once per change. */
class Index2<V> {
  private readonly groups = new Map<string, { members: Map<string, V>; list: readonly V[] | undefined }>();

  add(group: string, id: string, value: V): void {
    let entry = this.groups.get(group);
    if (entry === undefined) this.groups.set(group, (entry = { members: new Map(), list: undefined }));
    entry.members.set(id, value);
    entry.list = undefined;
  }

  remove(group: string, id: string): void {
    const entry = this.groups.get(group);
    if (entry === undefined || !entry.members.delete(id)) return;
    entry.list = undefined;
    if (entry.members.size === 0) this.groups.delete(group);
  }

  clear(): void {
    this.groups.clear();
  }

  removeAll(group: string): void {
    this.groups.delete(group);
  }

  has(group: string): boolean {
    return this.groups.has(group);
  }

  get(group: string, id: string): V | undefined {
    return this.groups.get(group)?.members.get(id);
  }

  list(group: string): readonly V[] {
    const entry = this.groups.get(group);
    if (entry === undefined) return [];
    return (entry.list ??= [...entry.members.values()]);
  }

  all(): V[] {
    return [...this.everyOne()];
  }

  *everyOne(): Generator<V> {
    for (const { members } of this.groups.values()) yield* members.values();
  }
}
