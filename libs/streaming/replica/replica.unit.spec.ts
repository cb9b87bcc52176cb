import { StoreUnavailable, type Head } from '@app/event-store';
import { until } from '@app/testing';
import type { Answer, Query } from '../answer-cache.js';
import type { LogCommit } from '../log-tail.js';
import { Replica, type ReplicaConnection } from './replica.js';

/** A log, and a replica of it that says what it is told to say. */
class Fake {
  log: Head = { index: 10, chain: '', storeEpoch: 'this' };
  replica: Head = { index: 10, chain: '', storeEpoch: 'this' };
  applied = 10;
  closed = 0;
  readonly problems: (string | undefined)[] = [];
  private readonly listeners = new Set<(commit: LogCommit) => void>();

  readonly under = new Replica({
    primary: {
      applied: 10,
      lastContactMs: 0,
      onCommit: (listener) => {
        this.listeners.add(listener);
        return () => this.listeners.delete(listener);
      },
    },
    readHead: () => Promise.resolve(this.log),
    connect: () => Promise.resolve(this.connection),
    onChange: (problem) => this.problems.push(problem?.message),
  });

  commit(index: number): void {
    for (const listener of this.listeners) listener({ index, time: 0, meta: { actor: 'test' }, changes: [] });
  }

  private get connection(): ReplicaConnection {
    const applied = (): number => this.applied;
    const tail = {
      get applied() {
        return applied();
      },
      answerWaiting: () => undefined,
    };
    const moment = { applied: this.applied, tableIndex: () => this.applied };
    const cache = { read: (query: Query) => query.load(moment) };
    return {
      side: { tail, cache } as unknown as ReplicaConnection['side'],
      readHead: () => Promise.resolve(this.replica),
      close: () => Promise.resolve(void this.closed++),
    };
  }
}

const answer: Answer = { status: 200, index: 10, body: Buffer.from('{}') };
const query = (load: () => Promise<Answer> = () => Promise.resolve(answer)): Query => ({ key: 'k', topics: [], load });

describe('a replica', () => {
  let fake: Fake;
  const serves = (): Promise<void> => until('it serves', () => fake.under.isServing);
  const read = (load?: () => Promise<Answer>) => fake.under.read(({ cache }) => cache.read(query(load)));

  beforeEach(() => {
    fake = new Fake();
  });
  afterEach(() => fake.under.close());

  test('of another log is never served from', async () => {
    fake.replica = { ...fake.replica, storeEpoch: 'another' };
    fake.under.start();
    await until('it is told of', () => fake.problems.length > 0);
    expect(fake.problems).toEqual(['the replica holds another log than the database']);
    expect(await read()).toBeUndefined();
    expect(fake.under.fallbacks).toBe(1);
  });

  test('is served from when it has what the log had at the beginning, not before', async () => {
    fake.applied = 9;
    fake.under.start();
    expect(await read()).toBeUndefined();
    fake.applied = 10;
    await serves();
    expect((await read())?.answer).toBe(answer);
    expect(fake.problems).toEqual([undefined]);
  });

  test('that has gone back while something was read gives no answer', async () => {
    fake.under.start();
    await serves();
    const told = await read(() => {
      fake.replica = { ...fake.replica, index: 8 };
      return Promise.resolve(answer);
    });
    expect(told).toBeUndefined();
    expect(fake.problems).toEqual([undefined, 'the replica has gone back from index 10 to 8']);
    await until('its connection is closed', () => fake.closed > 0);
  });

  test('that is away gives no answer, and is asked again when it is back', async () => {
    fake.under.start();
    await serves();
    expect(await read(() => Promise.reject(new StoreUnavailable('nothing-written')))).toBeUndefined();
    expect(fake.under.isServing).toBe(false);
    await serves();
    expect((await read())?.answer).toBe(answer);
    expect(fake.problems).toHaveLength(3);
  });

  test('stays when what is thrown has nothing to do with it', async () => {
    fake.under.start();
    await serves();
    await expect(read(() => Promise.reject(new TypeError('a bad question')))).rejects.toThrow('a bad question');
    expect(fake.under.isServing).toBe(true);
  });

  test('stays when the database has ended a single read', async () => {
    fake.under.start();
    await serves();
    const conflict = Object.assign(new Error('canceling statement due to conflict with recovery'), { code: '40001' });
    expect(
      await read(() => Promise.reject(Object.assign(new StoreUnavailable('nothing-written'), { cause: conflict }))),
    ).toBeUndefined();
    expect(fake.under.isServing).toBe(true);
  });

  test('answers are as old as the first commit that it lacks', async () => {
    fake.under.start();
    await serves();
    expect((await read())!.ageMs).toBe(0);
    fake.commit(11);
    await until('time has passed', async () => (await read())!.ageMs >= 20);
    fake.applied = 11;
    expect((await read())!.ageMs).toBe(0);
  });
});
