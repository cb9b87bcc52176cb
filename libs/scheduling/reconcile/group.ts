import { ownProperty } from '@app/kernel';
import type { AllocationState, DesiredUpdates, TaskGroup } from '@app/domain';
import { groupNamed, hasUpdate, isActive, isServerTerminal, isTerminal } from '@app/domain';
import { NOT_NEEDED, UPDATING } from '../descriptions.js';
import { nameIndex } from '../names.js';
import { cleanUpCanaries, countOnTrial, missingCanaries, standIns, wantCanaries } from './canaries.js';
import { classify } from './classify.js';
import {
  filterReschedulable,
  handleDisconnecting,
  scheduleLater,
  stopLostAllocations,
  stopReplaced,
} from './departures.js';
import { isFailed, isPaused } from './deployments.js';
import type { GroupGoal, Pass, UpdateVerdict } from './pass.js';
import {
  byIndex,
  desiredOf,
  existingGoal,
  indexesOf,
  isOfVersion,
  isOlderThan,
  isSubstituted,
  isUnreachable,
  stop,
  stopLost,
  without,
} from './pass.js';
import {
  computePlacements,
  mayReplaceWhileNotReady,
  migrateAll,
  placeUpToCount,
  replacement,
  underProvisionedBy,
} from './placements.js';
import { reconnect } from './reconnect.js';
import { stillNeeded, stopSurplus } from './surplus.js';

/*
 * One group of a service or batch job. The steps and their order are those of spec/lifecycle §3.2; each allocation is in exactly one of
 * untainted (counts), migrate, reschedule now, lost, or is out of the picture, until something is decided about it.
 */

