import type { DurationNs, Index } from '@app/kernel';
import type { ClientStatus, RescheduleTracker } from '../allocation/state.js';
import type { DeploymentStatus } from '../deployment/state.js';
import type { EvaluationStatus, NewEvaluation } from '../evaluation/state.js';
import type { AllocatedResources, AllocMetric, DesiredUpdates } from '../nomad.js';

/** A new allocation. Nomad: Plan.NodeAllocation with a new id; spec/lifecycle §7.1. */
export interface PlannedPlacement {
  readonly id: string;
  readonly name: string;
  readonly taskGroup: string;
  readonly nodeId: string;
  readonly nodeName: string;
  readonly jobVersion: number;
  readonly jobCreateIndex: Index;
  readonly jobModifyIndex: Index;
  readonly allocatedResources: AllocatedResources;
  readonly metrics: AllocMetric;
  readonly previousAllocation: string;
  readonly deploymentId: string;
  readonly canary: boolean;
  readonly rescheduleTracker: RescheduleTracker | null;
  /** Allocations of less important jobs that make room for it: the plan evicts them. Absent: none. */
  readonly preemptedAllocations?: readonly string[];
}

/** Ends an allocation. */
export interface PlannedStop {
  readonly allocationId: string;
  readonly description: string;
  /** `lost` when its node is gone; otherwise the client status stays. */
  readonly clientStatus?: ClientStatus;
  readonly followupEvalId?: string;
}

/** Changes an allocation where it runs; members that are absent stay as they are. */
export interface PlannedUpdate {
  readonly allocationId: string;
  /** In-place update to a newer job version: version, resources, and the deployment that it belongs to from now on ("" for none). */
  readonly inPlace?: {
    readonly jobVersion: number;
    readonly jobCreateIndex: Index;
    readonly jobModifyIndex: Index;
    readonly allocatedResources: AllocatedResources;
    readonly deploymentId: string;
  };
  readonly followupEvalId?: string;
  /** `unknown` when its client is disconnected, or the present status again when it came back: noted in `stateChanges`. */
  readonly clientStatus?: ClientStatus;
  readonly clientDescription?: string;
  readonly rescheduleTracker?: RescheduleTracker;
}

export interface PlannedDeploymentGroup {
  readonly autoRevert: boolean;
  readonly autoPromote: boolean;
  readonly progressDeadline: DurationNs;
  readonly desiredCanaries: number;
  readonly desiredTotal: number;
}

/** Nomad: Plan.Deployment: a new deployment, or groups and canary goals added to the current one. */
export interface PlannedDeployment {
  readonly id: string;
  readonly isNew: boolean;
  readonly jobVersion: number;
  readonly jobModifyIndex: Index;
  readonly jobSpecModifyIndex: Index;
  readonly jobCreateIndex: Index;
  readonly statusDescription: string;
  readonly evalPriority: number;
  readonly groups: Readonly<Record<string, PlannedDeploymentGroup>>;
}

export interface PlannedDeploymentStatus {
  readonly deploymentId: string;
  readonly status: DeploymentStatus;
  readonly description: string;
}

/** What a scheduler pass wants changed, in one commit. Spec/lifecycle §7.1. */
export interface Plan {
  readonly evalId: string;
  readonly namespace: string;
  readonly jobId: string;
  readonly priority: number;
  readonly placements: readonly PlannedPlacement[];
  readonly stops: readonly PlannedStop[];
  readonly updates: readonly PlannedUpdate[];
  readonly deployment: PlannedDeployment | null;
  readonly deploymentUpdates: readonly PlannedDeploymentStatus[];
  /** Delayed evaluations that come with this plan. */
  readonly followups: readonly NewEvaluation[];
  /** Delayed evaluations that nothing waits for any more, because the allocations are back. */
  readonly needlessEvals: readonly string[];
}

/** How the scheduler leaves an evaluation. */
export interface EvaluationOutcome {
  readonly status: EvaluationStatus;
  readonly statusDescription: string;
  readonly deploymentId: string;
  readonly failedGroups: Readonly<Record<string, AllocMetric>> | null;
  readonly queuedAllocations: Readonly<Record<string, number>> | null;
  readonly nextEval: string;
  /** Blocked evaluations that wait for room for what could not be placed: one, or one for each node (system jobs). */
  readonly blocked: readonly NewEvaluation[];
  /** When the evaluation was blocked already and stays so: what it waits for now. */
  readonly classEligibility: Readonly<Record<string, boolean>> | null;
  readonly escapedComputedClass: boolean;
  readonly snapshotIndex: Index;
  /** What was wanted of each group, also where nothing is to change. */
  readonly annotations: Readonly<Record<string, DesiredUpdates>>;
}
