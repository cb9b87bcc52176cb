import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { publicData, SECRET_MEMBERS } from './secrets.js';

test('A digest is left out of what others see of an event, and nothing else is', () => {
  expect(publicData('NodeRegistered', { description: { ID: 'a' }, secretDigest: 'd', computedClass: 'c' })).toEqual({
    description: { ID: 'a' },
    computedClass: 'c',
  });
  expect(publicData('NodePurged', { secretDigest: 'of nobody' })).toEqual({ secretDigest: 'of nobody' });
});

test('Every event member that is named like a secret is known as one', () => {
  const known = new Set([...SECRET_MEMBERS.values()].flat());
  const named = readdirSync(__dirname, { recursive: true, encoding: 'utf8' })
    .filter((name) => name.endsWith('events.ts'))
    .flatMap((name) => [
      ...readFileSync(join(__dirname, name), 'utf8').matchAll(/readonly (\w*(?:secret|digest)\w*)/gi),
    ])
    .map(([, member]) => member!);
  expect(named.length).toBeGreaterThan(0);
  expect(named.filter((member) => !known.has(member))).toEqual([]);
});
