import {
  activeKey,
  cancelEvaluations,
  currentVersion,
  evolveAllocation,
  failEvaluation,
  fingerprintOf,
  isClientTerminal,
  isEvaluationTerminal,
  isReady,
  newEvaluation,
  offersServices,
  submitPlan,
  unblockEvaluations,
  type AllocationState,
  type EvaluationOutcome,
  type EvaluationState,
  type EvaluationTrigger,
  type NewEvaluation,
  type NodeState,
  type Plan,
  type PlanBasis,
} from '@app/domain';
import { isStoreOutage, StoreUnavailable, type Outcome } from '@app/event-store';
import {
  allocationStream,
  type CommandContext,
  type Decision,
  deploymentStream,
  type DurationNs,
  evaluationStream,
  type Index,
  jobStream,
  jobSummaryStream,
  nodeStream,
  servicesStream,
  type StateView,
  type StreamName,
  streamType,
  US_PER_MS,
  ownProperty,
} from '@app/kernel';
import { schedule, type SchedulingResult } from '@app/scheduling';
import type { ClusterState, Movement } from './cluster-state.js';
import { EvaluationQueue, OVERTAKEN } from './evaluation-queue.js';
import { issue, type Reactor, type ReactorContext } from './reactor.js';

export interface SchedulerOptions {
  /** What allocations name as their signing key before there is one. */
  readonly signingKeyId: string;
  /** Nanoseconds on a clock that only goes forward. */
  readonly elapsed: () => DurationNs;
  readonly metrics?: SchedulerMetrics;
}

/** Where the scheduler reports what an operator should look at. */
export interface SchedulerMetrics {
  /** A pass over an evaluation threw; it is tried again, or given up. */
  passThrew(): void;
  /** An evaluation was ended as failed because its passes throw. */
  evaluationFailed(): void;
}

/** A pass over an evaluation threw by itself: not for want of the store, a turn or an answer. */
class PassFailed extends Error {
  override readonly name = 'PassFailed';
  constructor(id: string, cause: unknown) {
    super(`a pass over evaluation ${id} threw: ${cause instanceof Error ? cause.message : String(cause)}`, { cause });
  }
}

/** Evaluations under way at once: enough to fill the batches of the group commit. */
const MAX_IN_FLIGHT = 64;
/** Nomad: maxServiceScheduleAttempts; batch jobs have fewer, for no reason that matters here. */
const MAX_ATTEMPTS = 5;
const RETRY_MS = 500;
/** Passes over one evaluation that may throw before it is ended as failed; the pause between them doubles. */
const MAX_FAILURES = 5;
const FIRST_PAUSE_MS = 1_000;
/** Passes are computed for so long before others have a turn on the event loop: requests, and the renewal of the lease. */
const SLICE_NS = 10_000_000;
/** Characters of an error that the description of an evaluation keeps. */
const MAX_REASON = 256;
/** How often what was given up is tried again, room or no room. */
const RETRY_GIVEN_UP_MS = 60_000;
const GIVEN_UP: EvaluationTrigger = 'max-plan-attempts';
/** Evaluations that one command cancels or unblocks: few enough to keep the commits of others small. */
const PER_COMMAND = 500;
/** Longest sleep until the next delayed evaluation is looked for. */
const MAX_SLEEP_MS = 60_000;

/**
 * Works off pending evaluations: one pass of the pure scheduler each, and its result as one command. Room that a plan takes is reserved in
 * the view until the commit is applied here, so passes for different jobs may overlap. spec/lifecycle §2.3–2.5.
 */
export class Scheduler implements Reactor {
  private readonly queue = new EvaluationQueue();
  private readonly inFlight = new Set<Promise<void>>();
  /** When there last was more room than before. */
  private readonly roomInClass = new Map<string, Index>();
  private readonly roomOnNode = new Map<string, Index>();
  /** Where there is more room than when blocked evaluations were last looked at. */
  private readonly freed = { classes: new Set<string>(), nodes: new Set<string>() };
  private readonly toCancel: { id: string; statusDescription: string }[] = [];
  private readonly toUnblock = new Set<string>();
  private flush: Promise<void> | undefined;
  private timer: NodeJS.Timeout | undefined;
  private retries: NodeJS.Timeout | undefined;
  private running = false;
  /** How often passes over an evaluation have thrown. */
  private readonly failures = new Map<string, number>();
  private readonly pauses = new Set<NodeJS.Timeout>();
  private turn: NodeJS.Immediate | undefined;

