import type { DurationNs, Index, TimeUs } from '@app/kernel';

export type DeploymentStatus =
  'running' | 'paused' | 'failed' | 'successful' | 'cancelled' | 'initializing' | 'pending' | 'blocked' | 'unblocking';

/** One task group's part of a deployment. Nomad: DeploymentState; spec/http-api §2.1. */
export interface DeploymentGroup {
  readonly autoRevert: boolean;
  readonly autoPromote: boolean;
  readonly progressDeadline: DurationNs;
  /** 0: no timer yet. */
  readonly requireProgressBy: TimeUs;
  readonly promoted: boolean;
  readonly placedCanaries: readonly string[];
  readonly desiredCanaries: number;
  readonly desiredTotal: number;
  readonly placedAllocs: number;
  readonly healthyAllocs: number;
  readonly unhealthyAllocs: number;
}

/** Nomad: Deployment. A row exists from `DeploymentCreated` on; purging its job ends it with `purged`. */
export interface DeploymentState {
  readonly id: string;
  readonly namespace: string;
  readonly jobId: string;
  readonly jobVersion: number;
  readonly jobModifyIndex: Index;
  readonly jobSpecModifyIndex: Index;
  readonly jobCreateIndex: Index;
  readonly groups: Readonly<Record<string, DeploymentGroup>>;
  readonly status: DeploymentStatus;
  readonly statusDescription: string;
  readonly evalPriority: number;
  readonly createIndex: Index;
  readonly modifyIndex: Index;
  readonly createTime: TimeUs;
  readonly modifyTime: TimeUs;
  readonly purged: boolean;
}

/** Nomad's active set; spec/lifecycle §0.1. */
export const isActive = (deployment: Pick<DeploymentState, 'status'>): boolean =>
  deployment.status !== 'failed' && deployment.status !== 'successful' && deployment.status !== 'cancelled';

/** Canaries are wanted and not every group that wants them is promoted. */
export const requiresPromotion = (deployment: Pick<DeploymentState, 'groups' | 'status'>): boolean =>
  deployment.status === 'running' &&
  Object.values(deployment.groups).some((group) => group.desiredCanaries > 0 && !group.promoted);
