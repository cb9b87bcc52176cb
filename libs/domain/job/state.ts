import type { Index, Json, TimeUs } from '@app/kernel';
import type { JobSpec, TaskGroup } from '../nomad.js';

export type JobStatus = 'pending' | 'running' | 'dead';

export interface VersionTag {
  readonly Name: string;
  readonly Description: string;
  readonly TaggedTime: TimeUs;
}

/** Whose scaling policy is the one of a group; its content is the group's block. */
export interface ScalingPolicyIdentity {
  readonly group: string;
  readonly id: string;
  readonly createIndex: Index;
  readonly modifyIndex: Index;
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
  /** An immediate revert: no canaries, whatever the specification says. */
  readonly skipsCanaries?: true;
  /** Absent: it has none, or comes from a release that did not make them. */
  readonly scalingPolicies?: readonly ScalingPolicyIdentity[];
}

/** Nomad: JobSubmission. What the author of a specification wrote, as the client sent it along. */
export interface JobSubmission {
  readonly Source: string;
  readonly Format: string;
  readonly VariableFlags: Readonly<Record<string, string>> | null;
  readonly Variables: string;
}

/** Nomad: ScalingEvent. */
export interface ScalingEvent {
  readonly time: TimeUs;
  /** null: nothing but a message. */
  readonly count: number | null;
  readonly previousCount: number;
  readonly message: string;
  readonly error: boolean;
  readonly meta: Readonly<Record<string, Json>> | null;
  /** "" where nothing had to be evaluated. */
  readonly evalId: string;
  readonly createIndex: Index;
}

/** Nomad: Job. `versions` holds what Nomad retains (six untagged and every tagged one), newest first; [0] is the current one. */
export interface JobState {
  readonly namespace: string;
  readonly id: string;
  readonly versions: readonly JobVersion[];
  /** After a purge the stream goes on, with no versions; the next registration starts at version 0. */
  readonly purged: boolean;
  /** When a periodic job last launched a child, or passed a launch over; absent: not yet. */
  readonly lastLaunch?: TimeUs;
  /** By group, newest first; absent: never scaled. */
  readonly scalingEvents?: Readonly<Record<string, readonly ScalingEvent[]>>;
}

/** The current version of a job that exists. */
export const currentVersion = (job: JobState | undefined): JobVersion | undefined =>
  job === undefined || job.purged ? undefined : job.versions[0];

/** Update blocks with max_parallel 0 are "empty": no deployments. spec/lifecycle §1.2. */
export const hasUpdate = (update: { MaxParallel: number } | null): boolean => update !== null && update.MaxParallel > 0;

const groupsOf = new WeakMap<JobSpec, ReadonlyMap<string, TaskGroup>>();

/** The group of a job by its name: looked up, not looked for, because passes ask for each of up to 10,000. */
export function groupNamed(spec: JobSpec, name: string): TaskGroup | undefined {
  let groups = groupsOf.get(spec);
  if (groups === undefined) {
    // Of several the first counts.
    groups = new Map(spec.TaskGroups.toReversed().map((group) => [group.Name, group]));
    groupsOf.set(spec, groups);
  }
  return groups.get(name);
}

/** Nothing of it runs by itself: it waits to be dispatched. The dispatched children keep the block. */
export const isParameterized = (spec: Pick<JobSpec, 'ParameterizedJob' | 'Dispatched'>): boolean =>
  spec.ParameterizedJob !== null && !spec.Dispatched;

/** Periodic or parameterized: a template for children, with nothing to schedule itself. */
export const isTemplate = (spec: Pick<JobSpec, 'Periodic' | 'ParameterizedJob' | 'Dispatched'>): boolean =>
  spec.Periodic !== null || isParameterized(spec);

/** Launches children at its times. */
export const isPeriodicActive = (spec: JobSpec): boolean =>
  spec.Periodic !== null && spec.Periodic.Enabled && !spec.Stop && !isParameterized(spec);
