import type { NodeDescription, Spread } from '@app/domain';

/** How many allocations of a job or group are on nodes with each value of a property. */
export interface PropertyCounts {
  readonly group: string | null;
  readonly valueOf: (node: NodeDescription) => string | undefined;
  readonly counts: Map<string, number>;
}

/** Counts an allocation of a group (1), or some, or takes them away again (negative). */
export function countProperty(
  { group, valueOf, counts }: PropertyCounts,
  node: NodeDescription,
  ofGroup: string,
  change: number,
): void {
  if (group !== null && group !== ofGroup) return;
  const value = valueOf(node);
  if (value !== undefined) counts.set(value, (counts.get(value) ?? 0) + change);
}

export interface SpreadBlock {
  readonly spread: Spread;
  readonly counts: PropertyCounts;
}

const LOWEST = -1;

/** How well a node serves the spread blocks of a group of `count`, were the next allocation placed there. Source: spec/lifecycle §8.3. */
export function spreadScore(blocks: readonly SpreadBlock[], node: NodeDescription, count: number): number {
  const totalWeight = blocks.reduce((sum, { spread }) => sum + spread.Weight, 0);
  let score = 0;
  for (const { spread, counts } of blocks) {
    const value = counts.valueOf(node);
    if (value === undefined) score += LOWEST;
    else if (spread.SpreadTarget === null || spread.SpreadTarget.length === 0) score += evenness(counts.counts, value);
    else
      score += towardsTarget(spread, value, (counts.counts.get(value) ?? 0) + 1, count) * (spread.Weight / totalWeight);
  }
  return score;
}

/** The share of the target that would still be missing; negative beyond it. */
function towardsTarget(spread: Spread, value: string, used: number, count: number): number {
  const desired = desiredCount(spread, value, count);
  return desired === undefined || desired === 0 ? LOWEST : (desired - used) / desired;
}

interface Shares {
  /** Percent by value; of a value that is there twice the first counts. */
  readonly of: ReadonlyMap<string, number>;
  readonly sum: number;
}

/** Every node is asked about: made once for each block, however many targets it has. */
const sharesOf = new WeakMap<Spread, Shares>();

function shares(spread: Spread): Shares {
  const known = sharesOf.get(spread);
  if (known !== undefined) return known;
  const targets = spread.SpreadTarget ?? [];
  const made = {
    of: new Map(targets.toReversed().map(({ Value, Percent }) => [Value, Percent])),
    sum: targets.reduce((sum, { Percent }) => sum + Percent, 0),
  };
  sharesOf.set(spread, made);
  return made;
}

function desiredCount(spread: Spread, value: string, count: number): number | undefined {
  const { of, sum } = shares(spread);
  const own = of.get(value) ?? of.get('*');
  if (own !== undefined) return (own / 100) * count;
  const rest = count - (sum / 100) * count;
  return rest > 0 ? rest : undefined;
}

/** Without targets all values in use are to be used alike. */
function evenness(counts: ReadonlyMap<string, number>, value: string): number {
  let min = Infinity;
  let max = 0;
  for (const count of counts.values()) {
    if (count === 0) continue;
    min = Math.min(min, count);
    max = Math.max(max, count);
  }
  if (max === 0) return 0;
  const current = counts.get(value) ?? 0;
  // A value nobody uses yet is the least used of all.
  if (current === 0) min = 0;
  if (current !== min) return (min - current) / min;
  if (min === max) return LOWEST;
  return min === 0 ? 1 : (max - min) / min;
}
