import type { DurationNs, Index, TimeUs } from '@app/kernel';
import type { AllocMetric, DesiredUpdates } from '../nomad.js';

export type EvaluationStatus = 'blocked' | 'pending' | 'complete' | 'failed' | 'canceled';

/** spec/lifecycle §2.2. */
export type EvaluationTrigger =
  | 'job-register'
  | 'job-deregister'
  | 'job-scaling'
  | 'periodic-job'
  | 'node-update'
  | 'node-drain'
  | 'alloc-stop'
  | 'alloc-failure'
  | 'alloc-reschedule'
  | 'reconnect'
  | 'max-disconnect-timeout'
  | 'queued-allocs'
  | 'max-plan-attempts'
  | 'failed-follow-up'
  | 'preemption'
  | 'deployment-watcher';

/** What an evaluation is created with; the rest of its state comes from later events. */
export interface NewEvaluation {
  readonly id: string;
  readonly namespace: string;
  readonly priority: number;
  readonly type: string;
  readonly triggeredBy: EvaluationTrigger;
  readonly jobId: string;
  /** 0: not set; {@link THIS_INDEX}: the index of the commit that creates the evaluation. */
  readonly jobModifyIndex: Index;
  readonly nodeId: string;
  readonly nodeModifyIndex: Index;
  readonly deploymentId: string;
  readonly status: EvaluationStatus;
  readonly statusDescription: string;
  readonly wait: DurationNs;
  readonly waitUntil: TimeUs;
  readonly previousEval: string;
  readonly classEligibility: Readonly<Record<string, boolean>> | null;
  readonly escapedComputedClass: boolean;
  readonly failedGroups: Readonly<Record<string, AllocMetric>> | null;
  readonly quotaLimitReached: string;
}

/** Stands for "the index of this very commit", which is not known yet when an event is decided. */
export const THIS_INDEX = -1;

/** Nomad: Evaluation. */
export interface EvaluationState extends NewEvaluation {
  readonly nextEval: string;
  readonly blockedEval: string;
  readonly planAnnotations: { readonly DesiredTGUpdates: Readonly<Record<string, DesiredUpdates>> } | null;
  readonly queuedAllocations: Readonly<Record<string, number>> | null;
  readonly snapshotIndex: Index;
  readonly createIndex: Index;
  readonly modifyIndex: Index;
  readonly createTime: TimeUs;
  readonly modifyTime: TimeUs;
  /** Collected as garbage. */
  readonly purged?: true;
}

export const isEvaluationTerminal = (evaluation: Pick<EvaluationState, 'status'>): boolean =>
  evaluation.status === 'complete' || evaluation.status === 'failed' || evaluation.status === 'canceled';
