import { byName } from '@app/kernel';
import type {
  DeploymentState,
  JobVersion,
  PlannedDeployment,
  PlannedDeploymentGroup,
  PlannedDeploymentStatus,
} from '@app/domain';
import { isActive } from '@app/domain';
import {
  DEPLOYMENT_AUTO_PROMOTION,
  DEPLOYMENT_JOB_STOPPED,
  DEPLOYMENT_NEEDS_PROMOTION,
  DEPLOYMENT_NEWER_JOB,
  DEPLOYMENT_RUNNING,
  DEPLOYMENT_SUCCESSFUL,
} from '../descriptions.js';
import type { GroupGoal, ReconcileInput } from './pass.js';

export interface Triage {
  readonly old: DeploymentState | null;
  readonly current: DeploymentState | null;
  readonly updates: readonly PlannedDeploymentStatus[];
}

/** Tells whether the newest deployment is still the one to work on, and cancels it if it is not. Source: spec/lifecycle §3.1. */
export function triageDeployment(job: JobVersion | undefined, newest: DeploymentState | undefined): Triage {
  if (newest === undefined) return { old: null, current: null, updates: [] };
  const cancelled = (description: string): Triage => ({
    old: newest,
    current: null,
    updates: isActive(newest) ? [{ deploymentId: newest.id, status: 'cancelled', description }] : [],
  });
  if (job === undefined || job.spec.Stop) return cancelled(DEPLOYMENT_JOB_STOPPED);
  if (newest.jobCreateIndex !== job.createIndex || newest.jobVersion !== job.version)
    return cancelled(DEPLOYMENT_NEWER_JOB);
  if (newest.status === 'successful') return { old: newest, current: null, updates: [] };
  return { old: null, current: newest, updates: [] };
}

export const isPaused = (deployment: DeploymentState | null): boolean =>
  deployment?.status === 'paused' || deployment?.status === 'pending' || deployment?.status === 'initializing';

export const isFailed = (deployment: DeploymentState | null): boolean => deployment?.status === 'failed';

/** The newest deployment that is still known. */
export const newestDeployment = (deployments: readonly DeploymentState[]): DeploymentState | undefined =>
  deployments.findLast((deployment) => !deployment.purged);

/**
 * The deployment a plan carries: a new one, or the groups that are new to the current one or have other goals now; null when there are none.
 * Source: spec/lifecycle §3.9.
 */
export function planDeployment(
  input: ReconcileInput,
  current: DeploymentState | null,
  goals: Readonly<Record<string, GroupGoal>>,
  evalPriority = input.evaluation.priority,
): PlannedDeployment | null {
  const { job } = input;
  if (job === undefined || Object.keys(goals).length === 0) return null;
  const groups = byName<PlannedDeploymentGroup>();
  for (const [name, goal] of Object.entries(goals)) {
    const { autoRevert, autoPromote, progressDeadline, desiredCanaries, desiredTotal } = goal;
    groups[name] = { autoRevert, autoPromote, progressDeadline, desiredCanaries, desiredTotal };
  }
  return {
    id: current?.id ?? input.newId(),
    isNew: current === null,
    jobVersion: job.version,
    jobModifyIndex: job.modifyIndex,
    jobSpecModifyIndex: job.jobModifyIndex,
    jobCreateIndex: job.createIndex,
    statusDescription: current?.statusDescription ?? describeNew(groups),
    evalPriority,
    groups,
  };
}

/** Source: spec/lifecycle §0.2. */
function describeNew(groups: Readonly<Record<string, PlannedDeploymentGroup>>): string {
  const canarying = Object.values(groups).filter((group) => group.desiredCanaries > 0);
  if (canarying.length === 0) return DEPLOYMENT_RUNNING;
  return canarying.every((group) => group.autoPromote) ? DEPLOYMENT_AUTO_PROMOTION : DEPLOYMENT_NEEDS_PROMOTION;
}

export const completed = (deployment: Pick<DeploymentState, 'id'>): PlannedDeploymentStatus => ({
  deploymentId: deployment.id,
  status: 'successful',
  description: DEPLOYMENT_SUCCESSFUL,
});
