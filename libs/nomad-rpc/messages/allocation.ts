import { any, bool, int, int64, list, map, optional, struct, text, time, type Of } from '../msgpack/index.js';
import { queryMeta, queryOptions, writeRequest } from './shared.js';

/* Calls of a client about its allocations; spec/rpc §8. */

export const taskEvent = struct({
  Type: text,
  Time: int64,
  Message: text,
  DisplayMessage: text,
  Details: map(text),
  FailsTask: bool,
  RestartReason: text,
  SetupError: text,
  DriverError: text,
  ExitCode: int,
  Signal: int,
  KillTimeout: int64,
  KillError: text,
  KillReason: text,
  StartDelay: int64,
  DownloadError: text,
  ValidationError: text,
  DiskLimit: int64,
  FailedSibling: text,
  VaultError: text,
  TaskSignalReason: text,
  TaskSignal: text,
  DriverMessage: text,
  GenericSource: text,
});

export const taskState = struct({
  State: text,
  Failed: bool,
  Restarts: int,
  LastRestart: time,
  StartedAt: time,
  FinishedAt: time,
  Events: list(taskEvent),
  Paused: text,
});

const dns = struct({ Servers: list(text), Searches: list(text), Options: list(text) });

/** What a client tells of an allocation. */
const reportedAllocation = struct({
  ID: text,
  NodeID: text,
  ClientStatus: text,
  ClientDescription: text,
  TaskStates: map(taskState),
  DeploymentStatus: optional(struct({ Healthy: optional(bool), Timestamp: time, Canary: bool, ModifyIndex: int })),
  NetworkStatus: optional(struct({ InterfaceName: text, Address: text, AddressIPv6: text, DNS: optional(dns) })),
});
export type ReportedAllocation = Of<typeof reportedAllocation>;

export const updateAllocRequest = struct({ Alloc: list(reportedAllocation), Evals: list(any), ...writeRequest });

export const getAllocsRequest = struct({ AllocIDs: list(text), ...queryOptions });
/** The allocations are rendered, with times and bytes in place: see `allocationForClient`. */
export const getAllocsReply = struct({ Allocs: list(any), SignedIdentities: any, ...queryMeta });

export const getAllocRequest = struct({ AllocID: text, ...queryOptions });
export const getAllocReply = struct({ Alloc: any, ...queryMeta });

const identityRequest = {
  AllocID: text,
  IdentityName: text,
  WorkloadIdentifier: text,
  /** 0 a task, 1 a service. */
  WorkloadType: int,
  InterpolatedWorkloadIdentifier: text,
};
export const signIdentitiesRequest = struct({ Identities: list(struct(identityRequest)), ...queryOptions });
export const signIdentitiesReply = struct({
  SignedIdentities: list(struct({ ...identityRequest, JWT: text, Expiration: time })),
  Rejections: list(struct({ ...identityRequest, Reason: text })),
  ...queryMeta,
});
