import { goList, quoted } from '@app/kernel';
import type { JobSpec, TaskGroup } from '../../nomad.js';
import { isParameterized, type JobVersion } from '../state.js';
import { multiError } from './multi-error.js';
import { periodicErrors } from './periodic.js';
import { groupErrors, nameErrors } from './validate-group.js';
import { placementErrors } from './validate-placement.js';
import { mistakes } from './validate-policies.js';

/** Groups' counts together; Nomad: job_max_count. */
const MAX_COUNT = 50_000;
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

const systemCountErrors = (job: JobSpec): string[] =>
  job.Type !== 'system'
    ? []
    : job.TaskGroups.filter(({ Count }) => Count > 1).map(
        ({ Name, Count }) => `Job task group ${Name} has count ${Count}. Count cannot exceed 1 with system scheduler`,
      );

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

function allErrors(job: JobSpec): string[] {
  const totalCount = job.TaskGroups.reduce((sum, { Count }) => sum + Count, 0);
  return [
    ...identityErrors(job),
    ...typeErrors(job.Type),
    ...mistakes([
      [job.Datacenters.length === 0, 'Missing job datacenters'],
      [job.Datacenters.includes(''), 'Job datacenter must be non-empty string'],
      [job.TaskGroups.length === 0, 'Missing job task groups'],
    ]),
    ...placementErrors(job, 'job', job.Type),
    ...nameErrors(
      job.TaskGroups.map(({ Name }) => Name),
      'Job task group',
      'group',
    ),
    ...systemCountErrors(job),
    ...job.TaskGroups.flatMap((group) => {
      const errors = groupErrors(group, job);
      return errors.length === 0 ? [] : [`Task group ${group.Name} validation failed: ${multiError(errors)}`];
    }),
    ...periodicBlockErrors(job),
    ...parameterizedErrors(job),
    ...mistakes([
      [(job.Type as string) === '_core', 'job type cannot be core'],
      [job.Payload !== null, "job can't be submitted with a payload, only dispatched"],
      [job.Priority < 1 || job.Priority > 100, 'job priority must be between [1, 100]'],
      [totalCount > MAX_COUNT, `total count was greater than configured job_max_count: ${totalCount} > ${MAX_COUNT}`],
    ]),
  ];
}

function groupWarnings({ Name, Count, Update, ...group }: TaskGroup): string[] {
  const deprecated = (field: string, successor: string) =>
    `${field} is deprecated and ignored in favor of Disconnect.${successor}`;
  const warnings = mistakes([
    [
      Update !== null && Count > 1 && Update.MaxParallel > Count,
      `Update max parallel count is greater than task group count (${Update?.MaxParallel} > ${Count}). A destructive change would result in the simultaneous replacement of all allocations.`,
    ],
    [group.StopAfterClientDisconnect !== null, deprecated('StopAfterClientDisconnect', 'StopOnClientAfter')],
    [group.MaxClientDisconnect !== null, deprecated('MaxClientDisconnect', 'LostAfter')],
    [group.PreventRescheduleOnLost, deprecated('PreventRescheduleOnLost', 'Replace')],
  ]);
  return warnings.length === 0 ? [] : [`Group ${quoted(Name)} has warnings: ${multiError(warnings)}`];
}

function allWarnings(job: JobSpec): string[] {
  const promoting = job.TaskGroups.filter(({ Update }) => Update?.AutoPromote === true).length;
  return [
    ...job.TaskGroups.flatMap(groupWarnings),
    ...mistakes([
      [
        promoting > 0 && promoting < job.TaskGroups.length,
        'auto_promote must be true for all groups to enable automatic promotion',
      ],
      [
        job.Periodic !== null && job.Periodic.Spec !== '',
        'cron is deprecated and may be removed in a future release. Use crons instead',
      ],
    ]),
  ];
}

/**
 * What a registration would be refused for, and what its author should know. Namespaces and node pools are looked up elsewhere.
 * Source: spec/http-api §4.3, spec/lifecycle §1.3, recordings jobs-invalid and jobs-validate.
 *
 * @param job a canonical specification
 */
export function validateJob(job: JobSpec): JobValidation {
  const errorList = allErrors(job);
  return { errors: multiError(errorList), errorList, warnings: allWarnings(job) };
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
