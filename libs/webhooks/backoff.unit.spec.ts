import { backoffMs, PACE } from './backoff.js';

test('Pauses double up to a bound, and half of each is left to chance', () => {
  const longest = [1, 2, 3, 4].map((attempts) => backoffMs(attempts, 1));
  expect(longest).toEqual([1, 2, 4, 8].map((times) => times * PACE.firstMs));
  expect(backoffMs(3, 0)).toBe(backoffMs(3, 1) / 2);
  for (const attempts of [20, 50, 1e6]) expect(backoffMs(attempts, 1)).toBe(PACE.maxMs);
});
