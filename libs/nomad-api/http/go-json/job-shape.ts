import {
  any,
  bool,
  bytes,
  duration,
  int,
  int64,
  int8,
  list,
  map,
  pointer,
  string,
  struct,
  uint64,
  uint8,
  type Decoded,
} from './shape.js';

/*
 * The job as clients send it: Nomad's api.Job. Every member may be absent; defaults are filled in when a job is registered.
 * Source: spec/http-api §2.4; the type names are those of the public Go client, which appear in error texts.
 */

const constraint = struct('api.Constraint', { LTarget: string, RTarget: string, Operand: string });
const affinity = struct('api.Affinity', { LTarget: string, RTarget: string, Operand: string, Weight: pointer(int8) });
const spread = struct('api.Spread', {
  Attribute: string,
  Weight: pointer(int8),
  SpreadTarget: list(pointer(struct('api.SpreadTarget', { Value: string, Percent: uint8 }))),
});
const placement = {
  Constraints: list(pointer(constraint)),
  Affinities: list(pointer(affinity)),
};

const updateStrategy = struct('api.UpdateStrategy', {
  Stagger: pointer(duration),
  MaxParallel: pointer(int),
  HealthCheck: pointer(string),
  MinHealthyTime: pointer(duration),
  HealthyDeadline: pointer(duration),
  ProgressDeadline: pointer(duration),
  Canary: pointer(int),
  AutoRevert: pointer(bool),
  AutoPromote: pointer(bool),
});
const restartPolicy = struct('api.RestartPolicy', {
  Interval: pointer(duration),
  Attempts: pointer(int),
  Delay: pointer(duration),
  Mode: pointer(string),
  RenderTemplates: pointer(bool),
});
const reschedulePolicy = struct('api.ReschedulePolicy', {
  Attempts: pointer(int),
  Interval: pointer(duration),
  Delay: pointer(duration),
  DelayFunction: pointer(string),
  MaxDelay: pointer(duration),
  Unlimited: pointer(bool),
});
const migrateStrategy = struct('api.MigrateStrategy', {
  MaxParallel: pointer(int),
  HealthCheck: pointer(string),
  MinHealthyTime: pointer(duration),
  HealthyDeadline: pointer(duration),
});
const disconnect = struct('api.DisconnectStrategy', {
  LostAfter: pointer(duration),
  StopOnClientAfter: pointer(duration),
  Replace: pointer(bool),
  Reconcile: pointer(string),
});
const scalingPolicy = struct('api.ScalingPolicy', {
  ID: string,
  Namespace: string,
  Type: string,
  Target: map(string),
  Policy: map(any),
  Min: pointer(int64),
  Max: pointer(int64),
  Enabled: pointer(bool),
  CreateIndex: uint64,
  ModifyIndex: uint64,
});

const port = struct('api.Port', {
  Label: string,
  Value: int,
  To: int,
  HostNetwork: string,
  IgnoreCollision: bool,
});
const network = struct('api.NetworkResource', {
  Mode: string,
  Device: string,
  CIDR: string,
  IP: string,
  DNS: pointer(struct('api.DNSConfig', { Servers: list(string), Searches: list(string), Options: list(string) })),
  ReservedPorts: list(port),
  DynamicPorts: list(port),
  Hostname: string,
  MBits: pointer(int),
  CNI: pointer(struct('api.CNIConfig', { Args: map(string) })),
});
const resources = struct('api.Resources', {
  CPU: pointer(int),
  Cores: pointer(int),
  MemoryMB: pointer(int),
  MemoryMaxMB: pointer(int),
  DiskMB: pointer(int),
  IOPS: pointer(int),
  Networks: list(pointer(network)),
  Devices: list(pointer(struct('api.RequestedDevice', { Name: string, Count: pointer(uint64), ...placement }))),
  NUMA: pointer(struct('api.NUMAResource', { Affinity: string, Devices: list(string) })),
  SecretsMB: pointer(int),
});

