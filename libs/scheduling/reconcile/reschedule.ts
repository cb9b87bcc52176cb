import type { AllocationState, ReschedulePolicy, RescheduleEvent, RescheduleTracker } from '@app/domain';
import { isClientTerminal, isServerTerminal, isTerminal } from '@app/domain';
import type { DurationNs, TimeUs } from '@app/kernel';
import { US_PER_S, usFromNs, usFromRfc3339 } from '@app/kernel';

/** A replacement due within this is made at once. */
const NOW_WINDOW_US = US_PER_S;
/** How many former events an unlimited policy carries on. */
const CARRIED_EVENTS = 5;

export const NO_PLACEMENT = 'no placement';

/** When an allocation failed: the latest end of a task, else its last change. Source: spec/lifecycle §5.1. */
export function failTime(alloc: AllocationState): TimeUs {
  let latest = 0;
  for (const task of Object.values(alloc.taskStates ?? {})) latest = Math.max(latest, usFromRfc3339(task.FinishedAt));
  return latest === 0 ? alloc.modifyTime : latest;
}

/** How long to wait after a failure at `failedAt` before trying again. Source: spec/lifecycle §5.1. */
export function rescheduleDelay(
  policy: ReschedulePolicy,
  tracker: RescheduleTracker | null,
  failedAt: TimeUs,
): DurationNs {
  const last = tracker?.events.at(-1);
  if (last === undefined || policy.DelayFunction === 'constant') return policy.Delay;
  const delay = policy.DelayFunction === 'fibonacci' ? fibonacci(policy, tracker?.events ?? []) : last.delay * 2;
  if (policy.MaxDelay === 0 || delay <= policy.MaxDelay) return delay;
  // After a long quiet time the series starts again.
  return failedAt - last.rescheduleTime > usFromNs(policy.MaxDelay) ? policy.Delay : policy.MaxDelay;
}

function fibonacci(policy: ReschedulePolicy, events: readonly RescheduleEvent[]): DurationNs {
  const last = events.at(-1);
  const previous = events.at(-2);
  if (last === undefined || previous === undefined) return policy.Delay;
  const restarted = previous.delay === policy.MaxDelay && last.delay === policy.Delay;
  return restarted ? policy.Delay : last.delay + previous.delay;
}

const enabled = (policy: ReschedulePolicy | null | undefined): policy is ReschedulePolicy =>
  policy !== null && policy !== undefined && (policy.Unlimited || policy.Attempts > 0);

interface Failure {
  readonly alloc: AllocationState;
  readonly policy: ReschedulePolicy | null | undefined;
  readonly failedAt: TimeUs;
  /** The client status does not matter: an operator asked for it, or the client is disconnected. */
  readonly anyStatus: boolean;
}

/**
 * May this allocation be rescheduled at all? A tracker without events (the first attempt found no room) counts as none, so that limited
 * policies try again. Source: spec/lifecycle §5.2.
 */
export function isEligible({ alloc, policy, failedAt, anyStatus }: Failure): boolean {
  if (!enabled(policy)) return false;
  const tracker = alloc.rescheduleTracker;
  if (alloc.desiredStatus === 'stop' && tracker?.lastReschedule !== NO_PLACEMENT) return false;
  if (!anyStatus && alloc.clientStatus !== 'failed' && alloc.clientStatus !== 'lost') return false;
  if (policy.Unlimited || tracker === null || tracker.events.length === 0) return true;
  const intervalUs = usFromNs(policy.Interval);
  const attempted = tracker.events.filter((event) => failedAt - event.rescheduleTime < intervalUs).length;
  return attempted < policy.Attempts && rescheduleDelay(policy, tracker, failedAt) < policy.Interval;
}

export interface RescheduleContext {
  readonly batch: boolean;
  readonly now: TimeUs;
  readonly evaluationId: string;
  /** "" when no current deployment is active. */
  readonly activeDeploymentId: string;
  readonly policy: ReschedulePolicy | null | undefined;
  /** The job was stopped, and started again, after the allocation had been placed. */
  readonly precedesStop: boolean;
  /** Something that is still wanted took its place. */
  readonly isReplaced: boolean;
  /** Since when the client is disconnected, if the allocation is to be replaced meanwhile and was not yet; else 0. */
  readonly disconnectedAt: TimeUs;
}

/** `drop`: no longer of interest; `keep`: counts towards the group; `now`: replace; `later`: counts, and is replaced at `at`. */
export type RescheduleVerdict =
  { readonly kind: 'drop' | 'keep' | 'now' } | { readonly kind: 'later'; readonly at: TimeUs };

const DROP: RescheduleVerdict = { kind: 'drop' };
const KEEP: RescheduleVerdict = { kind: 'keep' };
const NOW: RescheduleVerdict = { kind: 'now' };

