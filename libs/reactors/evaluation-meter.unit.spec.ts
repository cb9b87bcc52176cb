import type { AllocMetric, EvaluationState } from '@app/domain';
import { evaluationStream, US_PER_S } from '@app/kernel';
import { EvaluationMeter } from './evaluation-meter.js';

const evaluation = (change: Partial<EvaluationState>): EvaluationState =>
  ({ createTime: 0, modifyTime: 0, waitUntil: 0, failedGroups: null, ...change }) as EvaluationState;

describe('The meter of evaluations', () => {
  const seen: unknown[] = [];
  const meter = new EvaluationMeter({
    concluded: (outcome, seconds) => seen.push([outcome, seconds]),
    placementsFailed: (groups) => seen.push(['failed', groups]),
  });
  const move = (before: EvaluationState | undefined, after: EvaluationState | undefined): void =>
    meter.react([{ stream: evaluationStream('e'), before, after }]);
  beforeEach(() => void seen.splice(0));

  test('counts an evaluation once, when it is over, from its creation or the end of its delay', () => {
    const pending = evaluation({ status: 'pending', createTime: 3 * US_PER_S });
    const complete = evaluation({ ...pending, status: 'complete', modifyTime: 5 * US_PER_S });
    move(undefined, pending);
    move(pending, complete);
    move(complete, { ...complete, modifyTime: 9 * US_PER_S });
    move(complete, undefined);
    expect(seen).toEqual([['complete', 2]]);
    seen.splice(0);
    move({ ...pending, waitUntil: 4 * US_PER_S }, { ...complete, waitUntil: 4 * US_PER_S });
    expect(seen).toEqual([['complete', 1]]);
  });

  test('counts groups that found no room, and the evaluation that is left to wait for it', () => {
    const failedGroups = { web: {} as AllocMetric, db: {} as AllocMetric };
    move(evaluation({ status: 'pending' }), evaluation({ status: 'complete', failedGroups }));
    move(undefined, evaluation({ status: 'blocked' }));
    expect(seen).toEqual([
      ['complete', 0],
      ['failed', 2],
      ['blocked', 0],
    ]);
  });
});
