import type { Index, TimeUs } from '@app/kernel';
import type { PlannedDeploymentGroup } from '../plan/plan.js';

/** Everything that happens to a deployment; its stream tells the whole story of a rollout by itself. */
export type DeploymentEvent =
  | {
      readonly type: 'DeploymentCreated';
      readonly data: {
        readonly id: string;
        readonly namespace: string;
        readonly jobId: string;
        readonly jobVersion: number;
        readonly jobModifyIndex: Index;
        readonly jobSpecModifyIndex: Index;
        readonly jobCreateIndex: Index;
        readonly statusDescription: string;
        readonly evalPriority: number;
        readonly groups: Readonly<Record<string, PlannedDeploymentGroup>>;
      };
    }
  /** A later evaluation added groups, wants canaries, or (system jobs) counted its nodes anew. */
  | {
      readonly type: 'DeploymentGoalsChanged';
      readonly data: {
        readonly statusDescription: string;
        readonly groups: Readonly<Record<string, PlannedDeploymentGroup>>;
      };
    }
  | {
      readonly type: 'DeploymentAllocationsPlaced';
      readonly data: {
        readonly group: string;
        readonly allocations: readonly string[];
        readonly canaries: readonly string[];
      };
    }
  | {
      readonly type: 'DeploymentAllocationsHealthy';
      readonly data: { readonly group: string; readonly allocations: readonly string[]; readonly healthyAt: TimeUs };
    }
  /** `wereHealthy` of them had been counted as healthy before. */
  | {
      readonly type: 'DeploymentAllocationsUnhealthy';
      readonly data: {
        readonly group: string;
        readonly allocations: readonly string[];
        readonly wereHealthy: number;
        readonly unhealthyAt: TimeUs;
      };
    }
  | {
      readonly type: 'DeploymentPromoted';
      readonly data: { readonly groups: readonly string[]; readonly automatic: boolean };
    }
  | { readonly type: 'DeploymentPaused'; readonly data: Readonly<Record<string, never>> }
  | { readonly type: 'DeploymentResumed'; readonly data: Readonly<Record<string, never>> }
  | {
      readonly type: 'DeploymentFailed';
      readonly data: { readonly statusDescription: string; readonly revertedToVersion: number | null };
    }
  | { readonly type: 'DeploymentSucceeded'; readonly data: { readonly statusDescription: string } }
  | { readonly type: 'DeploymentCancelled'; readonly data: { readonly statusDescription: string } }
  | { readonly type: 'DeploymentPurged'; readonly data: Readonly<Record<string, never>> }
  | { readonly type: 'DeploymentCollected'; readonly data: Readonly<Record<string, never>> };
