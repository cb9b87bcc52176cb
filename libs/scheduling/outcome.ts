import { ownProperty, byName, type ByName } from '@app/kernel';
import type {
  AllocMetric,
  EvaluationOutcome,
  EvaluationState,
  EvaluationTrigger,
  JobVersion,
  NewEvaluation,
  Plan,
} from '@app/domain';
import { coalesce } from './placement/metrics.js';
import { BLOCKED_FOR_ROOM } from './descriptions.js';
import type { SchedulingRequest, SchedulingResult } from './ports.js';

/** What became of the allocations that were wanted, group by group. */
export interface Tally {
  /** Asked for, and not placed. */
  readonly queued: ByName<number>;
  /** Why the first of a group was not placed; the others are counted in CoalescedFailures. */
  readonly failed: ByName<AllocMetric>;
}

/** Zero queued allocations for every group of the job. */
export function newTally(job: JobVersion | undefined): Tally {
  const tally: Tally = { queued: byName(), failed: byName() };
  for (const { Name } of job?.spec.TaskGroups ?? []) tally.queued[Name] = 0;
  return tally;
}

/** One more that is not placed: the first of its group with its reasons, the others just counted. Source: spec/lifecycle §2.4. */
export function countFailure({ queued, failed }: Tally, group: string, metrics: AllocMetric | undefined): void {
  queued[group] = (ownProperty(queued, group) ?? 0) + 1;
  const first = ownProperty(failed, group);
  if (first !== undefined) coalesce(first);
  else if (metrics !== undefined) failed[group] = metrics;
}

export interface Ending {
  readonly tally: Tally;
  readonly plan: Plan;
  /** What was wanted, by group. */
  readonly annotations: EvaluationOutcome['annotations'];
  /** "" for jobs without deployments. */
  readonly deploymentId: string;
  readonly eligibility: { readonly classes: Record<string, boolean>; readonly escaped: boolean };
  /** Nodes whose room is waited for if something failed (system jobs), or {@link ANY_NODE}. */
  readonly waitsFor: readonly string[];
}

/** Room on any node that suits. */
export const ANY_NODE: readonly string[] = [''];

/** Evaluations that were made to wait for room; they keep waiting, instead of new ones, as long as there is none. */
const WAITING: ReadonlySet<string> = new Set<EvaluationTrigger>(['queued-allocs', 'max-plan-attempts']);

/** Leaves the evaluation: complete, or blocked again if it was and there still is no room. Source: spec/lifecycle §2.4, §2.5. */
export function finish({ evaluation, cluster, newId }: SchedulingRequest, ending: Ending): SchedulingResult {
  const { tally, plan, annotations, deploymentId, eligibility } = ending;
  const someFailed = Object.keys(tally.failed).length > 0;
  const waitsFor = someFailed ? ending.waitsFor : [];
  const blockedAgain = WAITING.has(evaluation.triggeredBy) && waitsFor.includes(evaluation.nodeId);
  const failedGroups = someFailed ? tally.failed : null;
  const outcome: EvaluationOutcome = {
    status: blockedAgain ? 'blocked' : 'complete',
    statusDescription: blockedAgain ? evaluation.statusDescription : '',
    // One that goes on waiting tells of it as it did: what is queued was told by the evaluation before it.
    deploymentId: blockedAgain ? evaluation.deploymentId : deploymentId,
    failedGroups,
    queuedAllocations: blockedAgain ? evaluation.queuedAllocations : tally.queued,
    nextEval: plan.followups.at(-1)?.id ?? '',
    blocked: waitsFor
      .filter((nodeId) => !blockedAgain || nodeId !== evaluation.nodeId)
      .map((nodeId) => blockedEvaluation(evaluation, newId(), { failedGroups, eligibility, nodeId })),
    classEligibility: blockedAgain ? eligibility.classes : null,
    escapedComputedClass: blockedAgain && eligibility.escaped,
    snapshotIndex: cluster.index,
    annotations,
  };
  return { plan: isNoOp(plan) ? null : plan, outcome };
}

/** An evaluation that cannot be worked on. */
export const fail = ({ evaluation, cluster }: SchedulingRequest, description: string): SchedulingResult => ({
  plan: null,
  outcome: {
    status: 'failed',
    statusDescription: description,
    deploymentId: evaluation.deploymentId,
    failedGroups: null,
    queuedAllocations: null,
    nextEval: '',
    blocked: [],
    classEligibility: null,
    escapedComputedClass: false,
    snapshotIndex: cluster.index,
    annotations: {},
  },
});

const isNoOp = (plan: Plan): boolean =>
  plan.placements.length + plan.stops.length + plan.updates.length + plan.deploymentUpdates.length === 0 &&
  plan.deployment === null;

function blockedEvaluation(
  evaluation: EvaluationState,
  id: string,
  about: {
    readonly failedGroups: Record<string, AllocMetric> | null;
    readonly eligibility: Ending['eligibility'];
    readonly nodeId: string;
  },
): NewEvaluation {
  const { namespace, priority, type, jobId, jobModifyIndex } = evaluation;
  return {
    id,
    namespace,
    priority,
    type,
    triggeredBy: 'queued-allocs',
    jobId,
    jobModifyIndex,
    nodeId: about.nodeId,
    nodeModifyIndex: 0,
    deploymentId: '',
    status: 'blocked',
    statusDescription: BLOCKED_FOR_ROOM,
    wait: 0,
    waitUntil: 0,
    previousEval: evaluation.id,
    classEligibility: about.eligibility.classes,
    escapedComputedClass: about.eligibility.escaped,
    failedGroups: about.failedGroups,
    quotaLimitReached: '',
  };
}
