import type { AllocationState, TaskGroup } from '@app/domain';
import { isServerTerminal, isTerminal } from '@app/domain';
import { ownProperty, type TimeUs } from '@app/kernel';
import { usFromRfc3339 } from '@app/kernel';
import { NOT_NEEDED, REPLACEMENT_NOT_NEEDED, RESCHEDULED } from '../descriptions.js';
import { groupOf } from './classify.js';
import type { Pass } from './pass.js';
import { isOnTrial, stop, successors, update } from './pass.js';

export interface Reconnection {
  /** Originals that go on. */
  readonly survivors: readonly AllocationState[];
  /** Replacements that are stopped in their favour. */
  readonly losers: ReadonlySet<string>;
}

/**
 * Decides between allocations whose client came back and their replacements. Source: spec/lifecycle §3.8, with one exception: Nomad stops those of
 * an older version at once, even where nothing takes their place before a promotion. Here they go on as long as the group has use for them.
 * `standIns`: canaries placed instead of disconnected ones, which no link connects to them; one per canary that came back.
 */
export function reconnect(
  pass: Pass,
  reconnecting: readonly AllocationState[],
  standIns: readonly AllocationState[] = [],
): Reconnection {
  const survivors: AllocationState[] = [];
  const losers = new Set<string>();
  if (reconnecting.length === 0) return { survivors, losers };
  const spare = [...standIns];
  for (const original of reconnecting) {
    // Itself a replacement, and back together with what it replaced.
    if (losers.has(original.id)) continue;
    if (original.clientStatus === 'failed' && !isServerTerminal(original)) {
      pass.stops.set(original.id, { allocationId: original.id, description: RESCHEDULED, clientStatus: 'failed' });
      continue;
    }
    if (isUnwanted(original, pass)) {
      stop(pass, original, NOT_NEEDED);
      continue;
    }
    const replacements = successors(pass.input, original).filter((alloc) => !isTerminal(alloc));
    const standIn = pass.input.job && isOnTrial(pass.input.job, original) ? spare.pop() : undefined;
    if (standIn !== undefined) replacements.push(standIn);
    if (replacements.some((replacement) => replacementWins(original, replacement, pass))) {
      stop(pass, original, NOT_NEEDED);
      continue;
    }
    for (const replacement of replacements) {
      stop(pass, replacement, REPLACEMENT_NOT_NEEDED);
      losers.add(replacement.id);
    }
    // As long as its client has not told of it there is nothing to note, and what it tells meanwhile must not be overwritten.
    if (original.clientStatus !== 'unknown') noteReturn(pass, original);
    survivors.push(original);
  }
  cancelFollowups(pass, reconnecting);
  return { survivors: survivors.filter(({ id }) => !losers.has(id)), losers };
}

/** A client is back: its allocation is as it says, and waits for nothing any more. */
export const noteReturn = (pass: Pass, alloc: AllocationState): void =>
  update(pass, alloc, {
    clientStatus: alloc.clientStatus,
    ...(alloc.followupEvalId !== '' && { followupEvalId: '' }),
  });

/** Cancels what was to look after allocations that are back, unless others wait for the same. Source: spec/lifecycle §3.8. */
export function cancelFollowups({ input, needlessEvals }: Pass, returned: readonly AllocationState[]): void {
  const back = new Set(returned.map(({ id }) => id));
  for (const id of new Set(returned.map(({ followupEvalId }) => followupEvalId))) {
    if (id === '' || id === input.evaluation.id) continue;
    const shared = input.allocations.some(
      (alloc) => alloc.followupEvalId === id && !back.has(alloc.id) && !isTerminal(alloc),
    );
    if (!shared) needlessEvals.push(id);
  }
}

function isUnwanted(alloc: AllocationState, { input }: Pass): boolean {
  const { Migrate, Reschedule, ForceReschedule } = alloc.desiredTransition;
  if (isServerTerminal(alloc) || Migrate || Reschedule || ForceReschedule) return true;
  return alloc.jobCreateIndex !== input.job?.createIndex;
}

function replacementWins(original: AllocationState, replacement: AllocationState, { input }: Pass): boolean {
  const version = input.versionOf(original);
  if (replacement.jobVersion > original.jobVersion || replacement.jobCreateIndex > original.jobCreateIndex) return true;
  const group = groupOf(original, version);
  switch (group?.Disconnect?.Reconcile) {
    case 'keep_original':
      return false;
    case 'keep_replacement':
      return true;
    case 'longest_running': {
      const startOfOriginal = startOf(original, group);
      const startOfReplacement = startOf(replacement, group);
      if (startOfOriginal === 0 && startOfReplacement === 0) return scoresBetter(replacement, original);
      return startOfOriginal === 0 || (startOfReplacement !== 0 && startOfReplacement < startOfOriginal);
    }
    default:
      return scoresBetter(replacement, original);
  }
}

/** When the leader, or else the oldest main task, last started; 0 if it has not. */
function startOf(alloc: AllocationState, group: TaskGroup): TimeUs {
  const leader = group.Tasks.find((task) => task.Leader);
  const tasks = leader ? [leader] : group.Tasks.filter((task) => task.Lifecycle === null);
  const starts = tasks
    .map((task) => ownProperty(alloc.taskStates, task.Name))
    .map((state) => usFromRfc3339(state?.LastRestart) || usFromRfc3339(state?.StartedAt))
    .filter((start) => start > 0);
  return starts.length === 0 ? 0 : Math.min(...starts);
}

function scoresBetter(replacement: AllocationState, original: AllocationState): boolean {
  const best = bestScore(original);
  const higher = best === undefined || (bestScore(replacement) ?? -Infinity) > best;
  return higher && (replacement.clientStatus === 'running' || original.clientStatus !== 'running');
}

/** The score with which an allocation won its node: the metrics list the best first. */
const bestScore = (alloc: AllocationState): number | undefined => alloc.metrics.ScoreMetaData?.[0]?.NormScore;
