import type { Task, TaskState } from '@app/domain';

/* Which task may start, and which must end, given the states of all tasks of a group (spec/lifecycle §9.7). Pure. */

export type TaskRole = 'prestart' | 'prestart-sidecar' | 'main' | 'poststart' | 'poststart-sidecar' | 'poststop';

/** The part that a task plays. An unknown hook counts as a main task. */
export function roleOf(task: Pick<Task, 'Lifecycle'>): TaskRole {
  const sidecar = task.Lifecycle?.Sidecar ?? false;
  switch (task.Lifecycle?.Hook) {
    case 'prestart':
      return sidecar ? 'prestart-sidecar' : 'prestart';
    case 'poststart':
      return sidecar ? 'poststart-sidecar' : 'poststart';
    case 'poststop':
      return 'poststop';
    default:
      return 'main';
  }
}
export const isSidecar = (role: TaskRole): boolean => role === 'prestart-sidecar' || role === 'poststart-sidecar';

/** A task with its part and where it stands. */
export interface TaskInGroup {
  readonly name: string;
  readonly role: TaskRole;
  readonly leader: boolean;
  readonly state: TaskState;
}

const isDead = (task: TaskInGroup): boolean => task.state.State === 'dead';
const isFailed = (task: TaskInGroup): boolean => isDead(task) && task.state.Failed;
/** Has been running at some time: one that restarts, or has ended already, does not hold the others up. */
const hasStarted = (task: TaskInGroup): boolean => task.state.StartedAt !== null;

/** Whether a task that waits may start now. */
export function mayStart(task: TaskInGroup, group: readonly TaskInGroup[]): boolean {
  switch (task.role) {
    case 'prestart':
    case 'prestart-sidecar':
      return true;
    case 'main':
      return group.every(
        (other) =>
          (other.role !== 'prestart' || (isDead(other) && !other.state.Failed)) &&
          (other.role !== 'prestart-sidecar' || hasStarted(other)),
      );
    case 'poststart':
    case 'poststart-sidecar':
      return group.every((other) => other.role !== 'main' || hasStarted(other));
    case 'poststop':
      return group.every((other) => other.role === 'poststop' || isDead(other));
  }
}

/** Why the remaining tasks of a group have to be killed. */
export type GroupEnd =
  | { readonly kind: 'leader-dead' }
  | { readonly kind: 'sibling-failed'; readonly sibling: string }
  | { readonly kind: 'main-tasks-dead' };

/** What the end of a task means for the others, or null if they go on. Poststop tasks are never concerned. */
export function groupEnd(group: readonly TaskInGroup[]): GroupEnd | null {
  const tasks = group.filter((task) => task.role !== 'poststop');
  const alive = tasks.filter((task) => !isDead(task));
  if (alive.length === 0) return null;
  if (tasks.some((task) => task.leader && isDead(task))) return { kind: 'leader-dead' };
  const failed = tasks.find(isFailed);
  if (failed) return { kind: 'sibling-failed', sibling: failed.name };
  const onlySidecars = alive.every((task) => isSidecar(task.role)) && tasks.some((task) => !isSidecar(task.role));
  return onlySidecars ? { kind: 'main-tasks-dead' } : null;
}

/** The order of a kill: each wave ends before the next is asked to. Poststop tasks are not killed. */
export function killOrder(group: readonly TaskInGroup[]): readonly (readonly string[])[] {
  const tasks = group.filter((task) => task.role !== 'poststop' && !isDead(task));
  const names = (belongs: (task: TaskInGroup) => boolean): string[] => tasks.filter(belongs).map((task) => task.name);
  return [
    names((task) => task.leader),
    names((task) => !task.leader && !isSidecar(task.role)),
    names((task) => !task.leader && isSidecar(task.role)),
  ].filter((wave) => wave.length > 0);
}
