import {
  currentVersion,
  hasUpdate,
  isActive,
  isReady,
  isTerminal,
  type AllocationState,
  type DeploymentState,
  type GroupSummary,
  type JobSpec,
  type JobState,
  type JobSummaryState,
  type NodeState,
  type TaskGroup,
} from '@app/domain';
import {
  allocationStream,
  jobSummaryStream,
  nodeStream,
  streamKey,
  streamType,
  US_PER_S,
  type StreamName,
  type TimeUs,
} from '@app/kernel';
import { lateGroups } from '@app/reactors';
import { usageOf } from '@app/scheduling';
import { Census, groupKey, nameKey } from './census.js';
import type { MemoryLog, SimulatedCommit } from './memory-log.js';

const UPDATING = 'alloc is being updated due to job update';
/** How late a deadline may be noticed: the watcher gathers changes before it looks. */
const SLACK_US = 5 * US_PER_S;

/** Something that must never be was. */
export class Violation extends Error {}

/** The streams of the allocations that a commit places. */
export const placementsOf = (commit: SimulatedCommit): ReadonlySet<StreamName> =>
  new Set(commit.events.filter(({ event }) => event.type === 'AllocationPlaced').map(({ stream }) => stream));

const countKey = (namespace: string, job: string, version: number, group: string): string =>
  JSON.stringify([namespace, job, version, group]);

/** Judges every commit by what it changed, and now and then the whole. */
export class Invariants {
  private readonly census = new Census();
  /** What batch jobs have completed: of a version, under a name (on a node, where there is one on each). */
  private readonly completed = new Set<string>();
  /** How many allocations each group of each version of a job wants; a trial may outlive the retention of the version that it leaves alone. */
  private readonly counts = new Map<string, number>();

  constructor(private readonly log: MemoryLog) {}

  /** What holds after every commit. @throws Violation */
  check(commit: SimulatedCommit): void {
    this.census.follow(commit);
    const placed: AllocationState[] = [];
    const updated = new Set<string>();
    const created = placementsOf(commit);
    for (const { stream, before, after } of commit.movements) {
      const type = streamType(stream);
      if (type === 'deployment') staysEnded(before as DeploymentState | undefined, after as DeploymentState);
      if (type === 'job-summary') neverNegative(after as JobSummaryState);
      if (type === 'job') this.noteCounts(after as JobState);
      if (type !== 'allocation') continue;
      const alloc = after as AllocationState;
      // What is over is forgotten by the cluster: a last word about it looks like something new, but is not.
      if (created.has(stream)) placed.push(alloc);
      else if (
        (before as AllocationState | undefined)?.desiredStatus === 'run' &&
        alloc.desiredDescription === UPDATING
      )
        updated.add(alloc.id);
      this.noteCompletion(before as AllocationState | undefined, alloc);
    }
    if (placed.length > 0) this.checkPlacements(commit, placed, updated);
  }

  private checkPlacements(
    commit: SimulatedCommit,
    placed: readonly AllocationState[],
    updated: ReadonlySet<string>,
  ): void {
    const { namespace, jobId } = placed[0]!;
    const current = currentVersion(this.log.cluster.job(namespace, jobId));
    if (current === undefined || current.spec.Stop)
      throw new Violation(`an allocation of ${jobId} was placed, which is stopped`);
    for (const nodeId of new Set(placed.map((alloc) => alloc.nodeId))) {
      if (!isReady(this.log.read<NodeState>(nodeStream(nodeId))!))
        throw new Violation(`an allocation of ${jobId} was placed on ${nodeId}, which takes none`);
      hasRoom(this.log, nodeId);
    }
    const onEachNode = current.spec.Type === 'system' || current.spec.Type === 'sysbatch';
    for (const alloc of placed) {
      if (this.completed.has(workOf(alloc)))
        throw new Violation(`${alloc.name} of version ${alloc.jobVersion} has completed and runs again`);
      if (onEachNode && this.census.of(groupKey(alloc)).nodes.of(alloc.nodeId) > 1)
        throw new Violation(`${alloc.name} runs twice on ${alloc.nodeId}`);
      if (!onEachNode && this.census.of(groupKey(alloc)).names.of(nameKey(alloc)) > 1)
        throw new Violation(`two live allocations are called ${alloc.name} in version ${alloc.jobVersion}`);
    }
    if (onEachNode) return;
    for (const group of current.spec.TaskGroups) {
      const mine = placed.filter((alloc) => alloc.taskGroup === group.Name);
      if (mine.length === 0) continue;
      const { live } = this.census.of(groupKey(mine[0]!));
      const canaries = group.Update?.Canary ?? 0;
      if (live > group.Count + canaries && live > this.mostOf(commit, current.spec, group) + canaries)
        throw new Violation(`${jobId} runs ${live} allocations of ${group.Count} and ${canaries} canaries`);
      if (hasUpdate(group.Update)) this.keepsPace(commit, group, mine, updated);
    }
  }

