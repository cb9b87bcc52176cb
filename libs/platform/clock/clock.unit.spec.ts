import { manualClock, systemClock } from './clock.js';

describe('the system clock', () => {
  test('gives microseconds of the wall clock', () => {
    expect(systemClock(() => 5).now()).toBe(5_000);
  });

  test('never gives a time twice within a millisecond', () => {
    const clock = systemClock(() => 5);
    expect([clock.now(), clock.now(), clock.now()]).toEqual([5_000, 5_001, 5_002]);
  });

  test('goes on through a small step back and follows a large one', () => {
    const walls = [10_000, 9_999, 3_000];
    const clock = systemClock(() => walls.shift() ?? 0);
    expect([clock.now(), clock.now(), clock.now()]).toEqual([10_000_000, 10_000_001, 3_000_000]);
  });
});

test('a manual clock moves only when it is told to', () => {
  const clock = manualClock(100);
  clock.advance(5);
  expect([clock.now(), clock.now()]).toEqual([105, 105]);
});
