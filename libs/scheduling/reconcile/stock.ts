import type { AllocationState } from '@app/domain';
import { isServerTerminal, isTerminal } from '@app/domain';
import { nameIndex } from '../names.js';
import { cleanUpCanaries, countOnTrial, standIns } from './canaries.js';
import { classify } from './classify.js';
import { filterReschedulable, handleDisconnecting, stopReplaced } from './departures.js';
import type { Due } from './followups.js';
import type { GroupScope, Pass } from './pass.js';
import { indexesOf, isCanarying, isOlderThan, isSubstituted, isUnreachable, without } from './pass.js';
import { reconnect } from './reconnect.js';
import { stillNeeded, stopSurplus } from './surplus.js';

/**
 * What there is of a group. Each allocation is in one of untainted (counts), migrate, rescheduleNow and lost, or out of the picture, until
 * something is decided about it.
 */
export interface Stock {
  /** Without the canaries of attempts that are over. */
  readonly all: readonly AllocationState[];
  /** Canaries of the current deployment; `canaries`: those of them that go on. */
  readonly onTrial: readonly AllocationState[];
  readonly canaries: readonly AllocationState[];
  readonly untainted: readonly AllocationState[];
  /** Of the untainted: those that were disconnected, and have got the better of their replacements. */
  readonly returned: ReadonlySet<AllocationState>;
  readonly migrate: readonly AllocationState[];
  readonly rescheduleNow: readonly AllocationState[];
  readonly later: readonly Due[];
  readonly lost: readonly AllocationState[];
}

/** Steps 4 to 8 of spec/lifecycle §3.2. */
export function takeStock({ pass, job, group, goal, desired }: GroupScope, live: readonly AllocationState[]): Stock {
  const done = pass.batch ? live.filter((alloc) => isTerminal(alloc) && isOlderThan(alloc, job)) : [];
  desired.Ignore += done.length;
  const { all, canaries: onTrial } = cleanUpCanaries(pass, desired, done.length === 0 ? live : without(live, done));

  const buckets = classify(all, pass.input);
  desired.Ignore += buckets.ignore.length;
  const spare = isCanarying(goal) ? standIns(pass, group, onTrial, buckets.reconnecting) : [];
  const { survivors, losers } = reconnect(pass, buckets.reconnecting, spare);
  desired.Reconnect += survivors.length;
  const canaries = onTrial.filter(({ id }) => !pass.stops.has(id));
  const stays = (alloc: AllocationState): boolean => !losers.has(alloc.id);
  desired.Stop += buckets.reconnecting.filter(stays).length - survivors.length + losers.size;

  const migrating = stopReplaced(pass, desired, buckets.migrate.filter(stays));
  const filtered = filterReschedulable(pass, buckets.untainted.filter(stays));
  const migratingDue = filterReschedulable(pass, migrating);
  const disconnected = handleDisconnecting(pass, desired, buckets.disconnecting.filter(stays));
  const rescheduleNow = [...filtered.now, ...migratingDue.now, ...disconnected.now];
  const later = [...filtered.later, ...migratingDue.later, ...disconnected.later];
  desired.RescheduleNow += rescheduleNow.length;
  desired.RescheduleLater += later.length;
  return {
    all,
    onTrial,
    canaries,
    untainted: [...filtered.untainted, ...survivors, ...disconnected.untainted],
    returned: new Set(survivors),
    // Of a batch job, what was moved already may still be here.
    migrate: migrating.filter((alloc) => !isServerTerminal(alloc)),
    rescheduleNow,
    later,
    lost: [...buckets.lost, ...buckets.expiring],
  };
}

/** Counts itself, not its replacement: what is back has got the better of it, also before its client has told of it. */
export const holdsPlace = (pass: Pass, { returned }: Pick<Stock, 'returned'>, alloc: AllocationState): boolean =>
  returned.has(alloc) || !isSubstituted(pass, alloc);

/** A group without what was too many. */
export interface Trimmed extends Pick<Stock, 'untainted' | 'migrate' | 'rescheduleNow' | 'lost'> {
  /** How many allocations the group is to have now. */
  readonly count: number;
  /** Indexes of names that are taken. */
  readonly used: ReadonlySet<number>;
}

/** Step 11: stops the surplus. The lost are stopped already. */
export function trimToCount({ pass, job, group, goal, desired }: GroupScope, stock: Stock): Trimmed {
  const { untainted, migrate, rescheduleNow, lost, canaries, onTrial } = stock;
  const holds = (alloc: AllocationState): boolean => holdsPlace(pass, stock, alloc);
  const used = indexesOf([...untainted.filter(holds), ...migrate, ...rescheduleNow, ...lost]);
  desired.Stop += lost.length;
  const onTrialIds = new Set(onTrial.map(({ id }) => id));
  const stable = [...untainted, ...migrate].filter(({ id }) => !onTrialIds.has(id));
  const within = stable.filter((alloc) => !isUnreachable(pass, alloc));
  const count = countOnTrial(pass, group, goal, [...stable, ...rescheduleNow, ...lost], untainted);
  const canarying = isCanarying(goal);
  const surplus = stopSurplus(
    pass,
    countOnTrial(pass, group, goal, within, untainted),
    { untainted, migrate, canaries, canarying },
    [...stock.returned].filter((alloc) => isOlderThan(alloc, job)),
  );
  desired.Stop += surplus.size;
  const kept = (some: readonly AllocationState[]): readonly AllocationState[] =>
    surplus.size === 0 ? some : some.filter(({ id }) => !surplus.has(id));
  const rest = { untainted: kept(untainted), migrate: kept(migrate) };
  for (const alloc of [...untainted, ...migrate]) if (surplus.has(alloc.id)) used.delete(nameIndex(alloc.name));
  if (surplus.size > 0) for (const alloc of rest.untainted) if (holds(alloc)) used.add(nameIndex(alloc.name));
  const counted = { ...rest, untainted: rest.untainted.filter(holds), canaries, canarying };
  const needed = stillNeeded(pass, count, counted, rescheduleNow);
  return { ...rest, rescheduleNow: needed, lost, count, used };
}
