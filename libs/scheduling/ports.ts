import type {
  AllocationState,
  DeploymentState,
  EvaluationOutcome,
  EvaluationState,
  JobState,
  JobVersion,
  NodeState,
  Plan,
} from '@app/domain';
import type { Index, TimeUs } from '@app/kernel';
import type { Usage } from './placement/resources.js';

/** Operator settings that placement heeds. Nomad: SchedulerConfiguration. */
export interface SchedulerConfiguration {
  readonly algorithm: 'binpack' | 'spread';
  /** How many nodes are scored where affinities or spreads ask for more than the usual few. */
  readonly nodeLimit: number;
}

/** The cluster as a scheduler pass sees it: a consistent state of the log at `index`. Look-ups only. */
export interface ClusterView {
  readonly index: Index;
  job(namespace: string, jobId: string): JobState | undefined;
  /** Any version an allocation still refers to, also one that is no longer retained. */
  jobVersion(namespace: string, jobId: string, jobCreateIndex: Index, version: number): JobVersion | undefined;
  /** Every allocation of the job that is still known, of whatever incarnation. */
  allocationsOfJob(namespace: string, jobId: string): readonly AllocationState[];
  /** All deployments of the job, in order of creation. */
  deploymentsOfJob(namespace: string, jobId: string): readonly DeploymentState[];
  node(id: string): NodeState | undefined;
  /** In a stable order. */
  nodes(): readonly NodeState[];
  /** Allocations on a node that are not client-terminal. */
  liveAllocationsOnNode(nodeId: string): readonly AllocationState[];
  /**
   * The sum of `usageOf` over these, if the view keeps it up to date. Without it a pass adds up itself, which on a full cluster costs more
   * than all the rest.
   */
  usedOnNode?(nodeId: string): Usage;
}

export interface SchedulingRequest {
  readonly evaluation: EvaluationState;
  readonly cluster: ClusterView;
  readonly now: TimeUs;
  readonly configuration: SchedulerConfiguration;
  /** The next random UUID. */
  readonly newId: () => string;
}

/** What one pass over an evaluation decides: what to change, and how to leave the evaluation. */
export interface SchedulingResult {
  /** null when nothing is to change. */
  readonly plan: Plan | null;
  readonly outcome: EvaluationOutcome;
}
