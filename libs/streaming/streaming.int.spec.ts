import { PostgresEventStore } from '@app/event-store';
import { jobStream } from '@app/kernel';
import {
  createMigratedDatabase,
  jobSpec,
  registered,
  startInstance,
  type TestDatabase,
  type TestInstance,
} from '@app/testing';
import type { Answer, Query } from './answer-cache.js';
import { blockingQuery } from './blocking-query.js';

jest.setTimeout(60_000);

describe('Two instances on one Postgres', () => {
  let database: TestDatabase;
  const stores: PostgresEventStore[] = [];
  let one: TestInstance;
  let other: TestInstance;
  const start = async (): Promise<TestInstance> => {
    const store = new PostgresEventStore({ url: database.url, poolSize: 4 });
    stores.push(store);
    return startInstance(store);
  };
  const register = (instance: TestInstance, id: string, tag = '') => instance.execute(registered(jobSpec({ id, tag })));
  const web: Query = {
    key: 'web',
    topics: [jobStream('default', 'web')],
    missTopics: ['table:job'],
    load: async (): Promise<Answer> => {
      const stored = (await stores[0]!.load([jobStream('default', 'web')])).values().next().value;
      return stored === undefined
        ? { status: 404, index: one.tail.tableIndex('job'), body: Buffer.from('job not found') }
        : { status: 200, index: stored.lastIndex, body: Buffer.from(stored.state) };
    },
  };
  const ask = (minIndex: number): Promise<Answer> =>
    blockingQuery(one.tail, one.cache, web, {
      minIndex,
      waitMs: 20_000,
      signal: new AbortController().signal,
      random: () => 0,
    });

  beforeAll(async () => {
    database = await createMigratedDatabase();
    [one, other] = [await start(), await start()];
  });
  afterAll(async () => {
    await Promise.all([one, other].map((instance) => instance?.close()));
    await Promise.all(stores.map((store) => store.close()));
    await database.drop();
  });

  test('a write on one wakes the blocking query that waits on the other', async () => {
    const missing = ask(one.tail.tableIndex('job') || 1);
    await register(other, 'api');
    const created = await register(other, 'web');
    const { index } = created as { index: number };
    expect(await missing).toMatchObject({ status: 200, index });
    const waiting = ask(index);
    const started = performance.now();
    const changed = await register(other, 'web', 'new');
    expect(await waiting).toMatchObject({ index: (changed as { index: number }).index });
    expect(performance.now() - started).toBeLessThan(2_000);
  });

  test('what one has answered the other sees in the next read', async () => {
    for (let round = 0; round < 20; round++) {
      const [writer, reader] = round % 2 === 0 ? [one, other] : [other, one];
      const { index } = (await register(writer, `round-${round}`)) as { index: number };
      expect(await reader.tail.readIndex()).toBeGreaterThanOrEqual(index);
      expect(reader.tail.applied).toBeGreaterThanOrEqual(index);
    }
  });

  test('both see every commit once and in order, while both write, also to the same job', async () => {
    const from = await one.tail.readIndex();
    await other.tail.readIndex();
    const seen = new Map([one, other].map((instance) => [instance, [] as number[]]));
    for (const [instance, indexes] of seen) instance.tail.onCommit(({ index }) => indexes.push(index));
    const outcomes = await Promise.all(
      Array.from({ length: 80 }, (_, n) =>
        register(n % 2 === 0 ? one : other, n % 4 < 2 ? 'contended' : `job-${n}`, String(n)),
      ),
    );
    expect(outcomes.filter(({ kind }) => kind === 'accepted').length).toBeGreaterThan(60);
    const head = await one.tail.readIndex();
    await other.tail.readIndex();
    const all = Array.from({ length: head - from }, (_, n) => from + n + 1);
    for (const indexes of seen.values()) expect(indexes).toEqual(all);
    expect([...one.errors, ...other.errors]).toEqual([]);
  });
});
