import type { RestartPolicy } from '@app/domain';
import { goDuration, usFromNs, type DurationNs, type TimeUs } from '@app/kernel';
import { WITHIN_POLICY } from './task-event.js';

/** How often a task was restarted in the current interval, and when that began: at first when its runner was made. */
export interface RestartWindow {
  readonly count: number;
  readonly startUs: TimeUs;
}

/** Why a task does not run any more. */
export type TaskEnd =
  | { readonly kind: 'exited'; readonly successful: boolean }
  | { readonly kind: 'not-started'; readonly recoverable: boolean }
  /** Somebody asked for a restart: policy and delay do not apply. */
  | { readonly kind: 'restart-requested' };

export type RestartVerdict =
  /** The task is done, and well. */
  | { readonly kind: 'finish' }
  | { readonly kind: 'fail'; readonly reason: string }
  | { readonly kind: 'restart'; readonly reason: string; readonly delay: DurationNs };

export interface RestartQuestion {
  readonly policy: RestartPolicy;
  readonly window: RestartWindow;
  readonly end: TaskEnd;
  /** Whether a successful exit is followed by a restart: services and sidecars. */
  readonly restartsOnSuccess: boolean;
  readonly now: TimeUs;
  /** From 0 to 1: where in the extra quarter of the delay this restart falls. */
  readonly jitter: number;
}

const fail = (reason: string): RestartVerdict => ({ kind: 'fail', reason });

/** Decides what follows the end of a task that was not killed (spec/lifecycle §9.6). */
export function decideRestart(question: RestartQuestion): { verdict: RestartVerdict; window: RestartWindow } {
  const { policy, end, now } = question;
  if (end.kind === 'restart-requested') {
    return { verdict: { kind: 'restart', reason: '', delay: 0 }, window: question.window };
  }
  const done = end.kind === 'exited' && end.successful && !question.restartsOnSuccess;
  if (policy.Attempts === 0) {
    return { verdict: done ? { kind: 'finish' } : fail('Policy allows no restarts'), window: question.window };
  }
  const intervalUs = usFromNs(policy.Interval);
  const expired = now > question.window.startUs + intervalUs;
  const window = {
    count: expired ? 1 : question.window.count + 1,
    startUs: expired ? now : question.window.startUs,
  };
  if (end.kind === 'not-started' && !end.recoverable) return { verdict: fail('Error was unrecoverable'), window };
  if (done) return { verdict: { kind: 'finish' }, window };
  if (window.count <= policy.Attempts) {
    const delay = policy.Delay + Math.floor((question.jitter * policy.Delay) / 4);
    return { verdict: { kind: 'restart', reason: WITHIN_POLICY, delay }, window };
  }
  if (policy.Mode === 'delay') {
    const delay = Math.max(0, window.startUs + intervalUs - now) * 1000;
    return { verdict: { kind: 'restart', reason: 'Exceeded allowed attempts, applying a delay', delay }, window };
  }
  const interval = goDuration(policy.Interval);
  return {
    verdict: fail(`Exceeded allowed attempts ${policy.Attempts} in interval ${interval} and mode is "fail"`),
    window,
  };
}
