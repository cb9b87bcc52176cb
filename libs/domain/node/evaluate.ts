import type { Draft } from '../command/draft.js';
import { newEvaluation } from '../evaluation/create.js';
import { THIS_INDEX, type EvaluationTrigger } from '../evaluation/state.js';
import { currentVersion } from '../job/state.js';

/** A job to be evaluated because of its node. */
export interface AffectedJob {
  readonly namespace: string;
  readonly jobId: string;
}

/** One evaluation for each job, which names the node; spec/lifecycle §2.2. Returns their ids. */
export const evaluateJobsOfNode = (
  draft: Draft,
  nodeId: string,
  affected: readonly AffectedJob[],
  triggeredBy: EvaluationTrigger,
): string[] => affected.map((job) => evaluate(draft, job, triggeredBy, { nodeId, nodeModifyIndex: THIS_INDEX }));

/** The same, of no particular node. */
export const evaluateJobs = (
  draft: Draft,
  affected: readonly AffectedJob[],
  triggeredBy: EvaluationTrigger,
): string[] => affected.map((job) => evaluate(draft, job, triggeredBy, {}));

function evaluate(
  draft: Draft,
  { namespace, jobId }: AffectedJob,
  triggeredBy: EvaluationTrigger,
  node: { readonly nodeId?: string; readonly nodeModifyIndex?: number },
): string {
  const current = currentVersion(draft.job(namespace, jobId));
  return draft.evaluate(
    newEvaluation({
      id: draft.context.newId(),
      namespace,
      priority: current?.spec.Priority ?? 50,
      type: current?.spec.Type ?? 'service',
      triggeredBy,
      jobId,
      jobModifyIndex: current?.modifyIndex ?? 0,
      ...node,
    }),
  );
}
