import type { AllocationState, DesiredUpdates, TaskGroup } from '@app/domain';
import { hasUpdate, isActive, isServerTerminal, isTerminal } from '@app/domain';
import type { TimeUs } from '@app/kernel';
import { usFromNs } from '@app/kernel';
import { DELAYED_DISCONNECT, DELAYED_RESCHEDULING, MIGRATING, NOT_NEEDED, UNKNOWN, UPDATING } from '../descriptions.js';
import { allocationName, canaryIndexes, freeIndexes, nameIndex } from '../names.js';
import { classify, groupOf, lastUnknown, lostAfter, replacesDisconnected } from './classify.js';
import { isFailed, isPaused } from './deployments.js';
import type { Due } from './followups.js';
import { addFollowups } from './followups.js';
import type { GroupGoal, Pass, UpdateVerdict, Wanted } from './pass.js';
import { desiredOf, existingGoal, isOfVersion, isOlderThan, isUnreachable, stop, stopLost, update } from './pass.js';
import { reconnect } from './reconnect.js';
import { rescheduleVerdict } from './reschedule.js';
import { stillNeeded, stopSurplus } from './surplus.js';

/*
 * One group of a service or batch job. The steps and their order are those of spec/lifecycle §3.2; each allocation is in exactly one of
 * untainted (counts), migrate, reschedule now, lost, or is out of the picture, until something is decided about it.
 */

