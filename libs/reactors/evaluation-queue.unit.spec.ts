import { newEvaluation, type EvaluationState } from '@app/domain';
import { EvaluationQueue } from './evaluation-queue.js';

let created = 0;
const evaluation = (id: string, change: Partial<EvaluationState> = {}): EvaluationState => ({
  ...newEvaluation({
    id,
    namespace: 'default',
    priority: 50,
    type: 'service',
    jobId: 'web',
    triggeredBy: 'job-register',
  }),
  nextEval: '',
  blockedEval: '',
  planAnnotations: null,
  queuedAllocations: null,
  snapshotIndex: 0,
  createIndex: ++created,
  modifyIndex: created,
  createTime: 0,
  modifyTime: 0,
  ...change,
});
const ids = (evaluations: readonly EvaluationState[]): string[] => evaluations.map(({ id }) => id);

describe('The evaluation queue', () => {
  let queue: EvaluationQueue;
  const add = (...evaluations: EvaluationState[]): void => evaluations.forEach((one) => queue.add(one, 0));
  const takeAll = (): string[] => {
    const taken: string[] = [];
    for (let one = queue.take(); one !== undefined; one = queue.take()) taken.push(one.id);
    return taken;
  };

  beforeEach(() => (queue = new EvaluationQueue()));

  test('gives the most urgent first, and among equals the oldest', () => {
    add(
      evaluation('late', { jobId: 'a' }),
      evaluation('urgent', { jobId: 'b', priority: 80 }),
      evaluation('early', { jobId: 'c', createIndex: 0 }),
    );
    expect(takeAll()).toEqual(['urgent', 'early', 'late']);
  });

  test('has at most one of a job in the hands of a scheduler', () => {
    add(evaluation('first'), evaluation('second'), evaluation('of another job', { jobId: 'api' }));
    expect(takeAll()).toEqual(['first', 'of another job']);
  });

  test('takes jobs of the same name in two namespaces for two', () => {
    add(evaluation('one'), evaluation('two', { namespace: 'other' }));
    expect(takeAll()).toEqual(['one', 'two']);
  });

  test('when one is done, lets the top of those that waited follow and cancels the others of the job', () => {
    const [first, old, recent, urgent] = [
      evaluation('first'),
      evaluation('old'),
      evaluation('recent'),
      evaluation('urgent', { priority: 90 }),
    ];
    add(first, old, recent, urgent);
    expect(queue.take()?.id).toBe('first');
    expect(ids(queue.done(first))).toEqual(['recent', 'old']);
    expect(takeAll()).toEqual(['urgent']);
  });

  test('among equally urgent ones lets the most recently modified follow', () => {
    const [first, old, recent] = [evaluation('first'), evaluation('old'), evaluation('recent')];
    add(first, old, recent);
    expect(ids(queue.done(first))).toEqual(['old']);
    expect(takeAll()).toEqual(['recent']);
  });

  test('knows what it has: adding it again changes nothing', () => {
    const [first, second] = [evaluation('first'), evaluation('second')];
    add(first, second, first, second);
    expect(takeAll()).toEqual(['first']);
    expect(queue.done(first)).toEqual([]);
    expect(takeAll()).toEqual(['second']);
  });

  test('forgets one that ended while it waited', () => {
    const [first, second] = [evaluation('first'), evaluation('second')];
    add(first, second);
    expect(queue.done(second)).toEqual([]);
    queue.done(first);
    expect(takeAll()).toEqual([]);
  });

  test('does not hand out one that ended before anybody took it', () => {
    const first = evaluation('first');
    add(first);
    queue.done(first);
    expect(takeAll()).toEqual([]);
  });

  test('keeps delayed ones aside until they are due', () => {
    add(evaluation('later', { waitUntil: 500 }), evaluation('latest', { jobId: 'api', waitUntil: 900 }));
    expect([takeAll(), queue.nextDue()]).toEqual([[], 500]);
    queue.release(499);
    expect(takeAll()).toEqual([]);
    queue.release(500);
    expect([takeAll(), queue.nextDue()]).toEqual([['later'], 900]);
  });

  test('counts a wait from the creation', () => {
    add(evaluation('later', { wait: 2_000_000, createTime: 100 }));
    expect(queue.nextDue()).toBe(2_100);
  });

  test('lets a delayed one that is due wait behind its job', () => {
    const first = evaluation('first');
    add(first, evaluation('later', { waitUntil: 500 }));
    expect(queue.take()?.id).toBe('first');
    queue.release(600);
    expect(takeAll()).toEqual([]);
    queue.done(first);
    expect(takeAll()).toEqual(['later']);
  });

  test('takes one back that could not be finished', () => {
    const first = evaluation('first');
    add(first, evaluation('second'));
    queue.take();
    queue.putBack(first);
    expect(takeAll()).toEqual(['first']);
  });

  test('is empty after it was cleared', () => {
    add(evaluation('first'), evaluation('later', { jobId: 'api', waitUntil: 5 }));
    queue.clear();
    expect([takeAll(), queue.nextDue(), queue.length]).toEqual([[], undefined, 0]);
  });
});