/** Brings a group towards its count and version. Tells whether nothing more is to be done for it (§3.10). */
export function reconcileGroup(pass: Pass, groupName: string, allocations: readonly AllocationState[]): boolean {
  const { batch, current } = pass;
  const job = pass.input.job;
  const group = job && groupNamed(job.spec, groupName);
  const desired = desiredOf(pass, groupName);
  const live = allocations.filter(
    (alloc) => !isServerTerminal(alloc) || (batch && !alloc.desiredTransition.Reschedule),
  );
  if (job === undefined || group === undefined || group.Count === 0) {
    stopAll(pass, groupName, live);
    return true;
  }

  const goal = goalOf(pass, group);
  const canarying = (): boolean => goal.desiredCanaries > 0 && !goal.promoted;
  const done = batch ? live.filter((alloc) => isTerminal(alloc) && isOlderThan(alloc, job)) : [];
  desired.Ignore += done.length;
  const { all, canaries: onTrial } = cleanUpCanaries(pass, desired, done.length === 0 ? live : without(live, done));

  const buckets = classify(all, pass.input);
  desired.Ignore += buckets.ignore.length;
  const trial = canarying() ? standIns(pass, group, onTrial, buckets.reconnecting) : [];
  const { survivors, losers } = reconnect(pass, buckets.reconnecting, trial);
  desired.Reconnect += survivors.length;
  const canaries = onTrial.filter(({ id }) => !pass.stops.has(id));
  const stays = (alloc: AllocationState): boolean => !losers.has(alloc.id);
  desired.Stop += buckets.reconnecting.filter(stays).length - survivors.length + losers.size;

  const migrating = stopReplaced(pass, desired, buckets.migrate.filter(stays));
  const filtered = filterReschedulable(pass, buckets.untainted.filter(stays));
  const migratingDue = filterReschedulable(pass, migrating);
  const disconnected = handleDisconnecting(pass, desired, buckets.disconnecting.filter(stays));
  let rescheduleNow: readonly AllocationState[] = [...filtered.now, ...migratingDue.now, ...disconnected.now];
  const later = [...filtered.later, ...migratingDue.later, ...disconnected.later];
  const lost = [...buckets.lost, ...buckets.expiring];
  let untainted = [...filtered.untainted, ...survivors, ...disconnected.untainted];
  // Of a batch job, what was moved already may still be here.
  let migrate = migrating.filter((alloc) => !isServerTerminal(alloc));

  desired.RescheduleNow += rescheduleNow.length;
  desired.RescheduleLater += later.length;
  const holdsBack = stopLostAllocations(pass, group, allocations, lost);
  scheduleLater(pass, later);

  const returned = new Set(survivors);
  // What is back has got the better of its replacement, also before its client has told of it.
  const holdsPlace = (alloc: AllocationState): boolean => returned.has(alloc) || !isSubstituted(pass, alloc);
  const used = indexesOf([...untainted.filter(holdsPlace), ...migrate, ...rescheduleNow, ...lost]);
  desired.Stop += lost.length;
  const onTrialIds = new Set(onTrial.map(({ id }) => id));
  const stable = [...untainted, ...migrate].filter(({ id }) => !onTrialIds.has(id));
  const within = stable.filter((alloc) => !isUnreachable(pass, alloc));
  const count = countOnTrial(pass, group, goal, [...stable, ...rescheduleNow, ...lost], untainted);
  const surplus = stopSurplus(
    pass,
    countOnTrial(pass, group, goal, within, untainted),
    { untainted, migrate, canaries, canarying: canarying() },
    survivors.filter((alloc) => isOlderThan(alloc, job)),
  );
  desired.Stop += surplus.size;
  if (surplus.size > 0) {
    for (const alloc of [...untainted, ...migrate]) if (surplus.has(alloc.id)) used.delete(nameIndex(alloc.name));
    untainted = untainted.filter((alloc) => !surplus.has(alloc.id));
    migrate = migrate.filter((alloc) => !surplus.has(alloc.id));
    for (const alloc of untainted) if (holdsPlace(alloc)) used.add(nameIndex(alloc.name));
  }
  rescheduleNow = stillNeeded(pass, count, { untainted, migrate, canaries, canarying: canarying() }, rescheduleNow);

  const { destructive, inPlaceCount } = classifyUpdates(pass, desired, untainted);
  if (!goal.existing) goal.desiredTotal += destructive.length + inPlaceCount;

  if (canarying()) untainted = without(untainted, canaries);
  // While there are canaries, the replacements of what failed, moves or is lost run the version before theirs.
  const replaced = holdsBack ? migrate : [...rescheduleNow, ...lost, ...migrate];
  const downgraded = canarying() ? replaced.filter((alloc) => isOlderThan(alloc, job)) : [];
  const outdated = [...destructive, ...downgraded];
  const canariesMissing = job.skipsCanaries ? 0 : missingCanaries(pass, group, goal, { outdated, canaries, returned });
  const wantedCanaries =
    canariesMissing > 0
      ? wantCanaries(pass, group, goal, {
          canariesMissing,
          outdated,
          upToDate: [...canaries, ...without(untainted, destructive)],
          used,
        })
      : [];
  desired.Canary += wantedCanaries.length;

  const room = underProvisionedBy(pass, group, { untainted, destructive, migrate, canarying: canarying() });
  const items = holdsBack
    ? []
    : computePlacements(group, {
        job: job.spec.ID,
        count,
        untainted: untainted.filter(holdsPlace),
        migrate,
        rescheduleNow,
        lost,
        used,
        downgrade: canarying(),
      });
  if (!goal.existing) goal.desiredTotal += items.length;
  if (!goal.existing && count > group.Count) goal.desiredTotal = Math.min(goal.desiredTotal, group.Count);

  const ready = !isPaused(current) && !isFailed(current) && !canarying();
  const chosen = ready ? items : items.filter((item) => mayReplaceWhileNotReady(pass, item));
  desired.Place += chosen.length;
  const updated = ready ? byIndex(destructive).slice(0, Math.max(0, room - items.length)) : [];
  desired.DestructiveUpdate += updated.length;
  desired.Ignore += destructive.length - updated.length;
  const migrations = migrateAll(pass, desired, migrate, canarying());
  pass.destructive.push(...updated.map((alloc) => replacement('destructive', alloc, { stop: UPDATING })));
  placeUpToCount(pass, { group, count }, wantedCanaries, chosen, migrations);
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
  const known = ownProperty(pass.current?.groups, group.Name);
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

const LEAVE: UpdateVerdict = { kind: 'ignore' };

/**
 * Step 11: what of the untainted is to be brought to the current version, and how. What is out of reach stays as it is until its client is
 * back (an older version is stopped then, if the count is made up without it) or it is given up.
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
  const group = ownProperty(current.groups, name);
  if (group === undefined) return true;
  return (
    group.healthyAllocs >= Math.max(group.desiredTotal, group.desiredCanaries) &&
    (group.desiredCanaries === 0 || group.promoted)
  );
}
