import type { Index, TimeUs } from '@app/kernel';
import type { JobSpec } from '../nomad.js';

export type JobStatus = 'pending' | 'running' | 'dead';

export interface VersionTag {
  readonly Name: string;
  readonly Description: string;
  readonly TaggedTime: TimeUs;
}

/** One registered version: the specification and the server's bookkeeping at that version. */
export interface JobVersion {
  readonly version: number;
  readonly spec: JobSpec;
  readonly stable: boolean;
  readonly status: JobStatus;
  readonly submitTime: TimeUs;
  readonly createIndex: Index;
  readonly modifyIndex: Index;
  readonly jobModifyIndex: Index;
  readonly versionTag: VersionTag | null;
}

/** Nomad: Job. `versions` holds what Nomad retains (six untagged and every tagged one), newest first; [0] is the current one. */
export interface JobState {
  readonly namespace: string;
  readonly id: string;
  readonly versions: readonly JobVersion[];
  /** After a purge the stream goes on, with no versions; the next registration starts at version 0. */
  readonly purged: boolean;
}

/** The current version of a job that exists. */
export const currentVersion = (job: JobState | undefined): JobVersion | undefined =>
  job === undefined || job.purged ? undefined : job.versions[0];

/** Update blocks with max_parallel 0 are "empty": no deployments. spec/lifecycle §1.2. */
export const hasUpdate = (update: { MaxParallel: number } | null): boolean => update !== null && update.MaxParallel > 0;
