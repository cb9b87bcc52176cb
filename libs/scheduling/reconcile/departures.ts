import type { AllocationState, DesiredUpdates, TaskGroup } from '@app/domain';
import { isActive, isServerTerminal } from '@app/domain';
import type { TimeUs } from '@app/kernel';
import { usFromNs } from '@app/kernel';
import { DELAYED_DISCONNECT, DELAYED_RESCHEDULING, MIGRATING, UNKNOWN } from '../descriptions.js';
import { groupOf, lastUnknown, lostAfter, replacesDisconnected } from './classify.js';
import type { Due } from './followups.js';
import { addFollowups } from './followups.js';
import type { Pass } from './pass.js';
import { isReplaced, isSubstituted, precedesStop, stop, stopLost, update } from './pass.js';
import { rescheduleVerdict } from './reschedule.js';

export interface Filtered {
  readonly untainted: AllocationState[];
  readonly now: AllocationState[];
  readonly later: Due[];
}

/** Step 7: which of these ended and are to be replaced, now or later. `since`: the time at which they were disconnected. */
export function filterReschedulable(pass: Pass, allocations: readonly AllocationState[], since?: TimeUs): Filtered {
  const { input, batch, current } = pass;
  const activeDeploymentId = current !== null && isActive(current) ? current.id : '';
  const filtered: Filtered = { untainted: [], now: [], later: [] };
  for (const alloc of allocations) {
    const group = groupOf(alloc, input.versionOf(alloc));
    const unreachableSince = alloc.clientStatus === 'unknown' ? lastUnknown(alloc) : (since ?? 0);
    // Most have no successor to be looked for.
    const hasSuccessor = alloc.nextAllocation !== '' && isReplaced(input, alloc);
    // What is to move gets a successor by moving.
    const isToReplace =
      unreachableSince > 0 && replacesDisconnected(group) && !hasSuccessor && !alloc.desiredTransition.Migrate;
    const verdict = rescheduleVerdict(alloc, {
      batch,
      now: input.now,
      evaluationId: input.evaluation.id,
      activeDeploymentId,
      policy: group?.ReschedulePolicy,
      precedesStop: precedesStop(input, alloc),
      isReplaced: hasSuccessor,
      disconnectedAt: isToReplace ? unreachableSince : 0,
    });
    if (verdict.kind === 'now') filtered.now.push(alloc);
    if (verdict.kind === 'keep' || verdict.kind === 'later') filtered.untainted.push(alloc);
    if (verdict.kind === 'later') filtered.later.push({ alloc, at: verdict.at });
  }
  return filtered;
}

/**
 * Of the allocations that are to move, those that have no place to leave: they were replaced while their client was disconnected. They are
 * stopped; nothing more takes their place. Returns the others.
 */
export function stopReplaced(
  pass: Pass,
  desired: DesiredUpdates,
  migrate: readonly AllocationState[],
): readonly AllocationState[] {
  const replaced = new Set(migrate.filter((alloc) => isSubstituted(pass, alloc)));
  for (const alloc of replaced) if (stop(pass, alloc, MIGRATING)) desired.Stop++;
  return migrate.filter((alloc) => !replaced.has(alloc));
}

/** §3.7: disconnected allocations become unknown, and may be replaced until they reconnect. */
export function handleDisconnecting(
  pass: Pass,
  desired: DesiredUpdates,
  disconnecting: readonly AllocationState[],
): Filtered {
  if (disconnecting.length === 0) return { untainted: [], now: [], later: [] };
  const { input } = pass;
  const timeouts = disconnecting.map((alloc) => ({
    alloc,
    at: input.now + usFromNs(lostAfter(groupOf(alloc, input.versionOf(alloc)))),
  }));
  const evaluations = addFollowups(pass, timeouts, {
    trigger: 'max-disconnect-timeout',
    description: DELAYED_DISCONNECT,
  });
  for (const alloc of disconnecting) {
    const followupEvalId = evaluations.get(alloc.id) ?? '';
    update(pass, alloc, { clientStatus: 'unknown', clientDescription: UNKNOWN, followupEvalId });
  }
  desired.Disconnect += disconnecting.length;
  return filterReschedulable(pass, disconnecting, input.now);
}

/**
 * Steps 8 and 9: stops the lost ones. Where a client stops its tasks by itself only after a while, nothing takes their place before
 * (the result is true then).
 */
export function stopLostAllocations(
  pass: Pass,
  group: TaskGroup,
  allocations: readonly AllocationState[],
  lost: readonly AllocationState[],
): boolean {
  const stopAfter = group.Disconnect?.StopOnClientAfter ?? 0;
  if (stopAfter === 0) {
    for (const alloc of lost) stopLost(pass, alloc);
    return false;
  }
  const { now, evaluation } = pass.input;
  const killTimeout = Math.max(...group.Tasks.map((task) => task.KillTimeout));
  const wait = usFromNs(stopAfter + killTimeout);
  const dues = lost.map((alloc) => ({ alloc, at: now + wait }));
  const evaluations = addFollowups(pass, dues, { trigger: 'alloc-failure', description: DELAYED_RESCHEDULING });
  for (const alloc of lost) stopLost(pass, alloc, evaluations.get(alloc.id));
  const stillWaiting = allocations.some(
    (alloc) =>
      isServerTerminal(alloc) &&
      alloc.clientStatus === 'lost' &&
      alloc.nextAllocation === '' &&
      alloc.followupEvalId !== '' &&
      alloc.followupEvalId !== evaluation.id &&
      now < alloc.modifyTime + wait,
  );
  return lost.length > 0 || stillWaiting;
}

/**
 * What has failed after it was healthy had to wait for the end of its deployment (spec/lifecycle §5.3), and no evaluation follows that: whoever
 * ends the deployment looks at them. Nomad leaves them until something else happens to the job.
 */
export function rescheduleAfterDeployment(pass: Pass, allocations: readonly AllocationState[]): void {
  const failed = allocations.filter(
    (alloc) => alloc.clientStatus === 'failed' && alloc.followupEvalId === '' && !pass.stops.has(alloc.id),
  );
  const { now, later } = filterReschedulable({ ...pass, current: null }, failed);
  scheduleLater(pass, [...now.map((alloc) => ({ alloc, at: pass.input.now })), ...later]);
}

/** Step 10. */
export function scheduleLater(pass: Pass, later: readonly Due[]): void {
  if (later.length === 0) return;
  const first = { trigger: 'alloc-reschedule', description: DELAYED_RESCHEDULING } as const;
  const evaluations = addFollowups(pass, later, first, { trigger: 'alloc-failure', description: '' });
  for (const { alloc } of later) update(pass, alloc, { followupEvalId: evaluations.get(alloc.id) ?? '' });
}
