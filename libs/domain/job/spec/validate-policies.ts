import { goDuration, goList, quoted, type DurationNs } from '@app/kernel';
import type { Disconnect, MigrateStrategy, ReschedulePolicy, RestartPolicy, UpdateStrategy } from '../../nomad.js';
import { delaysOf } from './reschedule-delays.js';

/* What is wrong with the policies of a group: one text for each mistake, in Nomad's order. Source: spec/lifecycle §1.3, http-api §4.3. */

/** Beyond Nomad, which has no bound: allocations that one group may ask for. Each gets a name of its own at every pass. */
export const MAX_COUNT = 100_000;

const SECOND = 1e9;
const MIN_RESTART_INTERVAL: DurationNs = 5 * SECOND;
const MIN_RESCHEDULE_DELAY: DurationNs = 5 * SECOND;
const MIN_RESCHEDULE_INTERVAL: DurationNs = 15 * SECOND;
const DELAY_FUNCTIONS = ['constant', 'exponential', 'fibonacci'];

/** Keeps the texts whose condition holds. */
export const mistakes = (checks: readonly (readonly [boolean, string])[]): string[] =>
  checks.filter(([isWrong]) => isWrong).map(([, text]) => text);

export const updateErrors = (update: UpdateStrategy): string[] =>
  mistakes([
    [
      !['checks', 'task_states', 'manual'].includes(update.HealthCheck),
      `Invalid health check given: ${quoted(update.HealthCheck)}`,
    ],
    [update.MaxParallel < 0, `Max parallel can not be less than zero: ${update.MaxParallel} < 0`],
    [update.Canary < 0, `Canary count can not be less than zero: ${update.Canary} < 0`],
    [update.Canary > MAX_COUNT, `Canary count can not be greater than ${MAX_COUNT}: ${update.Canary}`],
    [update.Canary === 0 && update.AutoPromote, 'Auto Promote requires a Canary count greater than zero'],
    [update.MinHealthyTime < 0, `Minimum healthy time may not be less than zero: ${goDuration(update.MinHealthyTime)}`],
    [update.HealthyDeadline <= 0, `Healthy deadline must be greater than zero: ${goDuration(update.HealthyDeadline)}`],
    [update.ProgressDeadline < 0, `Progress deadline must be zero or greater: ${goDuration(update.ProgressDeadline)}`],
    [
      update.MinHealthyTime >= update.HealthyDeadline,
      `Minimum healthy time must be less than healthy deadline: ${goDuration(update.MinHealthyTime)} > ${goDuration(update.HealthyDeadline)}`,
    ],
    [
      update.ProgressDeadline !== 0 && update.HealthyDeadline >= update.ProgressDeadline,
      `Healthy deadline must be less than progress deadline: ${goDuration(update.HealthyDeadline)} > ${goDuration(update.ProgressDeadline)}`,
    ],
    [update.Stagger <= 0, `Stagger must be greater than zero: ${goDuration(update.Stagger)}`],
  ]);

export const migrateErrors = (migrate: MigrateStrategy): string[] =>
  mistakes([
    [migrate.MaxParallel < 0, `MaxParallel must be >= 0 but found ${migrate.MaxParallel}`],
    [!['checks', 'task_states'].includes(migrate.HealthCheck), `Invalid HealthCheck: ${quoted(migrate.HealthCheck)}`],
    [migrate.MinHealthyTime < 0, `MinHealthyTime is ${goDuration(migrate.MinHealthyTime)} and must be >= 0`],
    [migrate.HealthyDeadline < 0, `HealthyDeadline is ${goDuration(migrate.HealthyDeadline)} and must be >= 0`],
    [migrate.MinHealthyTime > migrate.HealthyDeadline, 'MinHealthyTime must be less than HealthyDeadline'],
  ]);

export const restartErrors = (restart: RestartPolicy): string[] =>
  mistakes([
    [!['fail', 'delay'].includes(restart.Mode), `Unsupported restart mode: ${quoted(restart.Mode)}`],
    [
      restart.Attempts === 0 && restart.Mode !== 'fail',
      `Restart policy ${quoted(restart.Mode)} with ${restart.Attempts} attempts is ambiguous`,
    ],
    [
      restart.Interval < MIN_RESTART_INTERVAL,
      `Interval can not be less than ${goDuration(MIN_RESTART_INTERVAL)} (got ${goDuration(restart.Interval)})`,
    ],
    [
      restart.Attempts * restart.Delay > restart.Interval,
      `Nomad can't restart the TaskGroup ${restart.Attempts} times in an interval of ${goDuration(restart.Interval)} with a delay of ${goDuration(restart.Delay)}`,
    ],
  ]);

