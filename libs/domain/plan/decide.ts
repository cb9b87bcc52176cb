import {
  accept,
  reject,
  type CommandContext,
  type Decision,
  type Index,
  type StateView,
  ownProperty,
} from '@app/kernel';
import { evaluateJobOf } from '../allocation/decide.js';
import { isClientTerminal, isTerminal, type AllocationState } from '../allocation/state.js';
import { isActive, type DeploymentState } from '../deployment/state.js';
import { draftOf, type Draft } from '../command/draft.js';
import { restateJob, settle } from '../command/settle.js';
import type { Processed } from '../evaluation/events.js';
import { isEvaluationTerminal } from '../evaluation/state.js';
import { currentVersion } from '../job/state.js';
import { isReady } from '../node/state.js';
import type { EvaluationOutcome, Plan, PlannedDeployment, PlannedPlacement, PlannedUpdate } from './plan.js';

/** What the scheduler saw when it made the plan. A plan made on anything else is stale, and the scheduler thinks again. */
export interface PlanBasis {
  /** JobModifyIndex of the job, 0 if there is none. */
  readonly jobModifyIndex: Index;
  /** The job's newest deployment: `fingerprintOf` it, or null. */
  readonly deployment: { readonly id: string; readonly fingerprint: string } | null;
}

/** What a plan depends on in a deployment: its counters may move freely, its status and promotions may not. */
export const fingerprintOf = (deployment: DeploymentState): string =>
  `${deployment.status} ${Object.keys(deployment.groups)
    .filter((name) => ownProperty(deployment.groups, name)!.promoted)
    .join(',')}`;

export interface SubmitPlan {
  readonly evaluationId: string;
  readonly namespace: string;
  readonly jobId: string;
  readonly plan: Plan | null;
  readonly outcome: EvaluationOutcome;
  readonly basis: PlanBasis;
  /** Blocked evaluations of the job that this one makes needless. */
  readonly supersededEvals: readonly string[];
  /** The job has further evaluations that are not terminal. */
  readonly otherOpenEvaluations: boolean;
  /** Identity of a signing key, as every allocation names one. */
  readonly signingKeyId: string;
}

/**
 * Commits what a scheduler pass decided, plan and evaluation together. Nomad: Plan.Submit and Eval.Update; spec/lifecycle §7.1.
 * Rejections: evaluation-is-terminal, plan-is-stale (detail: what moved).
 */
export function submitPlan(view: StateView, context: CommandContext, command: SubmitPlan): Decision {
  const draft = draftOf(view, context);
  const evaluation = draft.evaluation(command.evaluationId);
  if (evaluation === undefined || isEvaluationTerminal(evaluation)) return reject('evaluation-is-terminal');
  const { plan, outcome } = command;
  if (plan !== null) {
    const moved = staleness(draft, command, plan);
    if (moved !== null) return reject('plan-is-stale', moved);
    applyPlan(draft, command, plan);
    cancel(draft, plan.needlessEvals, 'allocs reconnected');
  }
  const preempted = preempt(draft, plan);
  cancel(draft, command.supersededEvals, `evaluation "${evaluation.id}" successful`);
  const [blockedEval = ''] = outcome.blocked.map((blocked) => draft.evaluate(blocked, outcome.snapshotIndex));
  concludeEvaluation(draft, command, blockedEval);
  settle(draft);
  const open =
    command.otherOpenEvaluations || outcome.status === 'blocked' || outcome.status === 'pending' || blockedEval !== '';
  restateJob(draft, command.namespace, command.jobId, open || (plan?.followups.length ?? 0) > 0);
  for (const { namespace, jobId } of preempted) restateJob(draft, namespace, jobId, true);
  return accept(draft.events());
}

function cancel(draft: Draft, evaluations: readonly string[], statusDescription: string): void {
  for (const id of evaluations) {
    const evaluation = draft.evaluation(id);
    if (evaluation === undefined || isEvaluationTerminal(evaluation)) continue;
    draft.onEvaluation(id, { type: 'EvaluationCanceled', data: { statusDescription } });
  }
}

