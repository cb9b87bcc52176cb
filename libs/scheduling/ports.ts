import type {
  AllocationState,
  DeploymentState,
  EvaluationOutcome,
  EvaluationState,
  JobState,
  JobVersion,
  NodeState,
  Plan,
  SchedulerConfiguration,
} from '@app/domain';
import type { DurationNs, Index, TimeUs } from '@app/kernel';
import type { Usage } from './placement/resources.js';

/** The cluster as a scheduler pass sees it: a consistent state of the log at `index`. Look-ups only. */
export interface ClusterView {
  readonly index: Index;
  readonly configuration: SchedulerConfiguration;
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
  /** The next random UUID. */
  readonly newId: () => string;
  /** Nanoseconds on a clock that only goes forward, from whenever: differences tell how long a selection took. */
  readonly elapsed: () => DurationNs;
}

/** What one pass over an evaluation decides: what to change, and how to leave the evaluation. */
export interface SchedulingResult {
  /** null when nothing is to change. */
  readonly plan: Plan | null;
  readonly outcome: EvaluationOutcome;
}
