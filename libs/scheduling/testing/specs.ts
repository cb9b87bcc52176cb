import type { JobSpec, JobType, NodeDescription, Task, TaskGroup, UpdateStrategy } from '@app/domain';

const SECOND = 1_000_000_000;

/** A rolling update of one at a time. Durations in nanoseconds, as everywhere in a specification. */
export const rolling = (change: Partial<UpdateStrategy> = {}): UpdateStrategy => ({
  Stagger: 30 * SECOND,
  MaxParallel: 1,
  HealthCheck: 'task_states',
  MinHealthyTime: 10 * SECOND,
  HealthyDeadline: 300 * SECOND,
  ProgressDeadline: 600 * SECOND,
  AutoRevert: false,
  AutoPromote: false,
  Canary: 0,
  ...change,
});

/** 100 MHz and 64 MB of mock_driver. */
export const task = (change: Partial<Task> = {}): Task => ({
  Name: 'main',
  Driver: 'mock_driver',
  User: '',
  Config: { run_for: '10m' },
  Env: null,
  Services: null,
  Vault: null,
  Secrets: null,
  Consul: null,
  Templates: null,
  Constraints: null,
  Affinities: null,
  Resources: {
    CPU: 100,
    Cores: 0,
    MemoryMB: 64,
    MemoryMaxMB: 0,
    DiskMB: 0,
    IOPS: 0,
    Networks: null,
    Devices: null,
    NUMA: null,
    SecretsMB: 0,
  },
  RestartPolicy: null,
  DispatchPayload: null,
  Lifecycle: null,
  Meta: null,
  KillTimeout: 5 * SECOND,
  LogConfig: null,
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
  ...change,
});

/** One task, three allocations, the default policies of a service. */
export const group = (change: Partial<TaskGroup> = {}): TaskGroup => ({
  Name: 'web',
  Count: 3,
  Update: rolling(),
  Migrate: null,
  Constraints: null,
  Scaling: null,
  RestartPolicy: null,
  Disconnect: null,
  Tasks: [task()],
  EphemeralDisk: { Sticky: false, SizeMB: 10, Migrate: false },
  Meta: null,
  ReschedulePolicy: {
    Attempts: 0,
    Interval: 0,
    Delay: 30 * SECOND,
    DelayFunction: 'exponential',
    MaxDelay: 3600 * SECOND,
    Unlimited: true,
  },
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
  ...change,
});

/** A job named `shop`. */
export const spec = (Type: JobType, groups: TaskGroup[], change: Partial<JobSpec> = {}): JobSpec => ({
  Stop: false,
  Region: 'global',
  Namespace: 'default',
  ID: 'shop',
  ParentID: '',
  Name: 'shop',
  Type,
  Priority: 50,
  AllAtOnce: false,
  Datacenters: ['*'],
  NodePool: 'default',
  Constraints: null,
  Affinities: null,
  Spreads: null,
  TaskGroups: groups,
  Update: rolling({ MaxParallel: groups[0]?.Update?.MaxParallel ?? 0 }),
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
  ...change,
});

export const service = (change: Partial<TaskGroup> = {}, job: Partial<JobSpec> = {}): JobSpec =>
  spec('service', [group(change)], job);

/** One attempt after five seconds, no deployments. */
export const batch = (change: Partial<TaskGroup> = {}, job: Partial<JobSpec> = {}): JobSpec => {
  const ReschedulePolicy = {
    Attempts: 1,
    Interval: 24 * 3600 * SECOND,
    Delay: 5 * SECOND,
    DelayFunction: 'constant',
    MaxDelay: 0,
    Unlimited: false,
  };
  return spec('batch', [group({ Update: null, ReschedulePolicy, Count: 1, ...change })], job);
};

/** One per node. */
export const system = (change: Partial<TaskGroup> = {}, job: Partial<JobSpec> = {}): JobSpec =>
  spec('system', [group({ Count: 1, ReschedulePolicy: null, ...change })], job);

/** The same job with other tasks: its allocations have to be replaced. */
export const changed = (job: JobSpec, tag: string): JobSpec => ({
  ...job,
  TaskGroups: job.TaskGroups.map((g) => ({ ...g, Tasks: g.Tasks.map((t) => ({ ...t, Env: { ...t.Env, TAG: tag } })) })),
});

/** 4000 MHz, 8 GB, one address. */
export const node = (ID: string, change: Partial<NodeDescription> = {}): NodeDescription => ({
  ID,
  Name: ID,
  Datacenter: 'dc1',
  NodePool: 'default',
  NodeClass: '',
  HTTPAddr: '127.0.0.1:4646',
  Attributes: { 'kernel.name': 'linux' },
  Meta: null,
  Drivers: {
    mock_driver: { Attributes: null, Detected: true, Healthy: true, HealthDescription: 'Healthy', UpdateTime: null },
  },
  NodeResources: {
    Cpu: { CpuShares: 4000, TotalCpuCores: 4, ReservableCpuCores: [0, 1, 2, 3] },
    Memory: { MemoryMB: 8192 },
    Disk: { DiskMB: 100_000 },
    NodeNetworks: [{ Mode: 'host', Addresses: [{ Alias: 'default', Address: '10.0.0.1' }] }],
    Networks: null,
    MinDynamicPort: 20_000,
    MaxDynamicPort: 32_000,
  },
  ReservedResources: {
    Cpu: { CpuShares: 0 },
    Memory: { MemoryMB: 0 },
    Disk: { DiskMB: 0 },
    Networks: { ReservedHostPorts: '' },
  },
  HostVolumes: null,
  ...change,
});
