import type { Index } from '@app/kernel';
import type { JobType } from '../nomad.js';

/** What an operator may choose about placement. Nomad: SchedulerConfiguration; spec/http-api §4.9. */
export interface SchedulerConfiguration {
  readonly algorithm: 'binpack' | 'spread';
  /** How many nodes are scored where affinities or spreads ask for more than the usual few. */
  readonly nodeLimit: number;
  /** Jobs of which types may evict what is less important; spec/lifecycle §8.7. */
  readonly preemption: Readonly<Record<JobType, boolean>>;
  /** Tasks get the memory_max that they ask for beside what is reserved for them. */
  readonly memoryOversubscription?: boolean;
  /** Jobs are neither registered nor dispatched, scaled or reverted. */
  readonly rejectRegistration?: boolean;
  /** Evaluations stay as they are. */
  readonly pauseBroker?: boolean;
}

/** The configuration since somebody chose one; until then the default counts. */
export interface SchedulerConfigurationState extends SchedulerConfiguration {
  readonly createIndex: Index;
  readonly modifyIndex: Index;
}

export const DEFAULT_SCHEDULER_CONFIGURATION: SchedulerConfiguration = {
  algorithm: 'binpack',
  nodeLimit: 100,
  preemption: { service: false, batch: false, system: true, sysbatch: false },
};
