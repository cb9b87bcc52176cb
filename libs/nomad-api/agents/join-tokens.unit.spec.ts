import { randomBytes } from 'node:crypto';
import type { KeyringState } from '@app/domain';
import { IdentityTokens, KeyEncryptionKey, Keyring } from '@app/keyring';
import { JoinTokens } from './join-tokens.js';

describe('A node that joins', () => {
  let now = 1_767_225_600_000_000;
  let identities: IdentityTokens;
  beforeAll(async () => {
    const held: { state?: KeyringState } = {};
    const keyring = new Keyring(new KeyEncryptionKey(randomBytes(32), 'a test'), () => Promise.resolve(held.state));
    const key = await keyring.newKey();
    held.state = {
      keys: [{ ...key, status: 'active', publishTime: 0, createTime: 0, createIndex: 1, modifyIndex: 1 }],
    } as unknown as KeyringState;
    keyring.forget();
    identities = new IdentityTokens(keyring, '', () => now);
  });
  const node = { Name: 'one', NodePool: 'gpu' };
  const introduce = (name: string, pool: string): Promise<string> =>
    identities.signIntroduction({ region: 'global', name, pool }, 300e9);

  test('shows a join token where there are some', async () => {
    expect(await new JoinTokens(undefined, identities).admits(undefined, node)).toBe(true);
    const tokens = new JoinTokens(['one of two', 'the other'], identities);
    expect(await tokens.admits('the other', node)).toBe(true);
    expect(await tokens.admits('another', node)).toBe(false);
    expect(await tokens.admits(undefined, node)).toBe(false);
  });

  test('or an introduction to its pool, in its name or in nobody’s, for a while', async () => {
    const tokens = new JoinTokens(['a join token'], identities);
    const [own, anybodys] = [await introduce('one', 'gpu'), await introduce('', 'gpu')];
    expect(await tokens.admits(own, node)).toBe(true);
    expect(await tokens.admits(anybodys, node)).toBe(true);
    expect(await tokens.admits(await introduce('two', 'gpu'), node)).toBe(false);
    expect(await tokens.admits(await introduce('one', 'default'), node)).toBe(false);
    expect(await tokens.admits(`${own}x`, node)).toBe(false);
    now += 301_000_000;
    expect(await tokens.admits(own, node)).toBe(false);
  });

  test('cannot join by the identity of a workload or a node', async () => {
    const tokens = new JoinTokens(['a join token'], identities);
    const ofNode = { id: 'n', region: 'global', pool: 'gpu', datacenter: 'dc1', nodeClass: '' };
    expect(await tokens.admits(await identities.signNode(ofNode), node)).toBe(false);
  });
});
