import type { NodeState, SchedulerConfiguration } from '@app/domain';
import type { GroupAsk } from './ask.js';
import { spreadScore } from './spread.js';

/** A node's scores for a group; those that are null did not take part in the mean. Source: spec/lifecycle §8.3. */
export interface Scores {
  readonly binpack: number;
  readonly antiAffinity: number;
  readonly penalty: number;
  readonly affinity: number;
  readonly spread: number;
  /** 0 where nobody has to make room. */
  readonly preemption: number;
  readonly final: number;
}

export interface ScoringInput {
  readonly node: NodeState;
  /** Shares of the node's MHz and MB that would remain free, 0 to 1. */
  readonly freeCpu: number;
  readonly freeMemory: number;
  /** Allocations of the same job and group that are on the node already. */
  readonly siblings: number;
  readonly penalised: boolean;
  /** 0 where nobody has to make room. */
  readonly preemption: number;
}

const MAX_FIT = 18;

/** Scores a node on which the group fits. */
export function scoreNode(ask: GroupAsk, input: ScoringInput, algorithm: SchedulerConfiguration['algorithm']): Scores {
  const { node, freeCpu, freeMemory, siblings, penalised, preemption } = input;
  const load = 10 ** freeCpu + 10 ** freeMemory;
  const fit = algorithm === 'binpack' ? 20 - load : load - 2;
  const binpack = Math.min(MAX_FIT, Math.max(0, fit)) / MAX_FIT;
  const antiAffinity = siblings > 0 ? -(siblings + 1) / ask.group.Count : 0;
  const penalty = penalised ? -1 : 0;
  const affinity = ask.affinities.length > 0 ? affinityScore(ask, node) : 0;
  const spread = ask.spreads.length > 0 ? spreadScore(ask.spreads, node.description, ask.group.Count) : 0;

  let scorers = 1;
  if (siblings > 0) scorers++;
  if (penalised) scorers++;
  if (ask.affinities.length > 0) scorers++;
  if (spread !== 0) scorers++;
  if (preemption !== 0) scorers++;
  return {
    binpack,
    antiAffinity,
    penalty,
    affinity,
    spread,
    preemption,
    final: (binpack + antiAffinity + penalty + affinity + spread + preemption) / scorers,
  };
}

function affinityScore({ affinities }: GroupAsk, { description }: NodeState): number {
  let matched = 0;
  let total = 0;
  for (const { check, weight } of affinities) {
    total += Math.abs(weight);
    if (check.passes(description)) matched += weight;
  }
  return matched / total;
}

/** In Nomad's spelling, for ScoreMetaData. */
export function scoreMap({
  binpack,
  antiAffinity,
  penalty,
  affinity,
  spread,
  preemption,
}: Scores): Record<string, number> {
  return {
    binpack,
    'job-anti-affinity': antiAffinity,
    'node-reschedule-penalty': penalty,
    'node-affinity': affinity,
    ...(spread !== 0 && { 'allocation-spread': spread }),
    ...(preemption !== 0 && { preemption }),
  };
}
