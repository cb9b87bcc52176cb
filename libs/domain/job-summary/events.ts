import type { Index } from '@app/kernel';
import type { GroupSummary } from './state.js';

export type JobSummaryEvent =
  /** Zero rows for groups that are new; rows of removed groups stay. */
  | {
      readonly type: 'JobSummaryGroupsAdded';
      readonly data: {
        readonly namespace: string;
        readonly jobId: string;
        readonly jobCreateIndex: Index;
        readonly groups: readonly string[];
      };
    }
  /** The new values of what changed. */
  | {
      readonly type: 'JobSummaryChanged';
      readonly data: {
        readonly groups: Readonly<Record<string, GroupSummary>>;
        readonly liveAllocations: number;
        readonly activeDeployments: number;
      };
    }
  | {
      readonly type: 'JobSummaryChildrenCounted';
      readonly data: { readonly pending: number; readonly running: number; readonly dead: number };
    }
  | { readonly type: 'JobSummaryPurged'; readonly data: Readonly<Record<string, never>> };
