import type { DurationNs, Index, TimeUs } from '@app/kernel';
import type { AllocatedResources, AllocMetric, DesiredTransition, NetworkStatus, TaskState } from '../nomad.js';

export type DesiredStatus = 'run' | 'stop' | 'evict';
export type ClientStatus = 'pending' | 'running' | 'complete' | 'failed' | 'lost' | 'unknown';

/** Health within a deployment (or a migration). Nomad: AllocDeploymentStatus. */
export interface AllocationHealth {
  readonly healthy: boolean | null;
  readonly timestamp: TimeUs;
  readonly canary: boolean;
  readonly modifyIndex: Index;
}
export interface RescheduleEvent {
  readonly rescheduleTime: TimeUs;
  readonly prevAllocId: string;
  readonly prevNodeId: string;
  readonly delay: DurationNs;
}
export interface RescheduleTracker {
  readonly events: readonly RescheduleEvent[];
  /** `ok`, `no placement` or empty. */
  readonly lastReschedule: string;
}
/** A change of the client status that was noted by a server. Field is always ClientStatus (0). */
export interface AllocationStateChange {
  readonly value: ClientStatus;
  readonly time: TimeUs;
}

/** Nomad: Allocation. The job specification is the one of (namespace, jobId, jobCreateIndex, jobVersion), kept once for all. */
export interface AllocationState {
  readonly id: string;
  readonly namespace: string;
  readonly evalId: string;
  /** `<job id>.<group>[<index>]` */
  readonly name: string;
  readonly nodeId: string;
  readonly nodeName: string;
  readonly jobId: string;
  readonly jobType: string;
  readonly jobVersion: number;
  readonly jobCreateIndex: Index;
  readonly jobModifyIndex: Index;
  readonly taskGroup: string;
  readonly allocatedResources: AllocatedResources;
  readonly metrics: AllocMetric;
  readonly desiredStatus: DesiredStatus;
  readonly desiredDescription: string;
  readonly desiredTransition: DesiredTransition;
  readonly clientStatus: ClientStatus;
  readonly clientDescription: string;
  readonly taskStates: Readonly<Record<string, TaskState>> | null;
  readonly stateChanges: readonly AllocationStateChange[];
  readonly previousAllocation: string;
  readonly nextAllocation: string;
  readonly deploymentId: string;
  readonly deploymentStatus: AllocationHealth | null;
  readonly rescheduleTracker: RescheduleTracker | null;
  readonly networkStatus: NetworkStatus | null;
  readonly followupEvalId: string;
  readonly signingKeyId: string;
  /** Allocations that made room for this one; absent: none. */
  readonly preemptedAllocations?: readonly string[];
  /** The allocation that this one made room for. */
  readonly preemptedByAllocation?: string;
  readonly createIndex: Index;
  readonly modifyIndex: Index;
  /** Moves with what servers change, not with client updates: agents pull on it (spec/lifecycle §7.5). */
  readonly allocModifyIndex: Index;
  readonly createTime: TimeUs;
  readonly modifyTime: TimeUs;
  readonly purged: boolean;
}

export const NO_TRANSITION: DesiredTransition = {
  Migrate: null,
  Reschedule: null,
  ForceReschedule: null,
  NoShutdownDelay: null,
  MigrateDisablePlacement: null,
};

export const isServerTerminal = (alloc: Pick<AllocationState, 'desiredStatus'>): boolean =>
  alloc.desiredStatus !== 'run';
export const isClientTerminal = (alloc: Pick<AllocationState, 'clientStatus'>): boolean =>
  alloc.clientStatus === 'complete' || alloc.clientStatus === 'failed' || alloc.clientStatus === 'lost';
export const isTerminal = (alloc: Pick<AllocationState, 'desiredStatus' | 'clientStatus'>): boolean =>
  isServerTerminal(alloc) || isClientTerminal(alloc);
