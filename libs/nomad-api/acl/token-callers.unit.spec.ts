import type { AclTokenState } from '@app/domain';
import { aclBindingRuleStream, aclPolicyStream, aclTokenStream, type StreamName } from '@app/kernel';
import { digestOfSecret } from '@app/keyring';
import type { LogCommit } from '@app/streaming';
import { TokenCallers } from './token-callers.js';

const SECRET = '11111111-2222-4333-8444-555555555555';
const TOKEN: AclTokenState = {
  accessorId: 'a',
  name: '',
  type: 'management',
  policies: null,
  roles: null,
  isGlobal: false,
  createTime: 1,
  expirationTtl: 0,
  expirationTime: 0,
  secretDigest: digestOfSecret(SECRET),
  hash: '',
  oneTimeSecrets: [],
  createIndex: 1,
  modifyIndex: 1,
  purged: false,
};

describe('A caller that is kept', () => {
  let commit: (stream: StreamName, type: string) => void;
  let lookUps: number;
  let callers: TokenCallers;
  beforeEach(async () => {
    lookUps = 0;
    callers = new TokenCallers({
      readModels: { keys: () => Promise.resolve([TOKEN.accessorId]) },
      store: {
        load: () => {
          lookUps++;
          const stored = { version: 1, lastIndex: 1, state: JSON.stringify(TOKEN) };
          return Promise.resolve(new Map([[aclTokenStream(TOKEN.accessorId), stored]]));
        },
      },
      identities: { verify: () => Promise.resolve(undefined) },
      tail: {
        onCommit: (listener) => {
          commit = (stream, type) =>
            listener({
              index: 2,
              time: 2,
              meta: { actor: 'somebody' },
              changes: [{ stream, version: 2, events: [{ type, data: {} }] }],
            } satisfies LogCommit);
          return () => undefined;
        },
      },
      now: () => 2,
    });
    await callers.resolve(SECRET);
  });
  const isLookedUpAgain = async (): Promise<boolean> => {
    const before = lookUps;
    expect(await callers.resolve(SECRET)).toMatchObject({ identity: { kind: 'token', accessorId: 'a' } });
    return lookUps > before;
  };

  test('stays when somebody else logs in', async () => {
    commit(aclTokenStream('b'), 'AclTokenCreated');
    expect(await isLookedUpAgain()).toBe(false);
  });

  test.each([
    [aclTokenStream('b'), 'AclTokenChanged'],
    [aclTokenStream('a'), 'AclTokenDeleted'],
    [aclTokenStream('a'), 'AclTokenExpired'],
    [aclPolicyStream('reads'), 'AclPolicyDefined'],
    [aclBindingRuleStream('r'), 'AclBindingRuleDefined'],
  ])('is looked up again after %s: %s', async (stream, type) => {
    commit(stream, type);
    expect(await isLookedUpAgain()).toBe(true);
    expect(await isLookedUpAgain()).toBe(false);
  });
});
