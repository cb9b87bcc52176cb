import { notRestarting, restarting, started } from './task-event.js';
import { NEW_TASK, withDead, withEvent, withPending, withRunning } from './task-state.js';

const at = (second: number): number => second * 1_000_000;

describe('the state of a task', () => {
  it('keeps the ten newest events, oldest first, with times in nanoseconds', () => {
    let state = NEW_TASK;
    for (let second = 1; second <= 12; second++) state = withEvent(state, started(), at(second));
    expect(state.Events).toHaveLength(10);
    expect(state.Events[0]?.Time).toBe('3000000000');
    expect(state.Events.at(-1)?.Time).toBe('12000000000');
  });

  it('is pending while it waits for its restart, and counts restarts', () => {
    const state = withEvent(withRunning(NEW_TASK, at(1)), restarting('Restart within policy', 1e9), at(2));
    expect(state).toMatchObject({ State: 'pending', Restarts: 1, LastRestart: '1970-01-01T00:00:02Z' });
  });

  it('sets StartedAt at every start, but not while it runs', () => {
    const first = withRunning(NEW_TASK, at(1));
    expect(withRunning(first, at(2)).StartedAt).toBe('1970-01-01T00:00:01Z');
    expect(withRunning(withPending(first), at(3)).StartedAt).toBe('1970-01-01T00:00:03Z');
  });

  it('fails when it is not restarted, and ends once', () => {
    const state = withDead(withEvent(NEW_TASK, notRestarting('enough'), at(1)), at(2));
    expect(state).toMatchObject({ State: 'dead', Failed: true, FinishedAt: '1970-01-01T00:00:02Z' });
    expect(withDead(state, at(3))).toEqual(state);
  });
});
