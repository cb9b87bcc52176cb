import { evaluationStream, jobStream } from '@app/kernel';
import {
  allocationId,
  event,
  given,
  idOf,
  jobSpec,
  NODE,
  nodeIsReady,
  nodeRegistered,
  planned,
  registered,
  report,
  reported,
  type Decide,
  type Given,
} from '@app/testing';
import { chooseSchedulerConfiguration } from '../scheduler-configuration/decide.js';
import { DEFAULT_SCHEDULER_CONFIGURATION } from '../scheduler-configuration/state.js';
import { deleteEvaluations } from './delete.js';
import type { EvaluationState } from './state.js';

const first = evaluationStream(idOf(1));
const pause =
  (pauseBroker = true): Decide =>
  (view, context) =>
    chooseSchedulerConfiguration(view, context, {
      configuration: { ...DEFAULT_SCHEDULER_CONFIGURATION, pauseBroker },
      enforceIndex: null,
    });
const remove =
  (allocationIds: readonly string[] = [], onlySafe = false, evaluationId = idOf(1)): Decide =>
  (view, context) =>
    deleteEvaluations(view, context, { evaluations: [{ evaluationId, allocationIds }], onlySafe });
const alloc = allocationId(1);
const running = (): Given =>
  given(
    nodeRegistered(NODE),
    nodeIsReady(),
    registered(jobSpec()),
    planned({ evaluation: idOf(1), place: [{ id: alloc }] }),
    reported([report(alloc)]),
    pause(),
  );

describe('Deleting an evaluation', () => {
  test('waits for a broker that is paused', () => {
    given(registered(jobSpec())).when(remove()).thenRejected('broker-not-paused');
  });

  test('takes one that waits, and with it the hope of its job', () => {
    const story = given(registered(jobSpec()), pause());
    story
      .when(remove())
      .thenAppended(
        event(first, 'EvaluationDeleted', {}),
        event(jobStream('default', 'web'), 'JobStatusChanged', { status: 'dead' }),
      )
      .thenAnswered({ count: 1 });
    const after = story.and(remove());
    expect(after.state<EvaluationState>(first).purged).toBe(true);
    after.when(remove()).thenRejected('evaluation-not-found');
  });

  test('leaves one alone whose allocations run', () => {
    running()
      .when(remove([alloc]))
      .thenRejected('evaluation-not-safe', idOf(1));
    running()
      .when(remove([alloc], true))
      .thenAnswered({ count: 0 });
  });

  test('of what is not there is refused, or passed over where a filter found it', () => {
    const story = given(pause());
    story.when(remove()).thenRejected('evaluation-not-found');
    story.when(remove([], true)).thenAnswered({ count: 0 });
  });
});
