import type { AllocatedResources, JobSpec, JobType, Task, TaskGroup, UpdateStrategy } from '@app/domain';
import { jobOf as anyJob, task, taskGroup as anyGroup, updateStrategy as anyUpdate } from '@app/testing';
import type { AgentLog } from '../log.js';
import type { AgentAllocation } from '../protocol.js';

export const ms = (n: number): number => n * 1e6;
export const seconds = (n: number): number => n * 1e9;

const nothing = (): undefined => undefined;
export const silentLog: AgentLog = { debug: nothing, info: nothing, warn: nothing, error: nothing };

/** A mock task that runs for ten minutes unless its configuration says otherwise. */
export const mockTask = (config: NonNullable<Task['Config']> = {}, extra: Partial<Task> = {}): Task =>
  task({
    Config: { run_for: '10m', ...config },
    RestartPolicy: { Attempts: 0, Interval: seconds(60), Delay: ms(20), Mode: 'fail', RenderTemplates: false },
    KillTimeout: seconds(1),
    LogConfig: { MaxFiles: 1, MaxFileSizeMB: 1, Disabled: false },
    ...extra,
  });

/** A real process. */
export const execTask = (command: string, args: string[] = [], extra: Partial<Task> = {}): Task => ({
  ...mockTask({}, { Driver: 'raw_exec', ...extra }),
  Config: { command, args },
});

/** Health is told after 50 ms. */
export const updateStrategy = (extra: Partial<UpdateStrategy> = {}): UpdateStrategy =>
  anyUpdate({
    ...{ MinHealthyTime: ms(50), HealthyDeadline: seconds(60), ProgressDeadline: seconds(120) },
    ...extra,
  });

export const taskGroup = (tasks: Task[], extra: Partial<TaskGroup> = {}): TaskGroup =>
  anyGroup(tasks, { Update: updateStrategy(), ...extra });

export const jobOf = (group: TaskGroup, type: JobType = 'service', extra: Partial<JobSpec> = {}): JobSpec =>
  anyJob('job', type, [group], { Datacenters: ['dc1'], Update: updateStrategy(), ...extra });

export const allocationId = (number: number): string => `00000000-0000-4000-8000-${String(number).padStart(12, '0')}`;

const NO_RESOURCES: AllocatedResources = {
  Tasks: {},
  TaskLifecycles: {},
  Shared: { Networks: null, DiskMB: 10, Ports: null },
};

export const allocationOf = (number: number, extra: Partial<AgentAllocation> = {}): AgentAllocation => ({
  ID: allocationId(number),
  Namespace: 'default',
  Name: `job.web[${number}]`,
  JobID: 'job',
  JobKey: 'default/job@0',
  TaskGroup: 'web',
  JobVersion: 0,
  DeploymentID: '',
  DesiredStatus: 'run',
  ClientStatus: 'pending',
  AllocModifyIndex: 1,
  AllocatedResources: NO_RESOURCES,
  Canary: false,
  DeploymentHealth: null,
  NoShutdownDelay: false,
  CreateTimeUs: Date.now() * 1000,
  PreviousAllocation: '',
  TaskStates: null,
  Migrating: false,
  ...extra,
});
