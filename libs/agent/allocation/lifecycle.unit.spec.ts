import type { TaskState } from '@app/domain';
import { NEW_TASK } from '../task/task-state.js';
import { groupEnd, killOrder, mayStart, roleOf, type TaskInGroup, type TaskRole } from './lifecycle.js';

const STARTED = '2030-01-01T00:00:00Z';
const states: Record<string, TaskState> = {
  pending: NEW_TASK,
  running: { ...NEW_TASK, State: 'running', StartedAt: STARTED },
  done: { ...NEW_TASK, State: 'dead', StartedAt: STARTED },
  failed: { ...NEW_TASK, State: 'dead', StartedAt: STARTED, Failed: true },
};
/** `main running`, `prestart done`, `main running leader` … named after what they are. */
const group = (...tasks: readonly string[]): TaskInGroup[] =>
  tasks.map((text) => {
    const [role = '', state = '', leader] = text.split(' ');
    return { name: role, role: role as TaskRole, leader: leader !== undefined, state: states[state] ?? NEW_TASK };
  });
const startable = (...tasks: readonly string[]): string[] => {
  const all = group(...tasks);
  return all.filter((task) => task.state.State === 'pending' && mayStart(task, all)).map((task) => task.name);
};

it('the role of a task follows from its lifecycle block', () => {
  expect(roleOf({ Lifecycle: null })).toBe('main');
  expect(roleOf({ Lifecycle: { Hook: 'prestart', Sidecar: false } })).toBe('prestart');
  expect(roleOf({ Lifecycle: { Hook: 'prestart', Sidecar: true } })).toBe('prestart-sidecar');
  expect(roleOf({ Lifecycle: { Hook: 'poststart', Sidecar: true } })).toBe('poststart-sidecar');
  expect(roleOf({ Lifecycle: { Hook: 'poststop', Sidecar: false } })).toBe('poststop');
});

describe('a task may start', () => {
  it.each([
    [
      ['prestart pending', 'prestart-sidecar pending', 'main pending', 'poststop pending'],
      ['prestart', 'prestart-sidecar'],
    ],
    [['prestart running', 'prestart-sidecar running', 'main pending'], []],
    [['prestart done', 'prestart-sidecar pending', 'main pending'], ['prestart-sidecar']],
    [['prestart done', 'prestart-sidecar running', 'main pending', 'poststart pending'], ['main']],
    [['prestart failed', 'main pending'], []],
    [['main running', 'poststart pending', 'poststop pending'], ['poststart']],
    [['main done', 'poststart done', 'poststop pending'], ['poststop']],
    [['main done', 'poststart-sidecar running', 'poststop pending'], []],
  ])('%j: %j', (tasks, expected) => expect(startable(...tasks)).toEqual(expected));
});

describe('the end of a task', () => {
  it.each([
    [['main running', 'prestart done'], null],
    [['main running', 'main failed'], { kind: 'sibling-failed', sibling: 'main' }],
    [['main pending', 'prestart failed'], { kind: 'sibling-failed', sibling: 'prestart' }],
    [['main done leader', 'main running'], { kind: 'leader-dead' }],
    [['main failed leader', 'main running'], { kind: 'leader-dead' }],
    [['main done', 'prestart-sidecar running', 'poststop pending'], { kind: 'main-tasks-dead' }],
    [['main done', 'poststop running'], null],
    [['main failed'], null],
  ])('in %j means %j', (tasks, expected) => expect(groupEnd(group(...tasks))).toEqual(expected));
});

it('the leader is killed alone, then the other tasks, then the sidecars; never poststop tasks or dead ones', () => {
  const tasks = group(
    'prestart-sidecar running',
    'main running leader',
    'poststart running',
    'prestart done',
    'poststop pending',
  );
  expect(killOrder(tasks)).toEqual([['main'], ['poststart'], ['prestart-sidecar']]);
});
