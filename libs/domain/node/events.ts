import type { TimeUs } from '@app/kernel';
import type { DrainStrategy, Eligibility, LastDrain, NodeDescription, NodeStatus } from './state.js';

/** What an operator reads in the node's events. */
export interface NodeMessage {
  readonly message: string;
  readonly subsystem: 'Cluster' | 'Heartbeat' | 'Drain' | 'Driver' | 'Scheduler';
  readonly details: Readonly<Record<string, string>> | null;
}

/** What a client tells of its node; `timestamp` is the client's. */
export interface EmittedNodeEvent {
  readonly message: string;
  readonly subsystem: string;
  readonly details: Readonly<Record<string, string>> | null;
  readonly timestamp: TimeUs;
}

export type NodeEventRecord =
  | {
      readonly type: 'NodeRegistered';
      readonly data: {
        readonly description: NodeDescription;
        readonly secretDigest: string;
        readonly computedClass: string;
      };
    }
  | {
      readonly type: 'NodeDescriptionChanged';
      readonly data: { readonly description: NodeDescription; readonly computedClass: string };
    }
  | {
      readonly type: 'NodeStatusChanged';
      readonly data: {
        readonly status: NodeStatus;
        readonly note: NodeMessage | null;
        /** The node missed its heartbeat: remembered as LastMissedHeartbeatIndex. */
        readonly missedHeartbeat: boolean;
      };
    }
  /** Told by the node's client, of a driver above all. */
  | { readonly type: 'NodeEventsEmitted'; readonly data: { readonly events: readonly EmittedNodeEvent[] } }
  | { readonly type: 'NodeAllocationsRefreshed'; readonly data: Readonly<Record<string, never>> }
  | {
      readonly type: 'NodeEligibilityChanged';
      readonly data: { readonly eligibility: Eligibility; readonly note: NodeMessage };
    }
  | {
      readonly type: 'NodeDrainChanged';
      readonly data: {
        readonly drain: DrainStrategy | null;
        readonly lastDrain: LastDrain | null;
        readonly eligibility: Eligibility;
        readonly note: NodeMessage;
      };
    }
  | { readonly type: 'NodePurged'; readonly data: Readonly<Record<string, never>> };