/** Brings a group towards its count and version. Tells whether nothing more is to be done for it (§3.10). */
export function reconcileGroup(pass: Pass, groupName: string, allocations: readonly AllocationState[]): boolean {
  const { batch, current } = pass;
  const job = pass.input.job;
  const group = job?.spec.TaskGroups.find(({ Name }) => Name === groupName);
  const desired = desiredOf(pass, groupName);
  const live = allocations.filter(
    (alloc) => !isServerTerminal(alloc) || (batch && !alloc.desiredTransition.Reschedule),
  );
  if (job === undefined || group === undefined || group.Count === 0) {
    stopAll(pass, groupName, live);
    return true;
  }

  const goal = goalOf(pass, group);
  const outdated = batch ? live.filter((alloc) => isTerminal(alloc) && isOlderThan(alloc, job)) : [];
  desired.Ignore += outdated.length;
  const { all, canaries } = cleanUpCanaries(pass, desired, outdated.length === 0 ? live : without(live, outdated));

  const buckets = classify(all, pass.input);
  desired.Ignore += buckets.ignore.length;
  const { survivors, losers } = reconnect(pass, buckets.reconnecting);
  desired.Reconnect += survivors.length;
  desired.Stop += buckets.reconnecting.length - survivors.length + losers.size;

  const filtered = filterReschedulable(
    pass,
    buckets.untainted.filter((alloc) => !losers.has(alloc.id)),
  );
  const migratingDue = filterReschedulable(pass, buckets.migrate);
  const disconnected = handleDisconnecting(pass, desired, buckets.disconnecting);
  let rescheduleNow: readonly AllocationState[] = [...filtered.now, ...migratingDue.now, ...disconnected.now];
  const later = [...filtered.later, ...migratingDue.later, ...disconnected.later];
  const lost = [...buckets.lost, ...buckets.expiring];
  let untainted = [...filtered.untainted, ...survivors, ...disconnected.untainted];
  // Of a batch job, what was moved already may still be here.
  let migrate = buckets.migrate.filter((alloc) => !isServerTerminal(alloc));

  desired.RescheduleNow += rescheduleNow.length;
  desired.RescheduleLater += later.length;
  const holdsBack = stopLostAllocations(pass, group, allocations, lost);
  scheduleLater(pass, later);

  const used = indexesOf([...untainted, ...migrate, ...rescheduleNow, ...lost]);
  const canarying = (): boolean => goal.desiredCanaries > 0 && !goal.promoted;
  desired.Stop += lost.length;
  const surplus = stopSurplus(pass, group.Count, { untainted, migrate, canaries, canarying: canarying() });
  desired.Stop += surplus.size;
  if (surplus.size > 0) {
    for (const alloc of [...untainted, ...migrate]) if (surplus.has(alloc.id)) used.delete(nameIndex(alloc.name));
    untainted = untainted.filter((alloc) => !surplus.has(alloc.id));
    migrate = migrate.filter((alloc) => !surplus.has(alloc.id));
    for (const alloc of untainted) used.add(nameIndex(alloc.name));
  }
  rescheduleNow = stillNeeded(
    pass,
    group.Count,
    { untainted, migrate, canaries, canarying: canarying() },
    rescheduleNow,
  );

  const { destructive, inPlaceCount } = classifyUpdates(pass, desired, untainted);
  if (!goal.existing) goal.desiredTotal += destructive.length + inPlaceCount;

  if (canarying()) untainted = without(untainted, canaries);
  const canariesMissing = missingCanaries(group, goal, destructive, canaries);
  const wantedCanaries =
    canariesMissing > 0 ? wantCanaries(pass, group, goal, { canariesMissing, destructive, canaries, used }) : [];
  desired.Canary += wantedCanaries.length;

  const room = underProvisionedBy(pass, group, { untainted, destructive, migrate, canarying: canarying() });
  const items = holdsBack
    ? []
    : computePlacements(group, {
        job: job.spec.ID,
        untainted,
        migrate,
        rescheduleNow,
        lost,
        used,
        downgrade: canarying(),
      });
  if (!goal.existing) goal.desiredTotal += items.length;

  const ready = !isPaused(current) && !isFailed(current) && !canarying();
  const chosen = ready ? items : items.filter((item) => mayReplaceWhileNotReady(pass, item));
  desired.Place += chosen.length;
  const updated = ready ? byIndex(destructive).slice(0, Math.max(0, room - items.length)) : [];
  desired.DestructiveUpdate += updated.length;
  desired.Ignore += destructive.length - updated.length;
  const migrations = migrateAll(pass, desired, migrate, canarying());
  const name = uniqueNames(pass, group, without(untainted, destructive), used);
  pass.destructive.push(...updated.map((alloc) => name(replacement('destructive', alloc, { stop: UPDATING }))));
  placeUpToCount(pass, group, wantedCanaries, chosen.map(name), migrations.map(name));
  createDeployment(pass, group, goal, { all, updates: destructive.length + inPlaceCount });

  const open =
    destructive.length +
    inPlaceCount +
    items.length +
    migrate.length +
    rescheduleNow.length +
    later.length +
    canariesMissing;
  return open === 0 && isGroupDone(pass, groupName);
}

/** Stops what is left of a group that is not wanted any more, or of a stopped job. Source: spec/lifecycle §3.1, §3.2 step 2. */
export function stopAll(pass: Pass, name: string, allocations: readonly AllocationState[]): void {
  const buckets = classify(allocations, pass.input);
  const { ignore, lost, expiring, ...others } = buckets;
  const desired = desiredOf(pass, name);
  desired.Ignore += ignore.length;
  for (const alloc of [...lost, ...expiring]) stopLost(pass, alloc);
  desired.Stop += lost.length + expiring.length;
  for (const alloc of Object.values(others).flat()) if (stop(pass, alloc, NOT_NEEDED)) desired.Stop++;
}

/** Step 3: the deployment's goals for the group, or fresh ones. */
function goalOf(pass: Pass, group: TaskGroup): GroupGoal {
  const known = pass.current?.groups[group.Name];
  if (known !== undefined) return existingGoal(known);
  const update = hasUpdate(group.Update) ? group.Update : null;
  return {
    existing: false,
    autoRevert: update?.AutoRevert ?? false,
    autoPromote: update?.AutoPromote ?? false,
    progressDeadline: update?.ProgressDeadline ?? 0,
    promoted: false,
    healthyAllocs: 0,
    desiredCanaries: 0,
    desiredTotal: 0,
  };
}

