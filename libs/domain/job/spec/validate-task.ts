import { goDuration, quoted, type JsonObject } from '@app/kernel';
import type { Affinity, Constraint, Task, TaskGroup } from '../../nomad.js';
import { multiError } from './multi-error.js';
import { isObject } from './read.js';
import { taskBlocksErrors } from './validate-blocks.js';
import { affinityErrors, constraintErrors, inList, placementErrors } from './validate-placement.js';
import { mistakes } from './validate-policies.js';
import { taskServicesErrors } from './validate-services.js';

const HOOKS = ['prestart', 'poststart', 'poststop'];
const MIN_CPU = 1;
const MIN_MEMORY_MB = 10;
const NO_MEMORY_LIMIT = -1;

/** As one nested error, or nothing. */
const nested = (errors: readonly string[]): string[] => (errors.length === 0 ? [] : [multiError(errors)]);

function deviceErrors(device: JsonObject): string[] {
  const constraints = (device['Constraints'] ?? []) as unknown as Constraint[];
  const affinities = (device['Affinities'] ?? []) as unknown as Affinity[];
  return [
    ...mistakes([
      [!device['Name'], 'device name must be given as one of the following: type, vendor/type, or vendor/type/name'],
    ]),
    ...inList('Constraint', constraints, (constraint) =>
      constraint.Operand.startsWith('distinct_')
        ? [`using unsupported operand ${quoted(constraint.Operand)}`]
        : constraintErrors(constraint),
    ),
    ...inList('Affinity', affinities, affinityErrors),
  ];
}

function numaErrors({ NUMA: numa, Devices: devices }: Task['Resources']): string[] {
  if (numa === null) return [];
  const bound = Array.isArray(numa['Devices']) ? numa['Devices'] : [];
  const requested = (devices ?? []).map((device) => device['Name']);
  return [
    ...bound
      .filter((name) => !requested.includes(name))
      .map((name) => `numa device ${quoted(String(name))} not requested as task resource`),
    ...mistakes([
      [
        !['none', 'prefer', 'require'].includes(String(numa['Affinity'])),
        'numa affinity must be one of none, prefer, or require',
      ],
    ]),
  ];
}

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
    ...(resources.Devices ?? []).flatMap((device, position) =>
      nested(deviceErrors(device)).map((error) => `device ${position + 1} failed validation: ${error}`),
    ),
    ...numaErrors(resources),
    ...mistakes([
      [
        ![0, NO_MEMORY_LIMIT].includes(resources.MemoryMaxMB) && resources.MemoryMaxMB < resources.MemoryMB,
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

function lifecycleErrors({ Lifecycle: lifecycle }: Task): string[] {
  if (lifecycle === null || HOOKS.includes(lifecycle.Hook)) return [];
  const error = lifecycle.Hook === '' ? 'no lifecycle hook provided' : `invalid hook: ${lifecycle.Hook}`;
  return [`Lifecycle validation failed: ${error}`];
}

/** A task that says it is a proxy needs the service that it is one for. */
function proxyErrors(task: Task, group: TaskGroup): string[] {
  const [prefix, service] = task.Kind.split(':');
  if (prefix !== 'connect-proxy') return [];
  const hasService = (group.Services ?? []).some(
    ({ Name, Connect }) => Name === service && isObject(Connect?.['SidecarService']),
  );
  return mistakes([
    [task.Services !== null, 'Connect proxy task must not have a service block'],
    [task.Leader, 'Connect proxy task must not have leader set'],
    [!hasService, `No Connect services in task group with Connect proxy ("${service}")`],
  ]);
}

/** What is wrong with one task. Source: spec/http-api §4.3, recording jobs-invalid. */
export function taskErrors(task: Task, group: TaskGroup, jobType: string): string[] {
  const deadline = jobType === 'service' ? (group.Update?.ProgressDeadline ?? 0) : 0;
  return [
    ...mistakes([
      [task.Name === '', 'Missing task name'],
      [/[/\\]/.test(task.Name), 'Task name cannot include slashes'],
      [task.Name.includes('\0'), 'Task name cannot include null characters'],
      [task.Name === 'alloc', 'Task cannot be named "alloc"'],
      [task.Driver === '', 'Missing task driver'],
      [task.KillTimeout < 0, 'KillTimeout must be a positive value'],
      [
        deadline > 0 && task.KillTimeout > deadline,
        `KillTimout (${goDuration(task.KillTimeout)}) longer than the group's ProgressDeadline (${goDuration(deadline)})`,
      ],
      [task.ShutdownDelay < 0, 'ShutdownDelay must be a positive value'],
    ]),
    ...resourceErrors(task),
    ...logErrors(task, group.EphemeralDisk.SizeMB),
    ...placementErrors(task, 'task', jobType),
    ...taskServicesErrors(task, group),
    ...taskBlocksErrors(task, group),
    ...proxyErrors(task, group),
    ...lifecycleErrors(task),
  ];
}
