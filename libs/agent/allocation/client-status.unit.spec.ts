import type { TaskState } from '@app/domain';
import { NEW_TASK } from '../task/task-state.js';
import { clientStatus, finishedStates } from './client-status.js';

const none = { exceededMaxRunDuration: false, setupError: '' };
const pending = NEW_TASK;
const running: TaskState = { ...NEW_TASK, State: 'running' };
const dead: TaskState = { ...NEW_TASK, State: 'dead' };
const failed: TaskState = { ...dead, Failed: true };

describe('the client status of an allocation', () => {
  it.each<[string, TaskState[], string, string]>([
    ['nothing has started', [pending, pending], 'pending', 'No tasks have started'],
    ['something runs', [pending, running, dead], 'running', 'Tasks are running'],
    ['a failed task outweighs a running one', [running, failed], 'failed', 'Failed tasks'],
    ['a task that failed before but runs again', [{ ...running, Failed: true }], 'running', 'Tasks are running'],
    ['one waits, one is done', [dead, pending], 'pending', 'No tasks have started'],
    ['all are done', [dead, dead], 'complete', 'All tasks have completed'],
  ])('%s', (_, states, status, description) => {
    expect(clientStatus(states, none)).toEqual({ status, description });
  });

  it('is complete when the allocation has run for too long, whatever its tasks', () => {
    expect(clientStatus([failed, running], { ...none, exceededMaxRunDuration: true })).toEqual({
      status: 'complete',
      description: 'allocation exceeded max_run_duration',
    });
  });

  it('is failed with the reason when the allocation could not be set up', () => {
    const setupError = 'Unable to add allocation due to error: no';
    expect(clientStatus([], { ...none, setupError })).toEqual({ status: 'failed', description: setupError });
  });
});

it('every task of a terminal allocation has finished', () => {
  const states = finishedStates(['a', 'b', 'c'], { a: running, b: { ...dead, FinishedAt: 'then' } }, 1_000_000);
  expect(states).toMatchObject({
    a: { State: 'running', FinishedAt: '1970-01-01T00:00:01Z' },
    b: { State: 'dead', FinishedAt: 'then' },
    c: { State: 'dead', FinishedAt: '1970-01-01T00:00:01Z' },
  });
});
