import type { JobSpec, JobType, Task, TaskGroup, UpdateStrategy } from '@app/domain';
import { SECOND_NS } from './specs.js';

/* The blocks of a stored specification, whole, with as little in them as may be: what a test is about is what it changes. */

/** A rolling update of one at a time. */
export const updateStrategy = (change: Partial<UpdateStrategy> = {}): UpdateStrategy => ({
  Stagger: 30 * SECOND_NS,
  MaxParallel: 1,
  HealthCheck: 'task_states',
  MinHealthyTime: 10 * SECOND_NS,
  HealthyDeadline: 300 * SECOND_NS,
  ProgressDeadline: 600 * SECOND_NS,
  AutoRevert: false,
  AutoPromote: false,
  Canary: 0,
  ...change,
});

/** Needs so much of a node; MHz and MB. */
export const needs = (CPU: number, MemoryMB: number): Task['Resources'] => ({
  ...{ CPU, Cores: 0, MemoryMB, MemoryMaxMB: 0, DiskMB: 0, IOPS: 0 },
  ...{ Networks: null, Devices: null, NUMA: null, SecretsMB: 0 },
});

/** A task of mock_driver that runs for ten minutes. */
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
  Resources: needs(20, 16),
  RestartPolicy: null,
  DispatchPayload: null,
  Lifecycle: null,
  Meta: null,
  KillTimeout: 5 * SECOND_NS,
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

/** A group `web` of one, updated one at a time, never rescheduled. */
export const taskGroup = (Tasks: Task[], change: Partial<TaskGroup> = {}): TaskGroup => ({
  Name: 'web',
  Count: 1,
  Update: updateStrategy(),
  Migrate: null,
  Constraints: null,
  Scaling: null,
  RestartPolicy: null,
  Disconnect: null,
  Tasks,
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
  ...change,
});

/** A job by its id, type and groups. */
export const jobOf = (ID: string, Type: JobType, TaskGroups: TaskGroup[], change: Partial<JobSpec> = {}): JobSpec => ({
  Stop: false,
  Region: 'global',
  Namespace: 'default',
  ID,
  ParentID: '',
  Name: ID,
  Type,
  Priority: 50,
  AllAtOnce: false,
  Datacenters: ['*'],
  NodePool: 'default',
  Constraints: null,
  Affinities: null,
  Spreads: null,
  TaskGroups,
  Update: updateStrategy({ MaxParallel: TaskGroups[0]?.Update?.MaxParallel ?? 0 }),
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
