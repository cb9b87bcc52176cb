import type { AllocationState, ReschedulePolicy, RescheduleTracker } from '@app/domain';
import { NO_TRANSITION } from '@app/domain';
import { allocation } from '../testing/allocations.js';
import type { RescheduleContext } from './reschedule.js';
import { failTime, isEligible, nextTracker, penaltyNodes, rescheduleDelay, rescheduleVerdict } from './reschedule.js';

const S = 1_000_000_000;
const US = 1_000_000;
const NOW = 10_000 * US;

const policy = (change: Partial<ReschedulePolicy> = {}): ReschedulePolicy => ({
  Attempts: 0,
  Interval: 0,
  Delay: 10 * S,
  DelayFunction: 'exponential',
  MaxDelay: 60 * S,
  Unlimited: true,
  ...change,
});
const limited = (Attempts: number) =>
  policy({ Attempts, Interval: 600 * S, Unlimited: false, DelayFunction: 'constant', Delay: 5 * S });

/** Delays in seconds, one attempt after the other; the last at `lastAt`. */
const tracker = (delays: readonly number[], lastAt = NOW - 10 * US, lastReschedule = 'ok'): RescheduleTracker => ({
  events: delays.map((delay, i) => ({
    rescheduleTime: lastAt - (delays.length - 1 - i) * US,
    prevAllocId: `prev-${i}`,
    prevNodeId: `node-${i}`,
    delay: delay * S,
  })),
  lastReschedule,
});

describe('the delay of spec/lifecycle §5.1', () => {
  it.each<[string, number[], number]>([
    ['constant', [10, 10, 10], 10],
    ['exponential', [], 10],
    ['exponential', [10], 20],
    ['exponential', [10, 20], 40],
    ['exponential', [10, 20, 40], 60],
    ['fibonacci', [], 10],
    ['fibonacci', [10], 10],
    ['fibonacci', [10, 10], 20],
    ['fibonacci', [10, 20], 30],
    ['fibonacci', [60, 10], 10],
  ])('%s after %j s is %d s', (DelayFunction, delays, expected) => {
    expect(rescheduleDelay(policy({ DelayFunction }), tracker(delays), NOW)).toBe(expected * S);
  });

  it('starts again after a quiet time longer than the maximum', () => {
    expect(rescheduleDelay(policy(), tracker([60], NOW - 61 * US), NOW)).toBe(10 * S);
  });

  it('counts from the latest end of a task, or else from the last change', () => {
    const state = { State: 'dead' as const, Failed: true, Restarts: 0, LastRestart: null, StartedAt: null, Events: [] };
    const ended = (FinishedAt: string | null) => ({ ...state, FinishedAt });
    const taskStates = { a: ended('1970-01-01T00:00:05Z'), b: ended('1970-01-01T00:00:07.5Z') };
    expect(failTime(allocation({ taskStates, modifyTime: 1 }))).toBe(7.5 * US);
    expect(failTime(allocation({ modifyTime: 42 }))).toBe(42);
  });
});

describe('eligibility as in spec/lifecycle §5.2', () => {
  const eligible = (alloc: Partial<AllocationState>, wanted: ReschedulePolicy | null): boolean =>
    isEligible({
      alloc: allocation({ clientStatus: 'failed', ...alloc }),
      policy: wanted,
      failedAt: NOW,
      anyStatus: false,
    });

  it.each<[string, boolean, Partial<AllocationState>, ReschedulePolicy | null]>([
    ['no policy', false, {}, null],
    ['a policy without attempts', false, {}, policy({ Unlimited: false })],
    ['a stopped one', false, { desiredStatus: 'stop' }, policy()],
    [
      'a stopped one that found no room',
      true,
      { desiredStatus: 'stop', rescheduleTracker: tracker([], NOW, 'no placement') },
      policy(),
    ],
    ['a running one', false, { clientStatus: 'running' }, policy()],
    ['a lost one', true, { clientStatus: 'lost' }, policy()],
    ['unlimited attempts', true, { rescheduleTracker: tracker([10, 10, 10, 10]) }, policy()],
    ['the first of one attempt', true, {}, limited(1)],
    ['the second of one attempt', false, { rescheduleTracker: tracker([5]) }, limited(1)],
    ['an attempt outside the interval', true, { rescheduleTracker: tracker([5], NOW - 601 * US) }, limited(1)],
    ['a first attempt that found no room', true, { rescheduleTracker: tracker([], NOW, 'no placement') }, limited(1)],
  ])('%s: %s', (_name, expected, alloc, wanted) => {
    expect(eligible(alloc, wanted)).toBe(expected);
  });
});

