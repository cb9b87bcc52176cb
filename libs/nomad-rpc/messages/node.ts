import {
  any,
  bool,
  bytes,
  int,
  int64,
  list,
  map,
  openStruct,
  optional,
  struct,
  text,
  time,
  type Of,
} from '../msgpack/index.js';
import { queryMeta, queryOptions, writeMeta, writeRequest } from './shared.js';

/* Calls of a client about its node; spec/rpc §8. */

const driver = openStruct({
  Attributes: map(text),
  Detected: bool,
  Healthy: bool,
  HealthDescription: text,
  UpdateTime: time,
});

const nodeResources = openStruct({
  Cpu: openStruct({ CpuShares: int, TotalCpuCores: int, ReservableCpuCores: list(int) }),
  /** `Nodes` is a slice of bytes: the ids of NUMA nodes. */
  Processors: openStruct({ Topology: optional(openStruct({ Nodes: bytes })) }),
  Memory: openStruct({ MemoryMB: int }),
  Disk: openStruct({ DiskMB: int }),
  Devices: list(any),
  NodeNetworks: list(any),
  Networks: list(any),
  MinDynamicPort: int,
  MaxDynamicPort: int,
});

const reservedResources = openStruct({
  Cpu: openStruct({ CpuShares: int, ReservedCpuCores: list(int) }),
  Memory: openStruct({ MemoryMB: int }),
  Disk: openStruct({ DiskMB: int }),
  Networks: openStruct({ ReservedHostPorts: text }),
});

const nodeEvent = struct({ Message: text, Subsystem: text, Details: map(text), Timestamp: time, CreateIndex: int });

export const drainStrategy = struct({ Deadline: int64, IgnoreSystemJobs: bool, ForceDeadline: time, StartedAt: time });

/** A node as its client tells it; fields of other versions are kept. */
export const node = openStruct({
  ID: text,
  SecretID: text,
  Datacenter: text,
  Name: text,
  CgroupParent: text,
  HTTPAddr: text,
  TLSEnabled: bool,
  Attributes: map(text),
  NodeResources: nodeResources,
  ReservedResources: reservedResources,
  Links: map(text),
  Meta: map(text),
  NodeClass: text,
  NodePool: text,
  ComputedClass: text,
  DrainStrategy: optional(drainStrategy),
  SchedulingEligibility: text,
  Status: text,
  StatusDescription: text,
  StatusUpdatedAt: int,
  Events: list(nodeEvent),
  Drivers: map(driver),
  HostVolumes: map(any),
  HostNetworks: map(any),
  LastDrain: any,
  NodeMaxAllocs: int,
});
export type ClientNode = Of<typeof node>;

export const registerRequest = struct({ Node: node, CreateNodePool: bool, ...writeRequest });

/** A server that speaks RPC. */
const serverInfo = struct({ RPCAdvertiseAddr: text, RPCMajorVersion: int, RPCMinorVersion: int, Datacenter: text });

/** Answers a registration and a heartbeat alike. */
export const nodeUpdateReply = struct({
  /** Nanoseconds. */
  HeartbeatTTL: int64,
  EvalIDs: list(text),
  EvalCreateIndex: int,
  NodeModifyIndex: int,
  Features: int,
  LeaderRPCAddr: text,
  NumNodes: int,
  Servers: list(serverInfo),
  SchedulingEligibility: text,
  SignedIdentity: optional(text),
  ...queryMeta,
});
export type NodeUpdateReply = Of<typeof nodeUpdateReply>;

export const updateStatusRequest = struct({
  NodeID: text,
  Status: text,
  IdentitySigningKeyID: text,
  ForceIdentityRenewal: bool,
  ...writeRequest,
});

export const getClientAllocsRequest = struct({ NodeID: text, SecretID: text, ...queryOptions });
export const getClientAllocsReply = struct({ Allocs: map(int), MigrateTokens: map(text), ...queryMeta });

export const emitEventsRequest = struct({ NodeEvents: map(list(nodeEvent)), ...writeRequest });

export const updateDrainRequest = struct({
  NodeID: text,
  DrainStrategy: optional(drainStrategy),
  MarkEligible: bool,
  UpdatedAt: int64,
  Meta: map(text),
  UpdatedBy: text,
  ...writeRequest,
});
export const updateDrainReply = struct({
  NodeModifyIndex: int,
  EvalIDs: list(text),
  EvalCreateIndex: int,
  ...queryMeta,
});

export const getNodeRequest = struct({ NodeID: text, ...queryOptions });

export const getNodeReply = struct({ Node: any, ...queryMeta });

export const indexReply = struct(writeMeta);
export const emptyReply = struct({});
export const pingRequest = struct(queryOptions);
