import { quoted } from '@app/kernel';
import type { JobSpec, TaskGroup } from '../../nomad.js';
import { multiError } from './multi-error.js';
import { networkErrors } from './validate-network.js';
import { placementErrors } from './validate-placement.js';
import {
  disconnectErrors,
  MAX_COUNT,
  migrateErrors,
  mistakes,
  rescheduleErrors,
  restartErrors,
  updateErrors,
} from './validate-policies.js';
import { groupServicesErrors } from './validate-services.js';
import { taskErrors } from './validate-task.js';
import { groupVolumesErrors } from './validate-volumes.js';

/**
 * What is wrong with each name of a list: none, or another's. `subject` is `Task` or `Job task group`, `of` what the texts call the first one. In one pass:
 * clients send as many names as a body holds.
 */
export function nameErrors(names: readonly string[], subject: string, of: string): string[][] {
  const first = new Map<string, number>();
  return names.map((name, position) => {
    if (name === '') return [`${subject} ${position + 1} missing name`];
    const known = first.get(name);
    if (known === undefined) first.set(name, position);
    return known === undefined ? [] : [`${subject} ${position + 1} redefines '${name}' from ${of} ${known + 1}`];
  });
}

/** The scaling block: its bounds by themselves, then the group's count between them. */
function scalingErrors({ Scaling: scaling, Count: count }: TaskGroup): string[] {
  if (scaling === null) return [];
  const invalid = (text: string) => `Scaling policy invalid: ${text}`;
  const errors = mistakes([
    [scaling.Max < 0, invalid('maximum count must be specified and non-negative')],
    [scaling.Max >= 0 && scaling.Max < scaling.Min, invalid('maximum count must not be less than minimum count')],
    [scaling.Min < 0, invalid('minimum count must be specified and non-negative')],
    [scaling.Type !== 'horizontal', invalid(`scaling policy type ${quoted(scaling.Type)} is not valid`)],
    [scaling.Max < count, invalid('task group count must not be greater than maximum count in scaling policy')],
    [count < scaling.Min, invalid('task group count must not be less than minimum count in scaling policy')],
  ]);
  return errors.length === 0 ? [] : [`Task group scaling policy validation failed: ${multiError(errors)}`];
}

function networksErrors(group: TaskGroup): string[] {
  const errors = networkErrors(group);
  return errors.length === 0 ? [] : [`Task group network validation failed: ${multiError(errors)}`];
}

const isBatch = (jobType: string) => jobType === 'batch' || jobType === 'sysbatch';

function policyErrors(group: TaskGroup, job: JobSpec): string[] {
  const neverReschedules = job.Type === 'system' || job.Type === 'sysbatch';
  const allowsUpdate = job.Type === 'service' || job.Type === 'system';
  return [
    ...(group.RestartPolicy === null ? [] : restartErrors(group.RestartPolicy)),
    ...(group.ReschedulePolicy === null
      ? []
      : neverReschedules
        ? ['System or sysbatch jobs should not have a reschedule policy']
        : rescheduleErrors(group.ReschedulePolicy)),
    ...mistakes([[group.EphemeralDisk.SizeMB < 10, `minimum DiskMB value is 10; got ${group.EphemeralDisk.SizeMB}`]]),
    ...(group.Update === null
      ? []
      : allowsUpdate
        ? updateErrors(group.Update)
        : [`Job type ${quoted(job.Type)} does not allow update block`]),
    ...(group.Migrate === null
      ? []
      : job.Type === 'service'
        ? migrateErrors(group.Migrate)
        : [`Job type ${quoted(job.Type)} does not allow migrate block`]),
  ];
}

/** What is wrong with a group, its tasks included. Source: spec/lifecycle §1.3, spec/http-api §4.3, recording jobs-invalid. */
export function groupErrors(group: TaskGroup, job: JobSpec): string[] {
  const tasks = group.Tasks;
  const names = tasks.map(({ Name }) => Name);
  return [
    ...mistakes([
      [group.Name === '', 'Missing task group name'],
      [group.Name.includes('\0'), 'Task group name contains null character'],
      [group.Count < 0, "Task group count can't be negative"],
      [group.Count > MAX_COUNT, `Task group count can't be greater than ${MAX_COUNT}`],
      [tasks.length === 0, 'Missing tasks for task group'],
      [
        group.MaxRunDuration !== null && !isBatch(job.Type),
        'max_run_duration can only be used with batch or sysbatch jobs',
      ],
      [(group.MaxRunDuration ?? 0) < 0, 'max_run_duration must be a positive value'],
    ]),
    ...(group.Disconnect === null ? [] : disconnectErrors(group.Disconnect, job.Type)),
    ...placementErrors(group, 'group', job.Type),
    ...policyErrors(group, job),
    ...nameErrors(names, 'Task', 'task').flat(),
    ...mistakes([
      [tasks.filter(({ Leader }) => Leader).length > 1, 'Only one task may be marked as leader'],
      [
        tasks.length > 0 && tasks.every(({ Lifecycle }) => Lifecycle !== null),
        `Task group ${group.Name} must have at least one main task`,
      ],
    ]),
    ...groupVolumesErrors(group, job.Type),
    ...networksErrors(group),
    ...groupServicesErrors(group),
    ...scalingErrors(group),
    ...tasks.flatMap((task) => {
      const errors = taskErrors(task, group, job.Type);
      return errors.length === 0 ? [] : [`Task ${task.Name} validation failed: ${multiError(errors)}`];
    }),
  ];
}