  private noteCounts({ namespace, id, versions }: JobState): void {
    const newest = versions[0];
    for (const { Name, Count } of newest?.spec.TaskGroups ?? [])
      this.counts.set(countKey(namespace, id, newest!.version, Name), Count);
  }

  /** A trial brings a lower count about with its promotion only: as many as ran of older versions before the commit may go on. */
  private mostOf({ movements }: SimulatedCommit, { Namespace, ID }: JobSpec, group: TaskGroup): number {
    if ((group.Update?.Canary ?? 0) === 0) return group.Count;
    const before = movements
      .filter(({ stream }) => streamType(stream) === 'allocation')
      .map((movement) => movement.before as AllocationState | undefined)
      .filter((alloc) => alloc !== undefined && alloc.namespace === Namespace && alloc.jobId === ID)
      .map((alloc) => alloc!);
    const running = [...this.log.cluster.allocationsOfJob(Namespace, ID), ...before]
      .filter((alloc) => alloc.taskGroup === group.Name && !isTerminal(alloc))
      .map(({ jobVersion }) => jobVersion);
    const retained = this.log.cluster.job(Namespace, ID)?.versions.map(({ version }) => version) ?? [];
    const counts = [...new Set([...running, ...retained])].map(
      (version) => this.counts.get(countKey(Namespace, ID, version, group.Name)) ?? 0,
    );
    return Math.max(group.Count, ...counts);
  }

  /** Never more than max_parallel at once are replaced or not known to be healthy. */
  private keepsPace(
    { events, movements }: SimulatedCommit,
    group: TaskGroup,
    placed: readonly AllocationState[],
    updated: ReadonlySet<string>,
  ): void {
    const replacements = placed.filter((alloc) => updated.has(alloc.previousAllocation));
    if (replacements.length === 0) return;
    const { deploymentId, jobId } = replacements[0]!;
    // What counts is what the pass saw: what it places or updates in place is not healthy only from now on.
    const joined = new Set(
      events.filter(({ event }) => event.type === 'AllocationUpdatedInPlace').map(({ stream }) => streamKey(stream)),
    );
    const isNew = (alloc: AllocationState): boolean =>
      alloc.deploymentId === deploymentId && alloc.taskGroup === group.Name && !isTerminal(alloc);
    const fresh = movements.filter(
      ({ stream, after }) => joined.has(streamKey(stream)) && isNew(after as AllocationState),
    );
    const open =
      this.census.of(groupKey(replacements[0]!)).unproven.of(deploymentId) -
      placed.filter(isNew).length -
      fresh.filter(({ after }) => (after as AllocationState).deploymentStatus?.healthy !== true).length;
    if (replacements.length + open > group.Update!.MaxParallel)
      throw new Violation(
        `${jobId} replaces ${replacements.length} while ${open} are not healthy yet: more than max_parallel ${group.Update!.MaxParallel}`,
      );
  }

  /** Whoever stops work that has been done, and asks for it to be rescheduled, wants it done again (spec/lifecycle §5.3). */
  private noteCompletion(before: AllocationState | undefined, after: AllocationState): void {
    if (after.jobType !== 'batch' && after.jobType !== 'sysbatch') return;
    if (after.desiredTransition.Reschedule) this.completed.delete(workOf(after));
    else if (after.clientStatus === 'complete' && before?.clientStatus !== 'complete' && after.desiredStatus === 'run')
      this.completed.add(workOf(after));
  }

  /** Counters are what there is to count, for the jobs that have moved, and no deadline has passed unnoticed. @throws Violation */
  checkMoved(now: TimeUs): void {
    const { cluster } = this.log;
    for (const key of this.census.moved) {
      const slash = key.indexOf('/');
      const job = cluster.job(key.slice(0, slash), key.slice(slash + 1));
      if (job !== undefined) checkSummary(this.log, job);
    }
    this.census.moved.clear();
    for (const deployment of cluster.activeDeployments()) {
      // A group that made its deadline stays on time, whatever becomes of its allocations while other groups go on.
      const late = lateGroups(cluster, deployment, now - SLACK_US).filter(
        (group) => group.requireProgressBy <= now - SLACK_US,
      );
      if (late.length > 0) throw new Violation(`deployment ${deployment.id} runs on past its deadline`);
    }
  }

