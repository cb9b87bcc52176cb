import {
  failWatchedDeployment,
  isActive,
  isEligibleSimply,
  isTerminal,
  progressDeployment,
  promoteDeployment,
  type AllocationState,
  type DeploymentGroup,
  type DeploymentState,
} from '@app/domain';
import { streamType, US_PER_MS, type TimeUs } from '@app/kernel';
import type { Movement } from './cluster-state.js';
import type { Reactor, ReactorContext } from './reactor.js';

/** Health reports come in bursts: one look for all of them. Nomad waits a second. */
const COALESCE_MS = 100;
const RETRY_MS = 1000;
const MAX_SLEEP_MS = 60_000;

/** Follows every active deployment: promotes, replaces, fails and reverts by itself where the job asks for it. spec/lifecycle §6. */
export class DeploymentWatcher implements Reactor {
  private readonly looks = new Map<string, NodeJS.Timeout>();
  private readonly work = new Set<Promise<void>>();
  /** Deadlines that fired without failing the deployment: they do so again only when they have moved. */
  private readonly passed = new Map<string, TimeUs>();
  private deadlineTimer: NodeJS.Timeout | undefined;
  private arming: NodeJS.Timeout | undefined;
  private running = false;

  constructor(private readonly context: ReactorContext) {}

  start(): void {
    this.running = true;
    for (const deployment of this.context.cluster.activeDeployments()) this.lookSoon(deployment.id, COALESCE_MS);
    this.armDeadline();
  }

  async stop(): Promise<void> {
    this.running = false;
    clearTimeout(this.arming);
    clearTimeout(this.deadlineTimer);
    for (const timer of this.looks.values()) clearTimeout(timer);
    this.looks.clear();
    await Promise.allSettled(this.work);
  }

  react(movements: readonly Movement[]): void {
    if (!this.running) return;
    let deadlinesMoved = false;
    for (const { stream, after } of movements) {
      const type = streamType(stream);
      if (type === 'allocation') {
        const { deploymentId } = (after ?? {}) as Partial<AllocationState>;
        if (deploymentId) this.lookSoon(deploymentId, COALESCE_MS);
      } else if (type === 'deployment') {
        deadlinesMoved = true;
        const deployment = after as DeploymentState;
        if (isActive(deployment)) this.lookSoon(deployment.id, COALESCE_MS);
        else this.passed.delete(deployment.id);
      }
    }
    // Deadlines are minutes away: one look at all of them for a burst of changes.
    if (deadlinesMoved) this.arming ??= setTimeout(() => this.armDeadline(), COALESCE_MS);
  }

  private lookSoon(id: string, ms: number): void {
    if (this.looks.has(id)) return;
    const timer = setTimeout(() => {
      this.looks.delete(id);
      this.track(this.look(id), id);
    }, ms);
    this.looks.set(id, timer);
  }

  private track(promise: Promise<void>, id: string): void {
    const tracked: Promise<void> = promise
      .catch((error: unknown) => {
        this.context.onError(error);
        if (this.running) this.lookSoon(id, RETRY_MS);
      })
      .finally(() => this.work.delete(tracked));
    this.work.add(tracked);
  }

  /** spec/lifecycle §6.3. */
  private async look(id: string): Promise<void> {
    const { cluster, now } = this.context;
    const deployment = cluster.deployment(id);
    if (deployment === undefined || !isActive(deployment)) return;
    const latest = cluster.latestEvaluationIndex(deployment.namespace, deployment.jobId);
    const replace: string[] = [];
    let needsEvaluation = false;
    let failing: { rollback: boolean } | undefined;
    for (const alloc of cluster.allocationsOfDeployment(id)) {
      const group = deployment.groups[alloc.taskGroup];
      const health = alloc.deploymentStatus;
      if (group === undefined || health === null) continue;
      if (health.healthy === false) {
        if (this.failsEarly(deployment, group, alloc, now())) failing = { rollback: (failing?.rollback ?? false) || group.autoRevert };
        else if (!alloc.desiredTransition.Reschedule) replace.push(alloc.id);
      } else if (health.healthy === true && health.modifyIndex > latest) needsEvaluation = true;
    }
    if (failing !== undefined) return this.fail(id, 'unhealthy', failing.rollback);
    if (this.promotesItself(deployment)) {
      const command = { deploymentId: id, all: true, groups: [], automatic: true };
      const outcome = await this.context.execute('PromoteDeployment', (view, context) => promoteDeployment(view, context, command), id);
      if (outcome.kind === 'accepted') return;
    }
    if (!needsEvaluation && replace.length === 0) return;
    await this.context.execute('ProgressDeployment', (view, context) => progressDeployment(view, context, { deploymentId: id, replace }), id);
  }