const workloadIdentity = struct('api.WorkloadIdentity', {
  Name: string,
  Audience: list(string),
  ChangeMode: string,
  ChangeSignal: string,
  Env: bool,
  File: bool,
  Filepath: string,
  ServiceName: string,
  TTL: duration,
  ExtraClaims: map(string),
});
const checkRestart = struct('api.CheckRestart', { Limit: int, Grace: pointer(duration), IgnoreWarnings: bool });
const serviceCheck = struct('api.ServiceCheck', {
  Name: string,
  Type: string,
  Command: string,
  Args: list(string),
  Path: string,
  Protocol: string,
  PortLabel: string,
  Expose: bool,
  AddressMode: string,
  Advertise: string,
  Interval: duration,
  Timeout: duration,
  InitialStatus: string,
  Notes: string,
  TLSServerName: string,
  TLSSkipVerify: bool,
  Header: map(list(string)),
  Method: string,
  CheckRestart: pointer(checkRestart),
  GRPCService: string,
  GRPCUseTLS: bool,
  TaskName: string,
  SuccessBeforePassing: int,
  FailuresBeforeCritical: int,
  FailuresBeforeWarning: int,
  Body: string,
  OnUpdate: string,
});
const service = struct('api.Service', {
  Name: string,
  Tags: list(string),
  CanaryTags: list(string),
  EnableTagOverride: bool,
  PortLabel: string,
  AddressMode: string,
  Address: string,
  Checks: list(serviceCheck),
  CheckRestart: pointer(checkRestart),
  Connect: any,
  Meta: map(string),
  CanaryMeta: map(string),
  TaggedAddresses: map(string),
  TaskName: string,
  OnUpdate: string,
  Identity: pointer(workloadIdentity),
  Weights: pointer(struct('api.ServiceWeights', { Passing: int, Warning: int })),
  Namespace: string,
  Provider: string,
  Cluster: string,
  Kind: string,
});
const consul = struct('api.Consul', { Namespace: string, Cluster: string, Partition: string });

const template = struct('api.Template', {
  SourcePath: pointer(string),
  DestPath: pointer(string),
  EmbeddedTmpl: pointer(string),
  ChangeMode: pointer(string),
  ChangeScript: pointer(
    struct('api.ChangeScript', {
      Command: pointer(string),
      Args: list(string),
      Timeout: pointer(duration),
      FailOnError: pointer(bool),
      RunOnFirstRender: pointer(bool),
    }),
  ),
  ChangeSignal: pointer(string),
  Splay: pointer(duration),
  Perms: pointer(string),
  Uid: pointer(int),
  Gid: pointer(int),
  LeftDelim: pointer(string),
  RightDelim: pointer(string),
  Envvars: pointer(bool),
  VaultGrace: pointer(duration),
  Wait: pointer(struct('api.WaitConfig', { Min: pointer(duration), Max: pointer(duration) })),
  ErrMissingKey: pointer(bool),
  Once: pointer(bool),
});
const artifact = struct('api.TaskArtifact', {
  GetterSource: pointer(string),
  GetterOptions: map(string),
  GetterHeaders: map(string),
  GetterMode: pointer(string),
  GetterInsecure: pointer(bool),
  RelativeDest: pointer(string),
  Chown: bool,
});
const vault = struct('api.Vault', {
  Policies: list(string),
  Role: string,
  Namespace: pointer(string),
  Cluster: string,
  Env: pointer(bool),
  DisableFile: pointer(bool),
  ChangeMode: pointer(string),
  ChangeSignal: pointer(string),
  AllowTokenExpiration: pointer(bool),
});

const task = struct('api.Task', {
  Name: string,
  Driver: string,
  User: string,
  Lifecycle: pointer(struct('api.TaskLifecycle', { Hook: string, Sidecar: bool })),
  Config: map(any),
  ...placement,
  Env: map(string),
  Services: list(pointer(service)),
  Resources: pointer(resources),
  RestartPolicy: pointer(restartPolicy),
  Meta: map(string),
  KillTimeout: pointer(duration),
  LogConfig: pointer(
    struct('api.LogConfig', {
      MaxFiles: pointer(int),
      MaxFileSizeMB: pointer(int),
      Enabled: pointer(bool),
      Disabled: pointer(bool),
    }),
  ),
  Artifacts: list(pointer(artifact)),
  Vault: pointer(vault),
  Consul: pointer(consul),
  Templates: list(pointer(template)),
  DispatchPayload: pointer(struct('api.DispatchPayloadConfig', { File: string })),
  VolumeMounts: list(
    pointer(
      struct('api.VolumeMount', {
        Volume: pointer(string),
        Destination: pointer(string),
        ReadOnly: pointer(bool),
        PropagationMode: pointer(string),
        SELinuxLabel: pointer(string),
      }),
    ),
  ),
  CSIPluginConfig: pointer(
    struct('api.TaskCSIPluginConfig', {
      ID: string,
      Type: string,
      MountDir: string,
      StagePublishBaseDir: string,
      HealthTimeout: duration,
    }),
  ),
  Leader: bool,
  ShutdownDelay: duration,
  KillSignal: string,
  Kind: string,
  ScalingPolicies: list(pointer(scalingPolicy)),
  Identity: pointer(workloadIdentity),
  Identities: list(pointer(workloadIdentity)),
  Actions: list(pointer(struct('api.Action', { Name: string, Command: string, Args: list(string) }))),
  Secrets: list(
    pointer(struct('api.Secret', { Name: string, Provider: string, Path: string, Config: map(any), Env: map(string) })),
  ),
  Schedule: pointer(
    struct('api.TaskSchedule', {
      Cron: pointer(struct('api.TaskScheduleCron', { Start: string, End: string, Timezone: string })),
    }),
  ),
});

