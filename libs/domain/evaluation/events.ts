import type { Index } from '@app/kernel';
import type { AllocMetric, DesiredUpdates } from '../nomad.js';
import type { NewEvaluation } from './state.js';

/** What a scheduler pass found out about an evaluation. */
export interface Processed {
  readonly statusDescription: string;
  readonly deploymentId: string;
  readonly failedGroups: Readonly<Record<string, AllocMetric>> | null;
  readonly queuedAllocations: Readonly<Record<string, number>> | null;
  readonly planAnnotations: Readonly<Record<string, DesiredUpdates>> | null;
  readonly nextEval: string;
  readonly blockedEval: string;
  readonly snapshotIndex: Index;
}

export type EvaluationEvent =
  | { readonly type: 'EvaluationCreated'; readonly data: NewEvaluation & { readonly snapshotIndex: Index } }
  | { readonly type: 'EvaluationCompleted'; readonly data: Processed }
  | { readonly type: 'EvaluationFailed'; readonly data: Processed }
  /** Nothing fits (still): it waits for room. */
  | {
      readonly type: 'EvaluationBlocked';
      readonly data: Processed & {
        readonly classEligibility: Readonly<Record<string, boolean>> | null;
        readonly escapedComputedClass: boolean;
      };
    }
  | { readonly type: 'EvaluationUnblocked'; readonly data: { readonly snapshotIndex: Index } }
  | { readonly type: 'EvaluationCanceled'; readonly data: { readonly statusDescription: string } }
  | { readonly type: 'EvaluationCollected'; readonly data: Readonly<Record<string, never>> }
  /** By an operator. */
  | { readonly type: 'EvaluationDeleted'; readonly data: Readonly<Record<string, never>> };
