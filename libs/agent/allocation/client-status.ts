import type { ClientStatus, TaskState } from '@app/domain';
import { isoFromUs, type TimeUs, ownProperty } from '@app/kernel';
import { NEW_TASK } from '../task/task-state.js';

export interface ClientStatusReport {
  readonly status: ClientStatus;
  readonly description: string;
}

/** What concerns the allocation as a whole, and outweighs its tasks. */
export interface AllocationConditions {
  readonly exceededMaxRunDuration: boolean;
  /** Why the allocation could not be set up; empty if it could. */
  readonly setupError: string;
}

/** The client status that follows from the states of the tasks (spec/lifecycle §9.4); the first match counts. */
export function clientStatus(states: readonly TaskState[], conditions: AllocationConditions): ClientStatusReport {
  if (conditions.exceededMaxRunDuration) {
    return { status: 'complete', description: 'allocation exceeded max_run_duration' };
  }
  if (conditions.setupError) return { status: 'failed', description: conditions.setupError };
  if (states.some((task) => task.State === 'dead' && task.Failed))
    return { status: 'failed', description: 'Failed tasks' };
  if (states.some((task) => task.State === 'running')) return { status: 'running', description: 'Tasks are running' };
  if (states.some((task) => task.State === 'pending'))
    return { status: 'pending', description: 'No tasks have started' };
  return { status: 'complete', description: 'All tasks have completed' };
}

export const isTerminalStatus = (status: ClientStatus): boolean =>
  status === 'complete' || status === 'failed' || status === 'lost';

/** The task states of a terminal allocation as they are reported: every task has a time at which it finished. */
export function finishedStates(
  names: readonly string[],
  states: Readonly<Record<string, TaskState>>,
  now: TimeUs,
): Record<string, TaskState> {
  const finish = (state: TaskState): TaskState =>
    state.FinishedAt === null ? { ...state, FinishedAt: isoFromUs(now) } : state;
  return Object.fromEntries(
    names.map((name) => [name, finish(ownProperty(states, name) ?? { ...NEW_TASK, State: 'dead' })]),
  );
}
