import type { Draft } from '../command/draft.js';
import type { JobSpec } from '../nomad.js';
import type { JobStatus } from './state.js';

/**
 * Keeps the summary of a parent up to date with the status of its child; nothing for a job without a parent. `before` undefined: the child is
 * new. Nomad: JobSummary.Children.
 */
export function countChild(draft: Draft, child: JobSpec, before: JobStatus | undefined, after: JobStatus): void {
  if (child.ParentID === '' || before === after) return;
  const summary = draft.summary(child.Namespace, child.ParentID);
  if (summary === undefined || summary.purged) return;
  const children = { ...summary.children };
  if (before !== undefined) children[before] = Math.max(0, children[before] - 1);
  children[after]++;
  draft.onSummary(child.Namespace, child.ParentID, { type: 'JobSummaryChildrenCounted', data: children });
}
