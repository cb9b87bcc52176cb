import { NO_RESOURCES, type AllocMetric, type NodeState, type Resources, type TaskGroup } from '@app/domain';
import { byName, ownProperty, type ByName, type DurationNs } from '@app/kernel';

/** Counts what a selection sees. */
export type Tally = {
  evaluated: number;
  filtered: number;
  exhausted: number;
  classFiltered: ByName<number> | null;
  constraintFiltered: ByName<number> | null;
  classExhausted: ByName<number> | null;
  dimensionExhausted: ByName<number> | null;
};

export const newTally = (): Tally => ({
  evaluated: 0,
  filtered: 0,
  exhausted: 0,
  classFiltered: null,
  constraintFiltered: null,
  classExhausted: null,
  dimensionExhausted: null,
});

function plusOne(counts: ByName<number> | null, key: string): ByName<number> | null {
  if (key === '') return counts;
  const result = counts ?? byName();
  result[key] = (result[key] ?? 0) + 1;
  return result;
}

/** A node that does not suit. */
export function countFiltered(tally: Tally, { description }: NodeState, reason: string): void {
  tally.filtered++;
  tally.classFiltered = plusOne(tally.classFiltered, description.NodeClass);
  tally.constraintFiltered = plusOne(tally.constraintFiltered, reason);
}

/** A node that suits but has no room. */
export function countExhausted(tally: Tally, { description }: NodeState, dimension: string): void {
  tally.exhausted++;
  tally.classExhausted = plusOne(tally.classExhausted, description.NodeClass);
  tally.dimensionExhausted = plusOne(tally.dimensionExhausted, dimension);
}

export interface Candidacy {
  readonly nodePool: string;
  readonly inPool: number;
  /** By datacenter. */
  readonly available: Record<string, number>;
}

/** In Nomad's spelling, with the nanoseconds that the selection took. Source: spec/lifecycle §8.6. */
export const metricOf = (
  tally: Tally,
  candidacy: Candidacy,
  scores: AllocMetric['ScoreMetaData'],
  took: DurationNs,
): AllocMetric => ({
  NodesEvaluated: tally.evaluated,
  NodesFiltered: tally.filtered,
  NodesInPool: candidacy.inPool,
  NodePool: candidacy.nodePool,
  NodesAvailable: candidacy.available,
  ClassFiltered: tally.classFiltered,
  ConstraintFiltered: tally.constraintFiltered,
  NodesExhausted: tally.exhausted,
  ClassExhausted: tally.classExhausted,
  DimensionExhausted: tally.dimensionExhausted,
  QuotaExhausted: null,
  ResourcesExhausted: null,
  Scores: null,
  ScoreMetaData: scores,
  AllocationTime: took,
  CoalescedFailures: 0,
});

/** Of what ran out: how much of it the tasks of a group asked for, by task. What there is enough of stays 0. */
export function exhaustedResources(
  group: TaskGroup,
  { dimensionExhausted }: Pick<Tally, 'dimensionExhausted'>,
): Record<string, Resources> {
  const ranOut = (dimension: string): boolean => (ownProperty(dimensionExhausted, dimension) ?? 0) > 0;
  const [cpu, memory, cores] = [ranOut('cpu'), ranOut('memory'), ranOut('cores')];
  const byTask = byName<Resources>();
  for (const { Name, Resources: asked } of group.Tasks) {
    byTask[Name] = {
      ...NO_RESOURCES,
      ...(cpu && { CPU: asked.CPU }),
      ...(memory && { MemoryMB: asked.MemoryMB }),
      ...(cores && { Cores: asked.Cores }),
    };
  }
  return byTask;
}

/** One more failure of the same kind: it is counted, and lacks as much again. */
export function coalesce(metric: AllocMetric): void {
  const failures = ++metric.CoalescedFailures;
  for (const resources of Object.values(metric.ResourcesExhausted ?? {}))
    for (const part of ['CPU', 'MemoryMB', 'Cores'] as const) resources[part] += resources[part] / failures;
}

const sumOf = (
  left: Record<string, number> | null,
  right: Record<string, number> | null,
): Record<string, number> | null => {
  if (left === null || right === null) return left ?? right;
  const sum = byName<number>();
  for (const counts of [left, right])
    for (const [key, count] of Object.entries(counts)) sum[key] = (sum[key] ?? 0) + count;
  return sum;
};

/** What two nodes that do not suit have told, as if one selection had seen them both. */
export const mergeFiltered = (left: AllocMetric, right: AllocMetric): AllocMetric => ({
  ...left,
  NodesEvaluated: left.NodesEvaluated + right.NodesEvaluated,
  NodesFiltered: left.NodesFiltered + right.NodesFiltered,
  ClassFiltered: sumOf(left.ClassFiltered, right.ClassFiltered),
  ConstraintFiltered: sumOf(left.ConstraintFiltered, right.ConstraintFiltered),
  AllocationTime: left.AllocationTime + right.AllocationTime,
});
