import {
  giveUpDelivery,
  MANAGEMENT,
  parseRules,
  permissionsOf,
  type FailedDelivery,
  type Permissions,
  type WebhooksState,
} from '@app/domain';
import { webhookSecretProblem } from '@app/keyring';
import { WEBHOOKS } from '@app/kernel';
import { WebhookCursors } from '@app/read-models';
import { startEdge, type TestEdge } from '../testing/edge.module.js';

jest.setTimeout(60_000);

const granted = (text: string): Permissions => {
  const parsed = parseRules(text);
  if (!parsed.ok) throw new Error(parsed.error);
  return permissionsOf([parsed.rules], text);
};
const TOKENS = new Map<string, Permissions>([
  ['manager', MANAGEMENT],
  ['operator', granted('operator { policy = "write" } namespace "shop" { policy = "read" } node { policy = "read" }')],
  ['reader', granted('operator { policy = "read" }')],
  ['stranger', granted('namespace "*" { policy = "write" }')],
]);
const URL = '/v1/operator/rollbook/webhooks';
const CHAT = { URL: 'https://chat.example/in', Topics: { Job: ['web'], Deployment: null }, Namespace: 'shop' };

describe('Webhooks at the edge', () => {
  let edge: TestEdge;
  beforeAll(async () => {
    edge = await startEdge({
      callers: {
        now: () => 0,
        resolve: (secret = '') => {
          const permissions = TOKENS.get(secret);
          if (permissions === undefined) return { identity: { kind: 'stranger' } };
          return { identity: { kind: 'token', accessorId: secret }, permissions, policies: [], roles: [] };
        },
      },
    });
  });
  afterAll(() => edge?.close());
  afterEach(async () => {
    for (const { ID } of (await send('GET', URL)).json<{ ID: string }[]>()) await send('DELETE', `${URL}/${ID}`);
    if (edge.faults.length > 0) throw new AggregateError(edge.faults.splice(0), 'unplanned');
  });

  const send = (method: string, url: string, body?: unknown, token = 'manager', headers: Record<string, string> = {}) =>
    edge.request(method, url, body, { 'x-nomad-token': token, ...headers });
  const read = async (id = 'chat') => (await send('GET', `${URL}/${id}`)).json<Record<string, unknown>>();
  const gaveUp = async (n: number): Promise<void> => {
    const failed: FailedDelivery = {
      ...{ deliveryId: `evt_${n}`, index: n, position: 0, topic: 'Job', type: 'JobRegistered', key: 'web' },
      ...{ namespace: 'shop', attempts: 12, status: 500, error: 'answered 500' },
    };
    await edge.execute((view, context) => giveUpDelivery(view, context, { id: 'chat', revision: 0, failed }));
  };

  test('are made with a secret that is shown once, and told with who made them and why', async () => {
    const made = await send('PUT', `${URL}/chat`, CHAT, 'manager', { 'x-rollbook-reason': 'the team asks' });
    const { Secret, ...answer } = made.json<{ ID: string; Index: number; Secret: string }>();
    expect(webhookSecretProblem(Secret)).toBeUndefined();
    expect(answer).toEqual({ ID: 'chat', Index: Number(made.headers['x-nomad-index']) });
    const told = await read();
    expect(told).toMatchObject({
      ...{ ID: 'chat', URL: CHAT.URL, Topics: { Job: ['web'], Deployment: [] }, Types: [], Namespace: 'shop' },
      ...{ Payload: 'full', MaxAttempts: 12, Enabled: true, State: 'delivering', DeadLetters: 0, Letters: [] },
      ...{ Index: answer.Index, Lag: 0, LastStatus: 0, FailingSince: null, NextAttempt: null },
      Modified: { Actor: 'token manager', Reason: 'the team asks', Time: expect.any(String) as string },
    });
    expect(JSON.stringify(told)).not.toContain(Secret);
    expect((await send('GET', URL)).body).not.toContain(Secret);
    // Defined again, it keeps its secret, and does not tell it.
    expect((await send('PUT', `${URL}/chat`, { ...CHAT, Payload: 'stub' })).json()).not.toHaveProperty('Secret');
    expect(await read()).toMatchObject({ Payload: 'stub', PreviousSecretUntil: null });
    const renewed = (await send('PUT', `${URL}/chat`, { ...CHAT, NewSecret: true })).json<{ Secret: string }>();
    expect(renewed.Secret).not.toBe(Secret);
    expect((await read())['PreviousSecretUntil']).toEqual(expect.any(String));
  });

  test('answer a repeated key with the same secret, and keep it in clear nowhere', async () => {
    const key = { 'idempotency-key': 'make chat' };
    const answers = [];
    for (let n = 0; n < 2; n++) answers.push(await send('PUT', `${URL}/chat`, CHAT, 'manager', key));
    expect(answers.map(({ statusCode }) => statusCode)).toEqual([200, 200]);
    const [first, second] = answers.map((one) => one.json<{ Secret: string; Index: number }>());
    expect(second).toEqual(first);
    expect((await send('PUT', `${URL}/chat`, { ...CHAT, Payload: 'stub' }, 'manager', key)).statusCode).toBe(422);
    const rows: { text: string }[] = await edge.dataSource.query(
      `SELECT data::text AS text FROM event UNION ALL SELECT state::text FROM stream UNION ALL SELECT answer FROM command_key`,
    );
    expect(rows.length).toBeGreaterThan(2);
    expect(rows.filter(({ text }) => text.includes(first!.Secret.slice('whsec_'.length)))).toEqual([]);
    const history = await edge.store.readStream(WEBHOOKS, 1);
    expect(JSON.stringify(history)).not.toContain(first!.Secret);
  });

  test.each<[string, unknown, string]>([
    ['a bad address', { URL: 'ftp://chat.example' }, 'invalid webhook: URL must be a complete http or https address'],
    ['an unknown topic', { ...CHAT, Topics: { Jobs: [] } }, 'there is no topic "Jobs"'],
    ['a topic of a hostile name', { ...CHAT, Topics: JSON.parse('{"__proto__":[]}') as object }, 'there is no topic'],
    ['a bad payload', { ...CHAT, Payload: 'half' }, 'Invalid payload "half": full or stub'],
    ['a weak secret', { ...CHAT, Secret: 'whsec_c2hvcnQ=' }, 'Secret must be whsec_'],
    ['too many attempts', { ...CHAT, MaxAttempts: 51 }, 'MaxAttempts'],
    ['a number of other digits', { ...CHAT, MaxAttempts: 1e300 }, 'MaxAttempts'],
    ['no object', '[', ''],
  ])('with %s are refused', async (_what, body, text) => {
    const answer = await send('PUT', `${URL}/chat`, body);
    expect(answer.statusCode).toBe(400);
    expect(answer.body).toContain(text);
    expect((await send('PUT', `${URL}/a%20b`, CHAT)).statusCode).toBe(400);
  });

  test('are made by operators, and tell nothing that these may not follow', async () => {
    expect((await send('PUT', `${URL}/chat`, CHAT, 'stranger')).statusCode).toBe(403);
    expect((await send('PUT', `${URL}/chat`, CHAT, 'reader')).statusCode).toBe(403);
    expect((await send('PUT', `${URL}/chat`, CHAT, 'operator')).statusCode).toBe(200);
    expect((await send('PUT', `${URL}/chat`, { ...CHAT, Topics: { Node: [] } }, 'operator')).statusCode).toBe(200);
    for (const more of [{ Namespace: 'default' }, { Namespace: '*' }, { Topics: { ACLToken: [] } }, { Topics: {} }])
      expect((await send('PUT', `${URL}/chat`, { ...CHAT, ...more }, 'operator')).statusCode).toBe(403);
    expect((await send('GET', URL, undefined, 'stranger')).statusCode).toBe(403);
    expect((await send('GET', `${URL}/chat`, undefined, 'reader')).statusCode).toBe(200);
    for (const what of ['enable', 'disable', 'test', 'redeliver', 'discard'])
      expect((await send('PUT', `${URL}/chat/${what}`, undefined, 'reader')).statusCode).toBe(403);
    expect((await send('DELETE', `${URL}/chat`, undefined, 'reader')).statusCode).toBe(403);
  });

  test('are disabled, enabled, tried and deleted', async () => {
    await send('PUT', `${URL}/chat`, CHAT);
    expect((await send('PUT', `${URL}/chat/disable`)).statusCode).toBe(200);
    expect(await read()).toMatchObject({ Enabled: false, State: 'disabled', Trouble: '' });
    expect((await send('PUT', `${URL}/chat/redeliver`)).statusCode).toBe(409);
    expect((await send('PUT', `${URL}/chat/enable`)).statusCode).toBe(200);
    expect((await send('PUT', `${URL}/chat/test`)).json()).toEqual({
      ...{ DeliveryID: 'ping_chat', Status: 204, Error: '', Milliseconds: 1 },
    });
    expect((await send('DELETE', `${URL}/chat`)).statusCode).toBe(200);
    for (const [method, path] of [
      ...[['GET', ''] as const, ['DELETE', ''] as const, ['PUT', '/enable'] as const, ['PUT', '/disable'] as const],
      ...[['PUT', '/test'] as const, ['PUT', '/redeliver'] as const],
    ])
      expect((await send(method, `${URL}/chat${path}`)).statusCode).toBe(404);
    expect((await send('GET', `${URL}/__proto__`)).statusCode).toBe(404);
  });

  test('have dead letters, which are delivered again, or discarded for a reason', async () => {
    await send('PUT', `${URL}/chat`, CHAT);
    for (const n of [1, 2, 3]) await gaveUp(n);
    expect(await read()).toMatchObject({
      DeadLetters: 3,
      Letters: [{ ID: 'evt_1', Key: 'web', Attempts: 12, Status: 500, IsDue: false }, { ID: 'evt_2' }, { ID: 'evt_3' }],
    });
    expect((await send('PUT', `${URL}/chat/redeliver`, { IDs: ['evt_9'] })).body).toBe(
      'there is no dead letter "evt_9"',
    );
    expect((await send('PUT', `${URL}/chat/redeliver`, { IDs: ['evt_1'] })).json()).toMatchObject({ Count: 1 });
    expect(await read()).toMatchObject({ Letters: [{ ID: 'evt_1', IsDue: true }, {}, {}] });
    expect((await send('PUT', `${URL}/chat/discard`)).statusCode).toBe(400);
    const why = { 'x-rollbook-reason': 'the room is gone' };
    const some = await send('PUT', `${URL}/chat/discard`, { IDs: ['evt_2'] }, 'manager', why);
    expect(some.json()).toMatchObject({ Count: 1 });
    expect((await send('PUT', `${URL}/chat/discard`, undefined, 'manager', why)).json()).toMatchObject({ Count: 2 });
    expect(await read()).toMatchObject({ DeadLetters: 0, Discarded: 3, Letters: [] });
    const events = await edge.store.readStream('webhook-letters/chat', 1);
    expect(events.at(-1)).toMatchObject({
      type: 'WebhookLettersDiscarded',
      meta: { actor: 'token manager', reason: 'the room is gone' },
    });
  });

  test('tell how their deliveries fare, of the present one of their name alone', async () => {
    await send('PUT', `${URL}/chat`, CHAT);
    const cursors = new WebhookCursors(edge.dataSource);
    const stored = (await edge.store.load([WEBHOOKS])).get(WEBHOOKS)!;
    const { createIndex, modifyIndex } = (JSON.parse(stored.state) as WebhooksState).webhooks[0]!;
    const claimant = { webhook: 'chat', created: createIndex, revision: modifyIndex, term: 1 };
    await cursors.claim(claimant, createIndex, createIndex);
    await cursors.failed(claimant, { attempts: 2, status: 502, error: 'answered 502', waitMs: 1_000 });
    expect(await read()).toMatchObject({
      ...{ State: 'failing', Attempts: 2, LastStatus: 502, LastError: 'answered 502' },
      ...{ FailingSince: expect.any(String) as string, NextAttempt: expect.any(String) as string },
    });
    await send('DELETE', `${URL}/chat`);
    await send('PUT', `${URL}/chat`, CHAT);
    expect(await read()).toMatchObject({ State: 'delivering', Attempts: 0, LastStatus: 0 });
  });
});
