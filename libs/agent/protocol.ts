import type {
  AllocatedResources,
  ClientStatus,
  DesiredStatus,
  JobSpec,
  NetworkStatus,
  NodeDescription,
  TaskState,
} from '@app/domain';
import type { Index, TimeUs } from '@app/kernel';

/* The documents of `/agent/v1`: JSON over HTTP between an agent and the servers (design/architecture §8). */

/** What servers want to happen on the node, for one allocation. */
export interface AgentAllocation {
  readonly ID: string;
  readonly Namespace: string;
  readonly Name: string;
  readonly JobID: string;
  /** Names the specification in the list's `Jobs`. */
  readonly JobKey: string;
  readonly TaskGroup: string;
  readonly JobVersion: number;
  readonly DeploymentID: string;
  readonly DesiredStatus: DesiredStatus;
  readonly ClientStatus: ClientStatus;
  readonly AllocModifyIndex: Index;
  readonly AllocatedResources: AllocatedResources;
  readonly Canary: boolean;
  readonly DeploymentHealth: boolean | null;
  readonly NoShutdownDelay: boolean;
  readonly CreateTimeUs: TimeUs;
  readonly PreviousAllocation: string;
  readonly TaskStates: Readonly<Record<string, TaskState>> | null;
  readonly Migrating: boolean;
}

/** Answer of a (blocking) read of the node's allocations. */
export interface AllocationList {
  readonly Index: Index;
  readonly Allocations: readonly AgentAllocation[];
  readonly Jobs: Readonly<Record<string, JobSpec>>;
  /** Purged or collected since the index asked for. */
  readonly Removed: readonly string[];
}

/** A service of the Nomad provider that an allocation has on offer. */
export interface AgentService {
  /** `_nomad-task-<allocation>-group-<group>-<service>-<port label>`, or `…-<task>-<service>-<port label>`. */
  readonly ID: string;
  readonly ServiceName: string;
  readonly Tags: readonly string[];
  readonly Address: string;
  readonly Port: number;
}

/** What the agent reports of one allocation. */
export interface AllocationUpdate {
  readonly ID: string;
  readonly ClientStatus: ClientStatus;
  readonly ClientDescription: string;
  readonly TaskStates: Readonly<Record<string, TaskState>>;
  readonly DeploymentStatus: { readonly Healthy: boolean; readonly TimestampUs: TimeUs } | null;
  readonly NetworkStatus: NetworkStatus | null;
  /** All that is on offer; absent: what it was before. */
  readonly Services?: readonly AgentService[];
}

export interface Registration {
  readonly Node: NodeDescription;
  readonly SecretID: string;
}
export interface RegistrationAnswer {
  readonly NodeID: string;
  readonly HeartbeatTTLMs: number;
  readonly Index: Index;
  /** The node's identity, a JWT; absent where servers cannot sign. */
  readonly Identity?: string;
}
export interface HeartbeatAnswer {
  readonly HeartbeatTTLMs: number;
  readonly Index: Index;
}

/** Answer to a request for identities of a task. */
export interface SignedIdentities {
  readonly Identities: readonly {
    readonly Name: string;
    readonly Token: string;
    /** 0: never. */
    readonly ExpiresAtUs: TimeUs;
  }[];
  readonly Rejections: readonly { readonly Name: string; readonly Reason: string }[];
}
