import { MemoryEventStore } from '@app/event-store';
import { jobStream } from '@app/kernel';
import { jobSpec, registered, startInstance, type TestInstance } from '@app/testing';
import type { Answer, Query } from './answer-cache.js';
import { blockingQuery, type BlockingOptions } from './blocking-query.js';

describe('A blocking query', () => {
  let instance: TestInstance;
  let store: MemoryEventStore;
  const web = jobStream('default', 'web');
  /** The job `web` as a reader of the store would see it. */
  const query = (change: Partial<Query> = {}): Query => ({
    key: 'web',
    topics: [web],
    missTopics: ['table:job'],
    load: async (): Promise<Answer> => {
      const stored = (await store.load([web])).get(web);
      return stored === undefined
        ? { status: 404, index: instance.tail.tableIndex('job'), body: Buffer.from('job not found') }
        : { status: 200, index: stored.lastIndex, body: Buffer.from(stored.state) };
    },
    ...change,
  });
  const ask = (minIndex: number, change: Partial<BlockingOptions> = {}, of: Query = query()): Promise<Answer> =>
    blockingQuery(instance.tail, instance.cache, of, {
      minIndex,
      waitMs: 5_000,
      signal: new AbortController().signal,
      random: () => 0,
      ...change,
    });
  const register = (id: string, tag = '') => instance.execute(registered(jobSpec({ id, tag })));
  const watchers = (): number => (instance.tail as unknown as { watchers: Map<string, unknown> }).watchers.size;

  beforeEach(async () => {
    store = new MemoryEventStore();
    instance = await startInstance(store);
  });
  afterEach(async () => {
    if (watchers() > 0) throw new Error('somebody still watches');
    await instance.close();
  });

  test('without an index answers at once', async () => {
    expect(await ask(0)).toMatchObject({ status: 404 });
  });

  test('answers at once when the index has been passed already', async () => {
    await register('web');
    await register('web', 'new');
    expect(await ask(1)).toMatchObject({ status: 200, index: 2 });
  });

  test('waits for the change, and is not disturbed by others', async () => {
    await register('web');
    let isAnswered = false;
    const waiting = ask(1).finally(() => (isAnswered = true));
    await register('api');
    await register('api', 'new');
    expect(isAnswered).toBe(false);
    await register('web', 'new');
    expect(await waiting).toMatchObject({ index: 4 });
  });

  test('with an index of the future waits until that has passed', async () => {
    await register('web');
    const waiting = ask(2);
    await register('web', 'a');
    await register('web', 'b');
    expect(await waiting).toMatchObject({ index: 3 });
  });

  test('of something that does not exist yet is answered when it is created', async () => {
    await register('api');
    const waiting = ask(1);
    await register('web');
    expect(await waiting).toMatchObject({ status: 200, index: 2 });
  });

  test('gives nobody what is newer than the last look at the right to it', async () => {
    await register('web');
    let isAllowed = true;
    const load = query().load;
    const raced = query({
      load: async (moment) => {
        // What takes the right away is a commit that changes what is read, too.
        if (isAllowed) {
          isAllowed = false;
          await register('web', 'newer');
        }
        return load(moment);
      },
    });
    const renew = (): Promise<Query> => (isAllowed ? Promise.resolve(raced) : Promise.reject(new Error('denied')));
    await expect(ask(1, { right: { topics: ['table:acl_token'], renew } }, raced)).rejects.toThrow('denied');
  });

  test('misses no change between its read and its wait', async () => {
    await register('web');
    const load = query().load;
    let isFirst = true;
    const raced = query({
      load: async (moment) => {
        const answer = await load(moment);
        if (isFirst) {
          isFirst = false;
          await register('web', 'in between');
        }
        return answer;
      },
    });
    expect(await ask(1, {}, raced)).toMatchObject({ index: 2 });
  });

  test('gives up when its time is over, with what there is', async () => {
    await register('web');
    const started = performance.now();
    expect(await ask(1, { waitMs: 20 })).toMatchObject({ status: 200, index: 1 });
    expect(performance.now() - started).toBeGreaterThanOrEqual(19);
  });

  test('ends when the client has gone, whether it waits already or not', async () => {
    await register('web');
    const client = new AbortController();
    const waiting = ask(1, { signal: client.signal });
    client.abort();
    expect(await waiting).toMatchObject({ index: 1 });
    expect(await ask(1, { signal: client.signal })).toMatchObject({ index: 1 });
  });

  test('ends when the server shuts down', async () => {
    await register('web');
    const waiting = ask(1);
    await instance.tail.close();
    expect(await waiting).toMatchObject({ index: 1 });
  });

  test('ends also when the server begins to while it learns that there is nothing to be found', async () => {
    await register('api');
    const { load } = query();
    const last = query({
      load: (moment) => {
        if (!instance.tail.isEnding) instance.tail.answerWaiting();
        return load(moment);
      },
    });
    expect(await ask(1, { waitMs: 300_000 }, last)).toMatchObject({ status: 404 });
  });

  test('passes a failure on and leaves nobody watching', async () => {
    await register('web');
    await expect(ask(1, {}, query({ load: () => Promise.reject(new Error('the store is away')) }))).rejects.toThrow(
      'the store is away',
    );
  });

  test('shares its evaluation with all who ask the same', async () => {
    await register('web');
    let loads = 0;
    const { load } = query();
    const counted = query({ load: (moment) => (loads++, load(moment)) });
    const all = Array.from({ length: 50 }, () => ask(1, {}, counted));
    await register('web', 'new');
    expect((await Promise.all(all)).every(({ index }) => index === 2)).toBe(true);
    expect(loads).toBeLessThanOrEqual(3);
  });
});
