import { accept, type CommandContext, type Decision, type Index, type StateView, US_PER_S } from '@app/kernel';
import { isTerminal, type AllocationState } from '../allocation/state.js';
import { draftOf, type Draft } from '../command/draft.js';
import { isActive } from '../deployment/state.js';
import { isEvaluationTerminal, type EvaluationState } from '../evaluation/state.js';
import { currentVersion, type JobVersion } from '../job/state.js';
import { removePolicies } from '../scaling-policy/of-job.js';
import { isCollectible } from './collectible.js';
import type { GarbageThresholds } from './thresholds.js';

/*
 * What is garbage is found by looking at rows, but it is here that it is decided, on states that the append checks: an object that moved
 * meanwhile is left alone. What was found and is not garbage appends nothing. Source of all conditions: spec/lifecycle §6.7.
 */

/** An evaluation and every allocation that it made. */
export interface EvaluationWithAllocations {
  readonly evaluationId: string;
  readonly allocationIds: readonly string[];
  /** These are not all of its allocations: they go, and it stays. */
  readonly leavesMore?: boolean;
}

/** Collects evaluations together with their allocations. */
export function collectEvaluations(
  view: StateView,
  context: CommandContext,
  command: { readonly evaluations: readonly EvaluationWithAllocations[]; readonly thresholds: GarbageThresholds },
): Decision {
  const draft = draftOf(view, context);
  for (const { evaluationId, allocationIds, leavesMore } of command.evaluations) {
    const evaluation = draft.evaluation(evaluationId);
    if (evaluation === undefined || evaluation.purged) continue;
    const allocs = presentAllocations(draft, allocationIds);
    if (collectsAllocations(draft, evaluation, allocs, command.thresholds) && !leavesMore)
      draft.onEvaluation(evaluation.id, { type: 'EvaluationCollected', data: {} });
  }
  return accept(draft.events());
}

/** Collects allocations of an evaluation; true: all of them could go, so that it may. */
function collectsAllocations(
  draft: Draft,
  evaluation: EvaluationState,
  allocs: readonly AllocationState[],
  thresholds: GarbageThresholds,
): boolean {
  const { now } = draft.context;
  const cutoff = now - (evaluation.type === 'batch' ? thresholds.batchEvaluation : thresholds.evaluation);
  if (!isEvaluationTerminal(evaluation) || evaluation.modifyTime > cutoff) return false;
  const job = draft.job(evaluation.namespace, evaluation.jobId);
  const current = currentVersion(job);
  if (evaluation.type === 'batch' && current !== undefined && !(current.status === 'dead' && current.spec.Stop)) {
    // What a batch job has completed counts for as long as the job lives: only the work of former versions goes.
    const former = allocs.filter(
      (alloc) =>
        isTerminal(alloc) && (alloc.jobCreateIndex < current.createIndex || alloc.jobVersion < current.version),
    );
    collectAllocations(draft, former);
    return former.length === allocs.length;
  }
  if (!allocs.every((alloc) => isCollectible(alloc, job, cutoff, now))) return false;
  collectAllocations(draft, allocs);
  return true;
}

/** Collects deployments that have ended. Allocations that name them go on naming them. */
export function collectDeployments(
  view: StateView,
  context: CommandContext,
  command: {
    readonly deployments: readonly { readonly deploymentId: string; readonly allocationIds: readonly string[] }[];
    readonly thresholds: GarbageThresholds;
  },
): Decision {
  const draft = draftOf(view, context);
  for (const { deploymentId, allocationIds } of command.deployments) {
    const deployment = draft.deployment(deploymentId);
    if (deployment === undefined || deployment.purged || isActive(deployment)) continue;
    if (deployment.modifyTime > context.now - command.thresholds.deployment) continue;
    if (
      presentAllocations(draft, allocationIds).some(
        (alloc) => alloc.deploymentId === deploymentId && !isTerminal(alloc),
      )
    )
      continue;
    draft.onDeployment(deploymentId, { type: 'DeploymentCollected', data: {} });
  }
  return accept(draft.events());
}

