import type { AllocationState } from '@app/domain';
import { isServerTerminal } from '@app/domain';
import { NOT_NEEDED } from '../descriptions.js';
import { nameIndex } from '../names.js';
import type { Pass } from './pass.js';
import { isUnreachable, stop } from './pass.js';

export interface SurplusInput {
  readonly untainted: readonly AllocationState[];
  readonly migrate: readonly AllocationState[];
  readonly canaries: readonly AllocationState[];
  readonly canarying: boolean;
}

/**
 * Stops what exceeds the count: those of an older version that came back (`late`), after a promotion those whose canary took their name, then
 * migrating ones and running ones with the highest indexes, but first what shares its name. Returns their ids. Source: spec/lifecycle §3.4, §3.8.
 */
export function stopSurplus(
  pass: Pass,
  count: number,
  input: SurplusInput,
  late: readonly AllocationState[],
): ReadonlySet<string> {
  const { untainted, migrate, canaries, canarying } = input;
  const victims = new Set<string>();
  const canaryIds = new Set(canaries.map((alloc) => alloc.id));
  const working = untainted.filter((alloc) => !(canarying && canaryIds.has(alloc.id)) && !isUnreachable(pass, alloc));
  let surplus = working.length + migrate.length - count;
  if (surplus <= 0) return victims;

  const take = (candidates: readonly AllocationState[]): void => {
    for (const alloc of candidates) {
      if (surplus <= 0) return;
      if (victims.has(alloc.id) || !stop(pass, alloc, NOT_NEEDED)) continue;
      victims.add(alloc.id);
      surplus--;
    }
  };
  const running = working.filter((alloc) => !isServerTerminal(alloc));
  // What is still disconnected does not count, so its stop would make up for nothing.
  take(late.filter((alloc) => !isUnreachable(pass, alloc)));
  if (!canarying && canaries.length > 0) {
    const canaryNames = new Set(canaries.map((alloc) => alloc.name));
    take(running.filter((alloc) => !canaryIds.has(alloc.id) && canaryNames.has(alloc.name)));
  }
  take(highestFirst(migrate));
  take(namedTwice(running));
  take(sharingNames(running));
  take(highestFirst(running));
  return victims;
}

/** Those of a name that another of their version had before: one of them was disconnected when the other got it. */
function namedTwice(allocations: readonly AllocationState[]): readonly AllocationState[] {
  const names = new Set<string>();
  return allocations
    .toSorted((a, b) => a.createIndex - b.createIndex)
    .filter(({ name, jobVersion }) => names.size === names.add(`${name} ${jobVersion}`).size);
}

/** Of those that share a name, whatever their versions, all but the newest version's. */
function sharingNames(allocations: readonly AllocationState[]): readonly AllocationState[] {
  const names = new Set<string>();
  return allocations
    .toSorted((a, b) => b.jobVersion - a.jobVersion || a.createIndex - b.createIndex)
    .filter(({ name }) => names.size === names.add(name).size);
}

/**
 * Of allocations that failed and are to be replaced now, those that the group still has use for; the others, with the highest indexes, are
 * stopped for good. `untainted`: without those whose replacements count instead. Nomad replaces them all and stops the surplus in the next evaluation.
 */
export function stillNeeded(
  pass: Pass,
  count: number,
  input: SurplusInput,
  failed: readonly AllocationState[],
): readonly AllocationState[] {
  const { untainted, migrate, canaries, canarying } = input;
  const onTrial = new Set(canarying ? canaries.map((alloc) => alloc.id) : []);
  const moving = new Set(migrate.map((alloc) => alloc.id));
  const candidates = failed.filter((alloc) => !onTrial.has(alloc.id) && !moving.has(alloc.id));
  const counted = untainted.filter((alloc) => !onTrial.has(alloc.id));
  const needed = Math.max(0, count - counted.length - migrate.length);
  if (candidates.length <= needed) return failed;
  const superfluous = new Set(highestFirst(candidates).slice(0, candidates.length - needed));
  for (const alloc of superfluous) if (!isUnreachable(pass, alloc)) stop(pass, alloc, NOT_NEEDED);
  return failed.filter((alloc) => !superfluous.has(alloc));
}

const highestFirst = (allocations: readonly AllocationState[]): readonly AllocationState[] =>
  allocations.toSorted((a, b) => nameIndex(b.name) - nameIndex(a.name));
