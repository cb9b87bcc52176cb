import type { TimeUs } from '@app/kernel';
import type { JobSpec } from '../nomad.js';
import type { JobStatus } from './state.js';

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
      };
    }
  | { readonly type: 'JobStopped'; readonly data: { readonly version: number; readonly submitTime: TimeUs; readonly status: JobStatus } }
  | { readonly type: 'JobStatusChanged'; readonly data: { readonly status: JobStatus } }
  | { readonly type: 'JobVersionMarkedStable'; readonly data: { readonly version: number; readonly stable: boolean } }
  | {
      readonly type: 'JobVersionTagged';
      readonly data: { readonly version: number; readonly name: string; readonly description: string };
    }
  | { readonly type: 'JobVersionUntagged'; readonly data: { readonly version: number } }
  | { readonly type: 'JobPurged'; readonly data: Readonly<Record<string, never>> };
