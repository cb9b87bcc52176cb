import type { JobSpec, JobType, TaskGroup } from '@app/domain';
import { batch, changed, group, service, spec, system } from '../../libs/scheduling/testing/specs.js';
import { QUALITY_META, type Quality } from './clients.js';
import type { Random } from './random.js';

const NS_PER_S = 1e9;
/** The second is a name that no object may be asked for. */
const GROUPS = ['web', '__proto__'];
/** What one allocation takes: MHz and MB alike. */
export const SIZE_OF_ONE = 10;

export type Kind = JobType | 'periodic' | 'parameterized';

/** A job with a manner of its own to roll out, to fail and to be replaced. `count`: of all its groups together, or nodes for system jobs. */
export function jobOf(kind: Kind, id: string, count: number, random: Random): JobSpec {
  const about = { ID: id, Name: id, Meta: { [QUALITY_META]: 'good' satisfies Quality } };
  const Disconnect = random.chance(0.3) ? disconnectOf(random) : null;
  const small = (job: JobSpec): JobSpec => ({ ...job, TaskGroups: job.TaskGroups.map(withSmallTasks) });
  switch (kind) {
    case 'service':
      return small(serviceOf(about, count, Disconnect, random));
    case 'batch':
      return small(batch({ Count: count, Disconnect }, about));
    case 'system': {
      const Update = { ...updateOf(count, random), Canary: random.pick([0, 0, 20])! };
      return small(system({ Update, Disconnect }, about));
    }
    case 'sysbatch':
      return small(spec('sysbatch', [group({ Count: 1, Update: null, ReschedulePolicy: null })], about));
    case 'periodic': {
      const schedule = { Enabled: true, Spec: '*/15 * * * *', Specs: null, SpecType: 'cron', TimeZone: 'UTC' };
      return small(batch({ Count: count }, { ...about, Periodic: { ...schedule, ProhibitOverlap: true } }));
    }
    case 'parameterized': {
      const ParameterizedJob = { Payload: 'optional', MetaRequired: null, MetaOptional: null };
      return small(batch({ Count: count }, { ...about, ParameterizedJob }));
    }
  }
}

function serviceOf(
  about: Partial<JobSpec>,
  count: number,
  Disconnect: TaskGroup['Disconnect'],
  random: Random,
): JobSpec {
  const isDouble = count > 1 && random.chance(0.2);
  const counts = isDouble ? [Math.ceil(count / 2), Math.floor(count / 2)] : [count];
  const [first, second] = counts.map((Count, i) => {
    const Migrate = {
      MaxParallel: Math.max(1, Math.ceil(Count / 10)),
      HealthCheck: 'task_states',
      MinHealthyTime: 10 * NS_PER_S,
      HealthyDeadline: 300 * NS_PER_S,
    };
    return group({ Name: GROUPS[i]!, Count, Update: updateOf(Count, random), Migrate, Disconnect });
  });
  const whole = service(first, about);
  return second === undefined ? whole : { ...whole, TaskGroups: [...whole.TaskGroups, second] };
}

function updateOf(count: number, random: Random): NonNullable<TaskGroup['Update']> {
  const canary = random.pick([0, 0, 1, 2, Math.ceil(count / 10)])!;
  return {
    Stagger: 30 * NS_PER_S,
    MaxParallel: random.between(1, Math.max(1, Math.ceil(count / 4))),
    HealthCheck: 'task_states',
    MinHealthyTime: random.between(1, 20) * NS_PER_S,
    HealthyDeadline: 120 * NS_PER_S,
    ProgressDeadline: random.pick([180, 300, 600])! * NS_PER_S,
    AutoRevert: random.chance(0.5),
    AutoPromote: canary > 0 && random.chance(0.4),
    Canary: canary,
  };
}

const disconnectOf = (random: Random): TaskGroup['Disconnect'] => ({
  LostAfter: random.between(60, 900) * NS_PER_S,
  StopOnClientAfter: null,
  Replace: random.chance(0.7),
  Reconcile: random.pick(['best_score', 'keep_original', 'keep_replacement', 'longest_running'])!,
});

const withSmallTasks = (one: TaskGroup): TaskGroup => ({
  ...one,
  Tasks: one.Tasks.map((task) => ({
    ...task,
    Resources: { ...task.Resources, CPU: SIZE_OF_ONE, MemoryMB: SIZE_OF_ONE },
  })),
});

/** A new version that fares as `quality` says. */
export const anew = (job: JobSpec, tag: string, quality: Quality): JobSpec => ({
  ...changed(job, tag),
  Stop: false,
  Meta: { ...job.Meta, [QUALITY_META]: quality },
});

/** The same with other counts. */
export const scaled = (job: JobSpec, factor: number): JobSpec => ({
  ...job,
  TaskGroups: job.TaskGroups.map((one) => ({ ...one, Count: Math.max(1, Math.round(one.Count * factor)) })),
});