describe('what becomes of an allocation, by spec/lifecycle §5.3', () => {
  const failed = { clientStatus: 'failed' as const, modifyTime: NOW };
  const verdict = (alloc: Partial<AllocationState>, context: Partial<RescheduleContext> = {}): string => {
    const complete = {
      batch: false,
      now: NOW,
      evaluationId: 'this',
      activeDeploymentId: '',
      policy: policy(),
      precedesStop: false,
      isReplaced: false,
      disconnectedAt: 0,
    };
    return rescheduleVerdict(allocation(alloc), { ...complete, ...context }).kind;
  };

  it.each<[string, string, Partial<AllocationState>, Partial<RescheduleContext>]>([
    ['replaced already', 'drop', { ...failed, nextAllocation: 'next' }, {}],
    [
      'batch, complete in spite of a replacement that had to go',
      'keep',
      { clientStatus: 'complete', nextAllocation: 'next' },
      { batch: true },
    ],
    [
      'batch, complete beside its replacement',
      'drop',
      { clientStatus: 'complete', nextAllocation: 'next' },
      { batch: true, isReplaced: true },
    ],
    [
      'batch, disconnected and replaced, and to be rescheduled by order of an operator',
      'keep',
      {
        clientStatus: 'unknown',
        nextAllocation: 'next',
        desiredTransition: { ...NO_TRANSITION, Migrate: true, Reschedule: true },
      },
      { batch: true, isReplaced: true },
    ],
    ['service, stopped', 'drop', { desiredStatus: 'stop', clientStatus: 'failed' }, {}],
    ['service, complete', 'drop', { clientStatus: 'complete' }, {}],
    ['service, running', 'keep', {}, {}],
    ['batch, complete', 'keep', { clientStatus: 'complete' }, { batch: true }],
    ['batch, stopped after it completed', 'keep', { desiredStatus: 'stop', clientStatus: 'complete' }, { batch: true }],
    ['batch, stopped otherwise', 'drop', { desiredStatus: 'stop', clientStatus: 'failed' }, { batch: true }],
    ['batch, evicted', 'drop', { desiredStatus: 'evict' }, { batch: true }],
    [
      'of the active deployment, without permission',
      'keep',
      { ...failed, deploymentId: 'd' },
      { activeDeploymentId: 'd' },
    ],
    [
      'of the active deployment, with permission',
      'later',
      { ...failed, deploymentId: 'd', desiredTransition: { ...NO_TRANSITION, Reschedule: true } },
      { activeDeploymentId: 'd' },
    ],
    ['forced', 'now', { ...failed, desiredTransition: { ...NO_TRANSITION, ForceReschedule: true } }, { policy: null }],
    ['due', 'now', { ...failed, modifyTime: NOW - 9 * US }, {}],
    ['the evaluation it waits for', 'now', { ...failed, followupEvalId: 'this' }, {}],
    ['not due', 'later', failed, {}],
    ['not due, and waiting for another evaluation', 'keep', { ...failed, followupEvalId: 'other' }, {}],
    ['not eligible', 'keep', failed, { policy: null }],
    ['disconnected', 'later', { clientStatus: 'unknown' }, { disconnectedAt: NOW }],
    [
      'disconnected, with a replacement',
      'keep',
      { clientStatus: 'unknown', nextAllocation: 'next' },
      { disconnectedAt: 0 },
    ],
  ])('%s → %s', (_name, expected, alloc, context) => {
    expect(verdict(alloc, context)).toBe(expected);
  });
});

describe('the tracker of spec/lifecycle §5.5', () => {
  it('carries the last five events of an unlimited policy', () => {
    const previous = allocation({ id: 'p', clientStatus: 'failed', rescheduleTracker: tracker([1, 2, 3, 4, 5, 6]) });
    const { events, lastReschedule } = nextTracker(previous, policy(), NOW);
    expect(events.map(({ delay }) => delay / S)).toEqual([2, 3, 4, 5, 6, 12]);
    expect(events.at(-1)).toMatchObject({ rescheduleTime: NOW, prevAllocId: 'p', prevNodeId: 'node-0' });
    expect(lastReschedule).toBe('ok');
  });

  it('carries what is within the interval of a limited one', () => {
    const previous = allocation({ clientStatus: 'failed', rescheduleTracker: tracker([5], NOW - 601 * US) });
    expect(nextTracker(previous, limited(1), NOW).events).toHaveLength(1);
  });

  it('names the nodes to avoid', () => {
    const previous = allocation({ nodeId: 'n', clientStatus: 'failed', rescheduleTracker: tracker([1, 2]) });
    expect([...penaltyNodes(previous)].sort()).toEqual(['n', 'node-0', 'node-1']);
  });
});
