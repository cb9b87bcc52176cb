import { mkdtempSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { randomBytes } from 'node:crypto';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { KeyringState, NewRootKey } from '@app/domain';
import { decodeProtectedHeader, decodeJwt } from 'jose';
import { IdentityTokens, type IdentityClaims } from './identity-tokens.js';
import { KeyEncryptionKey, loadKeyEncryptionKey } from './key-encryption-key.js';
import { Keyring, KeyringUnavailable } from './keyring.js';

const now = 1_800_000_000_000_000;
const kek = new KeyEncryptionKey(randomBytes(32), 'a test');
const holding = (...keys: readonly [NewRootKey, KeyringState['keys'][number]['status']][]): KeyringState => ({
  keys: keys.map(([key, status]) => ({
    ...key,
    status,
    publishTime: '0',
    createTime: now,
    createIndex: 1,
    modifyIndex: 1,
  })),
  modifyIndex: 1,
});
const empty = new Keyring(kek, () => Promise.resolve(undefined));
const keyringOf = (state: KeyringState, key = kek): Keyring => new Keyring(key, () => Promise.resolve(state));

let first: NewRootKey;
let second: NewRootKey;
beforeAll(async () => {
  [first, second] = await Promise.all([empty.newKey(), empty.newKey()]);
});

describe('the key encryption key', () => {
  let dataDir: string;
  beforeEach(() => (dataDir = mkdtempSync(join(tmpdir(), 'rollbook-key-'))));
  afterEach(() => rmSync(dataDir, { recursive: true }));

  test('is made on the first start for its user alone, and found on the next', () => {
    const made = loadKeyEncryptionKey({ dataDir });
    const file = join(dataDir, 'key-encryption.key');
    expect(made.isNew).toBe(true);
    expect(statSync(file).mode & 0o777).toBe(0o600);
    expect(loadKeyEncryptionKey({ dataDir })).toMatchObject({ isNew: false, fingerprint: made.fingerprint });
  });

  test('is the same as bytes, as base64 and as hexadecimal digits', () => {
    const bytes = randomBytes(32);
    const file = join(dataDir, 'key');
    const fingerprints = [bytes, `${bytes.toString('base64')}\n`, bytes.toString('hex')].map((content) => {
      writeFileSync(file, content);
      return loadKeyEncryptionKey({ file, dataDir }).fingerprint;
    });
    expect(
      new Set([...fingerprints, loadKeyEncryptionKey({ text: bytes.toString('base64url'), dataDir }).fingerprint]).size,
    ).toBe(1);
  });

  test('says what is wrong without saying what was given', () => {
    const file = join(dataDir, 'key');
    writeFileSync(file, 'hunter2');
    expect(() => loadKeyEncryptionKey({ file, dataDir })).toThrow(/key \(ROLLBOOK_KEY_FILE\) must hold 32 bytes/);
    expect(() => loadKeyEncryptionKey({ file, dataDir })).not.toThrow(/hunter2/);
    expect(() => loadKeyEncryptionKey({ file: join(dataDir, 'none'), dataDir })).toThrow(/cannot be read/);
  });

  test('opens nothing that another key has wrapped, and nothing as something else', () => {
    const wrapped = kek.wrap('text', 'a');
    expect(kek.unwrap(wrapped, 'a')).toBe('text');
    expect(() => kek.unwrap(wrapped, 'b')).toThrow();
    expect(() => new KeyEncryptionKey(randomBytes(32), '').unwrap(wrapped, 'a')).toThrow(
      /encrypted by the key encryption key/,
    );
  });
});

describe('items of variables', () => {
  test('come back as they were, whatever their names are', async () => {
    const keyring = keyringOf(holding([first, 'active']));
    const items = new Map([
      ['user', 'me'],
      ['__proto__', 'x'],
      ['', ''],
      ['ключ', '值'],
    ]);
    const sealed = await keyring.sealItems('default', 'a', items);
    expect(await keyring.openItems('default', 'a', sealed)).toEqual(items);
    expect(JSON.stringify(sealed)).not.toContain('me"');
  });

  test('are other bytes each time, and open nowhere but in their own variable', async () => {
    const keyring = keyringOf(holding([first, 'active']));
    const items = new Map([['a', 'b']]);
    const [one, two] = [await keyring.sealItems('default', 'a', items), await keyring.sealItems('default', 'a', items)];
    expect(one.sealed).not.toBe(two.sealed);
    await expect(keyring.openItems('default', 'b', one)).rejects.toThrow();
    await expect(keyring.openItems('other', 'a', one)).rejects.toThrow();
  });

  test('stay readable after a rotation, and are lost with their key', async () => {
    const sealed = await keyringOf(holding([first, 'active'])).sealItems('default', 'a', new Map([['a', 'b']]));
    const rotated = keyringOf(holding([first, 'inactive'], [second, 'active']));
    expect(await rotated.openItems('default', 'a', sealed)).toEqual(new Map([['a', 'b']]));
    await expect(keyringOf(holding([second, 'active'])).openItems('default', 'a', sealed)).rejects.toThrow(
      KeyringUnavailable,
    );
  });

  test('cannot be sealed before there is a key, and the sentence says so', async () => {
    await expect(empty.sealItems('default', 'a', new Map())).rejects.toThrow('keyring has not been initialized yet');
  });
});

test('a server with another key encryption key tells what to do', async () => {
  const other = keyringOf(holding([first, 'active']), new KeyEncryptionKey(randomBytes(32), 'another'));
  expect(await other.problem()).toMatch(/cannot open root key .* need the same ROLLBOOK_KEY_FILE/);
  expect(await keyringOf(holding([first, 'active'])).problem()).toBeUndefined();
});

test('the state is loaded once and again after it was forgotten', async () => {
  let loads = 0;
  const keyring = new Keyring(kek, () => Promise.resolve(holding([(loads++, first), 'active'])));
  await keyring.state();
  await keyring.state();
  expect(loads).toBe(1);
  keyring.forget();
  await keyring.state();
  expect(loads).toBe(2);
});

describe('identities', () => {
  const claims: IdentityClaims = {
    subject: 'global:default:web:g:t:default',
    audience: ['nomadproject.io'],
    ttl: 3600e9,
    namespace: 'default',
    jobId: 'web',
    allocationId: '8a7f1d6c-0000-4000-8000-000000000000',
    task: 't',
  };
  const tokensOf = (keyring: Keyring, at = now) => new IdentityTokens(keyring, 'https://nomad.example', () => at);

  test('say what Nomad’s say, signed by the key that the allocation was placed with', async () => {
    const tokens = tokensOf(keyringOf(holding([first, 'inactive'], [second, 'active'])));
    const { token, expiresAt } = await tokens.sign(claims, first.id);
    expect(decodeProtectedHeader(token)).toEqual({ alg: 'RS256', kid: first.id, typ: 'JWT' });
    expect(decodeJwt(token)).toEqual({
      aud: 'nomadproject.io',
      sub: claims.subject,
      iss: 'https://nomad.example',
      iat: now / 1e6,
      nbf: now / 1e6,
      exp: now / 1e6 + 3600,
      jti: expect.stringMatching(/^[0-9a-f-]{36}$/) as string,
      nomad_namespace: 'default',
      nomad_job_id: 'web',
      nomad_allocation_id: claims.allocationId,
      nomad_task: 't',
    });
    expect(expiresAt).toBe(now + 3_600_000_000);
  });

  test('have a list of several audiences, no end without a TTL, and the active key where theirs is gone', async () => {
    const tokens = tokensOf(keyringOf(holding([second, 'active'])));
    const { token, expiresAt } = await tokens.sign({ ...claims, audience: ['a', 'b'], ttl: 0 }, first.id);
    expect(decodeProtectedHeader(token).kid).toBe(second.id);
    expect(decodeJwt(token)).toMatchObject({ aud: ['a', 'b'] });
    expect(decodeJwt(token).exp).toBeUndefined();
    expect(expiresAt).toBe(0);
  });

  test('are taken until they expire, and only where they are for Nomad itself', async () => {
    const keyring = keyringOf(holding([first, 'active']));
    const { token } = await tokensOf(keyring).sign(claims, first.id);
    expect(await tokensOf(keyring).verify(token)).toMatchObject({ jobId: 'web', taskName: 't', namespace: 'default' });
    expect(await tokensOf(keyring, now + 3_601_000_000).verify(token)).toBeUndefined();
    const elsewhere = await tokensOf(keyring).sign({ ...claims, audience: ['vault.io'] }, first.id);
    expect(await tokensOf(keyring).verify(elsewhere.token)).toBeUndefined();
  });

  test('are not taken with a changed claim, from another keyring, without a signature, or as nonsense', async () => {
    const { token } = await tokensOf(keyringOf(holding([first, 'active']))).sign(claims, first.id);
    const [header, payload, signature] = token.split('.') as [string, string, string];
    const forged = Buffer.from(JSON.stringify({ ...decodeJwt(token), nomad_job_id: 'other' })).toString('base64url');
    const none = Buffer.from('{"alg":"none"}').toString('base64url');
    const tokens = tokensOf(keyringOf(holding([first, 'active'])));
    for (const bad of [`${header}.${forged}.${signature}`, `${none}.${payload}.`, 'x.y.z', '', 'a'])
      expect(await tokens.verify(bad)).toBeUndefined();
    expect(await tokensOf(keyringOf(holding([second, 'active']))).verify(token)).toBeUndefined();
    expect(await tokensOf(keyringOf(holding([first, 'deprecated'], [second, 'active']))).verify(token)).toBeUndefined();
  });

  test('no secret is in what is told of the keys', async () => {
    const [jwk] = await tokensOf(keyringOf(holding([first, 'active']))).publicKeys();
    expect(Object.keys(jwk!).sort()).toEqual(['alg', 'e', 'kid', 'kty', 'n', 'use']);
  });
});
