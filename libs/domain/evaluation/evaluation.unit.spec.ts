import { evaluationStream, jobStream } from '@app/kernel';
import { event, given, idOf, jobSpec, planned, registered, type Decide, type Given } from '@app/testing';
import { newEvaluation } from './create.js';
import { cancelEvaluations, failEvaluation, unblockEvaluations } from './decide.js';
import { THIS_INDEX, type EvaluationState, type NewEvaluation } from './state.js';

const first = evaluationStream(idOf(1));
const blockedId = idOf(500);
const blocked = evaluationStream(blockedId);

const about = { namespace: 'default', priority: 50, type: 'service', jobId: 'web' };
const blockedEvaluation: NewEvaluation = newEvaluation({
  ...about,
  id: blockedId,
  triggeredBy: 'queued-allocs',
  status: 'blocked',
  statusDescription: 'created to place remaining allocations',
  previousEval: idOf(1),
  classEligibility: { 'v1:1': true },
});

const cancel =
  (...ids: readonly string[]): Decide =>
  (view, context) =>
    cancelEvaluations(view, context, {
      cancel: ids.map((id) => ({ id, statusDescription: 'canceled after more recent eval was processed' })),
    });
const unblock =
  (...ids: readonly string[]): Decide =>
  (view, context) =>
    unblockEvaluations(view, context, { ids, snapshotIndex: 77 });
const fail =
  (id: string, followup: NewEvaluation | null = null): Decide =>
  (view, context) =>
    failEvaluation(view, context, {
      ...{ id, statusDescription: 'maximum attempts reached (5)' },
      ...{ followup, snapshotIndex: 7 },
    });

const waiting = (): Given =>
  given(
    registered(jobSpec()),
    planned({ evaluation: idOf(1), outcome: { blocked: [blockedEvaluation], snapshotIndex: 1 } }),
  );

describe('A new evaluation', () => {
  test('is pending, with everything else empty', () => {
    expect(newEvaluation({ ...about, id: 'e', triggeredBy: 'job-register' })).toMatchObject({
      status: 'pending',
      statusDescription: '',
      nodeId: '',
      deploymentId: '',
      waitUntil: 0,
      previousEval: '',
    });
  });

  test('that names this very commit gets its index', () => {
    const made = {
      ...newEvaluation({
        ...about,
        id: idOf(1),
        triggeredBy: 'node-update',
        jobModifyIndex: THIS_INDEX,
        nodeModifyIndex: THIS_INDEX,
      }),
      snapshotIndex: 0,
    };
    expect(given(event(first, 'EvaluationCreated', made)).state(first)).toMatchObject({
      jobModifyIndex: 1,
      nodeModifyIndex: 1,
      createIndex: 1,
      modifyIndex: 1,
    });
  });
});

describe('Canceling', () => {
  test('ends what is open and passes over what has ended', () => {
    waiting()
      .when(cancel(idOf(1), blockedId, 'unknown'))
      .thenAppended(event(blocked, 'EvaluationCanceled'))
      .thenState(blocked, { status: 'canceled', statusDescription: 'canceled after more recent eval was processed' });
  });
});

describe('A blocked evaluation', () => {
  test('is made with the plan, and its parent names it', () => {
    const story = waiting();
    expect(story.state(blocked)).toMatchObject({ status: 'blocked', previousEval: idOf(1), snapshotIndex: 1 });
    expect(story.state(first)).toMatchObject({ status: 'complete', blockedEval: blockedId });
  });

  test('becomes pending when there may be room, and remembers when', () => {
    waiting()
      .when(unblock(blockedId, idOf(1)))
      .thenAppended(event(blocked, 'EvaluationUnblocked', { snapshotIndex: 77 }))
      .thenState(blocked, { status: 'pending', snapshotIndex: 77 });
  });

  test('can block again under its own id, with what it waits for now', () => {
    waiting()
      .and(unblock(blockedId))
      .when(
        planned({
          evaluation: blockedId,
          outcome: {
            status: 'blocked',
            classEligibility: { 'v1:2': false },
            escapedComputedClass: true,
            snapshotIndex: 9,
          },
        }),
      )
      .thenState(blocked, {
        status: 'blocked',
        classEligibility: { 'v1:2': false },
        escapedComputedClass: true,
        snapshotIndex: 9,
      });
  });

  test('keeps its job pending', () => {
    expect(waiting().state(jobStream('default', 'web'))).toMatchObject({ versions: [{ status: 'pending' }] });
  });
});

describe('Giving up', () => {
  test('fails the evaluation, links the retry and leaves the job pending for it', () => {
    const followup = newEvaluation({
      ...about,
      id: idOf(600),
      triggeredBy: 'max-plan-attempts',
      status: 'blocked',
      previousEval: idOf(1),
    });
    given(registered(jobSpec()))
      .when(fail(idOf(1), followup))
      .thenAppended(
        event(evaluationStream(idOf(600)), 'EvaluationCreated', { snapshotIndex: 7 }),
        event(first, 'EvaluationFailed', { nextEval: idOf(600) }),
      )
      .thenState(first, { status: 'failed', statusDescription: 'maximum attempts reached (5)', snapshotIndex: 7 });
  });

  test('without a retry leaves nothing to wait for', () => {
    given(registered(jobSpec()))
      .when(fail(idOf(1)))
      .thenAmongOthers(event(jobStream('default', 'web'), 'JobStatusChanged', { status: 'dead' }));
  });

  test('on one that has ended appends nothing', () => {
    waiting()
      .when(fail(idOf(1)))
      .thenNothing();
    waiting().when(fail('unknown')).thenNothing();
  });
});

describe('An evaluation that has ended', () => {
  test('stays as it is, whatever is written to its stream later', () => {
    const story = waiting();
    const before = story.state<EvaluationState>(first);
    story.and(
      event(first, 'EvaluationCanceled', { statusDescription: 'late' }),
      event(first, 'EvaluationUnblocked', { snapshotIndex: 5 }),
    );
    expect(story.state(first)).toEqual(before);
  });
});
