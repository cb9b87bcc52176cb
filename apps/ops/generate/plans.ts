import {
  currentVersion,
  fingerprintOf,
  submitPlan,
  type DeploymentState,
  type JobState,
  type Plan,
  type PlannedPlacement,
} from '@app/domain';
import { deploymentStream, jobStream, type CommandContext, type Decision, type StateView } from '@app/kernel';
import { GROUP, RESOURCES } from './specs.js';

const PRIORITY = 50;
const PROGRESS_DEADLINE_NS = 600_000_000_000;

export type PlacedOn = Pick<PlannedPlacement, 'id' | 'name' | 'nodeId' | 'nodeName' | 'metrics'> &
  Partial<Pick<PlannedPlacement, 'canary' | 'previousAllocation' | 'rescheduleTracker'>>;

/** What a pass of the scheduler has found; everything empty: there was nothing to do. */
export interface Pass {
  readonly evaluation: string;
  readonly jobId: string;
  /** "": allocations belong to none. */
  readonly deploymentId: string;
  /** The deployment begins with this plan. */
  readonly begins?: { readonly desiredTotal: number; readonly desiredCanaries: number };
  readonly place?: readonly PlacedOn[];
  readonly stop?: readonly { readonly id: string; readonly why: string }[];
  readonly ends?: 'successful';
}

/** Concludes an evaluation as the scheduler does. */
export function passed(view: StateView, context: CommandContext, pass: Pass): Decision {
  const { evaluation, jobId, deploymentId, begins, place = [], stop = [] } = pass;
  const current = currentVersion(view.read<JobState>(jobStream('default', jobId)));
  const known =
    deploymentId === '' || begins !== undefined
      ? undefined
      : view.read<DeploymentState>(deploymentStream(deploymentId));
  const of = {
    jobVersion: current?.version ?? 0,
    jobCreateIndex: current?.createIndex ?? 0,
    jobModifyIndex: current?.jobModifyIndex ?? 0,
  };
  const isNoOp = begins === undefined && place.length + stop.length === 0 && pass.ends === undefined;
  const plan: Plan = {
    evalId: evaluation,
    namespace: 'default',
    jobId,
    priority: PRIORITY,
    placements: place.map((one) => ({
      taskGroup: GROUP,
      ...of,
      allocatedResources: RESOURCES,
      previousAllocation: '',
      deploymentId,
      canary: false,
      rescheduleTracker: null,
      ...one,
    })),
    stops: stop.map(({ id, why }) => ({ allocationId: id, description: why })),
    updates: [],
    deployment:
      begins === undefined
        ? null
        : {
            id: deploymentId,
            isNew: true,
            ...of,
            jobModifyIndex: current?.modifyIndex ?? 0,
            jobSpecModifyIndex: of.jobModifyIndex,
            statusDescription:
              begins.desiredCanaries > 0
                ? 'Deployment is running but requires manual promotion'
                : 'Deployment is running',
            evalPriority: PRIORITY,
            groups: {
              [GROUP]: { autoRevert: false, autoPromote: false, progressDeadline: PROGRESS_DEADLINE_NS, ...begins },
            },
          },
    deploymentUpdates:
      pass.ends === undefined
        ? []
        : [{ deploymentId, status: pass.ends, description: 'Deployment completed successfully' }],
    followups: [],
    needlessEvals: [],
  };
  return submitPlan(view, context, {
    evaluationId: evaluation,
    namespace: 'default',
    jobId,
    plan: isNoOp ? null : plan,
    outcome: {
      status: 'complete',
      statusDescription: '',
      deploymentId,
      failedGroups: null,
      queuedAllocations: { [GROUP]: 0 },
      nextEval: '',
      blocked: [],
      classEligibility: null,
      escapedComputedClass: false,
      snapshotIndex: current?.modifyIndex ?? 0,
      annotations: {},
    },
    basis: {
      jobModifyIndex: of.jobModifyIndex,
      deployment: known === undefined ? null : { id: deploymentId, fingerprint: fingerprintOf(known) },
    },
    supersededEvals: [],
    otherOpenEvaluations: false,
    signingKeyId: '',
  });
}
