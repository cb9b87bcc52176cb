import type { AllocationState } from '@app/domain';
import { isServerTerminal } from '@app/domain';
import { NOT_NEEDED } from '../descriptions.js';
import { nameIndex } from '../names.js';
import type { Pass } from './pass.js';
import { stop } from './pass.js';

export interface SurplusInput {
  readonly untainted: readonly AllocationState[];
  readonly migrate: readonly AllocationState[];
  readonly canaries: readonly AllocationState[];
  readonly canarying: boolean;
}

/**
 * Stops what exceeds the count: after a promotion those whose canary took their name, then migrating ones and running ones with the
 * highest indexes. Returns their ids. Source: spec/lifecycle §3.4.
 */
export function stopSurplus(pass: Pass, count: number, input: SurplusInput): ReadonlySet<string> {
  const { untainted, migrate, canaries, canarying } = input;
  const victims = new Set<string>();
  const canaryIds = new Set(canaries.map((alloc) => alloc.id));
  const working = canarying ? untainted.filter((alloc) => !canaryIds.has(alloc.id)) : untainted;
  const reachable = working.reduce((sum, alloc) => sum + (alloc.clientStatus === 'unknown' ? 0 : 1), 0);
  let surplus = reachable + migrate.length - count;
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
  if (!canarying && canaries.length > 0) {
    const canaryNames = new Set(canaries.map((alloc) => alloc.name));
    take(running.filter((alloc) => !canaryIds.has(alloc.id) && canaryNames.has(alloc.name)));
  }
  take(highestFirst(migrate));
  take(highestFirst(running));
  return victims;
}

const highestFirst = (allocations: readonly AllocationState[]): readonly AllocationState[] =>
  allocations.toSorted((a, b) => nameIndex(b.name) - nameIndex(a.name));