const volume = struct('api.VolumeRequest', {
  Name: string,
  Type: string,
  Source: string,
  ReadOnly: bool,
  Sticky: bool,
  AccessMode: string,
  AttachmentMode: string,
  MountOptions: pointer(struct('api.CSIMountOptions', { FSType: string, MountFlags: list(string) })),
  PerAlloc: bool,
});

const taskGroup = struct('api.TaskGroup', {
  Name: pointer(string),
  Count: pointer(int),
  ...placement,
  Tasks: list(pointer(task)),
  Spreads: list(pointer(spread)),
  Volumes: map(pointer(volume)),
  RestartPolicy: pointer(restartPolicy),
  Disconnect: pointer(disconnect),
  ReschedulePolicy: pointer(reschedulePolicy),
  EphemeralDisk: pointer(
    struct('api.EphemeralDisk', { Sticky: pointer(bool), Migrate: pointer(bool), SizeMB: pointer(int) }),
  ),
  Update: pointer(updateStrategy),
  Migrate: pointer(migrateStrategy),
  Networks: list(pointer(network)),
  Meta: map(string),
  Services: list(pointer(service)),
  ShutdownDelay: pointer(duration),
  MaxRunDuration: pointer(duration),
  StopAfterClientDisconnect: pointer(duration),
  MaxClientDisconnect: pointer(duration),
  Scaling: pointer(scalingPolicy),
  Consul: pointer(consul),
  PreventRescheduleOnLost: pointer(bool),
});

const multiregion = struct('api.Multiregion', {
  Strategy: pointer(struct('api.MultiregionStrategy', { MaxParallel: pointer(int), OnFailure: pointer(string) })),
  Regions: list(
    pointer(
      struct('api.MultiregionRegion', {
        Name: string,
        Count: pointer(int),
        Datacenters: list(string),
        NodePool: string,
        Meta: map(string),
      }),
    ),
  ),
});

export const jobShape = struct('api.Job', {
  Region: pointer(string),
  Namespace: pointer(string),
  ID: pointer(string),
  Name: pointer(string),
  Type: pointer(string),
  Priority: pointer(int),
  AllAtOnce: pointer(bool),
  Datacenters: list(string),
  NodePool: pointer(string),
  ...placement,
  TaskGroups: list(pointer(taskGroup)),
  Update: pointer(updateStrategy),
  Multiregion: pointer(multiregion),
  Spreads: list(pointer(spread)),
  Periodic: pointer(
    struct('api.PeriodicConfig', {
      Enabled: pointer(bool),
      Spec: pointer(string),
      Specs: list(string),
      SpecType: pointer(string),
      ProhibitOverlap: pointer(bool),
      TimeZone: pointer(string),
    }),
  ),
  ParameterizedJob: pointer(
    struct('api.ParameterizedJobConfig', { Payload: string, MetaRequired: list(string), MetaOptional: list(string) }),
  ),
  Reschedule: pointer(reschedulePolicy),
  Migrate: pointer(migrateStrategy),
  Meta: map(string),
  ConsulToken: pointer(string),
  VaultToken: pointer(string),
  VersionTag: pointer(struct('api.JobVersionTag', { Name: string, Description: string, TaggedTime: int64 })),
  UI: pointer(
    struct('api.JobUIConfig', {
      Description: string,
      Links: list(pointer(struct('api.JobUILink', { Label: string, Url: string }))),
    }),
  ),
  Stop: pointer(bool),
  ParentID: pointer(string),
  Dispatched: bool,
  DispatchIdempotencyToken: pointer(string),
  Payload: bytes,
  ConsulNamespace: pointer(string),
  VaultNamespace: pointer(string),
  NomadTokenID: pointer(string),
  Status: pointer(string),
  StatusDescription: pointer(string),
  Stable: pointer(bool),
  Version: pointer(uint64),
  SubmitTime: pointer(int64),
  CreateIndex: pointer(uint64),
  ModifyIndex: pointer(uint64),
  JobModifyIndex: pointer(uint64),
});

/** A job as sent: only what the client gave. */
export type JobInput = Decoded<typeof jobShape>;
export type TaskGroupInput = Decoded<typeof taskGroup>;
export type TaskInput = Decoded<typeof task>;
export type UpdateStrategyInput = Decoded<typeof updateStrategy>;
export type RestartPolicyInput = Decoded<typeof restartPolicy>;
export type ReschedulePolicyInput = Decoded<typeof reschedulePolicy>;
export type MigrateStrategyInput = Decoded<typeof migrateStrategy>;
export type ResourcesInput = Decoded<typeof resources>;
export type ServiceInput = Decoded<typeof service>;
