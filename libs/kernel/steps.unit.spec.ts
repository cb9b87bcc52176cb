import { allOf, eachOf, atOnce } from './steps.js';

test('A computation in steps gives what it would give at once, and stops after each item', () => {
  const seen: number[] = [];
  const steps = eachOf([1, 2, 3], (n, position) => {
    seen.push(n);
    return n * position;
  });
  expect(steps.next().done).toBe(false);
  expect(seen).toEqual([1]);
  expect(atOnce(steps)).toEqual([0, 2, 6]);
  expect(seen).toEqual([1, 2, 3]);
  expect(atOnce(allOf(['a', 'bc'], (text) => text.split('')))).toEqual(['a', 'b', 'c']);
  expect(atOnce(eachOf([], () => 1))).toEqual([]);
});