  constructor(
    private readonly context: ReactorContext,
    private readonly options: SchedulerOptions,
  ) {}

  start(): void {
    this.running = true;
    const now = this.context.now();
    for (const evaluation of this.context.cluster.openEvaluations()) {
      if (evaluation.status === 'pending') this.queue.add(evaluation, now);
      else this.toUnblock.add(evaluation.id);
    }
    this.retries = setInterval(() => this.retryGivenUp(), RETRY_GIVEN_UP_MS);
    this.flushSoon();
    this.pump();
  }

  async stop(): Promise<void> {
    this.running = false;
    clearTimeout(this.timer);
    clearInterval(this.retries);
    clearImmediate(this.turn);
    for (const pause of this.pauses) clearTimeout(pause);
    this.pauses.clear();
    this.failures.clear();
    await Promise.allSettled([...this.inFlight, this.flush]);
    this.queue.clear();
  }

  react(movements: readonly Movement[]): void {
    if (!this.running) return;
    for (const { stream, before, after } of movements) {
      const type = streamType(stream);
      if (type === 'evaluation') this.onEvaluation(after as EvaluationState);
      else if (type === 'allocation')
        this.onAllocation(before as AllocationState | undefined, after as AllocationState | undefined);
      else if (type === 'scheduler-configuration') this.onConfiguration();
      else if (type === 'node') this.onNode(before as NodeState | undefined, after as NodeState | undefined);
    }
    this.pump();
  }

  /** It may allow what it did not. Whoever was paused goes on. */
  private onConfiguration(): void {
    for (const { id } of this.context.cluster.blockedEvaluations()) this.unblock(id);
    this.flushSoon();
  }

  /** An operator has paused the broker: what waits goes on waiting, what is under way is finished. */
  private isPaused(): boolean {
    return this.context.cluster.configuration.pauseBroker ?? false;
  }

  private onEvaluation(evaluation: EvaluationState): void {
    if (evaluation.status === 'pending') this.queue.add(evaluation, this.context.now());
    else {
      this.failures.delete(evaluation.id);
      for (const { id } of this.queue.done(evaluation)) this.cancel(id, OVERTAKEN);
      if (evaluation.status === 'blocked') this.onBlocked(evaluation);
    }
  }

  /** One blocked evaluation a job (and node, where it waits for one): the newer stays. What became free since it was decided lets it go at once. */
  private onBlocked(evaluation: EvaluationState): void {
    const { namespace, jobId, id } = evaluation;
    for (const other of this.context.cluster.openEvaluationsOfJob(namespace, jobId)) {
      if (other.status !== 'blocked' || other.id === id || other.nodeId !== evaluation.nodeId) continue;
      const older = other.createIndex < evaluation.createIndex ? other : evaluation;
      this.cancel(older.id, `existing blocked evaluation exists for job ${JSON.stringify(jobId)}`);
    }
    if (this.hasRoomSince(evaluation)) this.unblock(id);
  }

  private hasRoomSince(evaluation: EvaluationState): boolean {
    const { nodeId, snapshotIndex } = evaluation;
    if (nodeId !== '') return (this.roomOnNode.get(nodeId) ?? 0) > snapshotIndex;
    return [...this.roomInClass].some(
      ([computedClass, index]) => index > snapshotIndex && waitsFor(evaluation, computedClass),
    );
  }

  private onAllocation(before: AllocationState | undefined, after: AllocationState | undefined): void {
    if (before === undefined || isClientTerminal(before)) return;
    if (after !== undefined && !after.purged && !isClientTerminal(after)) return;
    // Whether the node takes allocations now does not matter: Nomad lets the evaluation see for itself.
    const node = this.context.cluster.node(before.nodeId);
    if (node !== undefined) this.roomIn(node);
  }

  private onNode(before: NodeState | undefined, after: NodeState | undefined): void {
    if (after?.purged) this.roomOnNode.delete(after.id);
    if (after === undefined || !isReady(after)) return;
    if (before === undefined || !isReady(before) || before.description !== after.description) this.roomIn(after);
  }

  private roomIn(node: NodeState): void {
    const { index } = this.context.cluster;
    this.roomInClass.set(node.computedClass, index);
    this.roomOnNode.set(node.id, index);
    this.freed.classes.add(node.computedClass);
    this.freed.nodes.add(node.id);
    this.flushSoon();
  }

