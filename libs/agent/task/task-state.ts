import type { TaskEvent, TaskState } from '@app/domain';
import { isoFromUs, nsFromUs, type TimeUs } from '@app/kernel';
import { MAX_TASK_EVENTS } from '../limits.js';
import { NOT_RESTARTING, RESTARTING, type NewTaskEvent } from './task-event.js';

/* How the state of a task moves (spec/lifecycle §9.4). All functions are pure: a state is replaced, never changed. */

/** A task that has not been seen yet. */
export const NEW_TASK: TaskState = {
  State: 'pending',
  Failed: false,
  Restarts: 0,
  LastRestart: null,
  StartedAt: null,
  FinishedAt: null,
  Events: [],
};

/** Adds an event; of more than ten the oldest goes. Events that restart or fail a task move its state with them. */
export function withEvent(state: TaskState, happened: NewTaskEvent, now: TimeUs): TaskState {
  const event: TaskEvent = { ...happened, Time: nsFromUs(now) };
  const events = [...state.Events, event].slice(-MAX_TASK_EVENTS);
  if (event.Type === RESTARTING) {
    return { ...state, State: 'pending', Restarts: state.Restarts + 1, LastRestart: isoFromUs(now), Events: events };
  }
  if (event.Type === NOT_RESTARTING) return { ...state, Failed: true, Events: events };
  return { ...state, Events: events };
}

/** Runs now; each (re)start sets StartedAt anew. */
export const withRunning = (state: TaskState, now: TimeUs): TaskState =>
  state.State === 'running' ? state : { ...state, State: 'running', StartedAt: isoFromUs(now) };

/** While a task waits for its shutdown_delay Nomad shows it as pending. */
export const withPending = (state: TaskState): TaskState => ({ ...state, State: 'pending' });

/** Ended for good; the first end counts. */
export const withDead = (state: TaskState, now: TimeUs): TaskState => ({
  ...state,
  State: 'dead',
  FinishedAt: state.FinishedAt ?? isoFromUs(now),
});
