import { Lag } from './lag.js';

describe('the lag of a replica', () => {
  test('counts from the first commit that it does not have', () => {
    const lag = new Lag();
    lag.note(5, 1000);
    lag.note(6, 2000);
    lag.note(7, 3000);
    expect(lag.since(5, 10_000, 0)).toBe(8000);
    expect(lag.since(6, 10_000, 0)).toBe(7000);
    expect(lag.since(7, 10_000, 0)).toBe(0);
  });

  test('is not less than the time since the log was heard of', () => {
    const lag = new Lag();
    lag.note(5, 9000);
    expect(lag.since(5, 10_000, 400)).toBe(400);
    expect(lag.since(4, 10_000, 4000)).toBe(4000);
    expect(lag.since(4, 10_000, 400)).toBe(1000);
  });

  test('is told too old rather than too new where many commits are missing, in bounded memory', () => {
    const lag = new Lag();
    for (let index = 1; index <= 100_000; index++) lag.note(index, index);
    for (const index of [0, 1, 77, 50_000, 99_998])
      expect(lag.since(index, 100_000, 0)).toBeGreaterThanOrEqual(100_000 - (index + 1));
    expect(lag.since(0, 100_000, 0)).toBe(99_999);
    expect((lag as unknown as { steps: unknown[] }).steps.length).toBeLessThanOrEqual(10_000);
  });

  test('forgets what the replica has', () => {
    const lag = new Lag();
    lag.note(5, 1000);
    lag.note(6, 2000);
    lag.forgetUntil(5);
    expect(lag.since(5, 10_000, 0)).toBe(8000);
    lag.forgetUntil(6);
    expect(lag.since(5, 10_000, 0)).toBe(0);
  });
});
