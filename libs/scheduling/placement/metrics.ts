import type { AllocMetric, NodeState, Resources, TaskGroup } from '@app/domain';
import { byName, type ByName, type DurationNs } from '@app/kernel';

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

/** What the tasks of a group asked for, by task. */
export const resourcesAsked = (group: TaskGroup): Record<string, Resources> =>
  Object.fromEntries(group.Tasks.map((task) => [task.Name, task.Resources]));