  /** Everything, counted anew. @throws Violation */
  checkAll(now: TimeUs): void {
    const { cluster } = this.log;
    const recount = new Census();
    for (const job of cluster.jobs()) checkSummary(this.log, job);
    for (const node of cluster.nodes()) {
      hasRoom(this.log, node.id);
      // What another plan has reserved is not there yet.
      for (const alloc of cluster.liveAllocationsOnNode(node.id))
        if (this.log.read(allocationStream(alloc.id)) !== undefined) recount.count(alloc, 1);
    }
    const differences = this.census.differences(recount);
    if (differences.length > 0) throw new Violation(`the indexes do not agree with what happened: ${differences[0]}`);
    this.checkMoved(now);
  }
}

/** The piece of work that an allocation of a batch job does; jobs of other kinds have no such thing. */
const workOf = (alloc: AllocationState): string =>
  alloc.jobType === 'sysbatch' ? `${groupKey(alloc)} ${alloc.nodeId} ${alloc.jobModifyIndex}` : nameKey(alloc);

function staysEnded(before: DeploymentState | undefined, after: DeploymentState): void {
  if (before === undefined || isActive(before) || after.status === before.status) return;
  throw new Violation(`deployment ${after.id} was ${before.status} and is ${after.status} now`);
}

function neverNegative({ jobId, groups, liveAllocations, activeDeployments }: JobSummaryState): void {
  const counts = [
    liveAllocations,
    activeDeployments,
    ...Object.values(groups).flatMap((group) => Object.values(group) as number[]),
  ];
  if (counts.some((count) => count < 0)) throw new Violation(`the summary of ${jobId} counts below zero`);
}

function hasRoom(log: MemoryLog, nodeId: string): void {
  const { Cpu, Memory } = log.read<NodeState>(nodeStream(nodeId))!.description.NodeResources;
  const most = log.cluster.usedOnNode(nodeId);
  if (most.cpu <= Cpu.CpuShares && most.memory <= Memory.MemoryMB) return;
  let [cpu, memory] = [0, 0];
  for (const alloc of log.cluster.liveAllocationsOnNode(nodeId)) {
    // What another plan has reserved is not there yet, and what makes way for it is still.
    if (isTerminal(alloc) || log.read(allocationStream(alloc.id)) === undefined) continue;
    const usage = usageOf(alloc.allocatedResources);
    cpu += usage.cpu;
    memory += usage.memory;
  }
  if (cpu > Cpu.CpuShares || memory > Memory.MemoryMB)
    throw new Violation(`node ${nodeId} is overcommitted: ${cpu} MHz, ${memory} MB`);
}

const BINS = { pending: 'starting', running: 'running', unknown: 'unknown' } as const satisfies Partial<
  Record<AllocationState['clientStatus'], keyof GroupSummary>
>;

function checkSummary(log: MemoryLog, job: JobState): void {
  const summary = log.read<JobSummaryState>(jobSummaryStream(job.namespace, job.id));
  if (summary === undefined || summary.purged) return;
  const allocs = log.cluster.allocationsOfJob(job.namespace, job.id);
  const counted: Record<string, number> = {};
  let live = 0;
  for (const alloc of allocs) {
    if (!isTerminal(alloc)) live++;
    const bin = BINS[alloc.clientStatus as keyof typeof BINS];
    if (bin !== undefined && alloc.jobCreateIndex === summary.jobCreateIndex)
      counted[`${alloc.taskGroup} ${bin}`] = (counted[`${alloc.taskGroup} ${bin}`] ?? 0) + 1;
  }
  const active = log.cluster.deploymentsOfJob(job.namespace, job.id).filter(isActive).length;
  if (live !== summary.liveAllocations)
    throw new Violation(`${job.id} has ${live} live allocations, its summary says ${summary.liveAllocations}`);
  if (active !== summary.activeDeployments)
    throw new Violation(`${job.id} has ${active} active deployments, its summary says ${summary.activeDeployments}`);
  for (const [name, group] of Object.entries(summary.groups)) {
    for (const bin of Object.values(BINS)) {
      const actual = counted[`${name} ${bin}`] ?? 0;
      if (group[bin] !== actual)
        throw new Violation(`${job.id} has ${actual} ${bin} allocations, its summary says ${group[bin]}`);
    }
  }
}
