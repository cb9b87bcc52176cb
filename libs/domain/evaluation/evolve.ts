import { assertNever, type Fact, type Index } from '@app/kernel';
import type { EvaluationEvent, Processed } from './events.js';
import { isEvaluationTerminal, THIS_INDEX, type EvaluationState, type EvaluationStatus } from './state.js';

/** The state of an evaluation after one more event; a terminal one stays as it is. */
export function evolveEvaluation(
  state: EvaluationState | undefined,
  event: EvaluationEvent,
  fact: Fact,
): EvaluationState | undefined {
  if (event.type === 'EvaluationCreated') {
    const orThis = (index: Index): Index => (index === THIS_INDEX ? fact.index : index);
    return {
      ...event.data,
      jobModifyIndex: orThis(event.data.jobModifyIndex),
      nodeModifyIndex: orThis(event.data.nodeModifyIndex),
      nextEval: '',
      blockedEval: '',
      planAnnotations: null,
      queuedAllocations: null,
      createIndex: fact.index,
      modifyIndex: fact.index,
      createTime: fact.time,
      modifyTime: fact.time,
    };
  }
  if (event.type === 'EvaluationCollected' || event.type === 'EvaluationDeleted')
    return state && { ...state, modifyIndex: fact.index, modifyTime: fact.time, purged: true };
  if (state === undefined || isEvaluationTerminal(state)) return state;
  const touched = { ...state, modifyIndex: fact.index, modifyTime: fact.time };
  const { type, data } = event;
  switch (type) {
    case 'EvaluationCompleted':
      return processed(touched, 'complete', data);
    case 'EvaluationFailed':
      return processed(touched, 'failed', data);
    case 'EvaluationBlocked': {
      const { classEligibility, escapedComputedClass } = data;
      return { ...processed(touched, 'blocked', data), classEligibility, escapedComputedClass };
    }
    case 'EvaluationUnblocked':
      return { ...touched, status: 'pending', snapshotIndex: data.snapshotIndex };
    case 'EvaluationCanceled':
      return { ...touched, status: 'canceled', statusDescription: data.statusDescription };
  }
  return assertNever(type);
}

const processed = (state: EvaluationState, status: EvaluationStatus, data: Processed): EvaluationState => ({
  ...state,
  status,
  statusDescription: data.statusDescription,
  deploymentId: data.deploymentId,
  failedGroups: data.failedGroups,
  queuedAllocations: data.queuedAllocations,
  planAnnotations: data.planAnnotations === null ? state.planAnnotations : { DesiredTGUpdates: data.planAnnotations },
  nextEval: data.nextEval || state.nextEval,
  blockedEval: data.blockedEval || state.blockedEval,
  snapshotIndex: data.snapshotIndex,
});
