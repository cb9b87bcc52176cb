import { allOf, atOnce, goList, quoted, type Steps } from '@app/kernel';
import type { JobSpec } from '../../nomad.js';
import { isParameterized, type JobVersion } from '../state.js';
import { nativeFault } from './connect-tasks.js';
import { multiError } from './multi-error.js';
import { periodicErrors } from './periodic.js';
import { earlyErrors, lateErrors } from './validate-admission.js';
import { groupErrors, nameErrors } from './validate-group.js';
import { placementErrors } from './validate-placement.js';
import { mistakes } from './validate-policies.js';
import { jobWarnings } from './warnings.js';

/** Groups' counts together; Nomad: job_max_count. */
const MAX_COUNT = 50_000;
const MAX_DESCRIPTION = 1000;
const PAYLOADS = ['optional', 'required', 'forbidden'];

export interface JobValidation {
  /** The multi-error text, or empty. */
  readonly errors: string;
  /** The same, one by one; nested errors stay texts. */
  readonly errorList: readonly string[];
  readonly warnings: readonly string[];
}

const isBatch = (job: JobSpec) => job.Type === 'batch' || job.Type === 'sysbatch';

function identityErrors(job: JobSpec): string[] {
  return mistakes([
    [job.Region === '', 'Missing job region'],
    [job.ID === '', 'Missing job ID'],
    [job.ID.includes(' '), 'Job ID contains a space'],
    [job.ID.includes('\0'), 'Job ID contains a null character'],
    [job.Name === '', 'Missing job name'],
    [job.Name.includes('\0'), 'Job Name contains a null character'],
    [job.Namespace === '', 'Job must be in a namespace'],
  ]);
}

function typeErrors(type: string): string[] {
  if (type === '') return ['Missing job type'];
  return ['service', 'batch', 'system', 'sysbatch', '_core'].includes(type)
    ? []
    : [`Invalid job type: ${quoted(type)}`];
}

/** What a group must be for its job to hold it; its own blocks are looked at afterwards. */
function placeErrors(job: JobSpec): string[] {
  const names = job.TaskGroups.map(({ Name }) => Name);
  const ofNames = nameErrors(names, 'Job task group', 'group');
  return job.TaskGroups.flatMap(({ Name, Count, ShutdownDelay }, position) => [
    ...(ofNames[position] ?? []),
    ...mistakes([
      [(ShutdownDelay ?? 0) < 0, 'ShutdownDelay must be a positive value'],
      [
        job.Type === 'system' && Count > 1,
        `Job task group ${Name} has count ${Count}. Count cannot exceed 1 with system scheduler`,
      ],
    ]),
  ]);
}

function periodicBlockErrors(job: JobSpec): string[] {
  if (job.Periodic === null) return [];
  if (!isBatch(job)) return ['Periodic can only be used with "batch" or "sysbatch" scheduler'];
  const errors = periodicErrors(job.Periodic);
  return errors.length === 0 ? [] : [multiError(errors)];
}

function parameterizedErrors(job: JobSpec): string[] {
  if (job.ParameterizedJob === null) return [];
  if (!isBatch(job)) return ['Parameterized job can only be used with "batch" or "sysbatch" scheduler'];
  const { Payload, MetaRequired, MetaOptional } = job.ParameterizedJob;
  const both = (MetaRequired ?? []).filter((key) => (MetaOptional ?? []).includes(key)).sort();
  const errors = mistakes([
    [!PAYLOADS.includes(Payload), `Unknown payload requirement: ${quoted(Payload)}`],
    [
      both.length > 0,
      `Required and optional meta keys should be disjoint. Following keys exist in both: ${goList(both)}`,
    ],
  ]);
  return errors.length === 0 ? [] : [multiError(errors)];
}