function staleness(draft: Draft, command: SubmitPlan, plan: Plan): string | null {
  const { namespace, jobId, basis } = command;
  const current = currentVersion(draft.job(namespace, jobId));
  if ((current?.jobModifyIndex ?? 0) !== basis.jobModifyIndex) return 'job';
  // Whoever places or stops allocations moves the summary: reading it keeps two plans for one job apart.
  draft.summary(namespace, jobId);
  if (basis.deployment !== null) {
    const deployment = draft.deployment(basis.deployment.id);
    if (deployment === undefined || fingerprintOf(deployment) !== basis.deployment.fingerprint) return 'deployment';
  }
  for (const nodeId of new Set(plan.placements.map((placement) => placement.nodeId))) {
    const node = draft.node(nodeId);
    if (node === undefined || !isReady(node)) return `node ${nodeId}`;
  }
  for (const id of plan.placements.flatMap(({ preemptedAllocations = [] }) => preemptedAllocations)) {
    const victim = draft.allocation(id);
    if (victim === undefined || victim.purged || isTerminal(victim)) return `allocation ${id}`;
  }
  return null;
}

function applyPlan(draft: Draft, command: SubmitPlan, plan: Plan): void {
  if (plan.deployment !== null) planDeployment(draft, plan, plan.deployment);
  for (const placement of plan.placements) place(draft, command, plan, placement);
  for (const update of plan.updates) updateAllocation(draft, plan, update);
  for (const stop of plan.stops) {
    const alloc = draft.allocation(stop.allocationId);
    if (alloc === undefined || alloc.purged) continue;
    draft.onAllocation(alloc.id, {
      type: 'AllocationStopDesired',
      data: {
        description: stop.description,
        clientStatus: stop.clientStatus ?? null,
        followupEvalId: stop.followupEvalId ?? '',
      },
    });
  }
  for (const followup of plan.followups) draft.evaluate(followup);
  for (const { deploymentId, status, description } of plan.deploymentUpdates) {
    const deployment = draft.deployment(deploymentId);
    if (deployment === undefined || deployment.purged || !isActive(deployment)) continue;
    const data = { statusDescription: description };
    if (status === 'successful') {
      draft.onDeployment(deploymentId, { type: 'DeploymentSucceeded', data });
      markVersionStable(draft, deployment);
    } else if (status === 'cancelled') draft.onDeployment(deploymentId, { type: 'DeploymentCancelled', data });
    else if (status === 'failed')
      draft.onDeployment(deploymentId, { type: 'DeploymentFailed', data: { ...data, revertedToVersion: null } });
  }
}

function planDeployment(draft: Draft, plan: Plan, planned: PlannedDeployment): void {
  const { id, isNew, groups, statusDescription, ...about } = planned;
  const { namespace, jobId } = plan;
  if (isNew && currentVersion(draft.job(namespace, jobId)) === undefined) return;
  if (isNew)
    draft.onDeployment(id, {
      type: 'DeploymentCreated',
      data: { id, namespace, jobId, groups, statusDescription, ...about },
    });
  else draft.onDeployment(id, { type: 'DeploymentGoalsChanged', data: { groups, statusDescription } });
}

function place(draft: Draft, command: SubmitPlan, plan: Plan, placement: PlannedPlacement): void {
  const spec = currentVersion(draft.job(plan.namespace, plan.jobId))?.spec;
  // Nothing starts for a job that is gone or stopped. spec/lifecycle §7.1.
  if (spec === undefined || spec.Stop) return;
  draft.onAllocation(placement.id, {
    type: 'AllocationPlaced',
    data: {
      ...placement,
      namespace: plan.namespace,
      evalId: plan.evalId,
      jobId: plan.jobId,
      jobType: spec.Type,
      signingKeyId: command.signingKeyId,
    },
  });
  const { previousAllocation } = placement;
  if (previousAllocation === '' || draft.allocation(previousAllocation)?.purged !== false) return;
  draft.onAllocation(previousAllocation, { type: 'AllocationReplaced', data: { nextAllocation: placement.id } });
}