/** Collects a node that went down and did not come back. `allocationIds`: what is known to be on it. */
export function collectNode(
  view: StateView,
  context: CommandContext,
  command: {
    readonly nodeId: string;
    readonly allocationIds: readonly string[];
    readonly thresholds: GarbageThresholds;
  },
): Decision {
  const draft = draftOf(view, context);
  const node = draft.node(command.nodeId);
  if (node === undefined || node.purged || node.status !== 'down') return accept([]);
  if (node.statusUpdatedAt * US_PER_S > context.now - command.thresholds.node) return accept([]);
  if (presentAllocations(draft, command.allocationIds).some((alloc) => !isTerminal(alloc))) return accept([]);
  draft.onNode(node.id, { type: 'NodePurged', data: {} });
  return accept(draft.events());
}

/** A job and everything that is left of it. */
export interface JobWithBelongings {
  readonly namespace: string;
  readonly jobId: string;
  readonly evaluationIds: readonly string[];
  readonly allocationIds: readonly string[];
  readonly deploymentIds: readonly string[];
  /** It has more than one command can carry, and only some are named: all of it was judged by rows, none older than this index. */
  readonly judgedAt?: Index;
}

/** Collects a dead job with all that it has. */
export function collectJob(
  view: StateView,
  context: CommandContext,
  command: JobWithBelongings & { readonly thresholds: GarbageThresholds },
): Decision {
  const draft = draftOf(view, context);
  const { namespace, jobId } = command;
  const job = draft.job(namespace, jobId);
  const current = currentVersion(job);
  const cutoff = context.now - command.thresholds.job;
  if (job === undefined || current === undefined || current.status !== 'dead' || current.submitTime > cutoff)
    return accept([]);
  const { spec } = current;
  const isTemplate = spec.Periodic !== null || (spec.ParameterizedJob !== null && !spec.Dispatched);
  if (!spec.Stop && (isTemplate || (spec.Type !== 'batch' && spec.Type !== 'sysbatch'))) return accept([]);
  if (job.versions.some((version) => version.versionTag !== null)) return accept([]);
  // The summary moves with every placement: reading it holds the set of allocations still.
  if ((draft.summary(namespace, jobId)?.liveAllocations ?? 0) > 0) return accept([]);
  if (command.judgedAt !== undefined && hasMovedSince(draft, current, command.judgedAt)) return accept([]);
  const evaluations = command.evaluationIds
    .map((id) => draft.evaluation(id))
    .filter((one) => one !== undefined && !one.purged) as EvaluationState[];
  if (!evaluations.every((one) => isEvaluationTerminal(one) && one.modifyTime <= cutoff)) return accept([]);
  const allocs = presentAllocations(draft, command.allocationIds);
  if (!allocs.every((alloc) => isCollectible(alloc, job, cutoff, context.now))) return accept([]);
  collectAllocations(draft, allocs);
  for (const evaluation of evaluations) draft.onEvaluation(evaluation.id, { type: 'EvaluationCollected', data: {} });
  for (const id of command.deploymentIds) {
    if (draft.deployment(id)?.purged === false) draft.onDeployment(id, { type: 'DeploymentCollected', data: {} });
  }
  removePolicies(draft, currentVersion(job));
  draft.onJob(job, { type: 'JobPurged', data: {} });
  if (draft.summary(namespace, jobId) !== undefined)
    draft.onSummary(namespace, jobId, { type: 'JobSummaryPurged', data: {} });
  if (command.judgedAt !== undefined)
    draft.onJobPurge(namespace, jobId, { type: 'JobPurgeBegun', data: { namespace, jobId } });
  return accept(draft.events());
}

/** New evaluations move a dead job, and whatever an allocation becomes moves the summary. */
const hasMovedSince = (draft: Draft, { spec, modifyIndex }: JobVersion, index: Index): boolean =>
  modifyIndex > index || (draft.summary(spec.Namespace, spec.ID)?.modifyIndex ?? 0) > index;

const presentAllocations = (draft: Draft, ids: readonly string[]): AllocationState[] =>
  ids.map((id) => draft.allocation(id)).filter((alloc) => alloc !== undefined && !alloc.purged) as AllocationState[];

function collectAllocations(draft: Draft, allocs: readonly AllocationState[]): void {
  for (const alloc of allocs) draft.onAllocation(alloc.id, { type: 'AllocationCollected', data: {} });
}
