import { MemoryEventStore, type EventStore } from '@app/event-store';
import { jobStream, type RecordedEvent } from '@app/kernel';
import { given, jobSpec, registered, startInstance, until, type TestInstance } from '@app/testing';
import { commitsOf, LogNotFollowed, type LogCommit } from './log-tail.js';

/** A store that can be told to fail, or to let its answers wait. */
class TestStore extends MemoryEventStore {
  failing: string | undefined;
  headReads = 0;
  private gate: { readonly opened: Promise<void>; readonly open: () => void } | undefined;

  hold(): () => void {
    const { promise, resolve } = Promise.withResolvers<void>();
    this.gate = { opened: promise, open: resolve };
    return () => {
      this.gate = undefined;
      resolve();
    };
  }

  override async readHead(): ReturnType<EventStore['readHead']> {
    this.headReads++;
    if (this.failing === 'readHead') throw new Error('the store is away');
    await this.gate?.opened;
    return super.readHead();
  }

  override async readAfter(index: number, limit: number): ReturnType<EventStore['readAfter']> {
    if (this.failing === 'readAfter') throw new Error('the store is away');
    return super.readAfter(index, limit);
  }
}

describe('The log tail', () => {
  let store: TestStore;
  const instances: TestInstance[] = [];
  const start = async (): Promise<TestInstance & { readonly seen: LogCommit[] }> => {
    const instance = await startInstance(store);
    const seen: LogCommit[] = [];
    instance.tail.onCommit((commit) => seen.push(commit));
    instances.push(instance);
    return { ...instance, seen };
  };
  const register = (instance: TestInstance, id: string) => instance.execute(registered(jobSpec({ id })));

  beforeEach(() => (store = new TestStore()));
  afterEach(async () => {
    await Promise.all(instances.splice(0).map((instance) => instance.close()));
  });

  test("applies own commits with the states that they led to, before the command's caller goes on", async () => {
    const one = await start();
    await register(one, 'web');
    expect(one.tail.applied).toBe(1);
    expect(one.seen).toMatchObject([
      { index: 1, changes: [{ stream: jobStream('default', 'web'), version: 1, state: { id: 'web' } }, {}, {}] },
    ]);
  });

  test('applies commits of other instances without states, in their order', async () => {
    const [one, other] = [await start(), await start()];
    for (const id of ['a', 'b', 'c']) await register(one, id);
    await other.tail.reached(3);
    expect(other.seen.map(({ index }) => index)).toEqual([1, 2, 3]);
    expect(other.seen[0]!.changes[0]).toEqual({
      stream: jobStream('default', 'a'),
      version: 1,
      events: expect.any(Array) as unknown[],
    });
  });

  test('leaves no gap and repeats nothing when several instances write at once', async () => {
    const all = [await start(), await start(), await start()];
    const count = 30;
    await Promise.all(Array.from({ length: count }, (_, n) => register(all[n % all.length]!, `job-${n}`)));
    for (const { tail, seen } of all) {
      await tail.reached(count);
      expect(seen.map(({ index }) => index)).toEqual(Array.from({ length: count }, (_, n) => n + 1));
    }
  });

  test('lets the command handler forget what another instance has moved', async () => {
    const [one, other] = [await start(), await start()];
    await register(one, 'web');
    await other.tail.reached(1);
    await other.execute(registered(jobSpec({ id: 'web', tag: 'theirs' })));
    await one.tail.reached(2);
    const outcome = await one.execute(registered(jobSpec({ id: 'web', tag: 'ours' })));
    expect(outcome).toMatchObject({ kind: 'accepted', index: 3 });
    expect(store.tables.get('job_version')?.size).toBe(3);
  });

  test('begins at the head, not at the beginning', async () => {
    await register(await start(), 'web');
    const late = await start();
    expect(late.tail.applied).toBe(1);
    expect(late.tail.tableIndex('job')).toBe(1);
    await register(late, 'api');
    expect(late.seen.map(({ index }) => index)).toEqual([2]);
  });

  test('knows the last index of each table', async () => {
    const one = await start();
    await register(one, 'web');
    expect([
      one.tail.tableIndex('job'),
      one.tail.tableIndex('deployment'),
      one.tail.tableIndex('deployment', 'evaluation'),
    ]).toEqual([1, 0, 1]);
  });

  describe('asked for the read index', () => {
    test('answers when everything up to the head of then is applied', async () => {
      const [one, other] = [await start(), await start()];
      await register(one, 'web');
      expect(await other.tail.readIndex()).toBe(1);
      expect(other.tail.applied).toBe(1);
    });

    test('shares one read among all that ask while another is under way', async () => {
      const one = await start();
      store.headReads = 0;
      const open = store.hold();
      const first = one.tail.readIndex();
      const later = Array.from({ length: 20 }, () => one.tail.readIndex());
      expect(store.headReads).toBe(1);
      open();
      await Promise.all([first, ...later]);
      expect(store.headReads).toBe(2);
    });

    test('never answers with a head from before the question', async () => {
      const one = await start();
      const open = store.hold();
      const first = one.tail.readIndex();
      await register(one, 'web');
      const second = one.tail.readIndex();
      open();
      await first;
      expect(await second).toBe(1);
    });

    test('fails while the store is away, and works again afterwards', async () => {
      const one = await start();
      store.failing = 'readHead';
      await expect(one.tail.readIndex()).rejects.toThrow('the store is away');
      store.failing = undefined;
      await expect(one.tail.readIndex()).resolves.toBe(0);
    });
  });

  test('whose store fails says so to all who wait, and goes on where it was once it answers', async () => {
    const [one, other] = [await start(), await start()];
    store.failing = 'readAfter';
    const waiting = other.tail.reached(1);
    const refused = waiting.catch((error: Error) => error.message);
    await register(one, 'web');
    expect(await refused).toBe('the store is away');
    expect(other.errors.length).toBeGreaterThan(0);
    expect(other.tail.applied).toBe(0);
    store.failing = undefined;
    await register(one, 'api');
    await until('the other one caught up', () => other.tail.applied === 2);
    expect(other.seen.map(({ index }) => index)).toEqual([1, 2]);
  });

  describe('does not pass over', () => {
    const throwing = (tail: TestInstance['tail']) => {
      const state = { isBroken: true, seen: [] as number[] };
      tail.onCommit(({ index }) => {
        if (state.isBroken) throw new Error('a listener is broken');
        state.seen.push(index);
      });
      return state;
    };

    test.each([
      ['its own process', true],
      ['another one', false],
    ])('a commit of %s that a listener throws at: it is offered again, to that one only', async (_whose, isOwn) => {
      const [writer, other] = [await start(), await start()];
      const one = isOwn ? writer : other;
      const listener = throwing(one.tail);
      await register(writer, 'web');
      await expect(one.tail.reached(1)).rejects.toThrow('cannot follow the log: a listener is broken');
      expect(one.tail.applied).toBe(0);
      await register(writer, 'api');
      listener.isBroken = false;
      await until('it has caught up', () => one.tail.applied === 2);
      expect(listener.seen).toEqual([1, 2]);
      expect(one.seen.map(({ index }) => index)).toEqual([1, 2]);
    });

    test('an event of a type that it does not know: it applies what comes before, and says that it cannot go on', async () => {
      const [writer, one] = [await start(), await start()];
      let isLater = true;
      const readAfter = store.readAfter.bind(store);
      store.readAfter = async (...given) =>
        (await readAfter(...given)).map((event) =>
          isLater && event.index === 2 ? { ...event, type: 'Later' } : event,
        );
      for (const id of ['a', 'b', 'c']) await register(writer, id);
      await expect(one.tail.reached(3)).rejects.toThrow('event Later is of a type that this release does not know');
      expect(one.tail.applied).toBe(1);
      await expect(one.tail.readIndex()).rejects.toBeInstanceOf(LogNotFollowed);
      isLater = false;
      await until('it has caught up', () => one.tail.applied === 3);
      expect(one.seen.map(({ index }) => index)).toEqual([1, 2, 3]);
    });

    test('a gap in what it reads', async () => {
      const [writer, one] = [await start(), await start()];
      const readAfter = store.readAfter.bind(store);
      store.readAfter = async (...given) => (await readAfter(...given)).filter(({ index }) => index !== 1);
      for (const id of ['a', 'b']) await register(writer, id);
      await expect(one.tail.reached(2)).rejects.toThrow('there is nothing in it between 0 and 2');
      expect(one.seen).toEqual([]);
    });
  });

  test('keeps the indexes of a moment as they were', async () => {
    const one = await start();
    await register(one, 'web');
    const moment = one.tail.moment();
    await register(one, 'api');
    expect([moment.applied, moment.tableIndex('job'), moment.tableIndex('node')]).toEqual([1, 1, 0]);
    expect([one.tail.applied, one.tail.tableIndex('job')]).toEqual([2, 2]);
  });

  describe('wakes those who watch', () => {
    test('a stream or a table, once', async () => {
      const one = await start();
      const woken: string[] = [];
      one.tail.watch([jobStream('default', 'web')], () => woken.push('stream'));
      one.tail.watch(['table:job', 'table:node'], () => woken.push('table'));
      one.tail.watch(['table:deployment'], () => woken.push('other table'));
      await register(one, 'web');
      await one.execute(registered(jobSpec({ id: 'web', tag: 'new' })));
      expect(woken).toEqual(['stream', 'table']);
    });

    test('not any more when they have ended it', async () => {
      const one = await start();
      let woken = 0;
      one.tail.watch(['table:job'], () => woken++)();
      await register(one, 'web');
      expect(woken).toBe(0);
    });

    test('when it closes', async () => {
      const one = await start();
      let woken = 0;
      one.tail.watch(['table:job'], () => woken++);
      const waiting = one.tail.reached(7);
      const refused = waiting.catch((error: Error) => error.message);
      await one.tail.close();
      expect(await refused).toMatch(/does not answer/);
      expect(woken).toBe(1);
    });
  });
});

describe('Commits of the log', () => {
  test('are its events by index, and within a commit by stream', () => {
    const { log } = given(registered(jobSpec()), registered(jobSpec({ tag: 'new' }))).world;
    const commits = commitsOf(log);
    expect(commits.map(({ index, changes }) => [index, changes.map(({ version }) => version)])).toEqual([
      [1, [1, 1, 1]],
      [2, [2, 1]],
    ]);
    expect(commits.flatMap(({ changes }) => changes.flatMap(({ events }) => events))).toHaveLength(log.length);
  });

  test('of a later release are not guessed at', () => {
    const [event] = given(registered(jobSpec())).world.log;
    expect(() => commitsOf([{ ...event, schema: 99 } as RecordedEvent])).toThrow('has schema 99');
  });
});
