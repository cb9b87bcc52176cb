import type { AllocationState, EvaluationTrigger, NewEvaluation } from '@app/domain';
import type { TimeUs } from '@app/kernel';
import { US_PER_S } from '@app/kernel';
import type { Pass } from './pass.js';

/** Allocations due within this of each other share one evaluation. Source: spec/lifecycle §5.4. */
const WINDOW_US = 5 * US_PER_S;

export interface Due {
  readonly alloc: AllocationState;
  readonly at: TimeUs;
}
interface Kind {
  readonly trigger: EvaluationTrigger;
  readonly description: string;
}

/** Adds one delayed evaluation per window of five seconds. Returns the id of the evaluation that each allocation waits for. */
export function addFollowups(
  pass: Pass,
  dues: readonly Due[],
  first: Kind,
  further: Kind = first,
): ReadonlyMap<string, string> {
  const evaluationOf = new Map<string, string>();
  let window: NewEvaluation | null = null;
  for (const { alloc, at } of dues.toSorted((a, b) => a.at - b.at)) {
    if (window === null || at >= window.waitUntil + WINDOW_US) {
      window = delayedEvaluation(pass, at, window === null ? first : further);
      pass.followups.push(window);
    }
    evaluationOf.set(alloc.id, window.id);
  }
  return evaluationOf;
}

const delayedEvaluation = ({ input }: Pass, waitUntil: TimeUs, { trigger, description }: Kind): NewEvaluation => ({
  id: input.newId(),
  namespace: input.evaluation.namespace,
  priority: input.evaluation.priority,
  type: input.jobType,
  triggeredBy: trigger,
  jobId: input.evaluation.jobId,
  jobModifyIndex: 0,
  nodeId: '',
  nodeModifyIndex: 0,
  deploymentId: '',
  status: 'pending',
  statusDescription: description,
  wait: 0,
  waitUntil,
  previousEval: input.evaluation.id,
  classEligibility: null,
  escapedComputedClass: false,
  failedGroups: null,
  quotaLimitReached: '',
});
