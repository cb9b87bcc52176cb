import { ownProperty, type Index } from '@app/kernel';
import type { Draft } from '../command/draft.js';
import { jobStatus, restateJob } from '../command/settle.js';
import { newEvaluation } from '../evaluation/create.js';
import { THIS_INDEX, type EvaluationTrigger } from '../evaluation/state.js';
import type { JobSpec } from '../nomad.js';
import { storePolicies } from '../scaling-policy/of-job.js';
import { countChild } from './children.js';
import type { JobEvent } from './events.js';
import { currentVersion, isTemplate, type JobState, type JobVersion } from './state.js';

type Registered = Extract<JobEvent, { type: 'JobRegistered' }>['data'];

/** Stores the next version of a job (its first is 0) and sees to it that every group has a row in the summary. */
export function storeVersion(
  draft: Draft,
  job: JobState | undefined,
  given: Omit<Registered, 'version' | 'submitTime' | 'status'>,
): void {
  const current = currentVersion(job);
  const { Namespace: namespace, ID: id, TaskGroups: groups } = given.spec;
  const summary = current === undefined ? undefined : draft.summary(namespace, id);
  const status = jobStatus(given, summary, true);
  const scalingPolicies = storePolicies(draft, current, given.spec);
  draft.onJob(
    { namespace, id },
    {
      type: 'JobRegistered',
      data: {
        ...given,
        ...(scalingPolicies.length > 0 && { scalingPolicies }),
        version: current === undefined ? 0 : current.version + 1,
        submitTime: draft.context.now,
        status,
      },
    },
  );
  countChild(draft, given.spec, current?.status, status);
  const missing = groups.map((group) => group.Name).filter((name) => ownProperty(summary?.groups, name) === undefined);
  if (missing.length > 0) {
    const jobCreateIndex = current?.createIndex ?? THIS_INDEX;
    draft.onSummary(namespace, id, {
      type: 'JobSummaryGroupsAdded',
      data: { namespace, jobId: id, jobCreateIndex, groups: missing },
    });
  }
}

/** Templates have nothing to schedule. */
export const needsEvaluation = (spec: JobSpec): boolean => !isTemplate(spec);

/** An evaluation of a job for its scheduler. Returns its id. */
export const evaluateJob = (
  draft: Draft,
  spec: JobSpec,
  triggeredBy: EvaluationTrigger,
  { priority, jobModifyIndex }: { priority: number; jobModifyIndex: Index },
): string =>
  draft.evaluate(
    newEvaluation({
      id: draft.context.newId(),
      namespace: spec.Namespace,
      priority: priority || spec.Priority,
      type: spec.Type,
      triggeredBy,
      jobId: spec.ID,
      jobModifyIndex,
    }),
  );

/** What a registration that changes nothing still does. Returns the evaluation's id, or "" for a template. */
export function evaluateUnchanged(
  draft: Draft,
  { spec, modifyIndex }: JobVersion,
  priority: number,
  triggeredBy: EvaluationTrigger = 'job-register',
): string {
  if (!needsEvaluation(spec)) return '';
  const evalId = evaluateJob(draft, spec, triggeredBy, { priority, jobModifyIndex: modifyIndex });
  restateJob(draft, spec.Namespace, spec.ID, true);
  return evalId;
}
