import { jobShape } from './job-shape.js';
import {
  any,
  bool,
  bytes,
  duration,
  int,
  int64,
  list,
  map,
  pointer,
  string,
  struct,
  text,
  uint64,
  unsignedInt,
  type Decoded,
} from './shape.js';

/*
 * The bodies of the API's writes (spec/http-api §4). Region and Namespace may stand in the body when the query does not give them; the rest of
 * what clients put beside them is ignored.
 */

const apiWriteRequest = struct('api.WriteRequest', { Region: string, Namespace: string, SecretID: string });
const writeRequest = struct('structs.WriteRequest', { Region: string, Namespace: string });
const queryOptions = struct('structs.QueryOptions', { Region: string, Namespace: string });
const inApiWrite = { WriteRequest: apiWriteRequest };
const inWrite = { WriteRequest: writeRequest };
const stringMap = map(string);

/** Nomad: JobStatusesRequest. */
export const jobStatusesRequest = struct('structs.JobStatusesRequest', {
  Jobs: list(struct('structs.NamespacedID', { ID: string, Namespace: string })),
  IncludeChildren: bool,
});

export const deploymentPauseRequest = struct(
  'structs.DeploymentPauseRequest',
  { DeploymentID: string, Pause: bool },
  inWrite,
);
export type DeploymentPauseRequest = Decoded<typeof deploymentPauseRequest>;

export const deploymentPromoteRequest = struct(
  'structs.DeploymentPromoteRequest',
  { DeploymentID: string, All: bool, Groups: list(string), PromotedAt: int64 },
  inWrite,
);
export type DeploymentPromoteRequest = Decoded<typeof deploymentPromoteRequest>;

export const deploymentAllocHealthRequest = struct(
  'structs.DeploymentAllocHealthRequest',
  { DeploymentID: string, HealthyAllocationIDs: list(string), UnhealthyAllocationIDs: list(string) },
  inWrite,
);
export type DeploymentAllocHealthRequest = Decoded<typeof deploymentAllocHealthRequest>;

export const deploymentUnblockRequest = struct('structs.DeploymentUnblockRequest', { DeploymentID: string }, inWrite);
export type DeploymentUnblockRequest = Decoded<typeof deploymentUnblockRequest>;

export const jobRegisterRequest = struct(
  'api.JobRegisterRequest',
  {
    Submission: pointer(
      struct('api.JobSubmission', { Source: string, Format: string, VariableFlags: map(string), Variables: string }),
    ),
    Job: pointer(jobShape),
    EnforceIndex: bool,
    JobModifyIndex: uint64,
    PolicyOverride: bool,
    PreserveCounts: bool,
    PreserveResources: bool,
    EvalPriority: int,
  },
  inApiWrite,
);
export type JobRegisterRequest = Decoded<typeof jobRegisterRequest>;

export const jobPlanRequest = struct(
  'api.JobPlanRequest',
  { Job: pointer(jobShape), Diff: bool, PolicyOverride: bool },
  inApiWrite,
);
export type JobPlanRequest = Decoded<typeof jobPlanRequest>;

export const jobValidateRequest = struct('api.JobValidateRequest', { Job: pointer(jobShape) }, inApiWrite);
export type JobValidateRequest = Decoded<typeof jobValidateRequest>;

export const jobRevertRequest = struct(
  'structs.JobRevertRequest',
  {
    JobID: string,
    JobVersion: uint64,
    EnforcePriorVersion: pointer(uint64),
    ConsulToken: string,
    VaultToken: string,
  },
  inWrite,
);
export type JobRevertRequest = Decoded<typeof jobRevertRequest>;

export const jobStabilityRequest = struct(
  'structs.JobStabilityRequest',
  { JobID: string, JobVersion: uint64, Stable: bool },
  inWrite,
);
export type JobStabilityRequest = Decoded<typeof jobStabilityRequest>;

export const jobEvaluateRequest = struct(
  'structs.JobEvaluateRequest',
  { JobID: string, EvalOptions: struct('structs.EvalOptions', { ForceReschedule: bool }) },
  inWrite,
);
export type JobEvaluateRequest = Decoded<typeof jobEvaluateRequest>;

export const jobDispatchRequest = struct(
  'structs.JobDispatchRequest',
  { JobID: string, Payload: bytes, Meta: map(string), IdPrefixTemplate: string, Priority: int },
  inWrite,
);
export type JobDispatchRequest = Decoded<typeof jobDispatchRequest>;

export const scalingRequest = struct(
  'api.ScalingRequest',
  {
    Count: pointer(int64),
    Target: map(string),
    Message: string,
    Error: bool,
    Meta: map(any),
    PolicyOverride: bool,
    JobModifyIndex: uint64,
  },
  inApiWrite,
);
export type ScalingRequest = Decoded<typeof scalingRequest>;

export const tagVersionRequest = struct(
  'api.TagVersionRequest',
  { Version: uint64, Latest: bool, Description: string },
  inApiWrite,
);
export type TagVersionRequest = Decoded<typeof tagVersionRequest>;

