import { goDuration, quoted } from '@app/kernel';
import type { JobSpec, Service, Task, TaskGroup } from '../../nomad.js';
import { multiError } from './multi-error.js';
import { placementErrors } from './validate-placement.js';
import {
  disconnectErrors,
  migrateErrors,
  mistakes,
  rescheduleErrors,
  restartErrors,
  updateErrors,
} from './validate-policies.js';

const HOOKS = ['prestart', 'poststart', 'poststop'];
const MIN_CPU = 1;
const MIN_MEMORY_MB = 10;

/** As one nested error, or nothing. */
const nested = (errors: readonly string[]): string[] => (errors.length === 0 ? [] : [multiError(errors)]);

function resourceErrors({ Resources: resources }: Task): string[] {
  const minimum = mistakes([
    [resources.Cores === 0 && resources.CPU < MIN_CPU, `minimum CPU value is ${MIN_CPU}; got ${resources.CPU}`],
    [resources.MemoryMB < MIN_MEMORY_MB, `minimum MemoryMB value is ${MIN_MEMORY_MB}; got ${resources.MemoryMB}`],
  ]);
  return nested([
    ...mistakes([
      [resources.Cores > 0 && resources.CPU > 0, "Task can only ask for 'cpu' or 'cores' resource, not both."],
    ]),
    ...nested(minimum),
    ...mistakes([
      [
        resources.MemoryMaxMB > 0 && resources.MemoryMaxMB < resources.MemoryMB,
        `MemoryMaxMB value (${resources.MemoryMaxMB}) should be larger than MemoryMB value (${resources.MemoryMB})`,
      ],
    ]),
  ]);
}

function logErrors({ LogConfig: log }: Task, diskMb: number): string[] {
  if (log === null) return ['Missing Log Config'];
  const usedMb = log.MaxFiles * log.MaxFileSizeMB;
  return nested(
    mistakes([
      [log.MaxFiles < 1, `minimum number of files is 1; got ${log.MaxFiles}`],
      [log.MaxFileSizeMB < 1, `minimum file size is 1MB; got ${log.MaxFileSizeMB}`],
      [usedMb >= diskMb, `log storage (${usedMb} MB) must be less than requested disk capacity (${diskMb} MB)`],
    ]),
  );
}

function serviceErrors(services: readonly Service[] | null): string[] {
  return (services ?? []).flatMap((service) =>
    nested(
      mistakes([
        [
          !['consul', 'nomad'].includes(service.Provider),
          `Service ${service.Name} provider must be ${quoted('consul')} or ${quoted('nomad')}`,
        ],
        [
          !['auto', 'host', 'driver', 'alloc', ''].includes(service.AddressMode),
          `Service address_mode must be ${quoted('auto')}, ${quoted('host')}, ${quoted('driver')} or ${quoted('alloc')}; not ${quoted(service.AddressMode)}`,
        ],
        [
          !['require_healthy', 'ignore_warnings', 'ignore'].includes(service.OnUpdate),
          `Service on_update must be ${quoted('require_healthy')}, ${quoted('ignore_warnings')}, or ${quoted('ignore')}; not ${quoted(service.OnUpdate)}`,
        ],
      ]),
    ),
  );
}

/** What is wrong with one task. Source: spec/http-api §4.3, recording jobs-invalid. */
function taskErrors(task: Task, group: TaskGroup, jobType: string): string[] {
  const deadline = jobType === 'service' ? (group.Update?.ProgressDeadline ?? 0) : 0;
  return [
    ...mistakes([
      [task.Name === '', 'Missing task name'],
      [/[/\\]/.test(task.Name), 'Task name cannot include slashes'],
      [task.Name.includes('\0'), 'Task name cannot include null characters'],
      [task.Name === 'alloc', 'Task cannot be named "alloc"'],
      [task.Driver === '', 'Missing task driver'],
      [task.KillTimeout < 0, 'KillTimeout must be a positive value'],
      [task.ShutdownDelay < 0, 'ShutdownDelay must be a positive value'],
    ]),
    ...resourceErrors(task),
    ...logErrors(task, group.EphemeralDisk.SizeMB),
    ...placementErrors(task, 'task', jobType),
    ...serviceErrors(task.Services),
    ...mistakes([
      [
        task.Lifecycle !== null && !HOOKS.includes(task.Lifecycle.Hook),
        task.Lifecycle?.Hook === ''
          ? 'Lifecycle validation failed: no lifecycle hook provided'
          : `Lifecycle validation failed: invalid hook: ${task.Lifecycle?.Hook}`,
      ],
      [
        deadline > 0 && task.KillTimeout > deadline,
        `KillTimout (${goDuration(task.KillTimeout)}) longer than the group's ProgressDeadline (${goDuration(deadline)})`,
      ],
    ]),
  ];
}

/** Names that are missing or given twice: `subject` is `Task` or `Job task group`, `of` what the texts call the first one. */
export function nameErrors(names: readonly string[], subject: string, of: string): string[] {
  return names.flatMap((name, position) => {
    if (name === '') return [`${subject} ${position + 1} missing name`];
    const first = names.indexOf(name);
    return first < position ? [`${subject} ${position + 1} redefines '${name}' from ${of} ${first + 1}`] : [];
  });
}

function scalingErrors(group: TaskGroup): string[] {
  const scaling = group.Scaling;
  if (scaling === null) return [];
  return nested(
    mistakes([
      [scaling.Max < 0, 'maximum count must be specified and non-negative'],
      [scaling.Min < 0, 'minimum count must be specified and non-negative'],
      [scaling.Max < scaling.Min, 'maximum count must not be less than minimum count'],
      [scaling.Max < group.Count, 'task group count must not be greater than maximum count in scaling policy'],
      [scaling.Min > group.Count, 'task group count must not be less than minimum count in scaling policy'],
    ]),
  );
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
  return [
    ...mistakes([
      [group.Name === '', 'Missing task group name'],
      [group.Name.includes('\0'), 'Task group name contains null character'],
      [group.Count < 0, "Task group count can't be negative"],
      [tasks.length === 0, 'Missing tasks for task group'],
      [
        group.MaxRunDuration !== null && !isBatch(job.Type),
        'max_run_duration can only be used with batch or sysbatch jobs',
      ],
      [(group.MaxRunDuration ?? 0) < 0, 'max_run_duration must be a positive value'],
      [(group.ShutdownDelay ?? 0) < 0, 'ShutdownDelay must be a positive value'],
    ]),
    ...(group.Disconnect === null ? [] : disconnectErrors(group.Disconnect, job.Type)),
    ...placementErrors(group, 'group', job.Type),
    ...policyErrors(group, job),
    ...nameErrors(
      tasks.map(({ Name }) => Name),
      'Task',
      'task',
    ),
    ...mistakes([
      [tasks.filter(({ Leader }) => Leader).length > 1, 'Only one task may be marked as leader'],
      [
        tasks.length > 0 && tasks.every(({ Lifecycle }) => Lifecycle !== null),
        `Task group ${group.Name} must have at least one main task`,
      ],
    ]),
    ...serviceErrors(group.Services),
    ...scalingErrors(group),
    ...tasks.flatMap((task) => {
      const errors = taskErrors(task, group, job.Type);
      return errors.length === 0 ? [] : [`Task ${task.Name} validation failed: ${multiError(errors)}`];
    }),
  ];
}
