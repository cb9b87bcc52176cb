import { eachOf } from '@app/kernel';
import { drive } from './breathe.js';

test('A long computation lets others go first before it ends, and gives what it gives at once', async () => {
  let turns = 0;
  const count = (): void => {
    turns++;
    next = setImmediate(count);
  };
  let next = setImmediate(count);
  const slow = (n: number): number => {
    const until = performance.now() + 3;
    while (performance.now() < until);
    return n * 2;
  };
  const made = await drive(
    eachOf(
      Array.from({ length: 20 }, (_, n) => n),
      slow,
    ),
  );
  clearImmediate(next);
  expect(made).toEqual(Array.from({ length: 20 }, (_, n) => n * 2));
  expect(turns).toBeGreaterThanOrEqual(3);
});