export const nodeUpdateDrainRequest = struct('api.NodeUpdateDrainRequest', {
  NodeID: string,
  DrainSpec: pointer(struct('api.DrainSpec', { Deadline: duration, IgnoreSystemJobs: bool })),
  MarkEligible: bool,
  Meta: map(string),
});
export type NodeUpdateDrainRequest = Decoded<typeof nodeUpdateDrainRequest>;

export const nodeUpdateEligibilityRequest = struct(
  'structs.NodeUpdateEligibilityRequest',
  { NodeID: string, Eligibility: string },
  inWrite,
);
export type NodeUpdateEligibilityRequest = Decoded<typeof nodeUpdateEligibilityRequest>;

export const nodePoolRequest = struct('api.NodePool', {
  Name: string,
  Description: string,
  Meta: map(string),
  SchedulerConfiguration: any,
  /** Text or nanoseconds. */
  NodeIdentityTTL: any,
});
export type NodePoolRequest = Decoded<typeof nodePoolRequest>;

const placesOfNamespace = (goType: string) =>
  pointer(struct(goType, { Default: string, Allowed: list(string), Denied: list(string) }));

export const namespaceRequest = struct('structs.Namespace', {
  Name: string,
  Description: string,
  Quota: string,
  Capabilities: pointer(
    struct('structs.NamespaceCapabilities', {
      EnabledTaskDrivers: list(string),
      DisabledTaskDrivers: list(string),
      EnabledNetworkModes: list(string),
      DisabledNetworkModes: list(string),
    }),
  ),
  NodePoolConfiguration: placesOfNamespace('structs.NamespaceNodePoolConfiguration'),
  VaultConfiguration: placesOfNamespace('structs.NamespaceVaultConfiguration'),
  ConsulConfiguration: placesOfNamespace('structs.NamespaceConsulConfiguration'),
  Meta: map(string),
  RequiredExtraClaims: map(string),
  OptionalExtraClaims: map(string),
});
export type NamespaceRequest = Decoded<typeof namespaceRequest>;

/** Beyond Nomad. */
export const freezeRequest = struct('rollbook.Freeze', {
  Namespaces: list(string),
  Jobs: list(string),
  Start: string,
  End: string,
  Cron: string,
  Duration: any,
  TimeZone: string,
  Reason: string,
});
export type FreezeRequest = Decoded<typeof freezeRequest>;

/** Beyond Nomad. */
export const webhookRequest = struct('rollbook.Webhook', {
  Description: string,
  URL: string,
  Topics: map(list(string)),
  Types: list(string),
  Namespace: string,
  Payload: string,
  MaxAttempts: int,
  Secret: string,
  NewSecret: bool,
});
export type WebhookRequest = Decoded<typeof webhookRequest>;
export const chosenLettersRequest = struct('rollbook.ChosenLetters', { IDs: list(string) });

export const schedulerConfigurationRequest = struct('structs.SchedulerConfiguration', {
  SchedulerAlgorithm: text('structs.SchedulerAlgorithm'),
  PreemptionConfig: struct('structs.PreemptionConfig', {
    SystemSchedulerEnabled: bool,
    SysBatchSchedulerEnabled: bool,
    BatchSchedulerEnabled: bool,
    ServiceSchedulerEnabled: bool,
  }),
  MemoryOversubscriptionEnabled: bool,
  RejectJobRegistration: bool,
  PauseEvalBroker: bool,
  NodeLimitForFeasibilityChecks: int,
});
export const autopilotConfigurationRequest = struct('api.AutopilotConfiguration', {
  CleanupDeadServers: bool,
  LastContactThreshold: any,
  MaxTrailingLogs: uint64,
  MinQuorum: unsignedInt,
  ServerStabilizationTime: any,
  EnableRedundancyZones: bool,
  DisableUpgradeMigration: bool,
  EnableCustomUpgrades: bool,
  CreateIndex: uint64,
  ModifyIndex: uint64,
});
export type AutopilotConfigurationRequest = Decoded<typeof autopilotConfigurationRequest>;
export type SchedulerConfigurationRequest = Decoded<typeof schedulerConfigurationRequest>;

/** A map of texts with a Go type of its own. */
const variableItems: typeof stringMap = {
  ...stringMap,
  goType: 'structs.VariableItems',
  slotType: 'structs.VariableItems',
};
/** Nomad: VariableDecrypted; its times and indexes are ignored. Times of a lock are texts or numbers. */
export const variableRequest = struct('structs.VariableDecrypted', {
  Namespace: string,
  Path: string,
  Lock: pointer(struct('structs.VariableLock', { ID: string, TTL: any, LockDelay: any })),
  Items: variableItems,
});
export type VariableRequest = Decoded<typeof variableRequest>;

export const searchRequest = struct(
  'structs.SearchRequest',
  { Prefix: string, Context: text('structs.Context') },
  { QueryOptions: queryOptions },
);
export type SearchRequest = Decoded<typeof searchRequest>;

