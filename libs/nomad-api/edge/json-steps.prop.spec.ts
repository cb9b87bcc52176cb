import { atOnce } from '@app/kernel';
import fc from 'fast-check';
import { jsonSteps } from './json-steps.js';

const written = (value: unknown): string => atOnce(jsonSteps(value)).toString();

test('What is written in steps is what is written at once', () => {
  const values = fc.jsonValue({ maxDepth: 6 });
  fc.assert(fc.property(values, (value) => written(value) === JSON.stringify(value)));
  for (const value of [
    { a: undefined, b: () => 1, c: [undefined, () => 1, JSON.rawJSON('9223372036854775807')] },
    Object.assign(Object.create(null) as object, { ['__proto__']: 1 }),
    { at: new Date(0), deep: [[[[{ x: [1] }]]]] },
    JSON.parse('{"__proto__":{"constructor":[]},"":null}') as unknown,
  ])
    expect(written(value)).toBe(JSON.stringify(value));
});

test('A list of any length is written in many steps', () => {
  const steps = jsonSteps({ list: Array.from({ length: 1000 }, (_, n) => ({ n })) });
  let count = 0;
  while (steps.next().done !== true) count++;
  expect(count).toBeGreaterThan(20);
});