  /** There may be thousands that wait: one look at them for all that has become free. */
  private unblockForRoom({ classes, nodes }: Scheduler['freed']): void {
    if (nodes.size === 0) return;
    const freed = [...classes];
    for (const evaluation of this.context.cluster.blockedEvaluations()) {
      const { id, nodeId } = evaluation;
      if (nodeId === '' ? freed.some((computedClass) => waitsFor(evaluation, computedClass)) : nodes.has(nodeId))
        this.toUnblock.add(id);
    }
    classes.clear();
    nodes.clear();
  }

  private retryGivenUp(): void {
    for (const { id, triggeredBy } of this.context.cluster.blockedEvaluations())
      if (triggeredBy === GIVEN_UP) this.unblock(id);
  }

  private cancel(id: string, statusDescription: string): void {
    this.toCancel.push({ id, statusDescription });
    this.flushSoon();
  }

  private unblock(id: string): void {
    this.toUnblock.add(id);
    this.flushSoon();
  }

  /** Cancellations and unblockings go together, one command after the other. */
  private flushSoon(): void {
    if (this.flush !== undefined || !this.running || this.isPaused()) return;
    if (this.toCancel.length + this.toUnblock.size + this.freed.nodes.size === 0) return;
    this.flush = this.flushNow().finally(() => {
      this.flush = undefined;
      this.flushSoon();
    });
  }

  private async flushNow(): Promise<void> {
    await Promise.resolve();
    this.unblockForRoom(this.freed);
    const cancel = this.toCancel.splice(0, PER_COMMAND);
    const ids = [...this.toUnblock].slice(0, PER_COMMAND);
    for (const id of ids) this.toUnblock.delete(id);
    const { index } = this.context.cluster;
    try {
      await this.change(
        'CancelEvaluations',
        cancel.map(({ id }) => id),
        (view, context) => cancelEvaluations(view, context, { cancel }),
      );
      await this.change('UnblockEvaluations', ids, (view, context) =>
        unblockEvaluations(view, context, { ids, snapshotIndex: index }),
      );
    } catch (error) {
      this.context.onError(error);
      await delay(RETRY_MS);
      this.toCancel.push(...cancel);
      for (const id of ids) this.toUnblock.add(id);
    }
  }

  private async change(
    name: string,
    ids: readonly string[],
    decide: (view: StateView, context: CommandContext) => Decision,
  ): Promise<void> {
    if (ids.length > 0) await issue(this.context, name, decide, undefined, ids.map(evaluationStream));
  }

  private pump(): void {
    if (!this.running || this.isPaused()) return;
    this.queue.release(this.context.now());
    const began = this.options.elapsed();
    while (this.inFlight.size < MAX_IN_FLIGHT) {
      if (this.options.elapsed() - began > SLICE_NS) {
        this.turn ??= setImmediate(() => {
          this.turn = undefined;
          this.pump();
        });
        break;
      }
      const evaluation = this.queue.take();
      if (evaluation === undefined) break;
      const work: Promise<void> = this.work(evaluation).finally(() => {
        this.inFlight.delete(work);
        this.pump();
      });
      this.inFlight.add(work);
    }
    this.sleepUntilNextDue();
  }

  private sleepUntilNextDue(): void {
    clearTimeout(this.timer);
    const due = this.queue.nextDue();
    if (due === undefined || !this.running) return;
    const ms = Math.ceil((due - this.context.now()) / US_PER_MS);
    this.timer = setTimeout(() => this.pump(), Math.min(Math.max(ms, 1), MAX_SLEEP_MS));
  }

  private async work(evaluation: EvaluationState): Promise<void> {
    try {
      for (let attempt = 1; attempt <= MAX_ATTEMPTS; attempt++) {
        if (!this.running || (await this.pass(evaluation.id))) return;
      }
      await this.giveUp(evaluation);
    } catch (error) {
      this.context.onError(error);
      if (!(error instanceof PassFailed)) return this.tryAgainIn(RETRY_MS, evaluation);
      this.options.metrics?.passThrew();
      const failures = (this.failures.get(evaluation.id) ?? 0) + 1;
      this.failures.set(evaluation.id, failures);
      if (failures < MAX_FAILURES) return this.tryAgainIn(FIRST_PAUSE_MS * 2 ** (failures - 1), evaluation);
      await this.fail(evaluation, error);
    }
  }

