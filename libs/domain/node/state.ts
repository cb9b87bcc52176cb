import type { DurationNs, Index, JsonObject, TimeUs } from '@app/kernel';

export type NodeStatus = 'initializing' | 'ready' | 'down' | 'disconnected';
export type Eligibility = 'eligible' | 'ineligible';

export interface NodeDriver {
  readonly Attributes: Readonly<Record<string, string>> | null;
  readonly Detected: boolean;
  readonly Healthy: boolean;
  readonly HealthDescription: string;
  /** RFC 3339 or null. */
  readonly UpdateTime: string | null;
}

/** What an agent says of its node; Nomad's spelling (spec/http-api §2.6). */
export interface NodeDescription {
  readonly ID: string;
  readonly Name: string;
  readonly Datacenter: string;
  readonly NodePool: string;
  readonly NodeClass: string;
  readonly HTTPAddr: string;
  readonly Attributes: Readonly<Record<string, string>>;
  readonly Meta: Readonly<Record<string, string>> | null;
  readonly Drivers: Readonly<Record<string, NodeDriver>>;
  readonly NodeResources: {
    readonly Cpu: {
      readonly CpuShares: number;
      readonly TotalCpuCores: number;
      readonly ReservableCpuCores: readonly number[] | null;
    };
    readonly Memory: { readonly MemoryMB: number };
    readonly Disk: { readonly DiskMB: number };
    /** IP addresses that ports can be taken on. */
    readonly NodeNetworks: readonly JsonObject[] | null;
    readonly Networks: readonly JsonObject[] | null;
    readonly MinDynamicPort: number;
    readonly MaxDynamicPort: number;
  };
  readonly ReservedResources: {
    readonly Cpu: { readonly CpuShares: number };
    readonly Memory: { readonly MemoryMB: number };
    readonly Disk: { readonly DiskMB: number };
    readonly Networks: { readonly ReservedHostPorts: string };
  };
  readonly HostVolumes: Readonly<Record<string, JsonObject>> | null;
}

export interface NodeEvent {
  readonly message: string;
  readonly subsystem: string;
  readonly details: Readonly<Record<string, string>> | null;
  readonly timestamp: TimeUs;
  readonly createIndex: Index;
}
export interface DrainStrategy {
  readonly deadline: DurationNs;
  readonly ignoreSystemJobs: boolean;
  readonly forceDeadline: TimeUs;
  readonly startedAt: TimeUs;
}
export interface LastDrain {
  readonly startedAt: TimeUs;
  readonly updatedAt: TimeUs;
  readonly status: 'draining' | 'complete' | 'canceled';
  readonly accessorId: string;
  readonly meta: Readonly<Record<string, string>> | null;
}

/** Nomad: Node. The agent's secret is kept as a SHA-256 digest only. */
export interface NodeState {
  readonly id: string;
  readonly secretDigest: string;
  readonly description: NodeDescription;
  readonly computedClass: string;
  readonly status: NodeStatus;
  readonly statusDescription: string;
  /** Seconds since 1970. */
  readonly statusUpdatedAt: number;
  readonly eligibility: Eligibility;
  readonly drain: DrainStrategy | null;
  readonly lastDrain: LastDrain | null;
  /** The newest ten. */
  readonly events: readonly NodeEvent[];
  readonly lastMissedHeartbeatIndex: Index;
  readonly lastAllocUpdateIndex: Index;
  readonly createIndex: Index;
  readonly modifyIndex: Index;
  readonly purged: boolean;
}

/** May take new allocations. */
export const isReady = (node: NodeState): boolean =>
  node.status === 'ready' && node.drain === null && node.eligibility === 'eligible' && !node.purged;
