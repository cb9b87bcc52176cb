import type { RestartPolicy } from '@app/domain';
import { decideRestart, type RestartQuestion, type TaskEnd } from './restart-policy.js';

const SECOND_US = 1_000_000;
const policy = (extra: Partial<RestartPolicy> = {}): RestartPolicy => ({
  Attempts: 2,
  Interval: 600e9,
  Delay: 15e9,
  Mode: 'fail',
  RenderTemplates: false,
  ...extra,
});
const failed: TaskEnd = { kind: 'exited', successful: false };
const succeeded: TaskEnd = { kind: 'exited', successful: true };
const ask = (extra: Partial<RestartQuestion> = {}): RestartQuestion => ({
  policy: policy(),
  window: { count: 0, startUs: 0 },
  end: failed,
  restartsOnSuccess: true,
  now: 10 * SECOND_US,
  jitter: 0,
  ...extra,
});
const verdict = (extra: Partial<RestartQuestion> = {}): unknown => decideRestart(ask(extra)).verdict;

describe('a restart policy', () => {
  it('restarts a failed task after its delay', () => {
    expect(decideRestart(ask())).toEqual({
      verdict: { kind: 'restart', reason: 'Restart within policy', delay: 15e9 },
      window: { count: 1, startUs: 0 },
    });
  });

  it('lengthens the delay by up to a quarter at random', () => {
    expect(verdict({ jitter: 1 })).toMatchObject({ delay: 15e9 * 1.25 });
  });

  it('gives up in mode "fail" when the attempts of an interval are used up', () => {
    expect(verdict({ window: { count: 2, startUs: 0 } })).toEqual({
      kind: 'fail',
      reason: 'Exceeded allowed attempts 2 in interval 10m0s and mode is "fail"',
    });
  });

  it('waits in mode "delay" for the end of the interval', () => {
    expect(verdict({ policy: policy({ Mode: 'delay' }), window: { count: 2, startUs: 0 } })).toEqual({
      kind: 'restart',
      reason: 'Exceeded allowed attempts, applying a delay',
      delay: 590e9,
    });
  });

  it('counts anew when the interval is over', () => {
    const now = 601 * SECOND_US;
    expect(decideRestart(ask({ window: { count: 2, startUs: 0 }, now }))).toMatchObject({
      verdict: { kind: 'restart' },
      window: { count: 1, startUs: now },
    });
  });

  it('lets a batch task finish that was successful, and restarts a service', () => {
    expect(verdict({ end: succeeded, restartsOnSuccess: false })).toEqual({ kind: 'finish' });
    expect(verdict({ end: succeeded })).toMatchObject({ kind: 'restart' });
  });

  it('without attempts fails every end but the success of a batch task', () => {
    const none = policy({ Attempts: 0 });
    const reason = 'Policy allows no restarts';
    expect(verdict({ policy: none })).toEqual({ kind: 'fail', reason });
    expect(verdict({ policy: none, end: succeeded })).toEqual({ kind: 'fail', reason });
    expect(verdict({ policy: none, end: succeeded, restartsOnSuccess: false })).toEqual({ kind: 'finish' });
    expect(verdict({ policy: none, end: { kind: 'not-started', recoverable: false } })).toEqual({
      kind: 'fail',
      reason,
    });
  });

  it('tries again to start a task only if that may help', () => {
    expect(verdict({ end: { kind: 'not-started', recoverable: true } })).toMatchObject({ kind: 'restart' });
    expect(verdict({ end: { kind: 'not-started', recoverable: false } })).toEqual({
      kind: 'fail',
      reason: 'Error was unrecoverable',
    });
  });

  it('does not apply to a restart that an operator asks for', () => {
    const question = ask({ end: { kind: 'restart-requested' }, policy: policy({ Attempts: 0 }) });
    expect(decideRestart(question)).toEqual({
      verdict: { kind: 'restart', reason: '', delay: 0 },
      window: question.window,
    });
  });
});