  /** Nobody waits for it meanwhile: its place among those under way is free. */
  private tryAgainIn(ms: number, evaluation: EvaluationState): void {
    if (!this.running) return;
    const pause = setTimeout(() => {
      this.pauses.delete(pause);
      this.queue.putBack(evaluation);
      this.pump();
    }, ms);
    this.pauses.add(pause);
  }

  /** What throws at every pass would throw for ever: it ends, and says why. */
  private async fail(evaluation: EvaluationState, { message }: PassFailed): Promise<void> {
    const command = {
      id: evaluation.id,
      statusDescription: `scheduling failed ${MAX_FAILURES} times: ${message.slice(0, MAX_REASON)}`,
      followup: null,
      snapshotIndex: this.context.cluster.index,
    };
    try {
      await issue(
        this.context,
        'FailEvaluation',
        (view, context) => failEvaluation(view, context, command),
        evaluation.id,
      );
      this.options.metrics?.evaluationFailed();
    } catch (error) {
      this.context.onError(error);
      this.failures.set(evaluation.id, MAX_FAILURES - 1);
      this.tryAgainIn(RETRY_MS, evaluation);
    }
  }

  /** One pass over an evaluation. False: what it was decided on had moved, look again. */
  private async pass(id: string): Promise<boolean> {
    const evaluation = this.context.cluster.evaluation(id);
    if (evaluation === undefined || isEvaluationTerminal(evaluation)) return true;
    const { result, release } = this.think(evaluation);
    try {
      const outcome = await this.submit(evaluation, result).catch((error: unknown) => {
        throw error instanceof StoreUnavailable || isStoreOutage(error) ? error : new PassFailed(id, error);
      });
      if (outcome.kind === 'rejected') {
        if (outcome.rejection.code === 'evaluation-is-terminal') return true;
        // Another instance was faster: looking again before its commit is here would find the same.
        await this.context.caughtUp();
        return false;
      }
      if (outcome.kind === 'accepted') await this.context.reached(outcome.index);
      else if (outcome.kind !== 'fenced')
        throw new Error(`the plan for evaluation ${id} was not taken: ${outcome.kind}`);
      return true;
    } finally {
      release();
    }
  }

  /** The pure part of a pass, with the room that its plan takes held. @throws PassFailed */
  private think(evaluation: EvaluationState): { readonly result: SchedulingResult; readonly release: () => void } {
    const { cluster, now, newId } = this.context;
    try {
      const result = schedule({ evaluation, cluster, now: now(), newId, elapsed: this.options.elapsed });
      return { result, release: cluster.reserve(result.plan === null ? [] : this.reservations(result.plan)) };
    } catch (error) {
      throw new PassFailed(evaluation.id, error);
    }
  }

  private async submit(evaluation: EvaluationState, { plan, outcome }: SchedulingResult): Promise<Outcome<undefined>> {
    const { cluster } = this.context;
    const { id, namespace, jobId } = evaluation;
    const open = cluster.openEvaluationsOfJob(namespace, jobId).filter((other) => other.id !== id);
    const waiting = open.filter((other) => other.status === 'blocked');
    const superseded = waiting.filter((other) => isSuperseded(other, evaluation, outcome));
    const nodes = new Set(waiting.map(({ nodeId }) => nodeId).filter((nodeId) => nodeId !== ''));
    const command = {
      evaluationId: id,
      namespace,
      jobId,
      plan,
      // A node is waited for once.
      outcome: { ...outcome, blocked: outcome.blocked.filter(({ nodeId }) => !nodes.has(nodeId)) },
      basis: this.basis(namespace, jobId),
      supersededEvals: superseded.map((other) => other.id),
      otherOpenEvaluations: open.length > superseded.length,
      signingKeyId: activeKey(cluster.keyring)?.id ?? this.options.signingKeyId,
    };
    return this.context.execute(
      'SubmitPlan',
      (view, context) => submitPlan(view, context, command),
      id,
      streamsOf(evaluation, plan, cluster),
    );
  }

  private basis(namespace: string, jobId: string): PlanBasis {
    const { cluster } = this.context;
    const newest = cluster.deploymentsOfJob(namespace, jobId).at(-1);
    return {
      jobModifyIndex: currentVersion(cluster.job(namespace, jobId))?.jobModifyIndex ?? 0,
      deployment: newest === undefined ? null : { id: newest.id, fingerprint: fingerprintOf(newest) },
    };
  }

