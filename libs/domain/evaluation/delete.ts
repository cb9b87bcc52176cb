import { accept, reject, type CommandContext, type Decision, type StateView } from '@app/kernel';
import type { AllocationState } from '../allocation/state.js';
import { draftOf, type Draft } from '../command/draft.js';
import { currentVersion, type JobState } from '../job/state.js';
import { isEvaluationTerminal } from './state.js';
import { restateJob } from '../command/settle.js';
import { isBrokerPaused } from '../scheduler-configuration/registration.js';

/**
 * Deletes evaluations for an operator; their allocations stay. Only while the broker is paused: nobody works on one then.
 * Nomad: Eval.Delete; spec/http-api-more §17. Rejections: broker-not-paused, evaluation-not-found, evaluation-not-safe (detail: the id).
 * Which allocations an evaluation made comes with the command; one that is made meanwhile needs a broker that is not paused.
 */
export function deleteEvaluations(
  view: StateView,
  context: CommandContext,
  command: {
    readonly evaluations: readonly { readonly evaluationId: string; readonly allocationIds: readonly string[] }[];
    /** Those that are not safe to delete are passed over instead of refused. */
    readonly onlySafe: boolean;
  },
): Decision<{ readonly count: number }> {
  if (!isBrokerPaused(view)) return reject('broker-not-paused');
  const draft = draftOf(view, context);
  let count = 0;
  for (const { evaluationId, allocationIds } of command.evaluations) {
    const evaluation = draft.evaluation(evaluationId);
    if (evaluation === undefined || evaluation.purged) {
      if (command.onlySafe) continue;
      return reject('evaluation-not-found');
    }
    if (!isSafe(draft, draft.job(evaluation.namespace, evaluation.jobId), allocationIds)) {
      if (command.onlySafe) continue;
      return reject('evaluation-not-safe', evaluationId);
    }
    draft.onEvaluation(evaluationId, { type: 'EvaluationDeleted', data: {} });
    count += 1;
    if (!isEvaluationTerminal(evaluation)) restateJob(draft, evaluation.namespace, evaluation.jobId, false);
  }
  return accept(draft.events(), { count });
}

/** Nothing that it placed runs or may yet be placed again. */
function isSafe(draft: Draft, job: JobState | undefined, allocationIds: readonly string[]): boolean {
  const current = currentVersion(job);
  if (job === undefined || current === undefined || current.spec.Stop || current.status === 'dead') return true;
  return allocationIds
    .map((id) => draft.allocation(id))
    .every((alloc) => alloc === undefined || alloc.purged || !isNeeded(alloc, job));
}

function isNeeded(alloc: AllocationState, job: JobState): boolean {
  if (alloc.clientStatus === 'running' || alloc.clientStatus === 'unknown') return true;
  if (alloc.clientStatus !== 'failed' || alloc.nextAllocation !== '') return false;
  const version = job.versions.find(({ version: one }) => one === alloc.jobVersion);
  const policy = version?.spec.TaskGroups.find(({ Name: name }) => name === alloc.taskGroup)?.ReschedulePolicy ?? null;
  return policy !== null && (policy.Unlimited || policy.Attempts > (alloc.rescheduleTracker?.events.length ?? 0));
}
