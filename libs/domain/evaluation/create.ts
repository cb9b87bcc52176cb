import type { EvaluationTrigger, NewEvaluation } from './state.js';

/** A pending evaluation with everything but the given members empty. */
export const newEvaluation = (
  given: Pick<NewEvaluation, 'id' | 'namespace' | 'priority' | 'type' | 'jobId'> & {
    readonly triggeredBy: EvaluationTrigger;
  } & Partial<NewEvaluation>,
): NewEvaluation => ({
  jobModifyIndex: 0,
  nodeId: '',
  nodeModifyIndex: 0,
  deploymentId: '',
  status: 'pending',
  statusDescription: '',
  wait: 0,
  waitUntil: 0,
  previousEval: '',
  classEligibility: null,
  escapedComputedClass: false,
  failedGroups: null,
  quotaLimitReached: '',
  ...given,
});
