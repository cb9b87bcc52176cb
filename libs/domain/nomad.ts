import type { DurationNs, JsonObject } from '@app/kernel';

/*
 * Nomad's own documents, in Nomad's own spelling: a job specification, the states of tasks, resources, metrics. They are data that we
 * keep and hand on, so they are not translated. Aggregates' own states are camelCase and live in their folders. Source: spec/http-api §2.
 */

export interface Constraint {
  LTarget: string;
  RTarget: string;
  Operand: string;
}
export interface Affinity extends Constraint {
  Weight: number;
}
export interface Spread {
  Attribute: string;
  Weight: number;
  SpreadTarget: { Value: string; Percent: number }[] | null;
}
export interface UpdateStrategy {
  Stagger: DurationNs;
  MaxParallel: number;
  HealthCheck: string;
  MinHealthyTime: DurationNs;
  HealthyDeadline: DurationNs;
  ProgressDeadline: DurationNs;
  AutoRevert: boolean;
  AutoPromote: boolean;
  Canary: number;
}
export interface RestartPolicy {
  Attempts: number;
  Interval: DurationNs;
  Delay: DurationNs;
  Mode: string;
  RenderTemplates: boolean;
}
export interface ReschedulePolicy {
  Attempts: number;
  Interval: DurationNs;
  Delay: DurationNs;
  DelayFunction: string;
  MaxDelay: DurationNs;
  Unlimited: boolean;
}
export interface MigrateStrategy {
  MaxParallel: number;
  HealthCheck: string;
  MinHealthyTime: DurationNs;
  HealthyDeadline: DurationNs;
}
export interface Disconnect {
  LostAfter: DurationNs;
  StopOnClientAfter: DurationNs | null;
  Replace: boolean | null;
  Reconcile: string;
}
/** Port, NetworkResource and AllocatedPortMapping omit their empty members when rendered (spec/http-api §1.3). */
export interface Port {
  Label?: string;
  Value?: number;
  To?: number;
  HostNetwork?: string;
  IgnoreCollision?: boolean;
}
export interface NetworkResource {
  Mode?: string;
  Device?: string;
  CIDR?: string;
  IP?: string;
  Hostname?: string;
  MBits?: number;
  DNS?: { Servers: string[] | null; Searches: string[] | null; Options: string[] | null } | null;
  ReservedPorts?: Port[] | null;
  DynamicPorts?: Port[] | null;
  CNI?: JsonObject | null;
}
export interface AllocatedPortMapping {
  Label?: string;
  Value?: number;
  To?: number;
  HostIP?: string;
  IgnoreCollision?: boolean;
}
/** The resources asked for by a task (and the legacy view of an allocation's). */
export interface Resources {
  CPU: number;
  Cores: number;
  MemoryMB: number;
  MemoryMaxMB: number;
  DiskMB: number;
  IOPS: number;
  Networks: NetworkResource[] | null;
  Devices: JsonObject[] | null;
  NUMA: JsonObject | null;
  SecretsMB: number;
}
export const NO_RESOURCES: Resources = {
  CPU: 0,
  Cores: 0,
  MemoryMB: 0,
  MemoryMaxMB: 0,
  DiskMB: 0,
  IOPS: 0,
  Networks: null,
  Devices: null,
  NUMA: null,
  SecretsMB: 0,
};
export interface ServiceCheck {
  Name: string;
  Type: string;
  Command: string;
  Args: string[] | null;
  Path: string;
  Protocol: string;
  PortLabel: string;
  AddressMode: string;
  Interval: DurationNs;
  Timeout: DurationNs;
  InitialStatus: string;
  Method: string;
  Header: Record<string, string[]> | null;
  Body: string;
  CheckRestart: { Limit: number; Grace: DurationNs; IgnoreWarnings: boolean } | null;
  TaskName: string;
  OnUpdate: string;
  [key: string]: unknown;
}
export interface Service {
  Name: string;
  TaskName: string;
  PortLabel: string;
  AddressMode: string;
  Address: string;
  Tags: string[] | null;
  CanaryTags: string[] | null;
  Checks: ServiceCheck[] | null;
  Connect: JsonObject | null;
  Meta: Record<string, string> | null;
  CanaryMeta: Record<string, string> | null;
  Namespace: string;
  OnUpdate: string;
  Provider: string;
  [key: string]: unknown;
}
export interface Task {
  Name: string;
  Driver: string;
  User: string;
  Config: JsonObject | null;
  Env: Record<string, string> | null;
  Services: Service[] | null;
  Vault: JsonObject | null;
  Secrets: JsonObject[] | null;
  Consul: JsonObject | null;
  Templates: JsonObject[] | null;
  Constraints: Constraint[] | null;
  Affinities: Affinity[] | null;
  Resources: Resources;
  RestartPolicy: RestartPolicy | null;
  DispatchPayload: { File: string } | null;
  Lifecycle: { Hook: string; Sidecar: boolean } | null;
  Meta: Record<string, string> | null;
  KillTimeout: DurationNs;
  LogConfig: { MaxFiles: number; MaxFileSizeMB: number; Disabled: boolean } | null;
  Artifacts: JsonObject[] | null;
  Leader: boolean;
  ShutdownDelay: DurationNs;
  VolumeMounts: JsonObject[] | null;
  ScalingPolicies: JsonObject[] | null;
  KillSignal: string;
  Kind: string;
  CSIPluginConfig: JsonObject | null;
  Identity: JsonObject | null;
  Identities: JsonObject[] | null;
  Actions: { Name: string; Command: string; Args: string[] | null }[] | null;
  Schedule: JsonObject | null;
}
export interface ScalingPolicy {
  ID: string;
  Type: string;
  Target: Record<string, string> | null;
  Policy: JsonObject | null;
  Min: number;
  Max: number;
  Enabled: boolean;
  CreateIndex: number;
  ModifyIndex: number;
}
export interface TaskGroup {
  Name: string;
  Count: number;
  Update: UpdateStrategy | null;
  Migrate: MigrateStrategy | null;
  Constraints: Constraint[] | null;
  Scaling: ScalingPolicy | null;
  RestartPolicy: RestartPolicy | null;
  Disconnect: Disconnect | null;
  Tasks: Task[];
  EphemeralDisk: { Sticky: boolean; SizeMB: number; Migrate: boolean };
  Meta: Record<string, string> | null;
  ReschedulePolicy: ReschedulePolicy | null;
  Affinities: Affinity[] | null;
  Spreads: Spread[] | null;
  Networks: NetworkResource[] | null;
  Consul: JsonObject | null;
  Services: Service[] | null;
  Volumes: JsonObject | null;
  ShutdownDelay: DurationNs | null;
  MaxRunDuration: DurationNs | null;
  StopAfterClientDisconnect: DurationNs | null;
  MaxClientDisconnect: DurationNs | null;
  PreventRescheduleOnLost: boolean;
}
export interface PeriodicConfig {
  Enabled: boolean;
  Spec: string;
  Specs: string[] | null;
  SpecType: string;
  ProhibitOverlap: boolean;
  TimeZone: string;
}
export type JobType = 'service' | 'batch' | 'system' | 'sysbatch';

