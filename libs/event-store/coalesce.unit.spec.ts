import { coalesce } from './coalesce.js';

test('calls made while a request is under way share the next one, which starts after they were made', async () => {
  const requests: { keys: readonly string[]; answer: () => void }[] = [];
  const look = coalesce<string, number>(
    (keys) =>
      new Promise((resolve) => {
        requests.push({ keys, answer: () => resolve(new Map(keys.map((key) => [key, requests.length]))) });
      }),
  );
  const first = [look(['a']), look(['b', 'a'])];
  await Promise.resolve();
  const second = [look(['a']), look(['c'])];
  expect(requests.map(({ keys }) => keys)).toEqual([['a', 'b']]);
  requests[0]?.answer();
  expect((await Promise.all(first)).map((found) => found.get('a'))).toEqual([1, 1]);
  await Promise.resolve();
  expect(requests.map(({ keys }) => keys)).toEqual([
    ['a', 'b'],
    ['a', 'c'],
  ]);
  requests[1]?.answer();
  expect((await Promise.all(second)).map((found) => found.get('a'))).toEqual([2, 2]);
});

test('a failed request fails its own callers only', async () => {
  let failures = 1;
  const look = coalesce<string, number>(async (keys) => {
    if (failures-- > 0) throw new Error('gone');
    return new Map(keys.map((key) => [key, 1]));
  });
  await expect(look(['a'])).rejects.toThrow('gone');
  expect((await look(['a'])).get('a')).toBe(1);
});
