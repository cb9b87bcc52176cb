import { allOf, quoted, type Steps } from '@app/kernel';
import type { JobSpec, Task, TaskGroup } from '../../nomad.js';
import { multiError } from './multi-error.js';
import { mistakes } from './validate-policies.js';

/* What the author of a job should know though it is accepted, with Nomad's words. Source: spec/http-api §4.3, recording jobs-validate. */

function identityWarnings(identity: Record<string, unknown>): string[] {
  const name = String(identity['Name']);
  const audiences = Array.isArray(identity['Audience']) ? identity['Audience'].length : 0;
  return mistakes([
    [audiences === 0, 'identities without an audience are insecure'],
    [audiences > 1, 'while multiple audiences is allowed, it is more secure to use 1 audience per identity'],
    [identity['TTL'] === 0, 'identities without an expiration are insecure'],
    [
      identity['Env'] === true && identity['ChangeMode'] !== 'restart',
      'using env=true without change_mode="restart" may result in task not getting updated identity',
    ],
  ]).map((warning) => `Identity[${name}] ${warning}`);
}

function taskWarnings(task: Task): string[] {
  const templates = (task.Templates ?? []).flatMap(({ VaultGrace }, position) =>
    VaultGrace === 0
      ? []
      : [
          `Template[${position}] VaultGrace has been deprecated as of Nomad 0.11 and ignored since Vault 0.5. Please remove VaultGrace / vault_grace from template block.`,
        ],
  );
  const warnings = [
    ...mistakes([
      [
        task.Resources.IOPS !== 0,
        'IOPS has been deprecated as of Nomad 0.9.0. Please remove IOPS from resource block.',
      ],
      [
        (task.Resources.Networks ?? []).length > 0,
        'task network resources have been deprecated as of Nomad 0.12.0. Please configure networking via group network block.',
      ],
    ]),
    ...templates,
    ...(task.Identities ?? [])
      .map(identityWarnings)
      .filter((list) => list.length > 0)
      .map(multiError),
  ];
  return warnings.length === 0 ? [] : [`Task ${quoted(task.Name)} has warnings: ${multiError(warnings)}`];
}

function groupWarnings({ Name, Count, Update, Networks, Tasks }: TaskGroup): string[] {
  const warnings = [
    ...mistakes([
      [
        Update !== null && Count > 1 && Update.MaxParallel > Count,
        `Update max parallel count is greater than task group count (${Update?.MaxParallel} > ${Count}). A destructive change would result in the simultaneous replacement of all allocations.`,
      ],
      [
        (Networks?.[0]?.MBits ?? 0) > 0,
        'mbits has been deprecated as of Nomad 0.12.0. Please remove mbits from the network block',
      ],
    ]),
    ...Tasks.flatMap(taskWarnings),
  ];
  return warnings.length === 0 ? [] : [`Group ${quoted(Name)} has warnings: ${multiError(warnings)}`];
}

/** Where a service may still be found while its task ends: somebody waits until it is forgotten, or nobody does. */
function shutdownWarnings({ Name, ShutdownDelay, Services, Tasks }: TaskGroup): string[] {
  const delays = (ShutdownDelay ?? 0) > 0 || Tasks.some((task) => task.ShutdownDelay > 0);
  const named = new Set((Services ?? []).map(({ TaskName }) => TaskName));
  const hasOwn = named.has('');
  return [
    ...mistakes([
      [
        hasOwn && !delays,
        `group ${quoted(Name)} defines services, but neither the group nor any of its tasks have shutdown_delay set`,
      ],
    ]),
    ...Tasks.filter((task) => task.ShutdownDelay === 0).flatMap((task) =>
      mistakes([
        [
          task.Services !== null,
          `task ${quoted(task.Name)} in group ${quoted(Name)} defines services, but has no shutdown_delay set`,
        ],
        [
          named.has(task.Name),
          `group ${quoted(Name)} references task ${quoted(task.Name)} in a service definition, but the task has no shutdown_delay set`,
        ],
      ]),
    ),
  ];
}

const oversubscriptionWarnings = ({ Name, Tasks }: TaskGroup): string[] =>
  Tasks.filter(({ Resources }) => Resources.MemoryMaxMB !== 0).map(
    (task) =>
      `Memory oversubscription is not enabled; Task "${Name}.${task.Name}" memory_max value will be ignored. Update the Scheduler Configuration to allow oversubscription.`,
  );

/** @param oversubscribes whether the scheduler lets tasks have more memory than they ask for */
export function* jobWarnings(job: JobSpec, oversubscribes: boolean): Steps<string[]> {
  const updates = job.TaskGroups.flatMap(({ Update }) => Update ?? []);
  const promotes = updates.some(({ AutoPromote }) => AutoPromote);
  // A group without canaries has nothing to promote.
  const waits = updates.some(({ AutoPromote, Canary }) => !AutoPromote && Canary > 0);
  const ofGroups = yield* allOf(job.TaskGroups, groupWarnings);
  const ofShutdown = yield* allOf(job.TaskGroups, shutdownWarnings);
  return [
    ...ofGroups,
    ...mistakes([
      [promotes && waits, 'auto_promote must be true for all groups to enable automatic promotion'],
      [
        job.Periodic !== null && job.Periodic.Spec !== '',
        'cron is deprecated and may be removed in a future release. Use crons instead',
      ],
    ]),
    ...ofShutdown,
    ...(oversubscribes ? [] : job.TaskGroups.flatMap(oversubscriptionWarnings)),
  ];
}
