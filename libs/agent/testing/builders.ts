import type { AllocatedResources, JobSpec, JobType, Task, TaskGroup, UpdateStrategy } from '@app/domain';
import type { AgentLog } from '../log.js';
import type { AgentAllocation } from '../protocol.js';

export const ms = (n: number): number => n * 1e6;
export const seconds = (n: number): number => n * 1e9;

const nothing = (): undefined => undefined;
export const silentLog: AgentLog = { debug: nothing, info: nothing, warn: nothing, error: nothing };

/** A mock task that runs for ten minutes unless its configuration says otherwise. */
export const mockTask = (config: NonNullable<Task['Config']> = {}, extra: Partial<Task> = {}): Task => ({
  Name: 'main',
  Driver: 'mock_driver',
  User: '',
  Config: { run_for: '10m', ...config },
  Env: null,
  Services: null,
  Vault: null,
  Secrets: null,
  Consul: null,
  Templates: null,
  Constraints: null,
  Affinities: null,
  Resources: {
    CPU: 20,
    Cores: 0,
    MemoryMB: 16,
    MemoryMaxMB: 0,
    DiskMB: 0,
    IOPS: 0,
    Networks: null,
    Devices: null,
    NUMA: null,
    SecretsMB: 0,
  },
  RestartPolicy: { Attempts: 0, Interval: seconds(60), Delay: ms(20), Mode: 'fail', RenderTemplates: false },
  DispatchPayload: null,
  Lifecycle: null,
  Meta: null,
  KillTimeout: seconds(1),
  LogConfig: { MaxFiles: 1, MaxFileSizeMB: 1, Disabled: false },
  Artifacts: null,
  Leader: false,
  ShutdownDelay: 0,
  VolumeMounts: null,
  ScalingPolicies: null,
  KillSignal: '',
  Kind: '',
  CSIPluginConfig: null,
  Identity: null,
  Identities: null,
  Actions: null,
  Schedule: null,
  ...extra,
});

/** A real process. */
export const execTask = (command: string, args: string[] = [], extra: Partial<Task> = {}): Task => ({
  ...mockTask({}, { Driver: 'raw_exec', ...extra }),
  Config: { command, args },
});

export const updateStrategy = (extra: Partial<UpdateStrategy> = {}): UpdateStrategy => ({
  Stagger: seconds(30),
  MaxParallel: 1,
  HealthCheck: 'task_states',
  MinHealthyTime: ms(50),
  HealthyDeadline: seconds(60),
  ProgressDeadline: seconds(120),
  AutoRevert: false,
  AutoPromote: false,
  Canary: 0,
  ...extra,
});

export const taskGroup = (tasks: Task[], extra: Partial<TaskGroup> = {}): TaskGroup => ({
  Name: 'web',
  Count: 1,
  Update: updateStrategy(),
  Migrate: null,
  Constraints: null,
  Scaling: null,
  RestartPolicy: null,
  Disconnect: null,
  Tasks: tasks,
  EphemeralDisk: { Sticky: false, SizeMB: 10, Migrate: false },
  Meta: null,
  ReschedulePolicy: null,
  Affinities: null,
  Spreads: null,
  Networks: null,
  Consul: null,
  Services: null,
  Volumes: null,
  ShutdownDelay: null,
  MaxRunDuration: null,
  StopAfterClientDisconnect: null,
  MaxClientDisconnect: null,
  PreventRescheduleOnLost: false,
  ...extra,
});

export const jobOf = (group: TaskGroup, type: JobType = 'service', extra: Partial<JobSpec> = {}): JobSpec => ({
  Stop: false,
  Region: 'global',
  Namespace: 'default',
  ID: 'job',
  ParentID: '',
  Name: 'job',
  Type: type,
  Priority: 50,
  AllAtOnce: false,
  Datacenters: ['dc1'],
  NodePool: 'default',
  Constraints: null,
  Affinities: null,
  Spreads: null,
  TaskGroups: [group],
  Update: updateStrategy(),
  Multiregion: null,
  Periodic: null,
  ParameterizedJob: null,
  Dispatched: false,
  DispatchIdempotencyToken: '',
  Payload: null,
  Meta: null,
  ConsulNamespace: '',
  VaultNamespace: '',
  NomadTokenID: '',
  UI: null,
  ...extra,
});

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
