import { createHmac } from 'node:crypto';
import { digestOfSecret, isSameDigest } from '@app/keyring';
import { TokenSecrets } from './token-secrets.js';

const keyed = (key: string): TokenSecrets =>
  new TokenSecrets({ digest: (data) => createHmac('sha256', key).update(data).digest('hex') });

test('A secret is a UUID that follows from the accessor and the key, and from nothing else', () => {
  const secret = keyed('a').of('one');
  expect(secret).toMatch(/^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-8[0-9a-f]{3}-[0-9a-f]{12}$/);
  expect(keyed('a').of('one')).toBe(secret);
  expect(keyed('a').of('two')).not.toBe(secret);
  expect(keyed('b').of('one')).not.toBe(secret);
  expect(keyed('a').oneTime('one')).not.toBe(secret);
});

test('A secret is shown again only where it is the one that the token has', () => {
  const secrets = keyed('a');
  const made = { accessorId: 'one', secretDigest: digestOfSecret(secrets.of('one')) };
  expect(secrets.shown(made)).toBe(secrets.of('one'));
  expect(secrets.shown({ accessorId: 'one', secretDigest: digestOfSecret('brought along') })).toBe('');
  expect(keyed('b').shown(made)).toBe('');
});

test('Digests of different lengths are different', () => {
  expect(isSameDigest('ab', 'abc')).toBe(false);
  expect(isSameDigest('ab', 'ab')).toBe(true);
});