/** A canonical job specification: the user's part of Nomad's Job, every default filled in, without the server's bookkeeping. */
export interface JobSpec {
  Stop: boolean;
  Region: string;
  Namespace: string;
  ID: string;
  ParentID: string;
  Name: string;
  Type: JobType;
  Priority: number;
  AllAtOnce: boolean;
  Datacenters: string[];
  NodePool: string;
  Constraints: Constraint[] | null;
  Affinities: Affinity[] | null;
  Spreads: Spread[] | null;
  TaskGroups: TaskGroup[];
  Update: UpdateStrategy;
  Multiregion: JsonObject | null;
  Periodic: PeriodicConfig | null;
  ParameterizedJob: { Payload: string; MetaRequired: string[] | null; MetaOptional: string[] | null } | null;
  Dispatched: boolean;
  DispatchIdempotencyToken: string;
  Payload: string | null;
  Meta: Record<string, string> | null;
  ConsulNamespace: string;
  VaultNamespace: string;
  NomadTokenID: string;
  UI: { Description: string; Links: { Label: string; Url: string }[] | null } | null;
}

/** The newest ten are kept (spec/lifecycle §9.5). `Time` is nanoseconds in decimal digits. */
export interface TaskEvent {
  Type: string;
  Time: string;
  DisplayMessage: string;
  Details: Record<string, string>;
  Message?: string;
  FailsTask?: boolean;
  RestartReason?: string;
  SetupError?: string;
  DriverError?: string;
  DriverMessage?: string;
  ExitCode?: number;
  Signal?: number;
  KillTimeout?: DurationNs;
  KillError?: string;
  KillReason?: string;
  StartDelay?: DurationNs;
  DownloadError?: string;
  ValidationError?: string;
  FailedSibling?: string;
  TaskSignal?: string;
  TaskSignalReason?: string;
}
/** Times are RFC 3339 or null. */
export interface TaskState {
  State: 'pending' | 'running' | 'dead';
  Failed: boolean;
  Restarts: number;
  LastRestart: string | null;
  StartedAt: string | null;
  FinishedAt: string | null;
  Events: TaskEvent[];
}

export interface AllocatedResources {
  Tasks: Record<
    string,
    {
      Cpu: { CpuShares: number; ReservedCores: number[] | null };
      Memory: { MemoryMB: number; MemoryMaxMB: number };
      Networks: NetworkResource[] | null;
      Devices: JsonObject[] | null;
    }
  >;
  TaskLifecycles: Record<string, { Hook: string; Sidecar: boolean } | null>;
  Shared: { Networks: NetworkResource[] | null; DiskMB: number; Ports: AllocatedPortMapping[] | null };
}

/** What placement saw; spec/lifecycle §8.6. */
export interface AllocMetric {
  NodesEvaluated: number;
  NodesFiltered: number;
  NodesInPool: number;
  NodePool: string;
  NodesAvailable: Record<string, number> | null;
  ClassFiltered: Record<string, number> | null;
  ConstraintFiltered: Record<string, number> | null;
  NodesExhausted: number;
  ClassExhausted: Record<string, number> | null;
  DimensionExhausted: Record<string, number> | null;
  QuotaExhausted: string[] | null;
  ResourcesExhausted: Record<string, Resources> | null;
  Scores: Record<string, number> | null;
  ScoreMetaData: { NodeID: string; Scores: Record<string, number>; NormScore: number }[] | null;
  AllocationTime: DurationNs;
  CoalescedFailures: number;
}
export interface DesiredUpdates {
  Ignore: number;
  Place: number;
  Migrate: number;
  Stop: number;
  InPlaceUpdate: number;
  DestructiveUpdate: number;
  Canary: number;
  Preemptions: number;
  Disconnect: number;
  Reconnect: number;
  RescheduleNow: number;
  RescheduleLater: number;
}
/** Nullable members, merged field by field (spec/lifecycle §5.7). */
export interface DesiredTransition {
  Migrate: boolean | null;
  Reschedule: boolean | null;
  ForceReschedule: boolean | null;
  NoShutdownDelay: boolean | null;
  MigrateDisablePlacement: boolean | null;
}
export interface NetworkStatus {
  InterfaceName: string;
  Address: string;
  AddressIPv6: string;
  DNS: { Servers: string[] | null; Searches: string[] | null; Options: string[] | null } | null;
}
