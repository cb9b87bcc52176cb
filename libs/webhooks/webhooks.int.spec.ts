import { randomBytes } from 'node:crypto';
import {
  defineWebhook,
  deleteWebhook,
  discardLetters,
  enableWebhook,
  redeliverLetters,
  type WebhookDefinition,
  type WebhookLettersState,
  type WebhooksState,
} from '@app/domain';
import { PostgresEventStore } from '@app/event-store';
import { KeyEncryptionKey, Keyring, newWebhookSecret, webhookSecretContext } from '@app/keyring';
import { webhookLettersStream, WEBHOOKS, type StreamName } from '@app/kernel';
import { WebhookCursors } from '@app/read-models';
import {
  createMigratedDatabase,
  jobSpec,
  nodeRegistered,
  registered,
  startInstance,
  until,
  type TestDatabase,
  type TestInstance,
} from '@app/testing';
import { DataSource } from 'typeorm';
import { startReceiver, type Receiver } from './testing/receiver.js';
import { WebhookLeader } from './webhook-leader.js';

jest.setTimeout(60_000);

const SECRET = newWebhookSecret();
const DEFINITION: WebhookDefinition = {
  description: '',
  url: '',
  topics: [{ topic: 'Job', keys: [] }],
  types: [],
  namespace: 'default',
  payload: 'full',
  maxAttempts: 3,
};

