import { isEvaluationTerminal, type EvaluationState } from '@app/domain';
import { streamType, US_PER_S } from '@app/kernel';
import type { Movement } from './cluster-state.js';
import type { Reactor } from './reactor.js';

/** Where the outcomes of evaluations are counted. */
export interface EvaluationMetrics {
  /** `outcome`: `complete`, `blocked`, `failed` or `canceled`; seconds since the evaluation was created, or was due. */
  concluded(outcome: string, seconds: number): void;
  placementsFailed(groups: number): void;
}

/** Measures evaluations as they come to an end, or to a halt for want of room. Issues no commands. */
export class EvaluationMeter implements Reactor {
  constructor(private readonly metrics: EvaluationMetrics) {}

  start(): void {
    // What was before it led has been counted by who led then.
  }

  async stop(): Promise<void> {
    // It holds nothing.
  }

  react(movements: readonly Movement[]): void {
    for (const { stream, before, after } of movements) {
      if (streamType(stream) !== 'evaluation' || after === undefined) continue;
      const evaluation = after as EvaluationState;
      const was = before as EvaluationState | undefined;
      const isOver = isEvaluationTerminal(evaluation) || evaluation.status === 'blocked';
      if (!isOver || was?.status === evaluation.status) continue;
      const since = Math.max(evaluation.createTime, evaluation.waitUntil);
      this.metrics.concluded(evaluation.status, Math.max(0, evaluation.modifyTime - since) / US_PER_S);
      const failed = Object.keys(evaluation.failedGroups ?? {}).length;
      if (failed > 0 && evaluation.status === 'complete') this.metrics.placementsFailed(failed);
    }
  }
}