/** Step 5: stops the canaries of attempts that are over; returns what remains, and the canaries that count. */
function cleanUpCanaries(
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
  for (const alloc of buckets.lost) stopLost(pass, alloc);
  desired.Stop += buckets.lost.length;
  return { all: without(remaining, [...buckets.migrate, ...buckets.lost]), canaries: buckets.untainted };
}

const LEAVE: UpdateVerdict = { kind: 'ignore' };

interface Filtered {
  readonly untainted: AllocationState[];
  readonly now: AllocationState[];
  readonly later: Due[];
}

/** Step 7: which of these ended and are to be replaced, now or later. `since`: the time at which their clients went out of reach. */
function filterReschedulable(pass: Pass, allocations: readonly AllocationState[], since?: TimeUs): Filtered {
  const { input, batch, current } = pass;
  const activeDeploymentId = current !== null && isActive(current) ? current.id : '';
  const filtered: Filtered = { untainted: [], now: [], later: [] };
  for (const alloc of allocations) {
    const group = groupOf(alloc, input.versionOf(alloc));
    const unreachableSince = alloc.clientStatus === 'unknown' ? lastUnknown(alloc) : (since ?? 0);
    const verdict = rescheduleVerdict(alloc, {
      batch,
      now: input.now,
      evaluationId: input.evaluation.id,
      activeDeploymentId,
      policy: group?.ReschedulePolicy,
      disconnectedAt: replacesDisconnected(group) ? unreachableSince : 0,
    });
    if (verdict.kind === 'now') filtered.now.push(alloc);
    if (verdict.kind === 'keep' || verdict.kind === 'later') filtered.untainted.push(alloc);
    if (verdict.kind === 'later') filtered.later.push({ alloc, at: verdict.at });
  }
  return filtered;
}