describe('Webhooks', () => {
  let database: TestDatabase;
  let store: PostgresEventStore;
  let dataSource: DataSource;
  let instance: TestInstance;
  const keyring = new Keyring(new KeyEncryptionKey(randomBytes(32), 'a test'), () => Promise.resolve(undefined));
  let receiver: Receiver;
  const others: Receiver[] = [];
  const leaders: WebhookLeader[] = [];
  let errors: unknown[];
  let jobs = 0;

  beforeAll(async () => {
    database = await createMigratedDatabase();
    store = new PostgresEventStore({ url: database.url });
    dataSource = await new DataSource({ type: 'postgres', url: database.url }).initialize();
    instance = await startInstance(store);
  });
  afterAll(async () => {
    await instance?.close();
    await store?.close();
    await dataSource?.destroy();
    await database?.drop();
  });
  beforeEach(async () => {
    receiver = await startReceiver();
    errors = [];
  });
  afterEach(async () => {
    await Promise.all(leaders.splice(0).map((leader) => leader.close()));
    for (const { id } of (await stateOf<WebhooksState>(WEBHOOKS))?.webhooks ?? [])
      await instance.execute((view, context) => deleteWebhook(view, context, { id }));
    for (const one of [receiver, ...others.splice(0)]) one.close();
  });

  /** Cursors that can be made to fail, as when the process dies before it writes. */
  const cursorsThat = (fails: (write: 'moved' | 'failed') => boolean): WebhookCursors => {
    const cursors = new WebhookCursors(dataSource);
    return new Proxy(cursors, {
      get(target, name: 'moved') {
        if (typeof target[name] !== 'function') return target[name];
        return (...given: Parameters<WebhookCursors['moved']>) =>
          (['moved', 'failed'] as string[]).includes(name) && fails(name)
            ? Promise.reject(new Error('it died'))
            : target[name](...given);
      },
    });
  };
  const lead = async (cursors = new WebhookCursors(dataSource)): Promise<WebhookLeader> => {
    const leader = new WebhookLeader({
      ...{ store, handler: instance.handler, tail: instance.tail, cursors, keyring, isAllowed: () => true },
      ...{ holder: `test/${leaders.length}`, clock: () => Date.now() * 1000, pace: { firstMs: 5, maxMs: 20 } },
      metrics: { attempted: () => undefined, givenUp: () => undefined },
      onError: (error) => errors.push(error),
      onChange: () => undefined,
    });
    leaders.push(leader);
    await leader.start();
    await until('it leads', () => leader.heldEpoch > 0);
    return leader;
  };
  const define = (id: string, more: Partial<WebhookDefinition> = {}, secret = SECRET) => {
    const sealed = keyring.sealSecret(secret, webhookSecretContext(id));
    const definition = { ...DEFINITION, url: receiver.url, ...more };
    return instance.execute((view, context) =>
      defineWebhook(view, context, { id, definition, sealed, generated: sealed, isRenewed: false }),
    );
  };
  const register = async (count = 1): Promise<string[]> => {
    const ids = Array.from({ length: count }, () => `job-${++jobs}`);
    for (const id of ids) await instance.execute(registered(jobSpec({ id })), { meta: { actor: 'ana', reason: 'x' } });
    return ids;
  };
  const stateOf = async <S>(stream: StreamName): Promise<S | undefined> => {
    const stored = (await store.load([stream])).get(stream);
    return stored && (JSON.parse(stored.state) as S);
  };
  const lettersOf = async (id: string) => (await stateOf<WebhookLettersState>(webhookLettersStream(id)))?.letters ?? [];
  const keysIn = (of: Receiver): string[] => of.taken.map(({ body }) => body.Key);
  const untilTaken = (keys: readonly string[], of = receiver): Promise<void> =>
    until(`${keys.join(', ')} taken`, () => keys.every((key) => keysIn(of).includes(key)));

  test('are told of each event that they want, once, in order, signed, with who and why', async () => {
    const earlier = await register(2);
    await define('chat', { namespace: '*' });
    await lead();
    const ids = await register(30);
    await untilTaken(ids);
    expect(keysIn(receiver)).toEqual(ids);
    expect(keysIn(receiver)).not.toContain(earlier[0]);
    expect(receiver.isSignedBy(SECRET)).toBe(true);
    expect(new Set(receiver.taken.map(({ id }) => id)).size).toBe(30);
    const [first] = receiver.taken;
    expect(first!.headers).toMatchObject({
      ...{ 'content-type': 'application/json', 'x-rollbook-webhook': 'chat' },
      'x-rollbook-epoch': (await store.readHead()).storeEpoch,
    });
    expect(first!.body).toMatchObject({
      ...{ Topic: 'Job', Type: 'JobRegistered', Key: ids[0], Namespace: 'default' },
      ...{ Payload: { Job: { ID: ids[0] } }, Meta: { Actor: 'ana', Reason: 'x' } },
    });
    expect(errors).toEqual([]);
  });

  test('want what they say: topics, keys, types, namespaces, and the short form if they like', async () => {
    const [seen, unseen] = ['wanted-1', 'unwanted-1'];
    const byKey = await startReceiver();
    const nodes = await startReceiver();
    const elsewhere = await startReceiver();
    others.push(byKey, nodes, elsewhere);
    await define('by-key', { url: byKey.url, topics: [{ topic: 'Job', keys: [seen] }], payload: 'stub' });
    await define('nodes', { url: nodes.url, topics: [{ topic: '*', keys: [] }], types: ['NodeRegistration'] });
    await define('elsewhere', { url: elsewhere.url, namespace: 'shop' });
    await define('all');
    await lead();
    await instance.execute(registered(jobSpec({ id: unseen })));
    await instance.execute(registered(jobSpec({ id: seen })));
    await instance.execute(nodeRegistered());
    await untilTaken([seen], byKey);
    await until('the node is told of', () => nodes.taken.length === 1);
    await untilTaken([unseen, seen]);
    expect(keysIn(byKey)).toEqual([seen]);
    expect(byKey.taken[0]!.body.Payload['Job']).not.toHaveProperty('TaskGroups');
    expect(receiver.taken[0]!.body.Payload['Job']).toHaveProperty('TaskGroups');
    expect(nodes.taken[0]!.body).toMatchObject({ Topic: 'Node', Type: 'NodeRegistration' });
    expect(elsewhere.told).toEqual([]);
  });

  test.each(['moved', 'failed'] as const)(
    'killed before the cursor is written (%s), they tell again what may have been told, and leave out nothing',
    async (write) => {
      let isDying = false;
      await define('chat', { maxAttempts: 20 });
      const dying = await lead(cursorsThat((one) => isDying && one === write));
      const before = await register(3);
      await untilTaken(before);
      isDying = true;
      if (write === 'failed') receiver.answer = () => 500;
      const ids = await register(5);
      await until('one was told', () => receiver.told.some(({ body }) => body.Key === ids[0]));
      await until('it died', () => errors.length > 0);
      await dying.close();
      receiver.answer = () => 204;
      await lead();
      await untilTaken(ids);
      const distinct = [...new Map(receiver.taken.map(({ id, body }) => [id, body.Key])).values()];
      expect(distinct).toEqual([...before, ...ids]);
      // Known by its id for what it is.
      const again = receiver.told.filter(({ body }) => body.Key === ids[0]).map(({ id }) => id);
      expect(again.length).toBeGreaterThan(1);
      expect(new Set(again).size).toBe(1);
    },
  );

  test('killed between dead letter and cursor, they give no event up twice', async () => {
    let isDying = false;
    await define('chat', { maxAttempts: 1 });
    receiver.answer = () => 500;
    const dying = await lead(cursorsThat((one) => isDying && one === 'moved'));
    isDying = true;
    const [id] = await register();
    await until('it is a dead letter', async () => (await lettersOf('chat')).length === 1);
    await until('it died', () => errors.length > 0);
    await dying.close();
    receiver.answer = () => 204;
    await lead();
    const [next] = await register();
    await untilTaken([next!]);
    expect((await lettersOf('chat')).map(({ key }) => key)).toEqual([id]);
  });

  test('are not delayed by one that answers nothing, or that fails', async () => {
    const silent = await startReceiver();
    const failing = await startReceiver();
    others.push(silent, failing);
    silent.answer = () => 0;
    failing.answer = () => 500;
    await define('silent', { url: silent.url });
    await define('failing', { url: failing.url, maxAttempts: 50 });
    await define('good');
    const leader = await lead();
    const ids = await register(20);
    await untilTaken(ids);
    expect(keysIn(receiver)).toEqual(ids);
    expect(silent.told).toHaveLength(1);
    expect(leader.tally).toMatchObject({ failing: 1, disabled: 0, deadLetters: 0 });
    expect(leader.tally!.failingSeconds).toBeGreaterThan(0);
    expect(leader.tally!.lagCommits).toBeGreaterThanOrEqual(20);
  });

  test('that fail too often leave a dead letter and go on; it is delivered again, or discarded', async () => {
    await define('chat', { maxAttempts: 3 });
    await lead();
    const [bad, worse] = ['bad-1', 'bad-2'];
    receiver.answer = ({ body }) => (body.Key.startsWith('bad') ? 418 : 204);
    for (const id of [bad, worse]) await instance.execute(registered(jobSpec({ id })));
    const [good] = await register();
    await untilTaken([good!]);
    const letters = await lettersOf('chat');
    expect(letters).toMatchObject([
      ...[{ key: bad, attempts: 3, status: 418, error: 'answered 418', topic: 'Job', type: 'JobRegistered' }],
      { key: worse },
    ]);
    expect(receiver.told.filter(({ body }) => body.Key === bad)).toHaveLength(3);
    const redeliver = () =>
      instance.execute((view, context) =>
        redeliverLetters(view, context, { id: 'chat', deliveryIds: [letters[0]!.deliveryId] }),
      );
    await redeliver();
    await until('it was tried once more', async () => (await lettersOf('chat'))[0]?.attempts === 4);
    receiver.answer = () => 204;
    await redeliver();
    await untilTaken([bad]);
    await until('it is no dead letter', async () => (await lettersOf('chat')).length === 1);
    expect(receiver.taken.at(-1)!.id).toBe(letters[0]!.deliveryId);
    const { failingSince, lastStatus, delivered } = (await new WebhookCursors(dataSource).progress()).get('chat')!;
    expect({ failingSince, lastStatus, delivered }).toEqual({ failingSince: null, lastStatus: 204, delivered: 2 });
    await instance.execute((view, context) => discardLetters(view, context, { id: 'chat', deliveryIds: undefined }));
    expect(await lettersOf('chat')).toEqual([]);
    expect(keysIn(receiver)).not.toContain(worse);
  });

  test('that are told to stop are disabled, and go on where they stopped once they are enabled', async () => {
    await define('chat');
    receiver.answer = () => 410;
    const leader = await lead();
    const [first] = await register();
    const webhook = async () => (await stateOf<WebhooksState>(WEBHOOKS))!.webhooks[0]!;
    await until('it is disabled', async () => !(await webhook()).enabled);
    expect((await webhook()).trouble).toContain('410');
    await until('nothing is delivered', () => leader.tally?.disabled === 1 && leader.tally.failing === 0);
    receiver.answer = () => 204;
    const [second] = await register();
    await instance.execute((view, context) => enableWebhook(view, context, { id: 'chat' }));
    await untilTaken([second!]);
    expect(keysIn(receiver)).toEqual([first, second]);
  });

  test('go on when the store was away, without telling twice what they know was taken', async () => {
    let isAway = false;
    await define('chat');
    await lead(cursorsThat(() => isAway));
    isAway = true;
    const ids = await register(2);
    await until('it notices', () => errors.length > 0);
    isAway = false;
    await untilTaken(ids);
    expect(keysIn(receiver)).toEqual(ids);
  });

  test('are told again after their cursor was lost with a restore, by the same ids and under the new epoch', async () => {
    await define('chat');
    const first = await lead();
    const ids = await register(3);
    await untilTaken(ids);
    await first.close();
    const before = receiver.taken.map(({ id }) => id);
    const { storeEpoch } = await store.readHead();
    await dataSource.query('DELETE FROM webhook_cursor');
    await dataSource.query('UPDATE log_head SET store_epoch = gen_random_uuid()');
    await lead();
    const [later] = await register();
    await untilTaken([later!]);
    expect(receiver.taken.slice(3, 6).map(({ id }) => id)).toEqual(before);
    const epochs = receiver.taken.map(({ headers }) => headers['x-rollbook-epoch']);
    expect(new Set(epochs).size).toBe(2);
    expect(epochs.at(-1)).not.toBe(storeEpoch);
  });

  test('are signed by both secrets while one replaces the other, and never kept in clear', async () => {
    await define('chat');
    const next = newWebhookSecret();
    await define('chat', {}, next);
    await lead();
    await untilTaken(await register());
    expect(receiver.isSignedBy(SECRET)).toBe(true);
    expect(receiver.isSignedBy(next)).toBe(true);
    const everything: { text: string }[] = await dataSource.query(
      `SELECT data::text || meta::text AS text FROM event UNION ALL SELECT state::text FROM stream UNION ALL SELECT answer FROM command_key`,
    );
    expect(everything.length).toBeGreaterThan(10);
    for (const secret of [SECRET, next])
      expect(everything.some(({ text }) => text.includes(secret.slice('whsec_'.length)))).toBe(false);
  });
});

