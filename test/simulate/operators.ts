import {
  currentVersion,
  deregisterJob,
  dispatchJob,
  drainNode,
  failDeployment,
  heartbeatNode,
  isTemplate,
  missHeartbeat,
  pauseDeployment,
  promoteDeployment,
  registerJob,
  revertJob,
  setEligibility,
  stopAllocation,
  type JobSpec,
  type NodeState,
} from '@app/domain';
import { jobsOnNode, mayReconnect } from '@app/reactors';
import type { TimeUs } from '@app/kernel';
import { QUALITY_META, type Clients, type Quality } from './clients.js';
import { anew, scaled } from './jobs.js';
import type { MemoryLog } from './memory-log.js';
import type { Random } from './random.js';
import type { VirtualTimers } from './virtual-timers.js';

const NS_PER_S = 1e9;
/** A node that is not heard of is marked down after this long; it is back after that long. */
const SILENCE_MS = [20_000, 50_000] as const;
const ABSENCE_MS = [10_000, 600_000] as const;
const HEARTBEAT_MS = 10_000;
const DRAIN_DEADLINE_S = 120;

/** People, and what happens to machines: every so often one of them does something. */
export class Operators {
  private versions = 0;
  /** What each job was last registered as: purged ones may come back. */
  private readonly registered = new Map<string, JobSpec>();
  private stopped = false;
  private calmSince: TimeUs = 0;
  private readonly actions: readonly (readonly [weight: number, act: () => void])[] = [
    [6, () => this.changeJob()],
    [3, () => this.scaleJob()],
    [1, () => this.stopJob(false)],
    [0.3, () => this.stopJob(true)],
    [2, () => this.startJob()],
    [1, () => this.revert()],
    [1, () => this.dispatch()],
    [2, () => this.pause()],
    [3, () => this.resume()],
    [3, () => this.promote()],
    [1, () => this.fail()],
    [4, () => this.crashSome()],
    [2, () => this.stopSome()],
    [2, () => this.cutOffNode()],
    [1, () => this.drain()],
    [1, () => this.toggleEligibility()],
  ];

  constructor(
    private readonly log: MemoryLog,
    private readonly timers: VirtualTimers,
    private readonly random: Random,
    private readonly clients: Clients,
    private readonly everyMs: number,
    private readonly now: () => TimeUs,
  ) {}

  start(): void {
    const again = (): void => {
      if (this.stopped) return;
      this.act();
      this.timers.after(this.random.between(1, 2 * this.everyMs), again);
    };
    this.timers.after(this.everyMs, again);
  }

  /** From here on nothing fails and nobody changes their mind. */
  calmDown(): void {
    this.stopped = true;
    for (const node of this.log.cluster.nodes()) {
      if (this.clients.isOffline(node.id)) this.comeBack(node.id);
      if (node.drain !== null) this.setDrain(node, false);
      if (node.eligibility === 'ineligible') this.setEligible(node, true);
    }
    for (const { Namespace, ID } of [...this.registered.values()]) {
      const current = currentVersion(this.log.cluster.job(Namespace, ID));
      if (current === undefined || current.spec.Stop) continue;
      if (isTemplate(current.spec)) this.stop(current.spec, false);
      else if (current.spec.Meta?.[QUALITY_META] !== 'good') this.register(this.anew(current.spec, 'good'));
    }
    this.calmSince = this.now();
    this.tidyUp();
  }

  /**
   * A rollout that failed stays where it is until somebody registers something better. One that began in the calm has no reason to fail: it is
   * left for the rules of rest to complain about.
   */
  private mendRollouts(): void {
    for (const { Namespace, ID } of [...this.registered.values()]) {
      const current = currentVersion(this.log.cluster.job(Namespace, ID));
      if (current === undefined || current.spec.Stop) continue;
      const newest = this.log.cluster.deploymentsOfJob(Namespace, ID).at(-1);
      const failed = newest?.jobVersion === current.version && newest.status === 'failed';
      if (failed && newest.createTime < this.calmSince) this.register(this.anew(current.spec, 'good'));
    }
  }

  /** What waits for an operator gets one. */
  tidyUp(): void {
    this.mendRollouts();
    for (const deployment of this.log.cluster.activeDeployments()) {
      if (deployment.status === 'paused')
        this.log.execute('PauseDeployment', (view, context) =>
          pauseDeployment(view, context, { deploymentId: deployment.id, pause: false }),
        );
      if (Object.values(deployment.groups).some((group) => group.desiredCanaries > 0 && !group.promoted))
        this.log.execute('PromoteDeployment', (view, context) =>
          promoteDeployment(view, context, { deploymentId: deployment.id, all: true, groups: [] }),
        );
    }
  }

