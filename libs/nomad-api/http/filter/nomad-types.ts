import {
  any,
  bool,
  bytes,
  duration,
  embedded,
  float64,
  int,
  int64,
  int8,
  list,
  map,
  pointer,
  string,
  struct,
  time,
  uint16,
  uint64,
  uint8,
} from './type.js';

/*
 * The server's objects that lists can be filtered by (spec/http-api §2): a filter sees the whole object, not its stub.
 */

const strings = list(string);
const stringMap = map(string);

/* Jobs */

const constraint = struct('structs.Constraint', { LTarget: string, RTarget: string, Operand: string });
const affinity = struct('structs.Affinity', { LTarget: string, RTarget: string, Operand: string, Weight: int8 });
const spread = struct('structs.Spread', {
  Attribute: string,
  Weight: int8,
  SpreadTarget: list(pointer(struct('structs.SpreadTarget', { Value: string, Percent: uint8 }))),
});
const placement = { Constraints: list(pointer(constraint)), Affinities: list(pointer(affinity)) };
const updateStrategy = struct('structs.UpdateStrategy', {
  Stagger: duration,
  MaxParallel: int,
  HealthCheck: string,
  MinHealthyTime: duration,
  HealthyDeadline: duration,
  ProgressDeadline: duration,
  AutoRevert: bool,
  AutoPromote: bool,
  Canary: int,
});
const restartPolicy = struct('structs.RestartPolicy', {
  Attempts: int,
  Interval: duration,
  Delay: duration,
  Mode: string,
  RenderTemplates: bool,
});
const reschedulePolicy = struct('structs.ReschedulePolicy', {
  Attempts: int,
  Interval: duration,
  Delay: duration,
  DelayFunction: string,
  MaxDelay: duration,
  Unlimited: bool,
});
const migrateStrategy = struct('structs.MigrateStrategy', {
  MaxParallel: int,
  HealthCheck: string,
  MinHealthyTime: duration,
  HealthyDeadline: duration,
});
const disconnect = struct('structs.DisconnectStrategy', {
  LostAfter: duration,
  StopOnClientAfter: pointer(duration),
  Replace: pointer(bool),
  Reconcile: string,
});
const scalingPolicy = struct('structs.ScalingPolicy', {
  ID: string,
  Type: string,
  Target: stringMap,
  Policy: map(any),
  Min: int64,
  Max: int64,
  Enabled: bool,
  CreateIndex: uint64,
  ModifyIndex: uint64,
});
const dns = struct('structs.DNSConfig', { Servers: strings, Searches: strings, Options: strings });
const port = struct('structs.Port', {
  Label: string,
  Value: int,
  To: int,
  HostNetwork: string,
  IgnoreCollision: bool,
});
const network = struct('structs.NetworkResource', {
  Mode: string,
  Device: string,
  CIDR: string,
  IP: string,
  Hostname: string,
  MBits: int,
  DNS: pointer(dns),
  ReservedPorts: list(port),
  DynamicPorts: list(port),
  CNI: pointer(struct('structs.CNIConfig', { Args: stringMap })),
});
const networks = list(pointer(network));
const resources = struct('structs.Resources', {
  CPU: int,
  Cores: int,
  MemoryMB: int,
  MemoryMaxMB: int,
  DiskMB: int,
  IOPS: int,
  Networks: networks,
  Devices: list(pointer(struct('structs.RequestedDevice', { Name: string, Count: uint64, ...placement }))),
  NUMA: pointer(struct('structs.NUMA', { Affinity: string, Devices: strings })),
  SecretsMB: int,
});
const workloadIdentity = struct('structs.WorkloadIdentity', {
  Name: string,
  Audience: strings,
  ChangeMode: string,
  ChangeSignal: string,
  Env: bool,
  File: bool,
  Filepath: string,
  ServiceName: string,
  TTL: duration,
  ExtraClaims: stringMap,
});
const checkRestart = struct('structs.CheckRestart', { Limit: int, Grace: duration, IgnoreWarnings: bool });
const serviceCheck = struct('structs.ServiceCheck', {
  Name: string,
  Type: string,
  Command: string,
  Args: strings,
  Path: string,
  Protocol: string,
  PortLabel: string,
  Expose: bool,
  AddressMode: string,
  Interval: duration,
  Timeout: duration,
  InitialStatus: string,
  TLSServerName: string,
  TLSSkipVerify: bool,
  Method: string,
  Header: map(strings),
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
const service = struct('structs.Service', {
  Name: string,
  TaskName: string,
  PortLabel: string,
  AddressMode: string,
  Address: string,
  EnableTagOverride: bool,
  Tags: strings,
  CanaryTags: strings,
  Checks: list(pointer(serviceCheck)),
  Connect: pointer(any),
  Meta: stringMap,
  CanaryMeta: stringMap,
  Weights: pointer(struct('structs.ServiceWeights', { Passing: int, Warning: int })),
  TaggedAddresses: stringMap,
  Namespace: string,
  OnUpdate: string,
  Provider: string,
  Cluster: string,
  Identity: pointer(workloadIdentity),
  Kind: string,
});
const services = list(pointer(service));
const consul = struct('structs.Consul', { Namespace: string, Cluster: string, Partition: string });

const task = struct('structs.Task', {
  Name: string,
  Driver: string,
  User: string,
  Config: map(any),
  Env: stringMap,
  Services: services,
  Vault: pointer(any),
  Secrets: list(any),
  Consul: pointer(consul),
  Templates: list(any),
  ...placement,
  Resources: pointer(resources),
  RestartPolicy: pointer(restartPolicy),
  DispatchPayload: pointer(struct('structs.DispatchPayloadConfig', { File: string })),
  Lifecycle: pointer(struct('structs.TaskLifecycleConfig', { Hook: string, Sidecar: bool })),
  Meta: stringMap,
  KillTimeout: duration,
  LogConfig: pointer(struct('structs.LogConfig', { MaxFiles: int, MaxFileSizeMB: int, Disabled: bool })),
  Artifacts: list(any),
  Leader: bool,
  ShutdownDelay: duration,
  VolumeMounts: list(any),
  ScalingPolicies: list(pointer(scalingPolicy)),
  KillSignal: string,
  Kind: string,
  CSIPluginConfig: pointer(any),
  Identity: pointer(workloadIdentity),
  Identities: list(pointer(workloadIdentity)),
  Actions: list(pointer(struct('structs.Action', { Name: string, Command: string, Args: strings }))),
  Schedule: pointer(any),
});

const taskGroup = struct('structs.TaskGroup', {
  Name: string,
  Count: int,
  Update: pointer(updateStrategy),
  Migrate: pointer(migrateStrategy),
  ...placement,
  Scaling: pointer(scalingPolicy),
  RestartPolicy: pointer(restartPolicy),
  Disconnect: pointer(disconnect),
  Tasks: list(pointer(task)),
  EphemeralDisk: pointer(struct('structs.EphemeralDisk', { Sticky: bool, SizeMB: int, Migrate: bool })),
  Meta: stringMap,
  ReschedulePolicy: pointer(reschedulePolicy),
  Spreads: list(pointer(spread)),
  Networks: networks,
  Consul: pointer(consul),
  Services: services,
  Volumes: map(pointer(any)),
  ShutdownDelay: pointer(duration),
  MaxRunDuration: pointer(duration),
  StopAfterClientDisconnect: pointer(duration),
  MaxClientDisconnect: pointer(duration),
  PreventRescheduleOnLost: bool,
});

export const jobType = struct('structs.Job', {
  Stop: bool,
  Region: string,
  Namespace: string,
  ID: string,
  ParentID: string,
  Name: string,
  Type: string,
  Priority: int,
  AllAtOnce: bool,
  Datacenters: strings,
  NodePool: string,
  ...placement,
  Spreads: list(pointer(spread)),
  TaskGroups: list(pointer(taskGroup)),
  Update: updateStrategy,
  Multiregion: pointer(
    struct('structs.Multiregion', {
      Strategy: pointer(struct('structs.MultiregionStrategy', { MaxParallel: int, OnFailure: string })),
      Regions: list(
        pointer(
          struct('structs.MultiregionRegion', {
            Name: string,
            Count: int,
            Datacenters: strings,
            NodePool: string,
            Meta: stringMap,
          }),
        ),
      ),
    }),
  ),
  Periodic: pointer(
    struct('structs.PeriodicConfig', {
      Enabled: bool,
      Spec: string,
      Specs: strings,
      SpecType: string,
      ProhibitOverlap: bool,
      TimeZone: string,
    }),
  ),
  ParameterizedJob: pointer(
    struct('structs.ParameterizedJobConfig', { Payload: string, MetaRequired: strings, MetaOptional: strings }),
  ),
  Dispatched: bool,
  DispatchIdempotencyToken: string,
  Payload: bytes,
  Meta: stringMap,
  ConsulNamespace: string,
  VaultNamespace: string,
  NomadTokenID: string,
  Status: string,
  StatusDescription: string,
  Stable: bool,
  Version: uint64,
  SubmitTime: int64,
  CreateIndex: uint64,
  ModifyIndex: uint64,
  JobModifyIndex: uint64,
  UI: pointer(
    struct('structs.JobUIConfig', {
      Description: string,
      Links: list(pointer(struct('structs.JobUILink', { Label: string, Url: string }))),
    }),
  ),
  VersionTag: pointer(struct('structs.JobVersionTag', { Name: string, Description: string, TaggedTime: int64 })),
});

/* Deployments */

export const deploymentType = struct('structs.Deployment', {
  ID: string,
  Namespace: string,
  JobID: string,
  JobVersion: uint64,
  JobModifyIndex: uint64,
  JobSpecModifyIndex: uint64,
  JobCreateIndex: uint64,
  IsMultiregion: bool,
  TaskGroups: map(
    pointer(
      struct('structs.DeploymentState', {
        AutoRevert: bool,
        AutoPromote: bool,
        ProgressDeadline: duration,
        RequireProgressBy: time,
        Promoted: bool,
        PlacedCanaries: strings,
        DesiredCanaries: int,
        DesiredTotal: int,
        PlacedAllocs: int,
        HealthyAllocs: int,
        UnhealthyAllocs: int,
      }),
    ),
  ),
  Status: string,
  StatusDescription: string,
  EvalPriority: int,
  CreateIndex: uint64,
  ModifyIndex: uint64,
  CreateTime: int64,
  ModifyTime: int64,
});

/* Allocations */

const portMapping = struct('structs.AllocatedPortMapping', {
  Label: string,
  Value: int,
  To: int,
  HostIP: string,
  IgnoreCollision: bool,
});
const allocatedResources = struct('structs.AllocatedResources', {
  Tasks: map(
    pointer(
      struct('structs.AllocatedTaskResources', {
        Cpu: struct('structs.AllocatedCpuResources', { CpuShares: int64, ReservedCores: list(uint16) }),
        Memory: struct('structs.AllocatedMemoryResources', { MemoryMB: int64, MemoryMaxMB: int64 }),
        Networks: networks,
        Devices: list(any),
      }),
    ),
  ),
  TaskLifecycles: map(pointer(struct('structs.TaskLifecycleConfig', { Hook: string, Sidecar: bool }))),
  Shared: struct('structs.AllocatedSharedResources', { Networks: networks, DiskMB: int64, Ports: list(portMapping) }),
});
const allocMetric = struct('structs.AllocMetric', {
  NodesEvaluated: int,
  NodesFiltered: int,
  NodesInPool: int,
  NodePool: string,
  NodesAvailable: map(int),
  ClassFiltered: map(int),
  ConstraintFiltered: map(int),
  NodesExhausted: int,
  ClassExhausted: map(int),
  DimensionExhausted: map(int),
  QuotaExhausted: strings,
  ResourcesExhausted: map(pointer(resources)),
  Scores: map(float64),
  ScoreMetaData: list(
    pointer(struct('structs.NodeScoreMeta', { NodeID: string, Scores: map(float64), NormScore: float64 })),
  ),
  AllocationTime: duration,
  CoalescedFailures: int,
});
const taskEvent = struct('structs.TaskEvent', {
  Type: string,
  Time: int64,
  Message: string,
  DisplayMessage: string,
  Details: stringMap,
  FailsTask: bool,
  RestartReason: string,
  SetupError: string,
  DriverError: string,
  ExitCode: int,
  Signal: int,
  KillTimeout: duration,
  KillError: string,
  KillReason: string,
  StartDelay: int64,
  DownloadError: string,
  ValidationError: string,
  DiskLimit: int64,
  FailedSibling: string,
  VaultError: string,
  TaskSignalReason: string,
  TaskSignal: string,
  DriverMessage: string,
  GenericSource: string,
});
const taskState = struct('structs.TaskState', {
  State: string,
  Failed: bool,
  Restarts: uint64,
  LastRestart: time,
  StartedAt: time,
  FinishedAt: time,
  Events: list(pointer(taskEvent)),
  Paused: string,
});
const desiredTransition = struct('structs.DesiredTransition', {
  Migrate: pointer(bool),
  Reschedule: pointer(bool),
  ForceReschedule: pointer(bool),
  NoShutdownDelay: pointer(bool),
  MigrateDisablePlacement: pointer(bool),
});

export const allocationType = struct('structs.Allocation', {
  ID: string,
  Namespace: string,
  EvalID: string,
  Name: string,
  NodeID: string,
  NodeName: string,
  JobID: string,
  Job: pointer(jobType),
  TaskGroup: string,
  Resources: pointer(resources),
  SharedResources: pointer(resources),
  TaskResources: map(pointer(resources)),
  AllocatedResources: pointer(allocatedResources),
  Metrics: pointer(allocMetric),
  DesiredStatus: string,
  DesiredDescription: string,
  DesiredTransition: desiredTransition,
  ClientStatus: string,
  ClientDescription: string,
  TaskStates: map(pointer(taskState)),
  AllocStates: list(pointer(struct('structs.AllocState', { Field: uint8, Value: string, Time: time }))),
  PreviousAllocation: string,
  NextAllocation: string,
  DeploymentID: string,
  DeploymentStatus: pointer(
    struct('structs.AllocDeploymentStatus', {
      Healthy: pointer(bool),
      Timestamp: time,
      Canary: bool,
      ModifyIndex: uint64,
    }),
  ),
  RescheduleTracker: pointer(
    struct('structs.RescheduleTracker', {
      Events: list(
        pointer(
          struct('structs.RescheduleEvent', {
            RescheduleTime: int64,
            PrevAllocID: string,
            PrevNodeID: string,
            Delay: duration,
          }),
        ),
      ),
      LastReschedule: string,
    }),
  ),
  NetworkStatus: pointer(
    struct('structs.AllocNetworkStatus', {
      InterfaceName: string,
      Address: string,
      AddressIPv6: string,
      DNS: pointer(dns),
    }),
  ),
  FollowupEvalID: string,
  PreemptedAllocations: strings,
  PreemptedByAllocation: string,
  SigningKeyID: string,
  CreateIndex: uint64,
  ModifyIndex: uint64,
  AllocModifyIndex: uint64,
  CreateTime: int64,
  ModifyTime: int64,
});

/* Evaluations */

const desiredUpdates = struct('structs.DesiredUpdates', {
  Ignore: uint64,
  Place: uint64,
  Migrate: uint64,
  Stop: uint64,
  InPlaceUpdate: uint64,
  DestructiveUpdate: uint64,
  Canary: uint64,
  Preemptions: uint64,
  Disconnect: uint64,
  Reconnect: uint64,
  RescheduleNow: uint64,
  RescheduleLater: uint64,
});

export const evaluationType = struct('structs.Evaluation', {
  ID: string,
  Namespace: string,
  Priority: int,
  Type: string,
  TriggeredBy: string,
  JobID: string,
  JobModifyIndex: uint64,
  NodeID: string,
  NodeModifyIndex: uint64,
  DeploymentID: string,
  Status: string,
  StatusDescription: string,
  Wait: duration,
  WaitUntil: time,
  NextEval: string,
  PreviousEval: string,
  BlockedEval: string,
  RelatedEvals: list(pointer(any)),
  FailedTGAllocs: map(pointer(allocMetric)),
  PlanAnnotations: pointer(
    struct('structs.PlanAnnotations', {
      DesiredTGUpdates: map(pointer(desiredUpdates)),
      PreemptedAllocs: list(pointer(any)),
    }),
  ),
  ClassEligibility: map(bool),
  QuotaLimitReached: string,
  MissingNonNodeResources: strings,
  EscapedComputedClass: bool,
  AnnotatePlan: bool,
  QueuedAllocations: map(int),
  LeaderACL: string,
  SnapshotIndex: uint64,
  CreateIndex: uint64,
  ModifyIndex: uint64,
  CreateTime: int64,
  ModifyTime: int64,
});

/* Nodes */

const drainSpec = embedded(struct('structs.DrainSpec', { Deadline: duration, IgnoreSystemJobs: bool }));

export const nodeType = struct('structs.Node', {
  ID: string,
  SecretID: string,
  Datacenter: string,
  Name: string,
  CgroupParent: string,
  HTTPAddr: string,
  TLSEnabled: bool,
  Attributes: stringMap,
  NodeResources: pointer(
    struct('structs.NodeResources', {
      Cpu: any,
      Processors: any,
      Memory: struct('structs.NodeMemoryResources', { MemoryMB: int64 }),
      Disk: struct('structs.NodeDiskResources', { DiskMB: int64 }),
      Devices: list(any),
      NodeNetworks: list(any),
      Networks: networks,
      MinDynamicPort: int,
      MaxDynamicPort: int,
    }),
  ),
  ReservedResources: pointer(
    struct('structs.NodeReservedResources', {
      Cpu: struct('structs.NodeReservedCpuResources', { CpuShares: int64, ReservedCpuCores: list(uint16) }),
      Memory: struct('structs.NodeReservedMemoryResources', { MemoryMB: int64 }),
      Disk: struct('structs.NodeReservedDiskResources', { DiskMB: int64 }),
      Networks: struct('structs.NodeReservedNetworkResources', { ReservedHostPorts: string }),
    }),
  ),
  Links: stringMap,
  Meta: stringMap,
  NodeClass: string,
  NodePool: string,
  ComputedClass: string,
  DrainStrategy: pointer(
    struct('structs.DrainStrategy', { DrainSpec: drainSpec, ForceDeadline: time, StartedAt: time }),
  ),
  SchedulingEligibility: string,
  Status: string,
  StatusDescription: string,
  IdentitySigningKeyID: string,
  StatusUpdatedAt: int64,
  Events: list(
    pointer(
      struct('structs.NodeEvent', {
        Message: string,
        Subsystem: string,
        Details: stringMap,
        Timestamp: time,
        CreateIndex: uint64,
      }),
    ),
  ),
  Drivers: map(
    pointer(
      struct('structs.DriverInfo', {
        Attributes: stringMap,
        Detected: bool,
        Healthy: bool,
        HealthDescription: string,
        UpdateTime: time,
      }),
    ),
  ),
  CSIControllerPlugins: map(pointer(any)),
  CSINodePlugins: map(pointer(any)),
  HostVolumes: map(
    pointer(struct('structs.ClientHostVolumeConfig', { Name: string, Path: string, ReadOnly: bool, ID: string })),
  ),
  GCVolumesOnNodeGC: bool,
  HostNetworks: map(pointer(any)),
  LastDrain: pointer(
    struct('structs.DrainMetadata', {
      StartedAt: time,
      UpdatedAt: time,
      Status: string,
      AccessorID: string,
      Meta: stringMap,
    }),
  ),
  NodeMaxAllocs: int,
  LastMissedHeartbeatIndex: uint64,
  LastAllocUpdateIndex: uint64,
  CreateIndex: uint64,
  ModifyIndex: uint64,
});

/* Node pools */

export const nodePoolType = struct('structs.NodePool', {
  Name: string,
  Description: string,
  Meta: stringMap,
  SchedulerConfiguration: pointer(any),
  NodeIdentityTTL: duration,
  Hash: bytes,
  CreateIndex: uint64,
  ModifyIndex: uint64,
});

/* Tokens: as they are stored, whose secret is nobody's to look for */

export const aclTokenType = struct('structs.ACLToken', {
  AccessorID: string,
  Name: string,
  Type: string,
  Policies: strings,
  Roles: list(pointer(struct('structs.ACLTokenRoleLink', { ID: string, Name: string }))),
  Global: bool,
  Hash: bytes,
  CreateTime: time,
  ExpirationTime: pointer(time),
  CreateIndex: uint64,
  ModifyIndex: uint64,
});

/** What selectors of binding rules look at: the claims of a method by the names that it gives them. */
export const selectableType = struct('structs.ACLAuthClaims', { value: map(string), list: map(strings) });

/** What variables are filtered as: the fields of their metadata are selected through its name. */
export const variableType = struct('structs.VariableEncrypted', {
  VariableMetadata: embedded(
    struct('structs.VariableMetadata', {
      Namespace: string,
      Path: string,
      Lock: pointer(struct('structs.VariableLock', { ID: string, TTL: duration, LockDelay: duration })),
      CreateIndex: uint64,
      CreateTime: int64,
      ModifyIndex: uint64,
      ModifyTime: int64,
    }),
  ),
});

export const serviceRegistrationType = struct('structs.ServiceRegistration', {
  ID: string,
  ServiceName: string,
  Namespace: string,
  NodeID: string,
  Datacenter: string,
  JobID: string,
  AllocID: string,
  Tags: strings,
  Address: string,
  Port: int,
  CreateIndex: uint64,
  ModifyIndex: uint64,
});