function updateAllocation(draft: Draft, plan: Plan, update: PlannedUpdate): void {
  const alloc = draft.allocation(update.allocationId);
  if (alloc === undefined || alloc.purged) return;
  if (update.inPlace !== undefined) {
    draft.onAllocation(alloc.id, {
      type: 'AllocationUpdatedInPlace',
      data: { evalId: plan.evalId, ...update.inPlace },
    });
  }
  // What its client has told of its end while the plan was made stays.
  if (update.clientStatus !== undefined && (!isClientTerminal(alloc) || alloc.clientStatus === update.clientStatus)) {
    const { clientStatus, clientDescription = alloc.clientDescription } = update;
    draft.onAllocation(alloc.id, { type: 'AllocationConnectionNoted', data: { clientStatus, clientDescription } });
  }
  if (update.rescheduleTracker !== undefined) {
    draft.onAllocation(alloc.id, {
      type: 'AllocationRescheduleNoted',
      data: { rescheduleTracker: update.rescheduleTracker },
    });
  }
  if (update.followupEvalId !== undefined) {
    draft.onAllocation(alloc.id, {
      type: 'AllocationFollowupScheduled',
      data: { followupEvalId: update.followupEvalId },
    });
  }
}

/** Evicts what makes room for the placements, and lets the jobs that it was taken from be evaluated: those are returned. */
function preempt(draft: Draft, plan: Plan | null): readonly AllocationState[] {
  const jobs = new Map<string, AllocationState>();
  for (const { id: byAllocation, preemptedAllocations = [] } of plan?.placements ?? []) {
    // Not placed after all, because the job is gone or stopped.
    if (preemptedAllocations.length > 0 && draft.allocation(byAllocation) === undefined) continue;
    for (const id of preemptedAllocations) {
      const victim = draft.allocation(id)!;
      draft.onAllocation(id, { type: 'AllocationPreempted', data: { byAllocation } });
      jobs.set(`${victim.namespace}/${victim.jobId}`, victim);
    }
  }
  for (const victim of jobs.values()) evaluateJobOf(draft, victim, 'preemption');
  return [...jobs.values()];
}

/** A finished deployment makes its job version one that can be reverted to. */
function markVersionStable(draft: Draft, deployment: DeploymentState): void {
  const job = draft.job(deployment.namespace, deployment.jobId);
  const version = job?.versions.find(
    (one) => one.version === deployment.jobVersion && one.createIndex === deployment.jobCreateIndex,
  );
  if (job === undefined || version === undefined || version.stable) return;
  draft.onJob(job, { type: 'JobVersionMarkedStable', data: { version: version.version, stable: true } });
}

function concludeEvaluation(draft: Draft, command: SubmitPlan, blockedEval: string): void {
  const { outcome, evaluationId } = command;
  const data: Processed = {
    statusDescription: outcome.statusDescription,
    deploymentId: outcome.deploymentId,
    failedGroups: outcome.failedGroups,
    queuedAllocations: outcome.queuedAllocations,
    planAnnotations: Object.keys(outcome.annotations).length === 0 ? null : outcome.annotations,
    nextEval: outcome.nextEval,
    blockedEval,
    snapshotIndex: outcome.snapshotIndex,
  };
  if (outcome.status === 'blocked') {
    const { classEligibility, escapedComputedClass } = outcome;
    draft.onEvaluation(evaluationId, {
      type: 'EvaluationBlocked',
      data: { ...data, classEligibility, escapedComputedClass },
    });
  } else if (outcome.status === 'failed') draft.onEvaluation(evaluationId, { type: 'EvaluationFailed', data });
  else draft.onEvaluation(evaluationId, { type: 'EvaluationCompleted', data });
}