  private failsEarly(deployment: DeploymentState, group: DeploymentGroup, alloc: AllocationState, now: TimeUs): boolean {
    if (group.progressDeadline === 0) return true;
    const { namespace, jobId, jobCreateIndex, jobVersion } = deployment;
    const version = this.context.cluster.jobVersion(namespace, jobId, jobCreateIndex, jobVersion);
    const policy = version?.spec.TaskGroups.find((one) => one.Name === alloc.taskGroup)?.ReschedulePolicy ?? null;
    return !alloc.desiredTransition.Reschedule && !isEligibleSimply(alloc, policy, now);
  }

  /** spec/lifecycle §6.4; as many healthy canaries as are wanted, or more. */
  private promotesItself(deployment: DeploymentState): boolean {
    const wanted = Object.values(deployment.groups).filter((group) => group.desiredCanaries > 0);
    if (!wanted.some((group) => !group.promoted) || !wanted.every((group) => group.autoPromote)) return false;
    if (!wanted.some((group) => group.placedCanaries.length > 0)) return false;
    return wanted.every((group) => {
      const healthy = group.placedCanaries
        .map((id) => this.context.cluster.allocation(id))
        .filter((alloc) => alloc !== undefined && !isTerminal(alloc) && alloc.deploymentStatus?.healthy === true);
      return healthy.length >= group.desiredCanaries;
    });
  }

  private async fail(deploymentId: string, cause: 'unhealthy' | 'deadline', rollback: boolean): Promise<void> {
    const command = { deploymentId, cause, rollback };
    await this.context.execute('FailDeployment', (view, context) => failWatchedDeployment(view, context, command), deploymentId);
  }

  /** One timer for the earliest deadline of all. */
  private armDeadline(): void {
    clearTimeout(this.arming);
    this.arming = undefined;
    clearTimeout(this.deadlineTimer);
    if (!this.running) return;
    const due = this.context.cluster
      .activeDeployments()
      .map((deployment) => this.deadlineOf(deployment))
      .filter((time) => time > 0);
    if (due.length === 0) return;
    const ms = Math.ceil((Math.min(...due) - this.context.now()) / US_PER_MS);
    this.deadlineTimer = setTimeout(() => this.onDeadline(), Math.min(Math.max(ms, 1), MAX_SLEEP_MS));
  }

  /** The earliest deadline of the groups that are not done; 0: none, or the deployment is paused. */
  private deadlineOf(deployment: DeploymentState): TimeUs {
    if (deployment.status === 'paused') return 0;
    const passed = this.passed.get(deployment.id) ?? 0;
    const due = Object.entries(deployment.groups)
      .filter(([name, group]) => group.requireProgressBy > passed && !this.isDone(deployment, name, group))
      .map(([, group]) => group.requireProgressBy);
    return due.length === 0 ? 0 : Math.min(...due);
  }

  private isDone(deployment: DeploymentState, name: string, group: DeploymentGroup): boolean {
    if (group.desiredCanaries > 0 && !group.promoted) return false;
    const healthy = this.context.cluster
      .allocationsOfDeployment(deployment.id)
      .filter((alloc) => alloc.taskGroup === name && !isTerminal(alloc) && alloc.deploymentStatus?.healthy === true);
    return healthy.length >= group.desiredTotal;
  }

  /** spec/lifecycle §6.2, "On fire". */
  private onDeadline(): void {
    const now = this.context.now();
    for (const deployment of this.context.cluster.activeDeployments()) {
      const due = this.deadlineOf(deployment);
      if (due === 0 || due > now) continue;
      this.passed.set(deployment.id, due);
      const late = Object.values(deployment.groups).filter((group) => !hasProgressed(group));
      if (late.length > 0) this.track(this.fail(deployment.id, 'deadline', late.some((group) => group.autoRevert)), deployment.id);
    }
    this.armDeadline();
  }
}

/** Enough healthy allocations for where the group is: canaries that wait for their promotion never time out. */
const hasProgressed = (group: DeploymentGroup): boolean =>
  group.desiredCanaries > 0 && !group.promoted && group.healthyAllocs >= group.desiredCanaries
    ? true
    : group.healthyAllocs >= group.desiredTotal;
