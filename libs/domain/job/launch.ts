import { accept, reject, US_PER_S, type CommandContext, type Decision, type StateView, type TimeUs } from '@app/kernel';
import { draftOf, type Draft } from '../command/draft.js';
import { THIS_INDEX } from '../evaluation/state.js';
import type { JobSpec } from '../nomad.js';
import { nextLaunch } from './spec/periodic.js';
import { specChanged } from './spec/spec-changed.js';
import { currentVersion, isPeriodicActive, type JobState } from './state.js';
import { evaluateJob, evaluateUnchanged, storeVersion } from './store-version.js';

/**
 * When a periodic job is due: the first time of its schedule since it was last launched (or, before that, registered). It may have passed
 * already. null: never, as long as nothing changes. The state alone says it, so whoever leads next knows all launches.
 */
export function dueLaunch(job: JobState): TimeUs | null {
  const current = currentVersion(job);
  if (current === undefined || !isPeriodicActive(current.spec)) return null;
  return nextLaunch(current.spec.Periodic!, Math.max(current.submitTime, job.lastLaunch ?? 0));
}

/**
 * Launches a periodic job that is due. Launches that were missed meanwhile are made up for by this one. Nothing happens when it is not due (any
 * more), and nothing but a note when it prohibits overlap and a child has not ended. Nomad's periodic dispatcher.
 */
export function launchPeriodicJob(
  view: StateView,
  context: CommandContext,
  command: { readonly namespace: string; readonly jobId: string },
): Decision {
  const draft = draftOf(view, context);
  const job = draft.job(command.namespace, command.jobId);
  const current = currentVersion(job);
  const due = job === undefined ? null : dueLaunch(job);
  if (job === undefined || current === undefined || due === null || due > context.now) return accept([]);
  const children = draft.summary(job.namespace, job.id)?.children;
  const overlaps = children !== undefined && children.pending + children.running > 0;
  if (current.spec.Periodic!.ProhibitOverlap && overlaps) {
    draft.onJob(job, { type: 'PeriodicLaunchPassedOver', data: { due } });
  } else launch(draft, job, current.spec, due);
  return accept(draft.events());
}

/**
 * Launches a periodic job now, whatever its schedule and its children. Nomad: Periodic.Force; spec/http-api §4.4. Rejections: job-not-found-write,
 * job-not-periodic, job-not-tracked (stopped or disabled; detail: id and namespace).
 */
export function forcePeriodicJob(
  view: StateView,
  context: CommandContext,
  command: { readonly namespace: string; readonly jobId: string },
): Decision<{ readonly evalId: string }> {
  const draft = draftOf(view, context);
  const job = draft.job(command.namespace, command.jobId);
  const current = currentVersion(job);
  if (job === undefined || current === undefined) return reject('job-not-found-write');
  if (current.spec.Periodic === null) return reject('job-not-periodic');
  if (!isPeriodicActive(current.spec)) return reject('job-not-tracked', JSON.stringify([job.id, job.namespace]));
  const evalId = launch(draft, job, current.spec, context.now);
  return accept(draft.events(), { evalId });
}

/** The child of that second; the evaluation's id. A second launch within the second is the same child once more. */
function launch(draft: Draft, parent: JobState, spec: JobSpec, due: TimeUs): string {
  const childId = `${parent.id}/periodic-${Math.floor(due / US_PER_S)}`;
  const child: JobSpec = { ...spec, Periodic: null, ID: childId, Name: childId, ParentID: parent.id };
  draft.onJob(parent, { type: 'PeriodicJobLaunched', data: { due, childId } });
  const existing = draft.job(parent.namespace, childId);
  const current = currentVersion(existing);
  if (current !== undefined && !specChanged(current, child))
    return evaluateUnchanged(draft, current, 0, 'periodic-job');
  storeVersion(draft, existing, { spec: child, cause: 'periodic', stable: false, revertedTo: null });
  return evaluateJob(draft, child, 'periodic-job', { priority: 0, jobModifyIndex: THIS_INDEX });
}
