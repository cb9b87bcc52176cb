import type { Index } from '@app/kernel';

/**
 * The purge of a job that has more than one command can carry. What the job had up to `upTo` (its remnants) is hidden from readers and the scheduler
 * until it has been taken away; what a job of the same id has that is registered meanwhile is newer.
 */
export interface JobPurgeState {
  readonly namespace: string;
  readonly jobId: string;
  readonly upTo: Index;
  readonly isOver: boolean;
}

/** What a job has, as far as one command takes it away. */
export interface JobBelongings {
  readonly allocationIds: readonly string[];
  readonly deploymentIds: readonly string[];
  /** Those that are open: others outlive their job. */
  readonly evaluationIds: readonly string[];
}

/** Objects of each kind that one command takes away: some megabytes at most. */
export const PURGED_PER_COMMAND = 1_000;