export const fuzzySearchRequest = struct(
  'structs.FuzzySearchRequest',
  { Text: string, Context: text('structs.Context') },
  { QueryOptions: queryOptions },
);

export const allocRestartRequest = struct('structs.AllocRestartRequest', { TaskName: string, AllTasks: bool });
export const allocSignalRequest = struct('structs.AllocSignalRequest', { Task: string, Signal: string });
export const allocPauseRequest = struct('structs.AllocPauseRequest', { Task: string, ScheduleState: string });
export const nodeMetaApplyRequest = struct('structs.NodeMetaApplyRequest', {
  NodeID: string,
  Meta: map(pointer(string)),
});
export const nodeIdentityRenewRequest = struct('structs.NodeIdentityRenewReq', { NodeID: string });

/** Nomad: ACLTokenBootstrapRequest. */
export const aclBootstrapRequest = struct('structs.ACLTokenBootstrapRequest', { BootstrapSecret: string });

export const aclTokenRequest = struct('structs.ACLToken', {
  AccessorID: string,
  SecretID: string,
  Name: string,
  Type: string,
  Policies: list(string),
  Roles: list(pointer(struct('structs.ACLTokenRoleLink', { ID: string, Name: string }))),
  Global: bool,
  /** Text or nanoseconds. */
  ExpirationTTL: any,
  ExpirationTime: any,
});
export type AclTokenRequest = Decoded<typeof aclTokenRequest>;

export const oneTimeExchangeRequest = struct('structs.OneTimeTokenExchangeRequest', { OneTimeSecretID: string });

export const aclPolicyRequest = struct('structs.ACLPolicy', {
  Name: string,
  Description: string,
  Rules: string,
  JobACL: pointer(struct('structs.JobACL', { Namespace: string, JobID: string, Group: string, Task: string })),
});
export type AclPolicyRequest = Decoded<typeof aclPolicyRequest>;

export const aclRoleRequest = struct('structs.ACLRole', {
  ID: string,
  Name: string,
  Description: string,
  Policies: list(pointer(struct('structs.ACLRolePolicyLink', { Name: string }))),
});
export type AclRoleRequest = Decoded<typeof aclRoleRequest>;

const clientAssertion = struct('structs.OIDCClientAssertion', {
  KeySource: string,
  Audience: list(string),
  PrivateKey: pointer(
    struct('structs.OIDCClientAssertionKey', {
      PemKey: string,
      PemKeyFile: string,
      KeyIDHeader: string,
      PemCert: string,
      PemCertFile: string,
      KeyID: string,
    }),
  ),
  ExtraHeaders: stringMap,
  KeyAlgorithm: string,
  ClientSecret: string,
});
export type ClientAssertionRequest = Decoded<typeof clientAssertion>;

const authMethodConfig = struct('structs.ACLAuthMethodConfig', {
  JWTValidationPubKeys: list(string),
  JWKSURL: string,
  JWKSCACert: string,
  OIDCDiscoveryURL: string,
  OIDCClientID: string,
  OIDCClientSecret: string,
  OIDCClientAssertion: pointer(clientAssertion),
  OIDCEnablePKCE: bool,
  OIDCDisableUserInfo: bool,
  OIDCScopes: list(string),
  BoundAudiences: list(string),
  BoundIssuer: list(string),
  AllowedRedirectURIs: list(string),
  DiscoveryCaPem: list(string),
  SigningAlgs: list(string),
  /** Text or nanoseconds. */
  ExpirationLeeway: any,
  NotBeforeLeeway: any,
  ClockSkewLeeway: any,
  ClaimMappings: stringMap,
  ListClaimMappings: stringMap,
  VerboseLogging: bool,
});
export type AuthMethodConfigRequest = Decoded<typeof authMethodConfig>;

export const aclAuthMethodRequest = struct('structs.ACLAuthMethod', {
  Name: string,
  Type: string,
  TokenLocality: string,
  TokenNameFormat: string,
  /** Text or nanoseconds. */
  MaxTokenTTL: any,
  Default: bool,
  Config: pointer(authMethodConfig),
});
export type AclAuthMethodRequest = Decoded<typeof aclAuthMethodRequest>;

export const aclBindingRuleRequest = struct('structs.ACLBindingRule', {
  ID: string,
  Description: string,
  AuthMethod: string,
  Selector: string,
  BindType: string,
  BindName: string,
});

export const aclLoginRequest = struct('structs.ACLLoginRequest', { AuthMethodName: string, LoginToken: string });

export const oidcAuthUrlRequest = struct('structs.ACLOIDCAuthURLRequest', {
  AuthMethodName: string,
  RedirectURI: string,
  ClientNonce: string,
});
export const oidcCompleteAuthRequest = struct('structs.ACLOIDCCompleteAuthRequest', {
  AuthMethodName: string,
  ClientNonce: string,
  State: string,
  Code: string,
  RedirectURI: string,
  Iss: string,
});

export const clientIntroductionRequest = struct('structs.ACLCreateClientIntroductionTokenRequest', {
  /** Text or nanoseconds. */
  TTL: any,
  NodeName: string,
  NodePool: string,
});
