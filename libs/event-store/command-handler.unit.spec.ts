import { accept, type StreamName } from '@app/kernel';
import { setImmediate } from 'node:timers/promises';
import type { Aggregates, Command } from './command.js';
import { CommandHandler } from './command-handler.js';
import { StoreUnavailable } from './errors.js';
import { MAX_BATCH_COMMANDS, MAX_BATCH_TEXT, MAX_CONFLICTS } from './limits.js';
import { MemoryEventStore } from './memory/memory-event-store.js';
import type { Append, AppendResult } from './port.js';
import { add, added, META, newStream, sums } from './testing/toy.js';

/** A store whose appends a test can watch and replace. */
class WatchedStore extends MemoryEventStore {
  readonly batches: (readonly Append[])[] = [];
  before: () => Promise<AppendResult[] | undefined> = async () => undefined;

  override async appendBatch(commands: readonly Append[]): Promise<AppendResult[]> {
    this.batches.push(commands);
    return (await this.before()) ?? super.appendBatch(commands);
  }
}

const handlerOn = (store: MemoryEventStore, aggregates: Aggregates = sums) =>
  new CommandHandler({ store, aggregates, clock: () => 1_760_000_000_000_000 });

test('a store that is gone fails what it was given and what waits, and nothing afterwards', async () => {
  const store = new WatchedStore();
  const handler = handlerOn(store);
  const stream = newStream();
  await handler.execute(add(stream, 1));
  store.before = async () => {
    throw new StoreUnavailable('unknown');
  };
  const results = await Promise.allSettled([1, 2, 3].map(() => handler.execute(add(stream, 1))));
  expect(results.map((result) => result.status === 'rejected' && result.reason instanceof StoreUnavailable)).toEqual([
    true,
    true,
    true,
  ]);
  store.before = async () => undefined;
  expect(await handler.execute(add(stream, 1))).toMatchObject({ kind: 'accepted', answer: { total: 2 } });
});

test('after an unknown outcome the state is read anew: the commands may have been written', async () => {
  const store = new WatchedStore();
  const handler = handlerOn(store);
  const stream = newStream();
  await handler.execute(add(stream, 1));
  store.before = async () => {
    await MemoryEventStore.prototype.appendBatch.call(store, store.batches.at(-1) ?? []);
    throw new StoreUnavailable('unknown');
  };
  await expect(handler.execute(add(stream, 1))).rejects.toThrow('not known');
  store.before = async () => undefined;
  expect(await handler.execute(add(stream, 1))).toMatchObject({ kind: 'accepted', answer: { total: 3 } });
});

test('a stream that moves again and again ends in a conflict, after a bounded number of decisions', async () => {
  const store = new WatchedStore();
  const handler = handlerOn(store);
  const stream = newStream();
  store.before = async () => [{ kind: 'conflict', streams: [stream] }];
  expect(await handler.execute(add(stream, 1))).toEqual({ kind: 'conflict', streams: [stream] });
  expect(store.batches).toHaveLength(MAX_CONFLICTS + 1);
});

test('a command with a trace is told of last: its commit is announced, and the next batch on its way', async () => {
  const store = new WatchedStore();
  const steps: string[] = [];
  const handler = new CommandHandler({
    store,
    aggregates: sums,
    clock: () => 1_760_000_000_000_000,
    onTraced: ({ index }) => steps.push(`traced ${index} with ${store.batches.length} batches sent`),
  });
  handler.onCommitted(({ index }) => steps.push(`committed ${index}`));
  const traced = () => ({
    ...add(newStream(), 1),
    meta: { ...META, traceparent: `00-${'1'.repeat(32)}-${'2'.repeat(16)}-01` },
  });
  let second: Promise<unknown> | undefined;
  store.before = async () => {
    second ??= handler.execute(traced());
    for (let turn = 0; turn < 5; turn++) await setImmediate();
    return undefined;
  };
  await handler.execute(traced());
  await second;
  await handler.execute(add(newStream(), 1));
  expect(steps).toEqual([
    'committed 1',
    'traced 1 with 2 batches sent',
    'committed 2',
    'traced 2 with 2 batches sent',
    'committed 3',
  ]);
});

test('a batch is bounded in commands', async () => {
  const store = new WatchedStore();
  const handler = handlerOn(store);
  const streams = Array.from({ length: MAX_BATCH_COMMANDS + 1 }, newStream);
  // Unread streams need not be loaded first, so that all are ready at once.
  await Promise.all(
    streams.map((stream) =>
      handler.execute({ name: 'Add', meta: META, decide: () => accept([{ stream, event: added(1) }]) }),
    ),
  );
  expect(store.batches.map(({ length }) => length)).toEqual([MAX_BATCH_COMMANDS, 1]);
});