const hasReschedule = (policy: ReschedulePolicy) => policy.Attempts > 0 || policy.Unlimited;

const delayErrors = (policy: ReschedulePolicy): string[] =>
  mistakes([
    [
      policy.Delay < MIN_RESCHEDULE_DELAY,
      `Delay cannot be less than ${goDuration(MIN_RESCHEDULE_DELAY)} (got ${goDuration(policy.Delay)})`,
    ],
    [
      !DELAY_FUNCTIONS.includes(policy.DelayFunction),
      `Invalid delay function ${quoted(policy.DelayFunction)}, must be one of ${goList(DELAY_FUNCTIONS.map(quoted))}`,
    ],
    [
      policy.DelayFunction !== 'constant' && policy.MaxDelay < MIN_RESCHEDULE_DELAY,
      `Max Delay cannot be less than ${goDuration(MIN_RESCHEDULE_DELAY)} (got ${goDuration(policy.MaxDelay)})`,
    ],
    [
      policy.DelayFunction !== 'constant' && policy.MaxDelay < policy.Delay,
      `Max Delay cannot be less than Delay ${goDuration(policy.Delay)} (got ${goDuration(policy.MaxDelay)})`,
    ],
  ]);

/** All attempts must fit into the interval. */
function attemptErrors(policy: ReschedulePolicy): string[] {
  const { fitting, needed } = delaysOf(policy);
  if (fitting >= policy.Attempts) return [];
  const ceiling = policy.DelayFunction === 'constant' ? '' : `, and delay ceiling ${goDuration(policy.MaxDelay)}`;
  return [
    `Nomad can only make ${fitting} attempts in ${goDuration(policy.Interval)} with initial delay ${goDuration(policy.Delay)} and delay function ${quoted(policy.DelayFunction)}${ceiling}`,
    `Set the interval to at least ${goDuration(needed)} to accommodate ${policy.Attempts} attempts`,
  ];
}

export function rescheduleErrors(policy: ReschedulePolicy): string[] {
  if (!hasReschedule(policy)) return [];
  const ambiguous = policy.Attempts > 0 && policy.Unlimited;
  const delays = delayErrors(policy);
  return [
    ...mistakes([
      [policy.Attempts > 0 && policy.Interval <= 0, 'Interval must be a non zero value if Attempts > 0'],
      [
        ambiguous,
        `Reschedule Policy with Attempts = ${policy.Attempts}, Interval = ${goDuration(policy.Interval)}, and Unlimited = ${policy.Unlimited} is ambiguous`,
      ],
      [ambiguous, 'If Attempts >0, Unlimited cannot also be set to true'],
    ]),
    ...delays,
    ...mistakes([
      [
        !policy.Unlimited && policy.Interval < MIN_RESCHEDULE_INTERVAL,
        `Interval cannot be less than ${goDuration(MIN_RESCHEDULE_INTERVAL)} (got ${goDuration(policy.Interval)})`,
      ],
    ]),
    ...(delays.length === 0 && !policy.Unlimited ? attemptErrors(policy) : []),
  ];
}

export const disconnectErrors = (disconnect: Disconnect, jobType: string): string[] =>
  mistakes([
    [
      disconnect.LostAfter !== 0 && disconnect.StopOnClientAfter !== null,
      'Disconnect cannot be configured with both lost_after and stop_after',
    ],
    [disconnect.LostAfter < 0, 'lost_after cannot be a negative duration'],
    [(disconnect.StopOnClientAfter ?? 0) < 0, 'stop_after cannot be a negative duration'],
    [
      disconnect.StopOnClientAfter !== null && jobType !== 'service' && jobType !== 'batch',
      'stop_after can only be used with service or batch job types',
    ],
    [
      !['', 'keep_original', 'keep_replacement', 'best_score', 'longest_running'].includes(disconnect.Reconcile),
      `reconcile option is invalid: ${disconnect.Reconcile}`,
    ],
  ]);
