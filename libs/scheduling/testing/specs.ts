import type { JobSpec, JobType, NodeDescription, Task, TaskGroup } from '@app/domain';
import { jobOf, needs, nodeDescription, SECOND_NS, task as anyTask, taskGroup, updateStrategy } from '@app/testing';

/** A rolling update of one at a time. */
export const rolling = updateStrategy;

/** 100 MHz and 64 MB of mock_driver. */
export const task = (change: Partial<Task> = {}): Task => anyTask({ Resources: needs(100, 64), ...change });

/** One task, three allocations, the default policies of a service. */
export const group = (change: Partial<TaskGroup> = {}): TaskGroup =>
  taskGroup([task()], {
    Count: 3,
    ReschedulePolicy: {
      Attempts: 0,
      Interval: 0,
      Delay: 30 * SECOND_NS,
      DelayFunction: 'exponential',
      MaxDelay: 3600 * SECOND_NS,
      Unlimited: true,
    },
    ...change,
  });

/** A job named `shop`. */
export const spec = (type: JobType, groups: TaskGroup[], change: Partial<JobSpec> = {}): JobSpec =>
  jobOf('shop', type, groups, change);

export const service = (change: Partial<TaskGroup> = {}, job: Partial<JobSpec> = {}): JobSpec =>
  spec('service', [group(change)], job);

/** One attempt after five seconds, no deployments. */
export const batch = (change: Partial<TaskGroup> = {}, job: Partial<JobSpec> = {}): JobSpec => {
  const ReschedulePolicy = {
    Attempts: 1,
    Interval: 24 * 3600 * SECOND_NS,
    Delay: 5 * SECOND_NS,
    DelayFunction: 'constant',
    MaxDelay: 0,
    Unlimited: false,
  };
  return spec('batch', [group({ Update: null, ReschedulePolicy, Count: 1, ...change })], job);
};

/** One per node. */
export const system = (change: Partial<TaskGroup> = {}, job: Partial<JobSpec> = {}): JobSpec =>
  spec('system', [group({ Count: 1, ReschedulePolicy: null, ...change })], job);

/** The same job with other tasks: its allocations have to be replaced. */
export const changed = (job: JobSpec, tag: string): JobSpec => ({
  ...job,
  TaskGroups: job.TaskGroups.map((g) => ({ ...g, Tasks: g.Tasks.map((t) => ({ ...t, Env: { ...t.Env, TAG: tag } })) })),
});

/** 4000 MHz, 8 GB, one address. */
export const node = (ID: string, change: Partial<NodeDescription> = {}): NodeDescription =>
  nodeDescription(ID, { Name: ID, HTTPAddr: '127.0.0.1:4646', Attributes: { 'kernel.name': 'linux' }, ...change });