test('a batch is bounded in text, and a command that is larger goes alone', async () => {
  const store = new WatchedStore();
  const handler = handlerOn(store, { ...sums, project: () => [] });
  const sized = (stream: StreamName, size: number): Command => ({
    name: 'Add',
    meta: META,
    decide: () => accept([{ stream, event: { type: 'Added', data: { by: 1, text: 'x'.repeat(size) } } }]),
  });
  const sizes = [0.4, 0.4, 0.4, 1.5, 0.4].map((part) => part * MAX_BATCH_TEXT);
  await Promise.all(sizes.map((size) => handler.execute(sized(newStream(), size))));
  expect(store.batches.map(({ length }) => length)).toEqual([2, 1, 1, 1]);
});

/** Holds the store's next batch until the returned function is called. */
function holdNextBatch(store: WatchedStore): (end?: Error) => void {
  const { promise, resolve, reject } = Promise.withResolvers<undefined>();
  store.before = () => {
    store.before = async () => undefined;
    return promise;
  };
  return (end) => (end ? reject(end) : resolve(undefined));
}

test('what comes while a batch is in flight is decided at once, unless it touches a stream of that batch', async () => {
  const store = new WatchedStore();
  const handler = handlerOn(store);
  const [busy, free, other] = [newStream(), newStream(), newStream()];
  for (const stream of [busy, free, other]) await handler.execute(add(stream, 1));
  store.batches.length = 0;
  const decided: string[] = [];
  const noted = (name: string, command: Command<unknown>): Command<unknown> => ({
    ...command,
    decide(view, context) {
      decided.push(name);
      return command.decide(view, context);
    },
  });
  const letGo = holdNextBatch(store);
  const first = handler.execute(add(busy, 1));
  while (store.batches.length === 0) await setImmediate();
  const later = [
    handler.execute(noted('same', add(busy, 1))),
    handler.execute(noted('free', add(free, 1))),
    handler.execute(noted('other', add(other, 1))),
  ];
  await setImmediate();
  await setImmediate();
  // The first is tried as well, and found to wait for its stream.
  expect(decided).toEqual(['same', 'free', 'other']);
  letGo();
  expect(await Promise.all([first, ...later])).toMatchObject([
    { index: 4, answer: { total: 2 } },
    { index: 7, answer: { total: 3 } },
    { index: 5, answer: { total: 2 } },
    { index: 6, answer: { total: 2 } },
  ]);
  expect(store.batches.map(({ length }) => length)).toEqual([1, 2, 1]);
});

test('a store that goes away takes what was decided meanwhile with it, of which it is known that nothing was written', async () => {
  const store = new WatchedStore();
  const handler = handlerOn(store);
  const [busy, free] = [newStream(), newStream()];
  for (const stream of [busy, free]) await handler.execute(add(stream, 1));
  store.batches.length = 0;
  const letGo = holdNextBatch(store);
  const first = handler.execute(add(busy, 1));
  while (store.batches.length === 0) await setImmediate();
  const [drafted, queued] = [handler.execute(add(free, 1)), handler.execute(add(busy, 1))];
  await setImmediate();
  letGo(new StoreUnavailable('unknown'));
  await expect(first).rejects.toMatchObject({ outcome: 'unknown' });
  await expect(drafted).rejects.toMatchObject({ name: 'StoreUnavailable', outcome: 'nothing-written' });
  await expect(queued).rejects.toMatchObject({ name: 'StoreUnavailable', outcome: 'nothing-written' });
  expect(store.batches).toHaveLength(1);
  expect(await handler.execute(add(free, 1))).toMatchObject({ kind: 'accepted', answer: { total: 2 } });
});

test('a command that waits for a stream is not overtaken on the others that it reads', async () => {
  const store = new WatchedStore();
  const handler = handlerOn(store);
  const [busy, other] = [newStream(), newStream()];
  await handler.execute(add(busy, 1));
  await handler.execute(add(other, 1));
  store.batches.length = 0;
  const order: string[] = [];
  const note =
    (name: string) =>
    (outcome: unknown): void => {
      order.push(name);
      expect(outcome).toMatchObject({ kind: 'accepted' });
    };
  const both: Command = {
    name: 'Both',
    meta: META,
    decide(view) {
      view.read(other);
      view.read(busy);
      return accept([{ stream: other, event: added(1) }]);
    },
  };
  await Promise.all([
    handler.execute(add(busy, 1)).then(note('first')),
    handler.execute(both).then(note('both')),
    handler.execute(add(other, 1)).then(note('last')),
  ]);
  expect(order).toEqual(['first', 'both', 'last']);
  expect(store.batches.map(({ length }) => length)).toEqual([1, 1, 1]);
});

test('invalidated states are read again', async () => {
  const store = new WatchedStore();
  const handler = handlerOn(store);
  const stream = newStream();
  await handler.execute(add(stream, 1));
  await handlerOn(store).execute(add(stream, 10));
  handler.invalidate(stream);
  await handler.execute(add(stream, 1));
  expect(store.batches).toHaveLength(3);
});