  private reservations(plan: Plan): AllocationState[] {
    const fact = { index: this.context.cluster.index, time: this.context.now() };
    return plan.placements.map((placement) => {
      const data = {
        ...placement,
        namespace: plan.namespace,
        evalId: plan.evalId,
        jobId: plan.jobId,
        jobType: 'service',
        signingKeyId: '',
      };
      return evolveAllocation(undefined, { type: 'AllocationPlaced', data }, fact)!;
    });
  }

  /** Services and batch jobs are tried again later; a system job at its next evaluation. spec/lifecycle §2.4. */
  private async giveUp(evaluation: EvaluationState): Promise<void> {
    const { id, type } = evaluation;
    const statusDescription = `maximum attempts reached (${MAX_ATTEMPTS})`;
    const command = {
      id,
      statusDescription,
      followup: type === 'service' || type === 'batch' ? this.retryOf(evaluation) : null,
      snapshotIndex: this.context.cluster.index,
    };
    await issue(this.context, 'FailEvaluation', (view, context) => failEvaluation(view, context, command), id);
  }

  private retryOf({ namespace, jobId, priority, type, id }: EvaluationState): NewEvaluation {
    return newEvaluation({
      id: this.context.newId(),
      namespace,
      jobId,
      priority,
      type,
      triggeredBy: GIVEN_UP,
      status: 'blocked',
      statusDescription: 'created due to placement conflicts',
      previousEval: id,
      escapedComputedClass: true,
    });
  }
}

/** Whether a pass has shown that there is nothing to wait for any more: everything was placed, or this node does not lack room. */
function isSuperseded({ nodeId }: EvaluationState, evaluation: EvaluationState, outcome: EvaluationOutcome): boolean {
  if (outcome.status === 'failed') return false;
  const stillWaits = outcome.status === 'blocked' && evaluation.nodeId === nodeId;
  if (nodeId !== '') return !stillWaits && !outcome.blocked.some((blocked) => blocked.nodeId === nodeId);
  return outcome.status === 'complete' && Object.keys(outcome.failedGroups ?? {}).length === 0;
}

/** Whether room on nodes of this class may help a blocked evaluation; spec/lifecycle §2.5. */
export const waitsFor = (evaluation: EvaluationState, computedClass: string): boolean =>
  evaluation.escapedComputedClass || ownProperty(evaluation.classEligibility, computedClass) !== false;

const delay = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));

/** Every stream that committing a plan touches, to be loaded together: one by one they would cost a round trip and a new decision each. */
function streamsOf({ id, namespace, jobId }: EvaluationState, plan: Plan | null, cluster: ClusterState): StreamName[] {
  const streams: StreamName[] = [evaluationStream(id), jobStream(namespace, jobId), jobSummaryStream(namespace, jobId)];
  if (plan === null) return streams;
  const deployments = [
    plan.deployment?.id,
    ...plan.placements.map((placement) => placement.deploymentId),
    ...plan.deploymentUpdates.map((update) => update.deploymentId),
  ];
  const allocations = [
    ...plan.placements.flatMap((placement) => [placement.id, placement.previousAllocation]),
    ...plan.stops.map((stop) => stop.allocationId),
    ...plan.updates.map((update) => update.allocationId),
  ];
  // What a plan says is lost has ended, and takes its registrations along.
  const offers = cluster.job(namespace, jobId)?.versions.some(({ spec }) => offersServices(spec)) ?? false;
  const lostWithServices = offers ? plan.stops.flatMap((stop) => (stop.clientStatus ? stop.allocationId : [])) : [];
  const preempted = plan.placements.flatMap(({ preemptedAllocations = [] }) => preemptedAllocations);
  const losers = preempted.flatMap((victim) => cluster.allocation(victim) ?? []);
  streams.push(
    ...losers.flatMap((alloc) => [
      allocationStream(alloc.id),
      jobStream(alloc.namespace, alloc.jobId),
      jobSummaryStream(alloc.namespace, alloc.jobId),
    ]),
    ...present(deployments).map(deploymentStream),
    ...present(allocations).map(allocationStream),
    ...present(plan.placements.map((placement) => placement.nodeId)).map(nodeStream),
    ...plan.followups.map((followup) => evaluationStream(followup.id)),
    ...plan.needlessEvals.map(evaluationStream),
    ...lostWithServices.map(servicesStream),
  );
  return streams;
}

const present = (ids: readonly (string | undefined)[]): string[] =>
  [...new Set(ids)].filter((one) => one !== undefined && one !== '') as string[];
