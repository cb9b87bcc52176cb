import type { DurationNs } from '@app/kernel';
import type { ReschedulePolicy } from '../../nomad.js';

const MINUTE: DurationNs = 60e9;
/** More attempts than this are not told apart: the text only has to say that the interval is too short. */
const MAX_ATTEMPTS = 10_000;

const nextDelay = (policy: ReschedulePolicy, last: DurationNs, before: DurationNs): DurationNs => {
  if (policy.DelayFunction === 'constant') return policy.Delay;
  const next = policy.DelayFunction === 'exponential' ? last * 2 : last + before;
  return Math.min(next, policy.MaxDelay);
};

/**
 * How many attempts of a limited policy fit into its interval, and the interval that all of them need: the sum of their delays, in whole
 * minutes if it is longer than one. Source: spec/lifecycle §1.3.
 */
export function delaysOf(policy: ReschedulePolicy): { readonly fitting: number; readonly needed: DurationNs } {
  let [before, last, sum, fitting] = [0, policy.Delay, 0, 0];
  for (let attempt = 0; attempt < Math.min(policy.Attempts, MAX_ATTEMPTS); attempt++) {
    sum += last;
    if (sum <= policy.Interval) fitting++;
    [before, last] = [last, nextDelay(policy, last, before)];
  }
  return { fitting, needed: sum > MINUTE ? Math.ceil(sum / MINUTE) * MINUTE : sum };
}