describe('Cursors of webhooks', () => {
  let database: TestDatabase;
  let dataSource: DataSource;
  beforeAll(async () => {
    database = await createMigratedDatabase();
    dataSource = await new DataSource({ type: 'postgres', url: database.url }).initialize();
  });
  afterAll(async () => {
    await dataSource?.destroy();
    await database?.drop();
  });

  test('cannot be written by a term that another one has followed', async () => {
    const cursors = new WebhookCursors(dataSource);
    const of = (term: number) => ({ webhook: 'terms', created: 5, revision: 5, term });
    expect(await cursors.claim(of(1), 5, 100)).toMatchObject({ index: 5, position: 0, attempts: 0, waitMs: 0 });
    expect(await cursors.moved(of(1), { index: 9, position: 2 }, { status: 200 })).toBe(true);
    expect(await cursors.claim(of(2), 5, 100)).toMatchObject({ index: 9, position: 2 });
    expect(await cursors.moved(of(1), { index: 8, position: 0 })).toBe(false);
    expect(await cursors.failed(of(1), { attempts: 1, status: 0, error: 'late', waitMs: 1 })).toBe(false);
    expect(await cursors.claim(of(1), 5, 100)).toBeUndefined();
  });

  test('keep attempts and pauses for the next term, but not for another definition or another webhook of the name', async () => {
    const cursors = new WebhookCursors(dataSource);
    const of = (term: number, revision = 5, created = 5) => ({ webhook: 'attempts', created, revision, term });
    await cursors.claim(of(1), 5, 100);
    await cursors.moved(of(1), { index: 50, position: 0 });
    await cursors.failed(of(1), { attempts: 4, status: 503, error: 'answered 503', waitMs: 60_000 });
    const kept = await cursors.claim(of(2), 5, 100);
    expect(kept).toMatchObject({ index: 50, attempts: 4, lastStatus: 503, lastError: 'answered 503' });
    expect(kept!.waitMs).toBeGreaterThan(50_000);
    expect(kept!.failingMs).toBeGreaterThanOrEqual(0);
    expect(await cursors.claim(of(3, 60), 5, 100)).toMatchObject({
      index: 50,
      attempts: 0,
      waitMs: 0,
      failingMs: null,
    });
    expect(await cursors.claim(of(4, 70, 70), 70, 100)).toMatchObject({ index: 70, attempts: 0 });
  });

  test('go back to the end of a log that was brought back to an earlier point', async () => {
    const cursors = new WebhookCursors(dataSource);
    const of = (term: number) => ({ webhook: 'restored', created: 5, revision: 5, term });
    await cursors.claim(of(1), 5, 100);
    await cursors.moved(of(1), { index: 90, position: 3 });
    expect(await cursors.claim(of(2), 5, 40)).toMatchObject({ index: 40, position: 0 });
    await cursors.keepOnly(['another']);
    expect(await cursors.progress()).toEqual(new Map());
  });
});
