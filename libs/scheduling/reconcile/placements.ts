import type { AllocationState, JobVersion, TaskGroup } from '@app/domain';
import { hasUpdate, isTerminal } from '@app/domain';
import { MIGRATING } from '../descriptions.js';
import { allocationName, freeIndexes } from '../names.js';
import { isFailed, isPaused } from './deployments.js';
import type { GroupScope, Pass, Wanted } from './pass.js';
import { byIndex, isOnTrial, stop } from './pass.js';

/** Step 13: how many allocations may be replaced now. Source: spec/lifecycle §3.6 a. */
export function underProvisionedBy(
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
export function computePlacements(
  group: TaskGroup,
  about: {
    readonly job: JobVersion;
    /** How many there are to be. */
    readonly count: number;
    readonly untainted: readonly AllocationState[];
    readonly migrate: readonly AllocationState[];
    readonly rescheduleNow: readonly AllocationState[];
    readonly lost: readonly AllocationState[];
    readonly used: ReadonlySet<number>;
    readonly downgrade: boolean;
  },
): readonly Wanted[] {
  const { job, downgrade, count } = about;
  const migrating = new Set(about.migrate.map((alloc) => alloc.id));
  const items: Wanted[] = about.rescheduleNow.map((alloc) => {
    const keepsRunning = migrating.has(alloc.id) || !isTerminal(alloc);
    // Nomad leaves the description of such a stop empty (spec/lifecycle §5.6).
    return replacement(job, 'reschedule', alloc, { downgrade, stop: keepsRunning ? null : '' });
  });
  let existing = about.untainted.length + about.migrate.length + about.rescheduleNow.length;
  for (const alloc of about.lost) {
    if (existing >= count) break;
    items.push(replacement(job, 'lost', alloc, { downgrade }));
    existing++;
  }
  for (const index of freeIndexes(about.used, count, Math.max(0, count - existing))) {
    const name = allocationName(job.spec.ID, group.Name, index);
    items.push({ reason: 'new', group: group.Name, name, previous: null, canary: false, downgrade, stop: null });
  }
  return items;
}

/** While paused, failed or canarying: what is lost is replaced, and what failed too, unless it belongs to the failed deployment itself. */
export function mayReplaceWhileNotReady({ current }: Pass, item: Wanted): boolean {
  if (item.reason === 'lost') return true;
  return item.reason === 'reschedule' && !(isFailed(current) && item.previous?.deploymentId === current?.id);
}

/** Step 16: migrations happen whatever the deployment's state, and whether or not there is room elsewhere. Source: spec/lifecycle §3.6 d. */
export function migrateAll(
  pass: Pass,
  { job, desired }: Pick<GroupScope, 'job' | 'desired'>,
  migrate: readonly AllocationState[],
  downgrade: boolean,
): readonly Wanted[] {
  const items: Wanted[] = [];
  for (const alloc of byIndex(migrate)) {
    stop(pass, alloc, MIGRATING);
    desired.Migrate++;
    const { Reschedule, MigrateDisablePlacement } = alloc.desiredTransition;
    if (pass.batch && (Reschedule || MigrateDisablePlacement)) continue;
    items.push(replacement(job, 'migrate', alloc, { downgrade }));
  }
  return items;
}

/**
 * Step 18: never more than the count at once. What was to be rescheduled and is not needed any more is stopped without a successor. Nomad counts
 * canaries and replacements together, so that canaries can take the place of what is lost, which then has no successor before the promotion.
 */
export function placeUpToCount(
  pass: Pass,
  { group, count }: { readonly group: TaskGroup; readonly count: number },
  canaries: readonly Wanted[],
  chosen: readonly Wanted[],
  migrations: readonly Wanted[],
): void {
  const items = [...chosen, ...migrations];
  pass.place.push(...canaries.slice(0, group.Count), ...items.slice(0, count));
  for (const item of items.slice(count)) {
    if (item.previous !== null && item.stop !== null) stop(pass, item.previous, item.stop);
  }
}

export const replacement = (
  job: JobVersion,
  reason: 'reschedule' | 'lost' | 'migrate' | 'destructive',
  previous: AllocationState,
  { downgrade = false, stop: description = null }: { readonly downgrade?: boolean; readonly stop?: string | null },
): Wanted => ({
  reason,
  group: previous.taskGroup,
  name: previous.name,
  previous,
  canary: reason !== 'destructive' && isOnTrial(job, previous),
  downgrade: downgrade && !isOnTrial(job, previous),
  stop: description,
});