  private act(): void {
    let left = this.random.next() * this.actions.reduce((sum, [weight]) => sum + weight, 0);
    for (const [weight, act] of this.actions) {
      left -= weight;
      if (left <= 0) return act();
    }
  }

  register(spec: JobSpec): void {
    this.registered.set(spec.ID, spec);
    const outcome = this.log.execute('RegisterJob', (view, context) =>
      registerJob(view, context, { spec, enforceIndex: null, evalPriority: 0 }),
    );
    if (outcome.kind !== 'accepted') throw new Error(`a job was not registered: ${JSON.stringify(outcome)}`);
  }

  private anew(spec: JobSpec, quality: Quality): JobSpec {
    return anew(spec, String(++this.versions), quality);
  }

  /** A job that runs, or is ready to; none that another one has launched. */
  private someJob(suits: (spec: JobSpec) => boolean = () => true): JobSpec | undefined {
    const known = [...this.registered.values()].map(({ Namespace, ID }) =>
      currentVersion(this.log.cluster.job(Namespace, ID)),
    );
    return this.random.pick(
      known.filter((one) => one !== undefined && !one.spec.Stop && suits(one.spec)).map((one) => one!.spec),
    );
  }

  private changeJob(): void {
    const spec = this.someJob();
    if (spec !== undefined)
      this.register(this.anew(spec, this.random.pick<Quality>(['good', 'good', 'good', 'flaky', 'broken'])!));
  }

  private scaleJob(): void {
    const spec = this.someJob(({ Type }) => Type === 'service' || Type === 'batch');
    if (spec !== undefined) this.register(scaled(spec, 0.5 + this.random.next() * 0.7));
  }

  private stopJob(purge: boolean): void {
    const spec = this.someJob();
    if (spec !== undefined) this.stop(spec, purge);
  }

  private stop({ Namespace: namespace, ID: jobId }: JobSpec, purge: boolean): void {
    const { cluster } = this.log;
    const ids = (some: readonly { readonly id: string }[]): string[] => (purge ? some.map(({ id }) => id) : []);
    const command = {
      namespace,
      jobId,
      purge,
      evalPriority: 0,
      noShutdownDelay: false,
      allocationIds: ids(cluster.allocationsOfJob(namespace, jobId)),
      deploymentIds: ids(cluster.deploymentsOfJob(namespace, jobId)),
      evaluationIds: ids(cluster.openEvaluationsOfJob(namespace, jobId)),
    };
    this.log.execute('DeregisterJob', (view, context) => deregisterJob(view, context, command));
  }

  private startJob(): void {
    const stopped = [...this.registered.values()].filter(
      ({ Namespace, ID }) => currentVersion(this.log.cluster.job(Namespace, ID))?.spec.Stop ?? true,
    );
    const spec = this.random.pick(stopped);
    if (spec !== undefined) this.register(this.anew(spec, 'good'));
  }

  private revert(): void {
    const spec = this.someJob();
    if (spec === undefined) return;
    const { Namespace: namespace, ID: jobId } = spec;
    const former = this.log.cluster.job(namespace, jobId)!.versions.filter((version) => !version.spec.Stop);
    const toVersion = this.random.pick(former)!.version;
    this.log.execute('RevertJob', (view, context) =>
      revertJob(view, context, { namespace, jobId, toVersion, enforcePriorVersion: null }),
    );
  }

  private dispatch(): void {
    const spec = this.someJob((one) => one.ParameterizedJob !== null);
    if (spec === undefined) return;
    const command = {
      namespace: spec.Namespace,
      jobId: spec.ID,
      payload: null,
      meta: {},
      idPrefixTemplate: '',
      priority: 0,
      idempotencyToken: '',
    };
    this.log.execute('DispatchJob', (view, context) => dispatchJob(view, context, command));
  }

  private onSomeDeployment(act: (deploymentId: string) => void, status: string): void {
    const deployment = this.random.pick(this.log.cluster.activeDeployments().filter((one) => one.status === status));
    if (deployment !== undefined) act(deployment.id);
  }

  private pause(): void {
    this.onSomeDeployment(
      (deploymentId) =>
        this.log.execute('PauseDeployment', (view, context) =>
          pauseDeployment(view, context, { deploymentId, pause: true }),
        ),
      'running',
    );
  }

  private resume(): void {
    this.onSomeDeployment(
      (deploymentId) =>
        this.log.execute('PauseDeployment', (view, context) =>
          pauseDeployment(view, context, { deploymentId, pause: false }),
        ),
      'paused',
    );
  }