/** What becomes of an allocation that may have ended. Source: spec/lifecycle §5.3. */
export function rescheduleVerdict(alloc: AllocationState, context: RescheduleContext): RescheduleVerdict {
  if (alloc.nextAllocation !== '' && isTerminal(alloc) && !hasDoneItsWork(alloc, context)) return DROP;
  // Once is enough, whatever an operator has asked for meanwhile.
  if (context.isReplaced && alloc.clientStatus === 'unknown') return KEEP;
  return (context.batch ? ofBatch(alloc, context) : ofService(alloc)) ?? dueVerdict(alloc, context);
}

/** It ran on while disconnected, and its replacement was stopped when it reconnected: the work is done all the same. */
const hasDoneItsWork = (alloc: AllocationState, { batch, isReplaced }: RescheduleContext): boolean =>
  batch && alloc.clientStatus === 'complete' && alloc.desiredStatus === 'run' && !isReplaced;

function ofService(alloc: AllocationState): RescheduleVerdict | undefined {
  if (isServerTerminal(alloc)) return alloc.rescheduleTracker?.lastReschedule === NO_PLACEMENT ? undefined : DROP;
  return alloc.clientStatus === 'complete' || alloc.clientStatus === 'lost' ? DROP : undefined;
}

function ofBatch(alloc: AllocationState, { disconnectedAt }: RescheduleContext): RescheduleVerdict | undefined {
  if (alloc.desiredTransition.MigrateDisablePlacement) return KEEP;
  if (alloc.desiredTransition.Reschedule) return undefined;
  if (alloc.desiredStatus === 'evict') return DROP;
  if (alloc.desiredStatus === 'stop') {
    if (alloc.clientStatus === 'complete') return KEEP;
    return alloc.rescheduleTracker?.lastReschedule === NO_PLACEMENT ? undefined : DROP;
  }
  return alloc.clientStatus === 'failed' || disconnectedAt > 0 ? undefined : KEEP;
}

function dueVerdict(alloc: AllocationState, context: RescheduleContext): RescheduleVerdict {
  const { desiredTransition, followupEvalId } = alloc;
  const belongsToActive = alloc.deploymentId !== '' && alloc.deploymentId === context.activeDeploymentId;
  if (belongsToActive && !desiredTransition.Reschedule) return KEEP;
  if (desiredTransition.ForceReschedule && isClientTerminal(alloc)) return NOW;
  const disconnected = context.disconnectedAt > 0;
  if (!disconnected && !isClientTerminal(alloc) && !(context.batch && desiredTransition.Reschedule)) return KEEP;

  const failedAt = disconnected ? context.disconnectedAt : failTime(alloc);
  const anyStatus = disconnected || (context.batch && desiredTransition.Reschedule === true);
  const { policy } = context;
  // Attempts that are used up hold the place of a group no longer than until its job is started anew; Nomad's do (nomad#18467).
  if (context.precedesStop && alloc.clientStatus === 'failed') return NOW;
  if (!enabled(policy) || !isEligible({ alloc, policy, failedAt, anyStatus })) return KEEP;
  const at = failedAt + usFromNs(rescheduleDelay(policy, alloc.rescheduleTracker, failedAt));
  if (followupEvalId === context.evaluationId || at - context.now <= NOW_WINDOW_US) return NOW;
  return followupEvalId === '' ? { kind: 'later', at } : KEEP;
}

/** The tracker of the allocation that replaces `previous` now. Source: spec/lifecycle §5.5. */
export function nextTracker(
  previous: AllocationState,
  policy: ReschedulePolicy | null | undefined,
  now: TimeUs,
): RescheduleTracker {
  const former = previous.rescheduleTracker?.events ?? [];
  const limited = enabled(policy) && policy.Attempts > 0;
  const carried = limited
    ? former.filter((event) => now - event.rescheduleTime < usFromNs(policy.Interval))
    : former.slice(-CARRIED_EVENTS);
  const delay = enabled(policy) ? rescheduleDelay(policy, previous.rescheduleTracker, failTime(previous)) : 0;
  const event = { rescheduleTime: now, prevAllocId: previous.id, prevNodeId: previous.nodeId, delay };
  return { events: [...carried, event], lastReschedule: 'ok' };
}

/** Nodes that a replacement had better avoid. Source: spec/lifecycle §5.5. */
export function penaltyNodes(previous: AllocationState): ReadonlySet<string> {
  const nodes = new Set((previous.rescheduleTracker?.events ?? []).map((event) => event.prevNodeId));
  if (previous.clientStatus === 'failed') nodes.add(previous.nodeId);
  return nodes;
}
