import type { TimeUs } from '@app/kernel';
import type { JobSpec } from '../nomad.js';
import type { JobStatus, JobSubmission, ScalingEvent, ScalingPolicyIdentity } from './state.js';

/** Everything that happens to a job. Those with a `version` store a new one; the others keep it (spec/lifecycle §1.5). */
export type JobEvent =
  | {
      readonly type: 'JobRegistered';
      readonly data: {
        readonly version: number;
        readonly spec: JobSpec;
        readonly submitTime: TimeUs;
        readonly status: JobStatus;
        /** Carried over from the copied version by scaling and auto-revert; a registration is never stable. */
        readonly stable: boolean;
        /** Why there is a new version, when it is not a plain registration. */
        readonly cause: 'register' | 'scale' | 'revert' | 'auto-revert' | 'dispatch' | 'periodic';
        /** The version that was brought back, for reverts. */
        readonly revertedTo: number | null;
        /** The version is placed without trying canaries first: a revert that must not wait. */
        readonly skipsCanaries?: true;
        /** What the specification was written as, if the client said so. Read from here, not kept in the state. */
        readonly submission?: JobSubmission;
        /** Those of its groups; THIS_INDEX where they were made or changed with it. */
        readonly scalingPolicies?: readonly ScalingPolicyIdentity[];
      };
    }
  | {
      readonly type: 'JobStopped';
      readonly data: { readonly version: number; readonly submitTime: TimeUs; readonly status: JobStatus };
    }
  | { readonly type: 'JobStatusChanged'; readonly data: { readonly status: JobStatus } }
  | { readonly type: 'JobVersionMarkedStable'; readonly data: { readonly version: number; readonly stable: boolean } }
  | {
      readonly type: 'JobVersionTagged';
      readonly data: { readonly version: number; readonly name: string; readonly description: string };
    }
  /** A count was asked for or, with `count` null, something was noted about a group. A new count comes with a new version. */
  | {
      readonly type: 'JobScaled';
      readonly data: { readonly group: string } & Omit<ScalingEvent, 'time' | 'createIndex'>;
    }
  /** `due`: the time of the schedule; for a launch that was asked for, the time of asking. */
  | { readonly type: 'PeriodicJobLaunched'; readonly data: { readonly due: TimeUs; readonly childId: string } }
  /** The child before is not done, and the job prohibits overlap. */
  | { readonly type: 'PeriodicLaunchPassedOver'; readonly data: { readonly due: TimeUs } }
  /** `forgotten`: only its tag kept the version. */
  | {
      readonly type: 'JobVersionUntagged';
      readonly data: { readonly version: number; readonly forgotten?: true };
    }
  | { readonly type: 'JobPurged'; readonly data: Readonly<Record<string, never>> };
