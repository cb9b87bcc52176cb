import { US_PER_S } from '@app/kernel';

/** How long things that are over are kept, in microseconds. */
export interface GarbageThresholds {
  readonly evaluation: number;
  /** Evaluations of batch jobs. */
  readonly batchEvaluation: number;
  readonly deployment: number;
  readonly job: number;
  readonly node: number;
}

const HOUR = 3600 * US_PER_S;

/** Nomad's defaults; spec/lifecycle §6.7. */
export const GARBAGE_THRESHOLDS: GarbageThresholds = {
  evaluation: HOUR,
  batchEvaluation: 24 * HOUR,
  deployment: HOUR,
  job: 4 * HOUR,
  node: 24 * HOUR,
};

/** Everything that is over goes at once: an operator's `system gc`. */
export const NO_THRESHOLDS: GarbageThresholds = { evaluation: 0, batchEvaluation: 0, deployment: 0, job: 0, node: 0 };
