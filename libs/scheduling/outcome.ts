import type { AllocMetric, EvaluationOutcome, EvaluationState, JobVersion, NewEvaluation, Plan } from '@app/domain';
import { BLOCKED_FOR_ROOM } from './descriptions.js';
import type { SchedulingRequest, SchedulingResult } from './ports.js';

/** What became of the allocations that were wanted, group by group. */
export interface Tally {
  /** Asked for, and not placed. */
  readonly queued: Record<string, number>;
  /** Why the first of a group was not placed; the others are counted in CoalescedFailures. */
  readonly failed: Record<string, AllocMetric>;
}

/** Zero queued allocations for every group of the job. */
export const newTally = (job: JobVersion | undefined): Tally => ({
  queued: Object.fromEntries((job?.spec.TaskGroups ?? []).map(({ Name }) => [Name, 0])),
  failed: {},
});

/** One more that is not placed: the first of its group with its reasons, the others just counted. Source: spec/lifecycle §2.4. */
export function countFailure({ queued, failed }: Tally, group: string, metrics: AllocMetric | undefined): void {
  queued[group] = (queued[group] ?? 0) + 1;
  const first = failed[group];
  if (first !== undefined) first.CoalescedFailures++;
  else if (metrics !== undefined) failed[group] = metrics;
}

export interface Ending {
  readonly tally: Tally;
  readonly plan: Plan;
  /** "" for jobs without deployments. */
  readonly deploymentId: string;
  readonly eligibility: { readonly classes: Record<string, boolean>; readonly escaped: boolean };
  /** Set when only this node's room is waited for (system jobs). */
  readonly blockedNodeId?: string;
  /** False when no room would help, so that nothing is to be waited for. */
  readonly mayBlock?: boolean;
}

/** Leaves the evaluation: complete, or blocked again if it was and there still is no room. Source: spec/lifecycle §2.4, §2.5. */
export function finish({ evaluation, cluster, newId }: SchedulingRequest, ending: Ending): SchedulingResult {
  const { tally, plan, deploymentId, eligibility, blockedNodeId = '', mayBlock = true } = ending;
  const someFailed = Object.keys(tally.failed).length > 0;
  const blockedAgain = someFailed && mayBlock && evaluation.status === 'blocked';
  const failedGroups = someFailed ? tally.failed : null;
  const outcome: EvaluationOutcome = {
    status: blockedAgain ? 'blocked' : 'complete',
    statusDescription: blockedAgain ? evaluation.statusDescription : '',
    deploymentId,
    failedGroups,
    queuedAllocations: tally.queued,
    nextEval: plan.followups.at(-1)?.id ?? '',
    blocked:
      someFailed && mayBlock && !blockedAgain
        ? blockedEvaluation(evaluation, newId(), { failedGroups, eligibility, nodeId: blockedNodeId })
        : null,
    classEligibility: blockedAgain ? eligibility.classes : null,
    escapedComputedClass: blockedAgain && eligibility.escaped,
    snapshotIndex: cluster.index,
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
    blocked: null,
    classEligibility: null,
    escapedComputedClass: false,
    snapshotIndex: cluster.index,
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
