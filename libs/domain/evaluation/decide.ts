import { accept, type CommandContext, type Decision, type Index, type StateView } from '@app/kernel';
import { draftOf } from '../command/draft.js';
import { restateJob, settle } from '../command/settle.js';
import { isEvaluationTerminal, type NewEvaluation } from './state.js';

/** Ends evaluations that somebody else's work made needless. Those that have ended already are passed over. */
export function cancelEvaluations(
  view: StateView,
  context: CommandContext,
  command: { readonly cancel: readonly { readonly id: string; readonly statusDescription: string }[] },
): Decision {
  const draft = draftOf(view, context);
  for (const { id, statusDescription } of command.cancel) {
    const evaluation = draft.evaluation(id);
    if (evaluation === undefined || isEvaluationTerminal(evaluation)) continue;
    draft.onEvaluation(id, { type: 'EvaluationCanceled', data: { statusDescription } });
  }
  return accept(draft.events());
}

/** There may be room now: blocked evaluations become pending again. */
export function unblockEvaluations(
  view: StateView,
  context: CommandContext,
  command: { readonly ids: readonly string[]; readonly snapshotIndex: Index },
): Decision {
  const draft = draftOf(view, context);
  for (const id of command.ids) {
    if (draft.evaluation(id)?.status !== 'blocked') continue;
    draft.onEvaluation(id, { type: 'EvaluationUnblocked', data: { snapshotIndex: command.snapshotIndex } });
  }
  return accept(draft.events());
}

/** Gives up on an evaluation, with a retry later on: its plan limit is reached. spec/lifecycle §2.4. */
export function failEvaluation(
  view: StateView,
  context: CommandContext,
  command: {
    readonly id: string;
    readonly statusDescription: string;
    readonly followup: NewEvaluation | null;
    /** The state of the cluster that was looked at last. */
    readonly snapshotIndex: Index;
  },
): Decision {
  const draft = draftOf(view, context);
  const evaluation = draft.evaluation(command.id);
  if (evaluation === undefined || isEvaluationTerminal(evaluation)) return accept([]);
  const nextEval = command.followup === null ? '' : draft.evaluate(command.followup, command.snapshotIndex);
  draft.onEvaluation(command.id, {
    type: 'EvaluationFailed',
    data: {
      statusDescription: command.statusDescription,
      deploymentId: evaluation.deploymentId,
      failedGroups: evaluation.failedGroups,
      queuedAllocations: evaluation.queuedAllocations,
      planAnnotations: null,
      nextEval,
      blockedEval: '',
      snapshotIndex: command.snapshotIndex,
    },
  });
  settle(draft);
  restateJob(draft, evaluation.namespace, evaluation.jobId, nextEval !== '');
  return accept(draft.events());
}
