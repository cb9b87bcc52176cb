import type { Index } from '@app/kernel';

/** Nomad: TaskGroupSummary. */
export interface GroupSummary {
  readonly queued: number;
  readonly complete: number;
  readonly failed: number;
  readonly running: number;
  readonly starting: number;
  readonly lost: number;
  readonly unknown: number;
}

/**
 * Nomad: JobSummary, and the two counts that a job's status is computed from. Its stream moves with every placement and every change of a
 * client status, so a command that reads it holds the set of the job's allocations still.
 */
export interface JobSummaryState {
  readonly namespace: string;
  readonly jobId: string;
  readonly jobCreateIndex: Index;
  readonly groups: Readonly<Record<string, GroupSummary>>;
  readonly children: { readonly pending: number; readonly running: number; readonly dead: number };
  /** Allocations that are neither server- nor client-terminal. */
  readonly liveAllocations: number;
  readonly activeDeployments: number;
  readonly createIndex: Index;
  readonly modifyIndex: Index;
  readonly purged: boolean;
}
