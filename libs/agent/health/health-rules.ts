import type { JobSpec, TaskGroup, TaskState } from '@app/domain';
import { goDuration, usFromRfc3339, type DurationNs, type TimeUs } from '@app/kernel';
import type { TaskInGroup } from '../allocation/lifecycle.js';

/* When an allocation is healthy (spec/lifecycle §9.8). Pure. */

export interface HealthParameters {
  readonly usesChecks: boolean;
  readonly minHealthyTime: DurationNs;
  readonly healthyDeadline: DurationNs;
  /** Health within a deployment is explained by task events; health for drains is not. */
  readonly inDeployment: boolean;
}

/** By what rules the health of a group's allocation is found out; null if the agent has no say in it. */
export function healthParameters(
  job: Pick<JobSpec, 'Type'>,
  group: TaskGroup,
  deploymentId: string,
): HealthParameters | null {
  if (job.Type !== 'service' && job.Type !== 'system') return null;
  const inDeployment = deploymentId !== '';
  const rules = inDeployment ? group.Update : group.Migrate;
  // An update strategy without parallelism is Nomad's way to say "no deployments".
  if (rules === null || (inDeployment && rules.MaxParallel === 0) || rules.HealthCheck === 'manual') return null;
  return {
    usesChecks: rules.HealthCheck !== 'task_states',
    minHealthyTime: rules.MinHealthyTime,
    healthyDeadline: rules.HealthyDeadline,
    inDeployment,
  };
}

export type Assessment =
  | { readonly kind: 'unhealthy' }
  /** Some task has not started yet, or not again. */
  | { readonly kind: 'waiting' }
  /** All that have to run do; `since` is the latest start. */
  | { readonly kind: 'running'; readonly since: string };

/** Poststop tasks come too late to count, and a poststart task that has done its work does not count any more. */
const counts = ({ role, state }: TaskInGroup): boolean =>
  role !== 'poststop' && !(role === 'poststart' && state.State === 'dead' && !state.Failed);

/** What the states of the tasks say. */
export function assess(group: readonly TaskInGroup[]): Assessment {
  const tasks = group.filter(counts);
  const ended = ({ role, state }: TaskInGroup): boolean =>
    state.Failed || (state.FinishedAt !== null && role !== 'prestart' && role !== 'prestart-sidecar');
  if (tasks.some(ended)) return { kind: 'unhealthy' };
  if (tasks.some(({ state }) => state.State === 'pending')) return { kind: 'waiting' };
  let since = '';
  for (const { state } of tasks) {
    if (usFromRfc3339(state.StartedAt) >= usFromRfc3339(since)) since = state.StartedAt ?? since;
  }
  return { kind: 'running', since };
}

/** What is held against a task that is part of an unhealthy allocation; null if nothing is. */
export function unhealthyText(
  state: TaskState,
  parameters: HealthParameters,
  deadline: { readonly atUs: TimeUs; readonly passed: boolean },
  failingServices: readonly string[],
): string | null {
  if (state.Failed) return 'Unhealthy because of failed task';
  if (state.State === 'dead') return deadline.passed ? 'Unhealthy because of dead task' : null;
  if (!deadline.passed) return null;
  const by = `by healthy_deadline of ${goDuration(parameters.healthyDeadline)}`;
  if (state.State === 'pending') return `Task not running ${by}`;
  if (usFromRfc3339(state.StartedAt) + parameters.minHealthyTime / 1000 > deadline.atUs) {
    return `Task not running for min_healthy_time of ${goDuration(parameters.minHealthyTime)} ${by}`;
  }
  return failingServices.length > 0 ? `Services not healthy by deadline: ${failingServices.join(', ')}` : null;
}

export type CheckStatus = 'pending' | 'passing' | 'warning' | 'critical';

/** Whether a check in this state stands in the way of health; `on_update` may forgive warnings, or everything. */
export function isCheckHealthy(status: CheckStatus, onUpdate: string): boolean {
  switch (status) {
    case 'passing':
      return true;
    case 'warning':
      return onUpdate === 'ignore_warnings' || onUpdate === 'ignore';
    case 'critical':
      return onUpdate === 'ignore';
    case 'pending':
      return false;
  }
}
