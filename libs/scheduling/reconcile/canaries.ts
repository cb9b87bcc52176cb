import { ownProperty } from '@app/kernel';
import type { AllocationState, DesiredUpdates, TaskGroup } from '@app/domain';
import { hasUpdate, isTerminal } from '@app/domain';
import { MIGRATING, NOT_NEEDED } from '../descriptions.js';
import { allocationName, canaryIndexes } from '../names.js';
import { classify, groupOf, needsReconnect } from './classify.js';
import { isFailed, isPaused } from './deployments.js';
import type { GroupGoal, Pass, Wanted } from './pass.js';
import { indexesOf, isOlderThan, isUnreachable, stop, stopLost, without } from './pass.js';

/** Step 5: stops the canaries of attempts that are over; returns what remains, and the canaries among it that may go on. */
export function cleanUpCanaries(
  pass: Pass,
  desired: DesiredUpdates,
  live: readonly AllocationState[],
): { all: readonly AllocationState[]; canaries: readonly AllocationState[] } {
  const { old, current } = pass;
  const stale = new Set<string>();
  for (const deployment of [old, isFailed(current) ? current : null]) {
    for (const group of Object.values(deployment?.groups ?? {})) {
      if (!group.promoted) for (const id of group.placedCanaries) stale.add(id);
    }
  }
  const placed = new Set(Object.values(current?.groups ?? {}).flatMap((group) => group.placedCanaries));
  if (stale.size === 0 && placed.size === 0) return { all: live, canaries: [] };

  for (const alloc of live) if (stale.has(alloc.id) && stop(pass, alloc, NOT_NEEDED)) desired.Stop++;
  const remaining = live.filter((alloc) => !stale.has(alloc.id));
  const buckets = classify(
    remaining.filter((alloc) => placed.has(alloc.id)),
    pass.input,
  );
  for (const alloc of buckets.migrate) if (stop(pass, alloc, MIGRATING)) desired.Stop++;
  const isOnTrial = ({ taskGroup }: AllocationState): boolean => !ownProperty(current?.groups, taskGroup)?.promoted;
  const lost = [...buckets.lost, ...buckets.expiring.filter(isOnTrial)];
  for (const alloc of lost) stopLost(pass, alloc);
  desired.Stop += lost.length;
  const { untainted, reconnecting, disconnecting } = buckets;
  return {
    all: without(remaining, [...buckets.migrate, ...lost]),
    canaries: [...untainted, ...reconnecting, ...disconnecting],
  };
}

/**
 * How many allocations the group is to have now. A trial leaves the stable ones alone: until the promotion a lower count is not brought about,
 * so that the count of the older version is complete whatever becomes of the trial. Nomad cuts them at once (nomad#19643).
 */
export function countOnTrial(
  pass: Pass,
  group: TaskGroup,
  goal: GroupGoal,
  working: readonly AllocationState[],
  untainted: readonly AllocationState[],
): number {
  const { job, versionOf, updateVerdict } = pass.input;
  if (job === undefined || working.length <= group.Count || goal.promoted) return group.Count;
  const older = working.filter((alloc) => isOlderThan(alloc, job));
  const isOutdated = (alloc: AllocationState): boolean =>
    !isUnreachable(pass, alloc) && updateVerdict(alloc).kind === 'destructive';
  // Where enough is up to date already, what is not is just surplus.
  const begins = (): boolean =>
    hasUpdate(group.Update) &&
    (group.Update?.Canary ?? 0) > 0 &&
    !job.skipsCanaries &&
    // What is moved or lost is replaced by the version at hand: that alone begins no trial.
    untainted.some((alloc) => isOlderThan(alloc, job) && isOutdated(alloc)) &&
    working.length - older.filter(isOutdated).length < group.Count;
  if (goal.desiredCanaries === 0 && !begins()) return group.Count;
  // What is or was disconnected may be the last of a version long left behind: its count says nothing about those that run.
  const counts = older
    .filter((alloc) => !needsReconnect(alloc))
    .map((alloc) => groupOf(alloc, versionOf(alloc))?.Count ?? 0);
  // It keeps what there is, and makes no more of it.
  return Math.max(group.Count, Math.min(indexesOf(working).size, Math.max(...counts, 0)));
}

/** How many canaries are still to be made: only what would be replaced is tried out first. Source: spec/lifecycle §3.5. */
export function missingCanaries(
  pass: Pass,
  group: TaskGroup,
  goal: GroupGoal,
  about: {
    readonly outdated: readonly AllocationState[];
    readonly canaries: readonly AllocationState[];
    /** Back, though their clients may not have told of them yet. */
    readonly returned: ReadonlySet<AllocationState>;
  },
): number {
  const { outdated, canaries, returned } = about;
  if (!hasUpdate(group.Update) || group.Update === null || outdated.length === 0 || goal.promoted) return 0;
  const withinReach = canaries.filter((alloc) => returned.has(alloc) || !isUnreachable(pass, alloc));
  return Math.max(0, group.Update.Canary - withinReach.length);
}

/**
 * The canaries placed while others were disconnected that are too many now that those are back, the newest last. A stand-in has no
 * predecessor (spec/lifecycle §3.5), so only the number tells that there is one.
 */
export function standIns(
  pass: Pass,
  group: TaskGroup,
  canaries: readonly AllocationState[],
  returning: readonly AllocationState[],
): readonly AllocationState[] {
  const back = new Set(returning.map(({ id }) => id));
  const within = canaries.filter((alloc) => back.has(alloc.id) || !isUnreachable(pass, alloc));
  const surplus = within.length - (group.Update?.Canary ?? 0);
  if (surplus <= 0) return [];
  const others = within.filter((alloc) => !back.has(alloc.id) && !isTerminal(alloc));
  return others.toSorted((a, b) => a.createIndex - b.createIndex).slice(-surplus);
}

export function wantCanaries(
  pass: Pass,
  group: TaskGroup,
  goal: GroupGoal,
  about: {
    readonly canariesMissing: number;
    /** What is to be replaced by the canaries' version, or has a successor that is. */
    readonly outdated: readonly AllocationState[];
    /** What is of the current version, or becomes so where it runs. */
    readonly upToDate: readonly AllocationState[];
    readonly used: ReadonlySet<number>;
  },
): readonly Wanted[] {
  const wantedCanaries = group.Update?.Canary ?? 0;
  if (goal.existing && goal.desiredCanaries !== wantedCanaries) pass.goals[group.Name] = goal;
  goal.desiredCanaries = wantedCanaries;
  if (isPaused(pass.current) || isFailed(pass.current)) return [];
  const sets = { used: about.used, destructive: indexesOf(about.outdated), taken: indexesOf(about.upToDate) };
  return canaryIndexes(about.canariesMissing, group.Count, sets).map((index) => ({
    reason: 'canary',
    group: group.Name,
    name: allocationName(pass.input.evaluation.jobId, group.Name, index),
    previous: null,
    canary: true,
    downgrade: false,
    stop: null,
  }));
}
