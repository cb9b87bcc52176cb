import { accept, reject, type DomainEvent, type StreamName } from '@app/kernel';
import { randomUUID } from 'node:crypto';
import type { Command, Commit, Outcome } from '../command.js';
import { CommandHandler } from '../command-handler.js';
import { MAX_QUEUE } from '../limits.js';
import type { EventStore } from '../port.js';
import type { SharedLog, Store } from './contract.js';
import { add, added, META, newStream, POISON, sums, type Sum } from './toy.js';

const accepted = <A>(outcome: Outcome<A>): { index: number; answer: A } => {
  if (outcome.kind !== 'accepted') throw new Error(`not accepted: ${JSON.stringify(outcome)}`);
  return outcome;
};

/** What the command handler must do on every store. */
export function describeCommandHandler(provide: () => Promise<SharedLog>): void {
  let log: SharedLog;
  let store: Store;
  let opened: (Store | CommandHandler)[] = [];
  let now = 1_760_000_000_000_000;

  const handlerOn = (on: EventStore): CommandHandler => {
    const handler = new CommandHandler({ store: on, aggregates: sums, clock: () => now++ });
    opened.unshift(handler);
    return handler;
  };
  const open = async (): Promise<Store> => {
    const another = await log.open();
    opened.push(another);
    return another;
  };
  const totalOf = async (stream: StreamName): Promise<number | undefined> => {
    const state = (await store.load([stream])).get(stream)?.state;
    return state === undefined ? undefined : (JSON.parse(state) as Sum).total;
  };

  beforeAll(async () => {
    log = await provide();
  });
  beforeEach(async () => {
    store = await open();
  });
  afterEach(async () => {
    for (const each of opened) await each.close();
    opened = [];
  });

  test('answers with the real index, in the answer, the state and the row', async () => {
    const [handler, stream] = [handlerOn(store), newStream()];
    const { index, answer } = accepted(await handler.execute(add(stream, 2)));
    expect(index).toBe((await store.readHead()).index);
    expect(answer).toEqual({ total: 2, index });
    const second = accepted(await handler.execute(add(stream, 3)));
    expect(second).toMatchObject({ index: index + 1, answer: { total: 5, index: index + 1 } });
    expect(JSON.parse((await store.load([stream])).get(stream)?.state ?? '')).toEqual({
      total: 5,
      createIndex: index,
      modifyIndex: index + 1,
    });
    expect((await log.row(stream))?.columns).toEqual({ total: 5, modify_index: index + 1 });
  });

  test('carries commands that come together in one batch, and those on one stream in order', async () => {
    const batches: number[] = [];
    const counting: EventStore = Object.assign(Object.create(store) as EventStore, {
      appendBatch: (commands: Parameters<EventStore['appendBatch']>[0]) => {
        batches.push(commands.length);
        return store.appendBatch(commands);
      },
    });
    const handler = handlerOn(counting);
    const shared = newStream();
    const outcomes = await Promise.all([
      handler.execute(add(shared, 1)),
      ...Array.from({ length: 20 }, () => handler.execute(add(newStream(), 1))),
      handler.execute(add(shared, 10)),
      handler.execute(add(shared, 100)),
    ]);
    expect(outcomes.map((outcome) => accepted(outcome).answer.total).filter((total) => total !== 1)).toEqual([11, 111]);
    expect(batches).toEqual([21, 1, 1]);
  });

  test('a conflict is decided again on fresh state', async () => {
    const stream = newStream();
    const [one, other] = [handlerOn(store), handlerOn(await open())];
    await one.execute(add(stream, 1));
    await other.execute(add(stream, 10));
    expect(accepted(await one.execute(add(stream, 100))).answer.total).toBe(111);
  });

  test('a command that is decided again creates the same things', async () => {
    const stream = newStream();
    const [one, other] = [handlerOn(store), handlerOn(await open())];
    await one.execute(add(stream, 1));
    await other.execute(add(stream, 1));
    const ids: string[][] = [];
    await one.execute({
      name: 'Create',
      meta: META,
      decide(view, { newId }) {
        ids.push([newId(), newId()]);
        view.read(stream);
        return accept([{ stream: `deployment/${ids.at(-1)?.[0]}`, event: added(1) }]);
      },
    });
    expect(ids.length).toBeGreaterThan(1);
    expect(new Set(ids.map(String)).size).toBe(1);
    expect(await totalOf(`deployment/${ids[0]?.[0]}`)).toBe(1);
  });

  test('a refusal is given only if it is true of the store', async () => {
    const stream = newStream();
    const [one, other] = [handlerOn(store), handlerOn(await open())];
    expect(await one.execute(add(stream, -5))).toEqual({ kind: 'rejected', rejection: { code: 'sum-below-zero' } });
    await other.execute(add(stream, 5));
    expect(accepted(await one.execute(add(stream, -5))).answer.total).toBe(0);
  });

  describe('a command upon what was seen at an index', () => {
    test('is decided if nothing has happened to it since, whatever happened elsewhere', async () => {
      const [handler, stream] = [handlerOn(store), newStream()];
      const { index } = accepted(await handler.execute(add(stream, 1)));
      await handler.execute(add(newStream(), 1));
      const outcome = await handler.execute(add(stream, 1, { seen: { stream, index } }));
      expect(accepted(outcome).answer.total).toBe(2);
    });

    test('is outdated if something has, also by another instance, and writes nothing', async () => {
      const stream = newStream();
      const [one, other] = [handlerOn(store), handlerOn(await open())];
      const { index } = accepted(await one.execute(add(stream, 1)));
      await other.execute(add(stream, 1));
      expect(await one.execute(add(stream, 1, { seen: { stream, index } }))).toEqual({ kind: 'outdated' });
      expect(await other.execute(add(stream, 1, { seen: { stream, index } }))).toEqual({ kind: 'outdated' });
      expect(await totalOf(stream)).toBe(2);
    });

    test('takes effect once when many act upon the same sight at the same time', async () => {
      const stream = newStream();
      const handlers = [handlerOn(store), handlerOn(await open())];
      const { index } = accepted(await handlers[0]!.execute(add(stream, 1)));
      const outcomes = await Promise.all(
        Array.from({ length: 20 }, (_, n) => handlers[n % 2]!.execute(add(stream, 1, { seen: { stream, index } }))),
      );
      expect(outcomes.filter(({ kind }) => kind === 'accepted')).toHaveLength(1);
      expect(outcomes.filter(({ kind }) => kind === 'outdated')).toHaveLength(19);
      expect(await totalOf(stream)).toBe(2);
    });

    test('repeated with its key is answered as before, though its own effect came since', async () => {
      const [handler, stream] = [handlerOn(store), newStream()];
      const { index } = accepted(await handler.execute(add(stream, 1)));
      const idempotency = { key: randomUUID(), fingerprint: 'f', encode: () => '"first"' };
      const again = () => handler.execute(add(stream, 1, { seen: { stream, index }, idempotency }));
      expect(await again()).toMatchObject({ kind: 'accepted' });
      expect(await again()).toMatchObject({ kind: 'duplicate', answer: '"first"' });
      expect(await totalOf(stream)).toBe(2);
    });
  });

  test('a command that changes nothing is answered from what the store has now, without an index', async () => {
    const stream = newStream();
    const [one, other] = [handlerOn(store), handlerOn(await open())];
    await one.execute(add(stream, 1));
    await other.execute(add(stream, 1));
    const before = (await store.readHead()).index;
    expect(await one.execute(add(stream, 0))).toEqual({ kind: 'accepted', index: 0, answer: { total: 2, index: 0 } });
    expect((await store.readHead()).index).toBe(before);
  });

  test('a stream that is written unread is taken as new, or loaded if it is not', async () => {
    const stream = newStream();
    const addUnread: Command = { name: 'AddUnread', meta: META, decide: () => accept([{ stream, event: added(1) }]) };
    await handlerOn(store).execute(addUnread);
    accepted(await handlerOn(await open()).execute(addUnread));
    expect(await totalOf(stream)).toBe(2);

    const strict = new CommandHandler({
      store,
      clock: () => now,
      aggregates: {
        ...sums,
        evolve(name, state, event, fact) {
          if (state === undefined) throw new Error('no such sum');
          return sums.evolve(name, state, event, fact);
        },
      },
    });
    opened.unshift(strict);
    expect((await strict.execute(addUnread)).kind).toBe('accepted');
    const unknown = newStream();
    const onNothing = { ...addUnread, decide: () => accept([{ stream: unknown, event: added(1) }]) };
    await expect(strict.execute(onNothing)).rejects.toThrow('no such sum');
  });

  test('loads what a command says it reads at once, and the rest as it is met', async () => {
    const streams = Array.from({ length: 5 }, newStream);
    const first = handlerOn(store);
    for (const stream of streams) await first.execute(add(stream, 1));
    const loads: number[] = [];
    const counting: EventStore = Object.assign(Object.create(store) as EventStore, {
      load: (wanted: readonly StreamName[]) => {
        loads.push(wanted.length);
        return store.load(wanted);
      },
    });
    // Room for one state only: what was loaded for a command must stay with it.
    const handler = new CommandHandler({ store: counting, aggregates: sums, clock: () => now, maxCachedStates: 1 });
    opened.unshift(handler);
    const target = newStream();
    const outcome = await handler.execute({
      name: 'AddAll',
      meta: META,
      reads: streams.slice(0, 3),
      decide(view) {
        const total = streams.reduce((sum, stream) => sum + (view.read<Sum>(stream)?.total ?? 0), 0);
        return accept([{ stream: target, event: added(total) }], total);
      },
    });
    expect(accepted(outcome).answer).toBe(5);
    expect(loads).toEqual([3, 1, 1]);
  });

  test('a repeated key is answered as before, also when its command would now be refused', async () => {
    const [handler, stream, key] = [handlerOn(store), newStream(), randomUUID()];
    await handler.execute(add(stream, 5));
    const take = (fingerprint: string, by = -5): Command<{ total: number; index: number }> =>
      add(stream, by, {
        idempotency: {
          key,
          fingerprint,
          encode: ({ total }, index) => JSON.stringify({ total, index: Number(index) }),
        },
      });
    const { index } = accepted(await handler.execute(take('a')));
    const duplicate = { kind: 'duplicate', index, answer: `{"total":0,"index":${index}}` };
    expect(await handler.execute(take('a'))).toEqual(duplicate);
    expect(await handler.execute(take('a', 5))).toEqual(duplicate);
    expect(await handler.execute(take('b'))).toEqual({ kind: 'key-reused' });
    const [event] = (await store.readStream(stream, 2)).slice(-1);
    expect(event?.meta).toEqual({ ...META, idempotencyKey: key });
  });

  test('a fenced command writes nothing', async () => {
    const [handler, stream, lease] = [handlerOn(store), newStream(), randomUUID()];
    expect(await handler.execute(add(stream, 1, { fence: { lease, epoch: 1 } }))).toEqual({ kind: 'fenced' });
    const epoch = (await store.acquireLease(lease, 'me', 60_000)) ?? 0;
    accepted(await handler.execute(add(stream, 1, { fence: { lease, epoch } })));
  });

  test('what throws is the failure of its own command only', async () => {
    const [handler, stream] = [handlerOn(store), newStream()];
    const broken: Command = {
      name: 'Broken',
      meta: META,
      decide() {
        throw new Error('a bug');
      },
    };
    const results = await Promise.allSettled([
      handler.execute(add(newStream(), 1)),
      handler.execute(broken),
      handler.execute(add(stream, POISON)),
      handler.execute(add(newStream(), 1)),
    ]);
    expect(results.map(({ status }) => status)).toEqual(['fulfilled', 'rejected', 'rejected', 'fulfilled']);
    expect(await totalOf(stream)).toBeUndefined();
    expect(accepted(await handler.execute(add(stream, 1))).answer.total).toBe(1);
  });

  test('tells of each commit in order, before its command is answered', async () => {
    const [handler, stream] = [handlerOn(store), newStream()];
    const commits: Commit[] = [];
    handler.onCommitted((commit) => commits.push(commit));
    const { index } = accepted(await handler.execute(add(stream, 1)));
    expect(commits).toEqual([
      {
        index,
        time: expect.any(Number) as number,
        meta: META,
        changes: [
          {
            stream,
            version: 1,
            state: { total: 1, createIndex: index, modifyIndex: index },
            events: [added(1)] satisfies DomainEvent[],
          },
        ],
      },
    ]);
    await Promise.all(Array.from({ length: 10 }, () => handler.execute(add(newStream(), 1))));
    expect(commits.map((commit) => commit.index - index)).toEqual([0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10]);
  });

  test('hundreds of racing commands on few streams through two instances: every one counts once', async () => {
    const streams = Array.from({ length: 8 }, newStream);
    const handlers = [handlerOn(store), handlerOn(await open())];
    const before = (await store.readHead()).index;
    const worker = async (number: number): Promise<number> => {
      let done = 0;
      for (let round = 0; round < 20; round++) {
        const stream = streams[(number + round) % streams.length];
        const handler = handlers[number % 2];
        if (stream === undefined || handler === undefined) throw new Error('no such stream');
        const outcome = await handler.execute(add(stream, 1));
        if (outcome.kind === 'accepted') done++;
        else expect(outcome.kind).toBe('conflict');
      }
      return done;
    };
    const done = await Promise.all(Array.from({ length: 20 }, (_, number) => worker(number)));
    const accepted = done.reduce((sum, each) => sum + each, 0);
    const totals = await Promise.all(streams.map(totalOf));
    expect(totals.reduce((sum: number, total) => sum + (total ?? 0), 0)).toBe(accepted);
    expect(accepted).toBeGreaterThan(200);
    const events = await store.readAfter(before, 1_000);
    expect(events.map(({ index }) => index - before)).toEqual(Array.from({ length: accepted }, (_, i) => i + 1));
  });

  test('is overloaded once the queue is full, and takes commands again afterwards', async () => {
    const handler = handlerOn(store);
    const refuse: Command = { name: 'Refuse', meta: META, decide: () => reject('no') };
    const all = Array.from({ length: MAX_QUEUE + 2 }, () => handler.execute(refuse));
    const kinds = (await Promise.all(all)).map(({ kind }) => kind);
    expect(kinds.filter((kind) => kind === 'overloaded')).toHaveLength(2);
    expect((await handler.execute(refuse)).kind).toBe('rejected');
  });

  test('closing waits for the commands it has and takes no more', async () => {
    const handler = handlerOn(store);
    const last = handler.execute(add(newStream(), 1));
    await handler.close();
    accepted(await last);
    await expect(handler.execute(add(newStream(), 1))).rejects.toThrow('closed');
  });
}
