import { ownProperty } from '@app/kernel';
import type { AllocationState, DesiredUpdates, TaskGroup } from '@app/domain';
import { groupNamed, hasUpdate, isActive, isServerTerminal } from '@app/domain';
import { NOT_NEEDED, UPDATING } from '../descriptions.js';
import { missingCanaries, wantCanaries } from './canaries.js';
import { classify } from './classify.js';
import { scheduleLater, stopLostAllocations } from './departures.js';
import { isFailed, isPaused } from './deployments.js';
import type { GroupGoal, GroupScope, Pass, UpdateVerdict, Wanted } from './pass.js';
import {
  byIndex,
  desiredOf,
  existingGoal,
  isCanarying,
  isOfVersion,
  isOlderThan,
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
import type { Stock, Trimmed } from './stock.js';
import { holdsPlace, takeStock, trimToCount } from './stock.js';

/*
 * One group of a service or batch job, in the steps and the order of spec/lifecycle §3.2: take stock of what there is (4 to 8), stop what
 * is lost or too many (9 to 11), update what is outdated (11), try it out on canaries (12), place what is missing (13 to 18).
 */

/** Brings a group towards its count and version. Tells whether nothing more is to be done for it (§3.10). */
export function reconcileGroup(pass: Pass, groupName: string, allocations: readonly AllocationState[]): boolean {
  const { job } = pass.input;
  const group = job && groupNamed(job.spec, groupName);
  const live = allocations.filter(
    (alloc) => !isServerTerminal(alloc) || (pass.batch && !alloc.desiredTransition.Reschedule),
  );
  if (job === undefined || group === undefined || group.Count === 0) {
    stopAll(pass, groupName, live);
    return true;
  }
  const scope: GroupScope = { pass, job, group, goal: goalOf(pass, group), desired: desiredOf(pass, groupName) };
  const stock = takeStock(scope, live);
  const holdsBack = stopLostAllocations(pass, group, allocations, stock.lost);
  scheduleLater(pass, stock.later);
  const trimmed = trimToCount(scope, stock);
  const updates = classifyUpdates(pass, scope.desired, trimmed.untainted);
  if (!scope.goal.existing) scope.goal.desiredTotal += updates.destructive.length + updates.inPlaceCount;
  const trial = tryOut(scope, stock, trimmed, { updates, holdsBack });
  const items = placeMissing(scope, stock, trimmed, { updates, trial, holdsBack });
  createDeployment(scope, { all: stock.all, updates: updates.destructive.length + updates.inPlaceCount });

  const open =
    updates.destructive.length +
    updates.inPlaceCount +
    items +
    trimmed.migrate.length +
    trimmed.rescheduleNow.length +
    stock.later.length +
    trial.missing;
  return open === 0 && isGroupDone(pass, groupName);
}

interface Updates {
  readonly destructive: readonly AllocationState[];
  readonly inPlaceCount: number;
}

interface Trial {
  /** Canaries that are wanted and not there. */
  readonly missing: number;
  /** Those of them that are placed in this pass. */
  readonly canaries: readonly Wanted[];
  /** Untainted allocations, without the canaries while there is a trial. */
  readonly untainted: readonly AllocationState[];
}

/** Step 12: canaries for what would be replaced by the current version. */
function tryOut(
  { pass, job, group, goal, desired }: GroupScope,
  { canaries, returned }: Stock,
  { untainted: kept, migrate, rescheduleNow, lost, used }: Trimmed,
  about: { readonly updates: Updates; readonly holdsBack: boolean },
): Trial {
  const { destructive } = about.updates;
  const untainted = isCanarying(goal) ? without(kept, canaries) : kept;
  // While there are canaries, the replacements of what failed, moves or is lost run the version before theirs.
  const replaced = about.holdsBack ? migrate : [...rescheduleNow, ...lost, ...migrate];
  const downgraded = isCanarying(goal) ? replaced.filter((alloc) => isOlderThan(alloc, job)) : [];
  const outdated = [...destructive, ...downgraded];
  const missing = job.skipsCanaries ? 0 : missingCanaries(pass, group, goal, { outdated, canaries, returned });
  if (missing === 0) return { missing, canaries: [], untainted };
  const upToDate = [...canaries, ...without(untainted, destructive)];
  const wanted = wantCanaries(pass, group, goal, { canariesMissing: missing, outdated, upToDate, used });
  desired.Canary += wanted.length;
  return { missing, canaries: wanted, untainted };
}

/** Steps 13 to 18: replacements, new allocations, destructive updates and migrations. Returns how many of the first two are wanted. */
function placeMissing(
  scope: GroupScope,
  stock: Stock,
  { migrate, rescheduleNow, lost, used, count }: Trimmed,
  about: { readonly updates: Updates; readonly trial: Trial; readonly holdsBack: boolean },
): number {
  const { pass, job, group, goal, desired } = scope;
  const { destructive } = about.updates;
  const { untainted, canaries } = about.trial;
  const canarying = isCanarying(goal);
  const room = underProvisionedBy(pass, group, { untainted, destructive, migrate, canarying });
  const inPlace = untainted.filter((alloc) => holdsPlace(pass, stock, alloc));
  const items = about.holdsBack
    ? []
    : computePlacements(group, {
        job,
        count,
        untainted: inPlace,
        migrate,
        rescheduleNow,
        lost,
        used,
        downgrade: canarying,
      });
  if (!goal.existing) goal.desiredTotal += items.length;
  if (!goal.existing && count > group.Count) goal.desiredTotal = Math.min(goal.desiredTotal, group.Count);

  const ready = !isPaused(pass.current) && !isFailed(pass.current) && !canarying;
  const chosen = ready ? items : items.filter((item) => mayReplaceWhileNotReady(pass, item));
  desired.Place += chosen.length;
  const updated = ready ? byIndex(destructive).slice(0, Math.max(0, room - items.length)) : [];
  desired.DestructiveUpdate += updated.length;
  desired.Ignore += destructive.length - updated.length;
  const migrations = migrateAll(pass, scope, migrate, canarying);
  pass.destructive.push(...updated.map((alloc) => replacement(job, 'destructive', alloc, { stop: UPDATING })));
  placeUpToCount(pass, { group, count }, canaries, chosen, migrations);
  return items.length;
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
 * Step 11: what of the untainted is to be brought to the current version, and how. What is disconnected stays as it is until its client is
 * back (an older version is stopped then, if the count is made up without it) or it is given up.
 */
function classifyUpdates(pass: Pass, desired: DesiredUpdates, untainted: readonly AllocationState[]): Updates {
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
  { pass, job, group, goal }: GroupScope,
  about: { readonly all: readonly AllocationState[]; readonly updates: number },
): void {
  const { current } = pass;
  if (pass.batch || goal.existing || !hasUpdate(group.Update) || goal.desiredTotal === 0) return;
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
