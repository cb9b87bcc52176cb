import type { Disconnect, MigrateStrategy, ReschedulePolicy, RestartPolicy, UpdateStrategy } from '../../nomad.js';
import { block, flag, integer, isBlank, isObject, optional, overlay, text } from './read.js';

/* The policies of a job and of its groups: defaults and inheritance. Source: spec/lifecycle §1.2. */

const SECOND = 1e9;
const MINUTE = 60 * SECOND;
const HOUR = 60 * MINUTE;

const readUpdate = block<UpdateStrategy>({
  Stagger: integer(30 * SECOND),
  MaxParallel: integer(1),
  HealthCheck: text('checks'),
  MinHealthyTime: integer(10 * SECOND),
  HealthyDeadline: integer(5 * MINUTE),
  ProgressDeadline: integer(10 * MINUTE),
  AutoRevert: flag(),
  AutoPromote: flag(),
  Canary: integer(),
});

const allowsUpdate = (type: string) => type === 'service' || type === 'system';

/** The update block that the groups inherit, or null for none. Services and system jobs have one unasked. */
const inheritedUpdate = (type: string, jobUpdate: unknown): UpdateStrategy | null =>
  isObject(jobUpdate) || allowsUpdate(type) ? readUpdate(jobUpdate) : null;

/**
 * The job's block under the group's. A job block of nothing but zeros, as batch jobs show it, is not inherited. null when neither says
 * anything.
 */
export function groupUpdate(type: string, jobUpdate: unknown, given: unknown): UpdateStrategy | null {
  const inherited = inheritedUpdate(type, jobUpdate);
  if (!isObject(given) && isBlank(inherited)) return null;
  return readUpdate(overlay(inherited, given));
}

const NO_UPDATE: UpdateStrategy = {
  Stagger: 0,
  MaxParallel: 0,
  HealthCheck: '',
  MinHealthyTime: 0,
  HealthyDeadline: 0,
  ProgressDeadline: 0,
  AutoRevert: false,
  AutoPromote: false,
  Canary: 0,
};

/** What is stored at the job: stagger and max_parallel only, the rest lives in the groups. */
export function jobUpdate(type: string, given: unknown): UpdateStrategy {
  const { Stagger, MaxParallel } = inheritedUpdate(type, given) ?? NO_UPDATE;
  return MaxParallel > 0 ? { ...NO_UPDATE, Stagger, MaxParallel } : NO_UPDATE;
}

const migratePolicy = (byDefault: MigrateStrategy) =>
  block<MigrateStrategy>({
    MaxParallel: integer(byDefault.MaxParallel),
    HealthCheck: text(byDefault.HealthCheck),
    MinHealthyTime: integer(byDefault.MinHealthyTime),
    HealthyDeadline: integer(byDefault.HealthyDeadline),
  });
const readServiceMigrate = migratePolicy({
  MaxParallel: 1,
  HealthCheck: 'checks',
  MinHealthyTime: 10 * SECOND,
  HealthyDeadline: 5 * MINUTE,
});
const readOtherMigrate = migratePolicy({ MaxParallel: 0, HealthCheck: '', MinHealthyTime: 0, HealthyDeadline: 0 });

/** Services have one unasked; elsewhere it is kept as given, for validation to refuse. */
export function groupMigrate(type: string, jobMigrate: unknown, given: unknown): MigrateStrategy | null {
  if (type === 'service') return readServiceMigrate(overlay(jobMigrate, given));
  return isObject(jobMigrate) || isObject(given) ? readOtherMigrate(overlay(jobMigrate, given)) : null;
}

const reschedulePolicy = (byDefault: ReschedulePolicy) =>
  block<ReschedulePolicy>({
    Attempts: integer(byDefault.Attempts),
    Interval: integer(byDefault.Interval),
    Delay: integer(byDefault.Delay),
    DelayFunction: text(byDefault.DelayFunction),
    MaxDelay: integer(byDefault.MaxDelay),
    Unlimited: flag(byDefault.Unlimited),
  });
const readServiceReschedule = reschedulePolicy({
  Attempts: 0,
  Interval: 0,
  Delay: 30 * SECOND,
  DelayFunction: 'exponential',
  MaxDelay: HOUR,
  Unlimited: true,
});
const readBatchReschedule = reschedulePolicy({
  Attempts: 1,
  Interval: 24 * HOUR,
  Delay: 5 * SECOND,
  DelayFunction: 'constant',
  MaxDelay: 0,
  Unlimited: false,
});
const readOtherReschedule = reschedulePolicy({
  Attempts: 0,
  Interval: 0,
  Delay: 0,
  DelayFunction: '',
  MaxDelay: 0,
  Unlimited: false,
});

/** Services and batch jobs have one unasked; elsewhere it is kept as given, for validation to refuse. */
export function groupReschedule(type: string, jobReschedule: unknown, given: unknown): ReschedulePolicy | null {
  const merged = overlay(jobReschedule, given);
  if (type === 'service') return readServiceReschedule(merged);
  if (type === 'batch') return readBatchReschedule(merged);
  return isObject(jobReschedule) || isObject(given) ? readOtherReschedule(merged) : null;
}

const restartPolicy = (byDefault: RestartPolicy) =>
  block<RestartPolicy>({
    Attempts: integer(byDefault.Attempts),
    Interval: integer(byDefault.Interval),
    Delay: integer(byDefault.Delay),
    Mode: text(byDefault.Mode),
    RenderTemplates: flag(byDefault.RenderTemplates),
  });
const LONG_RUNNING_RESTART: RestartPolicy = {
  Attempts: 2,
  Interval: 30 * MINUTE,
  Delay: 15 * SECOND,
  Mode: 'fail',
  RenderTemplates: false,
};
const BATCH_RESTART: RestartPolicy = { ...LONG_RUNNING_RESTART, Attempts: 3, Interval: 24 * HOUR };

export const groupRestart = (type: string, given: unknown): RestartPolicy =>
  restartPolicy(allowsUpdate(type) ? LONG_RUNNING_RESTART : BATCH_RESTART)(given);

/** The group's policy, with the members that the task gives laid over it. */
export const taskRestart = (group: RestartPolicy, given: unknown): RestartPolicy => restartPolicy(group)(given);

export const readDisconnect = block<Disconnect>({
  LostAfter: integer(),
  StopOnClientAfter: optional(integer()),
  Replace: (value) => (typeof value === 'boolean' ? value : true),
  Reconcile: text('best_score'),
});
