import { currentVersion } from '@app/domain';
import { atOnce, type Steps } from '@app/kernel';
import type { SchedulingRequest, SchedulingResult } from './ports.js';
import { scheduleGeneric } from './schedule-generic.js';
import { scheduleSystem } from './schedule-system.js';

/**
 * One pass over one evaluation: what to change so that the job's allocations are as it wants them, and how to leave the evaluation. The
 * plan is null when there is nothing to change; scheduling again after a plan was committed changes nothing more. Source: spec/lifecycle §2.4, §3.
 */
export const schedule = (request: SchedulingRequest): SchedulingResult => atOnce(scheduleInSteps(request));

/** The same, a step for each group and each placement; the cluster must not be another one in between. System jobs take one step. */
export function* scheduleInSteps(request: SchedulingRequest): Steps<SchedulingResult> {
  const { evaluation, cluster } = request;
  const job = currentVersion(cluster.job(evaluation.namespace, evaluation.jobId));
  // The evaluation of a stop is of type service, whatever the job is; stopping is the same for all types.
  const type = job === undefined || job.spec.Stop ? evaluation.type : job.spec.Type;
  return type === 'system' || type === 'sysbatch' ? scheduleSystem(request) : yield* scheduleGeneric(request);
}