/** §3.7: allocations whose client is out of reach become unknown, and may be replaced until it is back. */
function handleDisconnecting(pass: Pass, desired: DesiredUpdates, disconnecting: readonly AllocationState[]): Filtered {
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
function stopLostAllocations(
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

/** Step 10. */
function scheduleLater(pass: Pass, later: readonly Due[]): void {
  if (later.length === 0) return;
  const first = { trigger: 'alloc-reschedule', description: DELAYED_RESCHEDULING } as const;
  const evaluations = addFollowups(pass, later, first, { trigger: 'alloc-failure', description: '' });
  for (const { alloc } of later) update(pass, alloc, { followupEvalId: evaluations.get(alloc.id) ?? '' });
}

/**
 * Step 11: what of the untainted is to be brought to the current version, and how. What is out of reach stays as it is until its client is
 * back (an older version is stopped then) or it is given up.
 */
function classifyUpdates(
  pass: Pass,
  desired: DesiredUpdates,
  untainted: readonly AllocationState[],
): { destructive: readonly AllocationState[]; inPlaceCount: number } {
  const destructive: AllocationState[] = [];
  let inPlaceCount = 0;
  for (const alloc of untainted) {
    const verdict = isUnreachable(pass, alloc) ? LEAVE : pass.input.updateVerdict(alloc);
    if (verdict.kind === 'ignore') desired.Ignore++;
    if (verdict.kind === 'destructive') destructive.push(alloc);
    if (verdict.kind === 'in-place') {
      inPlaceCount++;
      pass.inPlace.push({ alloc, resources: verdict.resources });
    }
  }
  desired.InPlaceUpdate += inPlaceCount;
  return { destructive, inPlaceCount };
}

/** How many canaries are still to be made: only what would be replaced is tried out first. Source: spec/lifecycle §3.5. */
function missingCanaries(
  group: TaskGroup,
  goal: GroupGoal,
  destructive: readonly AllocationState[],
  canaries: readonly AllocationState[],
): number {
  if (!hasUpdate(group.Update) || group.Update === null || destructive.length === 0 || goal.promoted) return 0;
  return Math.max(0, group.Update.Canary - canaries.length);
}

function wantCanaries(
  pass: Pass,
  group: TaskGroup,
  goal: GroupGoal,
  about: {
    readonly canariesMissing: number;
    readonly destructive: readonly AllocationState[];
    readonly canaries: readonly AllocationState[];
    readonly used: ReadonlySet<number>;
  },
): readonly Wanted[] {
  const wantedCanaries = group.Update?.Canary ?? 0;
  if (goal.existing && goal.desiredCanaries !== wantedCanaries) pass.goals[group.Name] = goal;
  goal.desiredCanaries = wantedCanaries;
  if (isPaused(pass.current) || isFailed(pass.current)) return [];
  const sets = { used: about.used, destructive: indexesOf(about.destructive), canaries: indexesOf(about.canaries) };
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

/** Step 13: how many allocations may be replaced now. Source: spec/lifecycle §3.6 a. */
function underProvisionedBy(
  { current }: Pass,
  group: TaskGroup,
  about: {
    readonly untainted: readonly AllocationState[];
    readonly destructive: readonly AllocationState[];
    readonly migrate: readonly AllocationState[];
    readonly canarying: boolean;
  },
): number {
  if (group.Update === null || !hasUpdate(group.Update)) return group.Count;
  if (about.destructive.length + about.migrate.length === 0) return group.Count;
  if (current === null) return group.Update.MaxParallel;
  if (isPaused(current) || isFailed(current) || about.canarying) return 0;
  let pending = 0;
  for (const alloc of about.untainted) {
    if (alloc.deploymentId !== current.id) continue;
    if (alloc.deploymentStatus?.healthy === false) return 0;
    if (alloc.deploymentStatus?.healthy !== true) pending++;
  }
  return Math.max(0, group.Update.MaxParallel - pending);
}

/** Step 14: replacements for what ended or was lost, and new ones up to the count. Source: spec/lifecycle §3.6 b. */
function computePlacements(
  group: TaskGroup,
  about: {
    readonly job: string;
    readonly untainted: readonly AllocationState[];
    readonly migrate: readonly AllocationState[];
    readonly rescheduleNow: readonly AllocationState[];
    readonly lost: readonly AllocationState[];
    readonly used: ReadonlySet<number>;
    readonly downgrade: boolean;
  },
): readonly Wanted[] {
  const { downgrade } = about;
  const migrating = new Set(about.migrate.map((alloc) => alloc.id));
  const items: Wanted[] = about.rescheduleNow.map((alloc) => {
    const keepsRunning = migrating.has(alloc.id) || !isTerminal(alloc);
    // Nomad leaves the description of such a stop empty (spec/lifecycle §5.6).
    return replacement('reschedule', alloc, { downgrade, stop: keepsRunning ? null : '' });
  });
  let existing = about.untainted.length + about.migrate.length + about.rescheduleNow.length;
  for (const alloc of about.lost) {
    if (existing >= group.Count) break;
    items.push(replacement('lost', alloc, { downgrade }));
    existing++;
  }
  for (const index of freeIndexes(about.used, group.Count, Math.max(0, group.Count - existing))) {
    const name = allocationName(about.job, group.Name, index);
    items.push({ reason: 'new', group: group.Name, name, previous: null, canary: false, downgrade, stop: null });
  }
  return items;
}

/** While paused, failed or canarying: what is lost is replaced, and what failed too, unless it belongs to the failed deployment itself. */
function mayReplaceWhileNotReady({ current }: Pass, item: Wanted): boolean {
  if (item.reason === 'lost') return true;
  return item.reason === 'reschedule' && !(isFailed(current) && item.previous?.deploymentId === current?.id);
}

/** Step 16: migrations happen whatever the deployment's state, and whether or not there is room elsewhere. Source: spec/lifecycle §3.6 d. */
function migrateAll(
  pass: Pass,
  desired: DesiredUpdates,
  migrate: readonly AllocationState[],
  downgrade: boolean,
): readonly Wanted[] {
  const items: Wanted[] = [];
  for (const alloc of byIndex(migrate)) {
    stop(pass, alloc, MIGRATING);
    desired.Migrate++;
    const { Reschedule, MigrateDisablePlacement } = alloc.desiredTransition;
    if (pass.batch && (Reschedule || MigrateDisablePlacement)) continue;
    items.push(replacement('migrate', alloc, { downgrade }));
  }
  return items;
}

/**
 * A replacement keeps its predecessor's name, unless an allocation of the current version (a promoted canary, for instance) has it: then it
 * gets a free one. Source: spec/lifecycle §3.6, placement order.
 */
function uniqueNames(
  { input }: Pass,
  group: TaskGroup,
  staying: readonly AllocationState[],
  used: ReadonlySet<number>,
): (item: Wanted) => Wanted {
  const taken = indexesOf(staying);
  return (item) => {
    if (item.previous === null || item.canary || item.downgrade) return item;
    const index = nameIndex(item.name);
    if (!taken.has(index)) {
      taken.add(index);
      return item;
    }
    const free = freeIndexes(new Set([...used, ...taken]), group.Count, 1)[0] ?? index;
    taken.add(free);
    return { ...item, name: allocationName(input.evaluation.jobId, group.Name, free) };
  };
}

/** Step 18: never more than the count at once. What was to be rescheduled and is not needed any more is stopped without a successor. */
function placeUpToCount(
  pass: Pass,
  group: TaskGroup,
  canaries: readonly Wanted[],
  chosen: readonly Wanted[],
  migrations: readonly Wanted[],
): void {
  const items = [...canaries, ...chosen, ...migrations];
  pass.place.push(...items.slice(0, group.Count));
  for (const item of items.slice(group.Count)) {
    if (item.previous !== null && item.stop !== null) stop(pass, item.previous, item.stop);
  }
}

/** Step 17. Source: spec/lifecycle §3.9. */
function createDeployment(
  pass: Pass,
  group: TaskGroup,
  goal: GroupGoal,
  about: { readonly all: readonly AllocationState[]; readonly updates: number },
): void {
  const { current } = pass;
  const job = pass.input.job;
  if (job === undefined || pass.batch || goal.existing || !hasUpdate(group.Update) || goal.desiredTotal === 0) return;
  if (current !== null && !isActive(current)) return;
  if (about.updates > 0 || !about.all.some((alloc) => isOfVersion(alloc, job))) pass.goals[group.Name] = goal;
}

/** §3.10, the deployment's side: enough are healthy, and what needed promotion has it. */
function isGroupDone({ current }: Pass, name: string): boolean {
  if (current === null) return false;
  const group = current.groups[name];
  if (group === undefined) return true;
  return (
    group.healthyAllocs >= Math.max(group.desiredTotal, group.desiredCanaries) &&
    (group.desiredCanaries === 0 || group.promoted)
  );
}

const replacement = (
  reason: 'reschedule' | 'lost' | 'migrate' | 'destructive',
  previous: AllocationState,
  { downgrade = false, stop: description = null }: { readonly downgrade?: boolean; readonly stop?: string | null },
): Wanted => ({
  reason,
  group: previous.taskGroup,
  name: previous.name,
  previous,
  canary: reason !== 'destructive' && previous.deploymentStatus?.canary === true,
  downgrade: downgrade && previous.deploymentStatus?.canary !== true,
  stop: description,
});

const indexesOf = (allocations: readonly AllocationState[]): Set<number> =>
  new Set(allocations.map((alloc) => nameIndex(alloc.name)));

const byIndex = (allocations: readonly AllocationState[]): readonly AllocationState[] =>
  allocations.toSorted((a, b) => nameIndex(a.name) - nameIndex(b.name));

function without(allocations: readonly AllocationState[], removed: readonly AllocationState[]): AllocationState[] {
  const ids = new Set(removed.map((alloc) => alloc.id));
  return allocations.filter((alloc) => !ids.has(alloc.id));
}