function* allErrors(job: JobSpec): Steps<string[]> {
  const description = (job.UI?.Description ?? '').length;
  const totalCount = job.TaskGroups.reduce((sum, { Count }) => sum + Count, 0);
  const ofGroups = yield* allOf(job.TaskGroups, (group) => {
    const errors = groupErrors(group, job);
    return errors.length === 0 ? [] : [`Task group ${group.Name} validation failed: ${multiError(errors)}`];
  });
  return [
    ...identityErrors(job),
    ...typeErrors(job.Type),
    ...mistakes([
      [job.Datacenters.length === 0, 'Missing job datacenters'],
      [job.Datacenters.includes(''), 'Job datacenter must be non-empty string'],
      [job.TaskGroups.length === 0, 'Missing job task groups'],
    ]),
    ...placementErrors(job, 'job', job.Type),
    ...placeErrors(job),
    ...ofGroups,
    ...periodicBlockErrors(job),
    ...parameterizedErrors(job),
    ...mistakes([
      [
        description > MAX_DESCRIPTION,
        `UI description must be under ${MAX_DESCRIPTION} characters, currently ${description}`,
      ],
      [job.Multiregion !== null, 'Multiregion jobs are unlicensed.'],
      [(job.Type as string) === '_core', 'job type cannot be core'],
      [job.Payload !== null, "job can't be submitted with a payload, only dispatched"],
      [job.Priority < 1 || job.Priority > 100, 'job priority must be between [1, 100]'],
      [totalCount > MAX_COUNT, `total count was greater than configured job_max_count: ${totalCount} > ${MAX_COUNT}`],
    ]),
  ];
}

/** What the server knows that a job by itself does not say. */
export interface ServerFacts {
  /** Namespaces and pools that the job names and that are not there, in words. */
  readonly missingPlaces?: readonly string[];
  /** Whether the scheduler lets tasks have more memory than they ask for. */
  readonly oversubscribes?: boolean;
}

/**
 * What a registration would be refused for, and what its author should know.
 * Source: spec/http-api §4.3, spec/lifecycle §1.3, recordings jobs-invalid and jobs-validate.
 *
 * @param job a canonical specification
 */
export const validateJob = (job: JobSpec, facts: ServerFacts = {}): JobValidation =>
  atOnce(validateInSteps(job, facts));

/** The same, with a step for each group in whatever looks at groups. */
export function* validateInSteps(job: JobSpec, facts: ServerFacts = {}): Steps<JobValidation> {
  const early = earlyErrors(job);
  yield;
  const errorList = [...early, ...(facts.missingPlaces ?? []), ...(yield* allErrors(job)), ...lateErrors(job)];
  const warnings = yield* jobWarnings(job, facts.oversubscribes ?? false);
  return { errors: multiError(errorList), errorList, warnings };
}

/** Why a job cannot even be made complete, or empty: an error of the whole request. */
export function admissionFault(job: JobSpec): string {
  const fault = job.TaskGroups.map(nativeFault).find((one) => one !== null);
  return fault === undefined || fault === null ? '' : `error in job mutator connect: ${fault}`;
}

/** Why a job cannot become this one, or empty. Source: spec/http-api §4.3 (transition errors). */
export function validateChange(existing: JobVersion | undefined, next: JobSpec): string {
  if (existing === undefined) return next.Dispatched ? "job can't be submitted with 'Dispatched' set" : '';
  const { spec } = existing;
  if (spec.Type !== next.Type) return `cannot update job from type ${quoted(spec.Type)} to ${quoted(next.Type)}`;
  if (spec.Periodic !== null && next.Periodic === null) return 'cannot update periodic job to being non-periodic';
  if (spec.Periodic === null && next.Periodic !== null) return 'cannot update non-periodic job to being periodic';
  if (isParameterized(spec) && !isParameterized(next))
    return 'cannot update parameterized job to being non-parameterized';
  if (!isParameterized(spec) && isParameterized(next))
    return 'cannot update non-parameterized job to being parameterized';
  return spec.Dispatched === next.Dispatched ? '' : "field 'Dispatched' is read-only";
}
