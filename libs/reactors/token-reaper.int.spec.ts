import { createAclToken, isExpired, type AclTokenState } from '@app/domain';
import { PostgresEventStore } from '@app/event-store';
import { aclTokenStream } from '@app/kernel';
import { aggregates, ReadModels, verify } from '@app/read-models';
import { createMigratedDatabase, idOf, startInstance, until, type TestDatabase, type TestInstance } from '@app/testing';
import { DataSource } from 'typeorm';
import type { ReactorContext } from './reactor.js';
import { TokenReaper } from './token-reaper.js';

jest.setTimeout(60_000);

/** More than are looked at in one look. */
const TOKENS = 130;
const LASTING = idOf(TOKENS + 1);

describe('Tokens whose time is over', () => {
  let database: TestDatabase;
  let store: PostgresEventStore;
  let dataSource: DataSource;
  let instance: TestInstance;
  let now = 1_767_225_600_000_000;

  beforeAll(async () => {
    database = await createMigratedDatabase();
    store = new PostgresEventStore({ url: database.url });
    dataSource = await new DataSource({ type: 'postgres', url: database.url }).initialize();
    instance = await startInstance(store, () => now);
  });
  afterAll(async () => {
    await instance.close();
    await store.close();
    await dataSource.destroy();
    await database.drop();
  });

  const made = (accessorId: string, ttl: number) =>
    instance.execute((view, context) =>
      createAclToken(view, context, {
        ...{ accessorId, secretDigest: `digest of ${accessorId}`, name: 'x', nameBytes: 1, type: 'client' },
        ...{ policies: ['p'], roles: [], isGlobal: false, ttl, time: 0, hash: '' },
      }),
    );
  const lead = (errors: unknown[]): TokenReaper => {
    const context: Partial<ReactorContext> = {
      execute: (name, decide, _causation, reads) =>
        instance.handler.execute({ name, meta: { actor: 'leader' }, decide, ...(reads && { reads }) }),
      now: () => now,
      onError: (error) => errors.push(error),
    };
    const reaper = new TokenReaper(context as ReactorContext, new ReadModels(dataSource), 5);
    reaper.start();
    return reaper;
  };
  const left = (): Promise<string[]> => new ReadModels(dataSource).keys('acl_token', {});

  test('are removed, each by one event, and others stay', async () => {
    await Promise.all(Array.from({ length: TOKENS }, (_, n) => made(idOf(n + 1), 60e9)));
    await made(LASTING, 3600e9);
    // Two leaders, for a moment.
    const errors: unknown[] = [];
    const reapers = [lead(errors), lead(errors)];
    await until('the reapers have looked', async () => (await left()).length === TOKENS + 1);
    now += 61_000_000;
    await until('the expired ones are gone', async () => (await left()).length === 1);
    await Promise.all(reapers.map((reaper) => reaper.stop()));
    expect(errors).toEqual([]);
    expect(await left()).toEqual([LASTING]);
    for (let n = 1; n <= TOKENS; n++) {
      const events = await store.readStream(aclTokenStream(idOf(n)), 1);
      expect(events.map(({ type }) => type)).toEqual(['AclTokenCreated', 'AclTokenExpired']);
    }
    const [lasting] = [...(await store.load([aclTokenStream(LASTING)])).values()];
    expect(isExpired(JSON.parse(lasting!.state) as AclTokenState, now)).toBe(false);
    const differences: string[] = [];
    await verify({ url: database.url, aggregates, onDifference: (one) => differences.push(one) });
    expect(differences).toEqual([]);
  });
});
