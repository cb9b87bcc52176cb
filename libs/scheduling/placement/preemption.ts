import type { Usage } from './resources.js';

/** An allocation that may have to make room. */
export interface Candidate {
  readonly priority: number;
  readonly usage: Usage;
  /** The group of a job that it belongs to, as one word. */
  readonly group: string;
  /** So many of the group may go without anybody minding: its migrate.max_parallel. */
  readonly maxParallel: number;
}

export interface Shortage {
  /** All that is asked for. */
  readonly ask: Usage;
  /** What of it there is no room for. */
  readonly missing: Usage;
  /** How many of a group have to go already. */
  readonly gone: (group: string) => number;
}

/** Who is to make room for a job must be less important by this much. */
const PRIORITY_MARGIN = 10;
const CROWDING_PENALTY = 50;
const SCORE_STEEPNESS = 0.0048;
const SCORE_MIDDLE = 2048;
const DIMENSIONS = ['cpu', 'memory', 'disk', 'cores'] as const satisfies readonly (keyof Usage)[];

/** Whether a job of one priority may evict allocations of a job of another. Source: spec/lifecycle §8.7. */
export const mayEvict = (priority: number, victim: number): boolean => victim <= priority - PRIORITY_MARGIN;

/**
 * Who makes room for what is missing: the least important first, of equally important ones whoever frees most nearly what is asked for, and
 * nobody whose room is not needed. null when all of them together are not enough. Source: spec/lifecycle §8.7.
 */
export function chooseVictims<C extends Candidate>(
  { ask, missing, gone }: Shortage,
  candidates: readonly C[],
): readonly C[] | null {
  const victims: C[] = [];
  const left = candidates.toSorted((a, b) => a.priority - b.priority);
  const toGo = (group: string): number => gone(group) + victims.filter((victim) => victim.group === group).length;
  while (!suffice(victims, missing)) {
    const [first] = left;
    if (first === undefined) return null;
    let best = 0;
    let nearest = Infinity;
    for (const [i, candidate] of left.entries()) {
      if (candidate.priority > first.priority) break;
      const far = distance(ask, candidate.usage) + crowding(candidate, toGo(candidate.group));
      if (far < nearest) [best, nearest] = [i, far];
    }
    victims.push(...left.splice(best, 1));
  }
  return withoutSuperfluous(victims, missing);
}

/** The score of a node for the priorities of the jobs that would lose something there: the less important, the better. Source: spec/lifecycle §8.3. */
export function preemptionScore(priorities: readonly number[]): number {
  const max = Math.max(...priorities);
  const sum = priorities.reduce((total, priority) => total + priority, 0);
  return 1 / (1 + Math.exp(SCORE_STEEPNESS * (max + sum / max - SCORE_MIDDLE)));
}

/** How far what an allocation would free is from what is asked for. */
function distance(ask: Usage, usage: Usage): number {
  const off = (dimension: 'cpu' | 'memory' | 'disk'): number =>
    ask[dimension] > 0 ? ((ask[dimension] - usage[dimension]) / ask[dimension]) ** 2 : 0;
  return Math.sqrt(off('memory') + off('cpu') + off('disk'));
}

const crowding = ({ maxParallel }: Candidate, toGo: number): number =>
  toGo >= maxParallel ? CROWDING_PENALTY * (toGo + 1 - maxParallel) : 0;

const suffice = (victims: readonly Candidate[], missing: Usage): boolean =>
  DIMENSIONS.every(
    (dimension) => victims.reduce((freed, { usage }) => freed + usage[dimension], 0) >= missing[dimension],
  );

/** Spares the most important first. */
function withoutSuperfluous<C extends Candidate>(victims: readonly C[], missing: Usage): readonly C[] {
  let needed = victims;
  for (const victim of victims.toReversed()) {
    const others = needed.filter((other) => other !== victim);
    if (suffice(others, missing)) needed = others;
  }
  return needed;
}
