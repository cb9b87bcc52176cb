import { answerWithIndex, pendingDigits, pendingIndex, withIndex } from './pending-index.js';

test('text gets the real index wherever the pending one stands', () => {
  const text = JSON.stringify({ createIndex: pendingIndex, modifyIndex: pendingIndex, other: 12 });
  expect(withIndex(text, 7)).toBe('{"createIndex":7,"modifyIndex":7,"other":12}');
  expect(withIndex('nothing here', 7)).toBe('nothing here');
});

test('an answer gets the real index in numbers, members and items, and keeps everything else', () => {
  expect(answerWithIndex(pendingIndex, 7)).toBe(7);
  expect(answerWithIndex(undefined, 7)).toBeUndefined();
  expect(answerWithIndex({ a: pendingIndex, b: [1, { c: pendingIndex }], d: null, e: 'x' }, 7)).toEqual({
    a: 7,
    b: [1, { c: 7 }],
    d: null,
    e: 'x',
  });
});

test('the digits are those of the number in JSON', () => {
  expect(JSON.stringify(pendingIndex)).toBe(pendingDigits);
});
