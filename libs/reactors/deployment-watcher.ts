import {
  failWatchedDeployment,
  isActive,
  isClientTerminal,
  progressDeployment,
  promoteDeployment,
  type AllocationState,
  type DeploymentState,
} from '@app/domain';
import { allocationStream, assertNever, streamType, US_PER_MS, type TimeUs } from '@app/kernel';
import type { Movement } from './cluster-state.js';
import { judgeDeployment, lateGroups, nextDeadline, type DeploymentVerdict } from './deployment-rules.js';
import { issue, type Reactor, type ReactorContext } from './reactor.js';

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
        const alloc = after as AllocationState | undefined;
        if (!alloc?.deploymentId) continue;
        this.lookSoon(alloc.deploymentId, COALESCE_MS);
        // The end of a canary may set a deadline where a promotion was all that was waited for.
        if (alloc.deploymentStatus?.canary && isClientTerminal(alloc)) deadlinesMoved = true;
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

  private async look(id: string): Promise<void> {
    const { cluster, now } = this.context;
    const deployment = cluster.deployment(id);
    if (deployment !== undefined) await this.carryOut(id, judgeDeployment(cluster, deployment, now()));
  }

  private async carryOut(id: string, verdict: DeploymentVerdict): Promise<void> {
    switch (verdict.kind) {
      case 'nothing':
        return;
      case 'fail':
        return this.fail(id, 'unhealthy', verdict.rollback);
      case 'promote': {
        const command = { deploymentId: id, all: true, groups: [], automatic: true };
        const outcome = await issue(
          this.context,
          'PromoteDeployment',
          (view, context) => promoteDeployment(view, context, command),
          id,
        );
        return outcome.kind === 'accepted' ? undefined : this.carryOut(id, verdict.otherwise);
      }
      case 'progress': {
        const command = { deploymentId: id, replace: verdict.replace };
        await issue(
          this.context,
          'ProgressDeployment',
          (view, context) => progressDeployment(view, context, command),
          id,
          verdict.replace.map(allocationStream),
        );
        return;
      }
    }
    return assertNever(verdict);
  }

  private async fail(deploymentId: string, cause: 'unhealthy' | 'deadline', rollback: boolean): Promise<void> {
    const command = { deploymentId, cause, rollback };
    await issue(
      this.context,
      'FailDeployment',
      (view, context) => failWatchedDeployment(view, context, command),
      deploymentId,
    );
  }

  /** A deadline that could not be acted on fires again. */
  private async failLate(deploymentId: string, rollback: boolean): Promise<void> {
    try {
      await this.fail(deploymentId, 'deadline', rollback);
    } catch (error) {
      this.passed.delete(deploymentId);
      if (this.running) this.arming ??= setTimeout(() => this.armDeadline(), RETRY_MS);
      throw error;
    }
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

  private deadlineOf(deployment: DeploymentState): TimeUs {
    return nextDeadline(this.context.cluster, deployment, this.passed.get(deployment.id) ?? 0);
  }

  private onDeadline(): void {
    const { cluster, now: clock } = this.context;
    const now = clock();
    for (const deployment of cluster.activeDeployments()) {
      const due = this.deadlineOf(deployment);
      if (due === 0 || due > now) continue;
      this.passed.set(deployment.id, due);
      const late = lateGroups(cluster, deployment, now);
      if (late.length > 0)
        this.track(
          this.failLate(
            deployment.id,
            late.some((group) => group.autoRevert),
          ),
          deployment.id,
        );
    }
    this.armDeadline();
  }
}
