import {
  computedClass,
  currentVersion,
  fingerprintOf,
  heartbeatNode,
  registerJob,
  registerNode,
  reportAllocations,
  submitPlan,
  type AllocationReport,
  type DeploymentState,
  type EvaluationOutcome,
  type JobAnswer,
  type JobSpec,
  type JobState,
  type Plan,
  type PlannedDeploymentGroup,
  type PlannedPlacement,
  type RegisterJob,
  type SubmitPlan,
} from '@app/domain';
import { deploymentStream, jobStream, type StateView } from '@app/kernel';
import { METRICS, nodeDescription, RESOURCES } from '../builders/specs.js';
import { idOf, type Decide } from './world.js';

/** The node of stories that need only one. */
export const NODE = idOf(9001);
/** The deployment that {@link planned} makes unless it is told another id. */
export const DEPLOYMENT = idOf(8001);
/** The n-th allocation of a story, by convention. */
export const allocationId = (n: number): string => idOf(7000 + n);

export const registered =
  (spec: JobSpec, more: Partial<RegisterJob> = {}): Decide<JobAnswer> =>
  (view, context) =>
    registerJob(view, context, { spec, enforceIndex: null, evalPriority: 0, ...more });

/** A node appears; it takes a {@link nodeIsReady} until it can be used. */
export const nodeRegistered =
  (id: string = NODE, secretDigest = 'digest of its secret'): Decide =>
  (view, context) => {
    const description = nodeDescription(id);
    return registerNode(view, context, {
      description,
      secretDigest,
      computedClass: computedClass(description),
      affected: [],
    });
  };

export const nodeIsReady =
  (id: string = NODE): Decide =>
  (view, context) =>
    heartbeatNode(view, context, { nodeId: id, affected: [], hasLiveAllocations: false });

/** What a plan of a story says; the rest is made up. */
export interface PlanOptions {
  readonly evaluation: string;
  readonly jobId?: string;
  /** Groups of a new deployment, or of the present one with `isNew: false`. */
  readonly deployment?: {
    readonly id?: string;
    readonly isNew?: boolean;
    readonly groups: Readonly<Record<string, Partial<PlannedDeploymentGroup>>>;
  };
  readonly place?: readonly (Partial<PlannedPlacement> & { readonly id: string })[];
  readonly stop?: Plan['stops'];
  readonly update?: Plan['updates'];
  readonly deploymentUpdates?: Plan['deploymentUpdates'];
  readonly followups?: Plan['followups'];
  readonly needlessEvals?: Plan['needlessEvals'];
  readonly outcome?: Partial<EvaluationOutcome>;
  readonly command?: Partial<SubmitPlan>;
}

/** The scheduler's answer to an evaluation. Placements belong to the plan's deployment unless they say otherwise. */
export const planned =
  (options: PlanOptions): Decide =>
  (view, context) =>
    submitPlan(view, context, planCommand(view, options));

/** The command of {@link planned}, as of the given state. */
export function planCommand(view: StateView, options: PlanOptions): SubmitPlan {
  const { evaluation, jobId = 'web', deployment, outcome, command } = options;
  const current = currentVersion(view.read<JobState>(jobStream('default', jobId)));
  const deploymentId = deployment === undefined ? '' : (deployment.id ?? DEPLOYMENT);
  const known = deploymentId === '' ? undefined : view.read<DeploymentState>(deploymentStream(deploymentId));
  const of = {
    jobVersion: current?.version ?? 0,
    jobCreateIndex: current?.createIndex ?? 0,
    jobModifyIndex: current?.jobModifyIndex ?? 0,
  };
  const plan: Plan = {
    evalId: evaluation,
    namespace: 'default',
    jobId,
    priority: 50,
    placements: (options.place ?? []).map((placement, n) => ({
      name: `${jobId}.${placement.taskGroup ?? 'app'}[${n}]`,
      taskGroup: 'app',
      nodeId: NODE,
      nodeName: 'node-9001',
      ...of,
      allocatedResources: RESOURCES,
      metrics: METRICS,
      previousAllocation: '',
      deploymentId,
      canary: false,
      rescheduleTracker: null,
      ...placement,
    })),
    stops: options.stop ?? [],
    updates: options.update ?? [],
    deployment:
      deployment === undefined
        ? null
        : {
            id: deploymentId,
            isNew: deployment.isNew ?? true,
            ...of,
            jobModifyIndex: current?.modifyIndex ?? 0,
            jobSpecModifyIndex: of.jobModifyIndex,
            statusDescription: 'Deployment is running',
            evalPriority: 50,
            groups: Object.fromEntries(
              Object.entries(deployment.groups).map(([name, group]) => [name, { ...GROUP, ...group }]),
            ),
          },
    deploymentUpdates: options.deploymentUpdates ?? [],
    followups: options.followups ?? [],
    needlessEvals: options.needlessEvals ?? [],
  };
  return {
    evaluationId: evaluation,
    namespace: 'default',
    jobId,
    plan,
    outcome: { ...COMPLETE, deploymentId, ...outcome },
    basis: {
      jobModifyIndex: of.jobModifyIndex,
      deployment: known === undefined ? null : { id: deploymentId, fingerprint: fingerprintOf(known) },
    },
    supersededEvals: [],
    otherOpenEvaluations: false,
    signingKeyId: 'a key',
    ...command,
  };
}

/** Ten minutes to make progress, no canaries, no automatism. */
const GROUP: PlannedDeploymentGroup = {
  autoRevert: false,
  autoPromote: false,
  progressDeadline: 600_000_000_000,
  desiredCanaries: 0,
  desiredTotal: 2,
};

const COMPLETE: EvaluationOutcome = {
  status: 'complete',
  statusDescription: '',
  deploymentId: '',
  failedGroups: null,
  queuedAllocations: {},
  nextEval: '',
  blocked: [],
  classEligibility: null,
  escapedComputedClass: false,
  snapshotIndex: 1,
  annotations: {},
};

/** A report of an agent: running, nothing said about health. */
export const report = (id: string, change: Partial<AllocationReport> = {}): AllocationReport => ({
  id,
  clientStatus: 'running',
  clientDescription: 'Tasks are running',
  taskStates: null,
  networkStatus: null,
  health: null,
  ...change,
});

export const reported =
  (reports: readonly AllocationReport[], nodeId: string = NODE): Decide =>
  (view, context) =>
    reportAllocations(view, context, { nodeId, reports });

/** The agent saw these allocations pass (or fail) their checks just now. */
export const healthReported =
  (healthy: boolean, ...ids: readonly string[]): Decide =>
  (view, context) =>
    reportAllocations(view, context, {
      nodeId: NODE,
      reports: ids.map((id) => report(id, { health: { healthy, timestamp: context.now } })),
    });
