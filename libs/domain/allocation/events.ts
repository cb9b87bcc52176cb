import type { Index, TimeUs } from '@app/kernel';
import type { AllocatedResources, AllocMetric, DesiredTransition, NetworkStatus, TaskState } from '../nomad.js';
import type { ClientStatus, RescheduleTracker } from './state.js';

/** Everything that happens to an allocation. */
export type AllocationEvent =
  | {
      readonly type: 'AllocationPlaced';
      readonly data: {
        readonly id: string;
        readonly namespace: string;
        readonly evalId: string;
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
        readonly previousAllocation: string;
        readonly deploymentId: string;
        readonly canary: boolean;
        readonly rescheduleTracker: RescheduleTracker | null;
        readonly signingKeyId: string;
        /** Allocations of other jobs that made room for it; absent: none. */
        readonly preemptedAllocations?: readonly string[];
      };
    }
  /** A plan no longer wants it. */
  | {
      readonly type: 'AllocationStopDesired';
      readonly data: {
        readonly description: string;
        readonly clientStatus: ClientStatus | null;
        readonly followupEvalId: string;
      };
    }
  /** It makes room for an allocation of a more important job. */
  | { readonly type: 'AllocationPreempted'; readonly data: { readonly byAllocation: string } }
  | {
      readonly type: 'AllocationUpdatedInPlace';
      readonly data: {
        readonly evalId: string;
        readonly jobVersion: number;
        readonly jobCreateIndex: Index;
        readonly jobModifyIndex: Index;
        readonly allocatedResources: AllocatedResources;
        readonly deploymentId: string;
      };
    }
  | { readonly type: 'AllocationFollowupScheduled'; readonly data: { readonly followupEvalId: string } }
  /** A server noted that the client is disconnected, or back. */
  | {
      readonly type: 'AllocationConnectionNoted';
      readonly data: { readonly clientStatus: ClientStatus; readonly clientDescription: string };
    }
  | { readonly type: 'AllocationRescheduleNoted'; readonly data: { readonly rescheduleTracker: RescheduleTracker } }
  | { readonly type: 'AllocationTransitionDesired'; readonly data: { readonly transition: Partial<DesiredTransition> } }
  | { readonly type: 'AllocationReplaced'; readonly data: { readonly nextAllocation: string } }
  | { readonly type: 'AllocationPromoted'; readonly data: Readonly<Record<string, never>> }
  /** The agent's word; `health` only when it decided about it. */
  | {
      readonly type: 'AllocationReported';
      readonly data: {
        readonly clientStatus: ClientStatus;
        readonly clientDescription: string;
        readonly taskStates: Readonly<Record<string, TaskState>> | null;
        readonly networkStatus: NetworkStatus | null;
        readonly health: { readonly healthy: boolean; readonly timestamp: TimeUs } | null;
      };
    }
  /** An operator's word. */
  | { readonly type: 'AllocationHealthSet'; readonly data: { readonly healthy: boolean } }
  | { readonly type: 'AllocationPurged'; readonly data: Readonly<Record<string, never>> }
  /** Garbage: hidden from now on, while the log keeps it. The same goes for the other kinds of object. */
  | { readonly type: 'AllocationCollected'; readonly data: Readonly<Record<string, never>> };
