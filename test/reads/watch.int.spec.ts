import { blockingQuery, type Answer, type KeptLists, type ListSource, type Query } from '@app/streaming';
import { jobSpec, registered, until } from '@app/testing';
import { seeded, Workload } from '../../libs/read-models/testing/workload.js';
import { SOURCES } from './sources.js';
import { startStage, type Stage } from './stage.js';

jest.setTimeout(120_000);

const SEED = Number(process.env['WORKLOAD_SEED'] ?? 20_262);
const ROUNDS = 25;
const WATCHERS = 3;

describe(`Blocking queries of kept lists (seed ${SEED})`, () => {
  let stage: Stage;
  let end: AbortController;

  beforeEach(async () => {
    stage = await startStage();
    end = new AbortController();
  });
  afterEach(async () => {
    end.abort();
    await stage.close();
  });

  const queryOf = (lists: KeptLists, source: ListSource): Query => {
    const read = async (): Promise<Answer> => {
      const { rows, tableIndex } = await lists.read(source);
      return { status: 200, index: tableIndex, body: rows.body() };
    };
    const watch = (wake: () => void) => lists.watch(source, wake);
    return { key: source.key, topics: [`table:${source.query.table}`], load: read, kept: { read, watch } };
  };
  const wait = (lists: KeptLists, source: ListSource, minIndex: number): Promise<Answer> =>
    blockingQuery(stage.one.tail, stage.one.cache, queryOf(lists, source), {
      minIndex,
      waitMs: 300_000,
      signal: end.signal,
      random: () => 0,
    });

  test.each([
    ['that all fit', 50_000_000],
    ['of which most must go', 60_000],
  ])('no wake-up is lost, whoever writes and whenever: lists %s', async (_name, bytes) => {
    const { one, other } = stage;
    const random = seeded(SEED);
    const [own, foreign] = [new Workload(one.handler, random), new Workload(other.handler, random)];
    const lists = stage.listsOn(one, bytes);
    let left = 0;
    stage.inject(async () => {
      if (left-- > 0) await Promise.all([own.run(Math.floor(random() * 4)), foreign.run(Math.floor(random() * 4))]);
    });
    await own.run(60);
    const lastSeen = new Map<string, string>();
    const follow = async (source: ListSource, name: string): Promise<void> => {
      for (let index = 1; !end.signal.aborted;) {
        const answer = await wait(lists, source, index);
        index = answer.index;
        lastSeen.set(name, answer.body.toString());
      }
    };
    const watchers = SOURCES.flatMap((source) =>
      Array.from({ length: WATCHERS }, (_, n) => ({ source, name: `${source.key} ${n}` })),
    );
    const following = watchers.map(({ source, name }) => follow(source, name));
    for (let round = 0; round < ROUNDS; round++) {
      left = 2;
      await Promise.all([
        own.run(Math.floor(random() * 6)),
        foreign.run(Math.floor(random() * 4)),
        random() < 0.3
          ? other.execute(registered({ ...jobSpec({ id: 'web', tag: String(round) }), Namespace: 'team' }))
          : undefined,
      ]);
    }
    left = 0;
    await one.tail.readIndex();
    for (const source of SOURCES) {
      const text = (await lists.read(source)).rows.body().toString();
      for (const { name } of watchers.filter((watcher) => watcher.source === source))
        await until(`${name} shows what there is`, () => lastSeen.get(name) === text);
    }
    end.abort();
    await Promise.all(following);
    expect([...one.errors, ...other.errors]).toEqual([]);
  });

  test('what a list does not show wakes nobody who waits for it', async () => {
    const { one, other } = stage;
    const lists = stage.listsOn(one, 1_000_000);
    const register = (id: string, namespace: string, on = one) =>
      on.execute(registered({ ...jobSpec({ id }), Namespace: namespace }));
    await new Workload(one.handler, seeded(1)).run(1);
    await register('web', 'default');
    const sources = SOURCES.filter(
      ({ key }) => key === 'evaluations of a namespace' || key === 'evaluations that team sees',
    );
    expect(sources).toHaveLength(2);
    for (const source of sources) await lists.read(source);
    const { tableIndex } = await lists.read(sources[0]!);
    const answered: string[] = [];
    const waiting = sources.map((source) => wait(lists, source, tableIndex).finally(() => answered.push(source.key)));
    // All have looked at what is kept, and wait.
    await new Promise((resolve) => setImmediate(resolve));
    for (const instance of [one, other]) {
      await register('api', 'default', instance);
      await one.tail.readIndex();
      for (const source of sources) await lists.read(source);
    }
    expect(answered).toEqual([]);
    const { index } = (await register('seen', 'team')) as { index: number };
    expect((await Promise.all(waiting)).map((answer) => answer.index)).toEqual([index, index]);
  });

  test('a herd that waits for one list costs one refresh, and is given one body', async () => {
    const { one } = stage;
    const lists = stage.listsOn(one, 1_000_000);
    await one.execute(registered(jobSpec({ id: 'web' })));
    const source = SOURCES.find(({ key }) => key === 'evaluations that default sees')!;
    const { tableIndex } = await lists.read(source);
    const waiting = Array.from({ length: 500 }, () => wait(lists, source, tableIndex));
    await new Promise((resolve) => setImmediate(resolve));
    const before = { reads: lists.reads, refreshes: lists.refreshes };
    await one.execute(registered(jobSpec({ id: 'api' })));
    const bodies = new Set((await Promise.all(waiting)).map(({ body }) => body));
    expect(bodies.size).toBe(1);
    expect({ reads: lists.reads - before.reads, refreshes: lists.refreshes - before.refreshes }).toEqual({
      reads: 0,
      refreshes: 1,
    });
  });
});
