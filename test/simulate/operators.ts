import {
  currentVersion,
  deregisterJob,
  drainNode,
  failDeployment,
  heartbeatNode,
  missHeartbeat,
  pauseDeployment,
  promoteDeployment,
  registerJob,
  setEligibility,
  stopAllocation,
  type JobSpec,
  type NodeState,
} from '@app/domain';
import { jobsOnNode } from '@app/reactors';
import { changed, service } from '../../libs/scheduling/testing/specs.js';
import { QUALITY_META, type Clients, type Quality } from './clients.js';
import type { MemoryLog } from './memory-log.js';
import type { Random } from './random.js';
import type { VirtualTimers } from './virtual-timers.js';

const NS_PER_S = 1e9;
/** A node that is not heard of is marked down after this long; it is back after that long. */
const SILENCE_MS = [20_000, 50_000] as const;
const ABSENCE_MS = [10_000, 600_000] as const;
const DRAIN_DEADLINE_S = 120;

/** People, and what happens to machines: every so often one of them does something. */
export class Operators {
  private quality = 0;
  private stopped = false;
  private readonly actions: readonly (readonly [weight: number, act: () => void])[] = [
    [6, () => this.changeJob()],
    [3, () => this.scaleJob()],
    [1, () => this.stopJob()],
    [2, () => this.startJob()],
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
    for (const job of this.log.cluster.jobs()) {
      const current = currentVersion(job)!;
      if (current.spec.Stop) continue;
      // A rollout that failed stays where it is until somebody registers something better.
      const newest = this.log.cluster.deploymentsOfJob(job.namespace, job.id).at(-1);
      const failed = newest?.jobVersion === current.version && newest.status === 'failed';
      if (failed || current.spec.Meta?.[QUALITY_META] !== 'good') this.register(this.anew(current.spec, 'good'));
    }
    this.tidyUp();
  }

  /** What waits for an operator gets one. */
  tidyUp(): void {
    for (const deployment of this.log.cluster.activeDeployments()) {
      if (deployment.status === 'paused')
        this.log.execute('PauseDeployment', (view, context) =>
          pauseDeployment(view, context, { deploymentId: deployment.id, pause: false }),
        );
      this.log.execute('PromoteDeployment', (view, context) =>
        promoteDeployment(view, context, { deploymentId: deployment.id, all: true, groups: [] }),
      );
    }
  }

  /** A job of its own kind of rollout. */
  newJob(id: string, count: number): void {
    const { random } = this;
    const canary = random.pick([0, 0, 1, 2, Math.ceil(count / 10)])!;
    const spec = service(
      {
        Count: count,
        Update: {
          Stagger: 30 * NS_PER_S,
          MaxParallel: random.between(1, Math.max(1, Math.ceil(count / 4))),
          HealthCheck: 'task_states',
          MinHealthyTime: random.between(1, 20) * NS_PER_S,
          HealthyDeadline: 120 * NS_PER_S,
          ProgressDeadline: random.pick([180, 300, 600])! * NS_PER_S,
          AutoRevert: random.chance(0.5),
          AutoPromote: canary > 0 && random.chance(0.4),
          Canary: canary,
        },
        Migrate: {
          MaxParallel: Math.max(1, Math.ceil(count / 10)),
          HealthCheck: 'task_states',
          MinHealthyTime: 10 * NS_PER_S,
          HealthyDeadline: 300 * NS_PER_S,
        },
      },
      { ID: id, Name: id, Meta: { [QUALITY_META]: 'good' } },
    );
    this.register({
      ...spec,
      TaskGroups: spec.TaskGroups.map((group) => ({ ...group, Tasks: group.Tasks.map(small) })),
    });
  }

  private act(): void {
    let left = this.random.next() * this.actions.reduce((sum, [weight]) => sum + weight, 0);
    for (const [weight, act] of this.actions) {
      left -= weight;
      if (left <= 0) return act();
    }
  }

  private register(spec: JobSpec): void {
    const outcome = this.log.execute('RegisterJob', (view, context) =>
      registerJob(view, context, { spec, enforceIndex: null, evalPriority: 0 }),
    );
    if (outcome.kind !== 'accepted') throw new Error(`a job was not registered: ${JSON.stringify(outcome)}`);
  }

  private anew(spec: JobSpec, quality: Quality): JobSpec {
    return { ...changed(spec, String(++this.quality)), Stop: false, Meta: { ...spec.Meta, [QUALITY_META]: quality } };
  }

  private someJob(isStopped: boolean): JobSpec | undefined {
    return this.random.pick(
      this.log.cluster
        .jobs()
        .map((job) => currentVersion(job)!.spec)
        .filter((spec) => spec.Stop === isStopped),
    );
  }

  private changeJob(): void {
    const spec = this.someJob(false);
    if (spec !== undefined)
      this.register(this.anew(spec, this.random.pick<Quality>(['good', 'good', 'good', 'flaky', 'broken'])!));
  }

  private scaleJob(): void {
    const spec = this.someJob(false);
    if (spec === undefined) return;
    const factor = 0.5 + this.random.next() * 0.7;
    this.register({
      ...spec,
      TaskGroups: spec.TaskGroups.map((group) => ({ ...group, Count: Math.max(1, Math.round(group.Count * factor)) })),
    });
  }

  private stopJob(): void {
    const spec = this.someJob(false);
    if (spec === undefined) return;
    const command = {
      namespace: spec.Namespace,
      jobId: spec.ID,
      purge: false,
      evalPriority: 0,
      noShutdownDelay: false,
      allocationIds: [],
      deploymentIds: [],
      evaluationIds: [],
    };
    this.log.execute('DeregisterJob', (view, context) => deregisterJob(view, context, command));
  }

  private startJob(): void {
    const spec = this.someJob(true);
    if (spec !== undefined) this.register(this.anew(spec, 'good'));
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
    const spec = this.someJob(false);
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
        stopAllocation(view, context, { allocationId, noShutdownDelay: false, reschedule: false }),
      );
    }
  }

  private cutOffNode(): void {
    const node = this.random.pick(this.log.cluster.nodes());
    if (node === undefined || this.clients.isOffline(node.id)) return;
    this.clients.cutOff(node.id);
    const absent = this.random.between(...ABSENCE_MS);
    const silent = this.random.between(...SILENCE_MS);
    this.timers.after(silent, () => {
      if (!this.clients.isOffline(node.id)) return;
      const affected = jobsOnNode(this.log.cluster, this.log.cluster.node(node.id)!);
      this.log.execute('MissHeartbeat', (view, context) =>
        missHeartbeat(view, context, { nodeId: node.id, status: 'down', affected }),
      );
    });
    this.timers.after(absent, () => {
      if (this.clients.isOffline(node.id)) this.comeBack(node.id);
    });
  }

  private comeBack(nodeId: string): void {
    this.clients.reconnect(nodeId);
    const affected = jobsOnNode(this.log.cluster, this.log.cluster.node(nodeId)!);
    this.log.execute('HeartbeatNode', (view, context) =>
      heartbeatNode(view, context, { nodeId, affected, hasLiveAllocations: true }),
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

const small = (task: JobSpec['TaskGroups'][number]['Tasks'][number]): typeof task => ({
  ...task,
  Resources: { ...task.Resources, CPU: 10, MemoryMB: 10 },
});
