import { accept, type CommandContext, type Decision, type Index, type StateView } from '@app/kernel';
import { draftOf, type Draft } from '../command/draft.js';
import { isEvaluationTerminal } from '../evaluation/state.js';
import type { JobState } from '../job/state.js';
import { endServices } from '../service/register.js';
import type { JobBelongings } from './state.js';

/** Takes away what a purged job had, services included. `job`: what it was; undefined where nobody knows any more. */
export function purgeBelongings(
  draft: Draft,
  jobId: string,
  belongings: JobBelongings,
  job: JobState | undefined,
): void {
  for (const id of belongings.allocationIds) {
    if (draft.allocation(id)?.purged === false) draft.onAllocation(id, { type: 'AllocationPurged', data: {} });
  }
  endServices(draft, () => job);
  for (const id of belongings.deploymentIds) {
    if (draft.deployment(id)?.purged === false) draft.onDeployment(id, { type: 'DeploymentPurged', data: {} });
  }
  for (const id of belongings.evaluationIds) {
    const evaluation = draft.evaluation(id);
    if (evaluation === undefined || isEvaluationTerminal(evaluation)) continue;
    draft.onEvaluation(id, {
      type: 'EvaluationCompleted',
      data: {
        statusDescription: `job ${jobId} deleted`,
        deploymentId: evaluation.deploymentId,
        failedGroups: evaluation.failedGroups,
        queuedAllocations: null,
        planAnnotations: null,
        nextEval: '',
        blockedEval: '',
        snapshotIndex: evaluation.snapshotIndex,
      },
    });
  }
}

type Owned = { readonly namespace: string; readonly jobId: string; readonly createIndex: Index };

/** The purge of a job, and some of its remnants. */
export interface PurgeRemnants extends JobBelongings {
  readonly namespace: string;
  readonly jobId: string;
  readonly upTo: Index;
}

/**
 * Takes away some remnants of a purged job. Which there are was read before: nothing is ever added to them. What is named and is none is left alone.
 */
export function purgeRemnants(view: StateView, context: CommandContext, command: PurgeRemnants): Decision {
  const draft = draftOf(view, context);
  const purge = draft.jobPurge(command.namespace, command.jobId);
  if (purge === undefined || purge.isOver) return accept([]);
  const isRemnant = (one: Owned | undefined): boolean =>
    one?.namespace === purge.namespace && one.jobId === purge.jobId && one.createIndex <= purge.upTo;
  const remnants = {
    allocationIds: command.allocationIds.filter((id) => isRemnant(draft.allocation(id))),
    deploymentIds: command.deploymentIds.filter((id) => isRemnant(draft.deployment(id))),
    evaluationIds: command.evaluationIds.filter((id) => isRemnant(draft.evaluation(id))),
  };
  purgeBelongings(draft, command.jobId, remnants, undefined);
  return accept(draft.events());
}

/** Ends the purge whose remnants are all gone; one that began after it goes on. */
export function endPurge(
  view: StateView,
  context: CommandContext,
  command: Pick<PurgeRemnants, 'namespace' | 'jobId' | 'upTo'>,
): Decision {
  const draft = draftOf(view, context);
  const purge = draft.jobPurge(command.namespace, command.jobId);
  if (purge === undefined || purge.isOver || purge.upTo !== command.upTo) return accept([]);
  draft.onJobPurge(command.namespace, command.jobId, { type: 'JobPurgeEnded', data: {} });
  return accept(draft.events());
}