  private promote(): void {
    this.onSomeDeployment(
      (deploymentId) =>
        this.log.execute('PromoteDeployment', (view, context) =>
          promoteDeployment(view, context, { deploymentId, all: true, groups: [] }),
        ),
      'running',
    );
  }

  private fail(): void {
    const skipsCanaries = this.random.chance(0.5);
    this.onSomeDeployment(
      (deploymentId) =>
        this.log.execute('FailDeployment', (view, context) =>
          failDeployment(view, context, { deploymentId, skipsCanaries }),
        ),
      'running',
    );
  }

  private someAllocations(most: number): string[] {
    const spec = this.someJob();
    if (spec === undefined) return [];
    const allocs = this.log.cluster
      .allocationsOfJob(spec.Namespace, spec.ID)
      .filter((alloc) => alloc.desiredStatus === 'run');
    return Array.from({ length: this.random.between(1, most) }, () => this.random.pick(allocs)?.id).filter(
      (id) => id !== undefined,
    );
  }

  private crashSome(): void {
    for (const id of this.someAllocations(5)) this.clients.crash(id);
  }

  private stopSome(): void {
    for (const allocationId of this.someAllocations(3)) {
      this.log.execute('StopAllocation', (view, context) =>
        stopAllocation(view, context, { allocationId, noShutdownDelay: false, reschedule: this.random.chance(0.3) }),
      );
    }
  }

  private cutOffNode(): void {
    const node = this.random.pick(this.log.cluster.nodes());
    if (node === undefined || this.clients.isOffline(node.id)) return;
    this.clients.cutOff(node.id);
    this.timers.after(this.random.between(...SILENCE_MS), () => this.miss(node.id));
    this.timers.after(this.random.between(...ABSENCE_MS), () => this.comeBack(node.id));
  }

  /** As the heartbeat watcher does: disconnected for as long as something on it may come back, then down. */
  private miss(nodeId: string): void {
    const { cluster } = this.log;
    const node = cluster.node(nodeId)!;
    if (!this.clients.isOffline(nodeId) || node.status === 'down') return;
    const status = mayReconnect(cluster, node, this.now()) ? 'disconnected' : 'down';
    const affected = jobsOnNode(cluster, node);
    this.log.execute('MissHeartbeat', (view, context) => missHeartbeat(view, context, { nodeId, status, affected }));
    this.timers.after(HEARTBEAT_MS, () => this.miss(nodeId));
  }

  /** One that was given up for disconnected has to tell of its allocations before it is ready. */
  private comeBack(nodeId: string): void {
    if (!this.clients.isOffline(nodeId)) return;
    this.heartbeat(nodeId);
    this.clients.reconnect(nodeId);
    this.timers.after(HEARTBEAT_MS, () => {
      if (!this.clients.isOffline(nodeId)) this.heartbeat(nodeId);
    });
  }

  private heartbeat(nodeId: string): void {
    const affected = jobsOnNode(this.log.cluster, this.log.cluster.node(nodeId)!);
    const hasLiveAllocations = this.log.cluster.liveAllocationsOnNode(nodeId).length > 0;
    this.log.execute('HeartbeatNode', (view, context) =>
      heartbeatNode(view, context, { nodeId, affected, hasLiveAllocations }),
    );
  }

  private drain(): void {
    const node = this.random.pick(this.log.cluster.nodes());
    if (node === undefined) return;
    this.setDrain(node, node.drain === null);
    this.timers.after((DRAIN_DEADLINE_S + 60) * 1000, () => {
      const later = this.log.cluster.node(node.id)!;
      if (later.drain === null && later.eligibility === 'ineligible') this.setEligible(later, true);
    });
  }

  private setDrain(node: NodeState, on: boolean): void {
    const affected = jobsOnNode(this.log.cluster, node);
    const deadline = this.random.pick([-1, 0, DRAIN_DEADLINE_S])! * NS_PER_S;
    const command = {
      nodeId: node.id,
      spec: on ? { deadline, ignoreSystemJobs: false } : null,
      markEligible: !on,
      meta: null,
      accessorId: '',
      affected,
    };
    this.log.execute('DrainNode', (view, context) => drainNode(view, context, command));
  }

  private toggleEligibility(): void {
    const node = this.random.pick(this.log.cluster.nodes());
    if (node !== undefined && node.drain === null) this.setEligible(node, node.eligibility === 'ineligible');
  }

  private setEligible(node: NodeState, isEligible: boolean): void {
    const command = {
      nodeId: node.id,
      eligibility: isEligible ? 'eligible' : 'ineligible',
      affected: jobsOnNode(this.log.cluster, node),
    } as const;
    this.log.execute('SetNodeEligibility', (view, context) => setEligibility(view, context, command));
  }
}
