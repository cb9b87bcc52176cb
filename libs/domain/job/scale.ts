import { accept, reject, type CommandContext, type Decision, type Index, type Json, type StateView } from '@app/kernel';
import { draftOf } from '../command/draft.js';
import { THIS_INDEX } from '../evaluation/state.js';
import type { JobAnswer } from './decide.js';
import { isRegistrationClosed, type Registration } from '../scheduler-configuration/registration.js';
import { currentVersion } from './state.js';
import { evaluateJob, evaluateUnchanged, needsEvaluation, storeVersion } from './store-version.js';
import { MAX_COUNT } from './spec/validate-policies.js';

export interface ScaleJob extends Registration {
  readonly namespace: string;
  readonly jobId: string;
  readonly group: string;
  /** null: nothing is scaled, only noted. */
  readonly count: number | null;
  readonly message: string;
  readonly error: boolean;
  readonly meta: Readonly<Record<string, Json>> | null;
  /** JobModifyIndex that the job must have; null: whatever it is. */
  readonly enforceIndex: Index | null;
}

/**
 * Changes the count of a group, or notes an event of a scaler. Nomad: Job.Scale; spec/lifecycle §1.6, spec/http-api §4.4. Rejections:
 * registration-closed, scale-without-group, scale-count-negative, scale-error-with-count, scale-job-not-found (detail: the id), scale-group-not-found (the group),
 * enforce-index, scale-blocked, scale-system-count, scale-below-minimum and scale-above-maximum (detail: `a < b`, `a > b`).
 */
export function scaleJob(view: StateView, context: CommandContext, command: ScaleJob): Decision<JobAnswer> {
  const { namespace, jobId, group: name, count, message, error, meta, enforceIndex } = command;
  if (name === '') return reject('scale-without-group');
  if (count !== null && count < 0) return reject('scale-count-negative');
  if (count !== null && count > MAX_COUNT) return reject('scale-above-maximum', `${count} > ${MAX_COUNT}`);
  if (count !== null && error) return reject('scale-error-with-count');
  if (isRegistrationClosed(view, command)) return reject('registration-closed');
  const draft = draftOf(view, context);
  const job = draft.job(namespace, jobId);
  const current = currentVersion(job);
  if (job === undefined || current === undefined) return reject('scale-job-not-found', jobId);
  const { spec, stable, jobModifyIndex } = current;
  if (enforceIndex !== null && enforceIndex !== jobModifyIndex) {
    return reject(
      'enforce-index',
      `Enforcing job modify index ${enforceIndex}: job exists with conflicting job modify index: ${jobModifyIndex}`,
    );
  }
  const group = spec.TaskGroups.find((one) => one.Name === name);
  if (group === undefined) return reject('scale-group-not-found', name);
  if (count !== null) {
    if ((draft.summary(namespace, jobId)?.activeDeployments ?? 0) > 0) return reject('scale-blocked');
    if (spec.Type === 'system' && count > 1) return reject('scale-system-count');
    if (group.Scaling !== null && count < group.Scaling.Min)
      return reject('scale-below-minimum', `${count} < ${group.Scaling.Min}`);
    if (group.Scaling !== null && count > group.Scaling.Max)
      return reject('scale-above-maximum', `${count} > ${group.Scaling.Max}`);
  }
  const changes = count !== null && count !== group.Count;
  let evalId = '';
  if (changes) {
    const scaled = {
      ...spec,
      TaskGroups: spec.TaskGroups.map((one) => (one.Name === name ? { ...one, Count: count } : one)),
    };
    storeVersion(draft, job, { spec: scaled, cause: 'scale', stable, revertedTo: null });
    if (needsEvaluation(scaled))
      evalId = evaluateJob(draft, scaled, 'job-scaling', { priority: 0, jobModifyIndex: THIS_INDEX });
  } else if (count !== null) evalId = evaluateUnchanged(draft, current, 0, 'job-scaling');
  const previousCount = group.Count;
  draft.onJob(job, { type: 'JobScaled', data: { group: name, count, previousCount, message, error, meta, evalId } });
  return accept(draft.events(), { evalId, jobModifyIndex: changes ? null : current.modifyIndex });
}
