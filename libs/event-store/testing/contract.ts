import { randomUUID } from 'node:crypto';
import { nextLink } from '../chain.js';
import { pendingDigits, pendingIndex } from '../pending-index.js';
import type { AppendResult, EventStore, Leases, PastLog, PastStream } from '../port.js';
import { appendOf, newStream, POISON } from './toy.js';

export type Store = EventStore & Leases & PastLog;

/** A log that several processes share. */
export interface SharedLog {
  /** What a further process would open; closed by the suite. */
  open(): Promise<Store>;
  /** Rows of the toy table by key. */
  row(key: string): Promise<{ columns: Record<string, unknown>; document: string | null } | undefined>;
}

/** Resolves once the condition holds. */
export async function eventually(condition: () => boolean | Promise<boolean>, boundMs = 10_000): Promise<void> {
  const end = performance.now() + boundMs;
  while (!(await condition())) {
    if (performance.now() > end) throw new Error('the condition did not come true');
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
}

const indexOf = (result: AppendResult | undefined): number => {
  if (result?.kind !== 'appended') throw new Error(`not appended: ${JSON.stringify(result)}`);
  return result.index;
};

/** What every event store must do; run on each implementation. */
export function describeEventStore(provide: () => Promise<SharedLog>): void {
  let log: SharedLog;
  let store: Store;
  let opened: Store[] = [];
  const open = async (): Promise<Store> => {
    const another = await log.open();
    opened.push(another);
    return another;
  };
  const head = async (): Promise<number> => (await store.readHead()).index;

  beforeAll(async () => {
    log = await provide();
  });
  beforeEach(async () => {
    store = await open();
  });
  afterEach(async () => {
    await Promise.all(opened.map((each) => each.close()));
    opened = [];
  });

  describe('appending', () => {
    test('gives each command one index, the next one, in the order of the batch', async () => {
      const before = await head();
      const results = await store.appendBatch([1, 2, 3].map((by) => appendOf(newStream(), 0, by)));
      expect(results.map(indexOf)).toEqual([before + 1, before + 2, before + 3]);
      expect(await head()).toBe(before + 3);
    });

    test('numbers the versions of a stream without gaps, also within a command', async () => {
      const stream = newStream();
      const one = appendOf(stream, 0, 1);
      await store.appendBatch([{ ...one, events: [...one.events, ...one.events] }]);
      await store.appendBatch([appendOf(stream, 2, 1)]);
      const events = await store.readStream(stream, 1);
      expect(events.map(({ version, seq }) => ({ version, seq }))).toEqual([
        { version: 1, seq: 0 },
        { version: 2, seq: 1 },
        { version: 3, seq: 0 },
      ]);
      expect(events[0]?.index).toBe(events[1]?.index);
      expect(await store.readStream(stream, 3)).toEqual([events[2]]);
    });

    test('gives the beginnings of many streams at once, each in its order', async () => {
      const [one, other, empty] = [newStream(), newStream(), newStream()];
      const of = (stream: typeof one) => store.readStream(stream, 1);
      for (const stream of [one, other]) {
        const first = appendOf(stream, 0, 1);
        await store.appendBatch([{ ...first, events: [...first.events, ...first.events] }, appendOf(stream, 2, 1)]);
      }
      const found = await store.readBeginnings(
        new Map([
          [one, { from: 2, below: 9 }],
          [other, { from: 1, below: 3 }],
          [empty, { from: 1, below: 3 }],
        ]),
      );
      expect(found.filter(({ stream }) => stream === one)).toEqual((await of(one)).slice(1));
      expect(found.filter(({ stream }) => stream === other)).toEqual((await of(other)).slice(0, 2));
      expect(found).toHaveLength(4);
      expect(await store.readBeginnings(new Map())).toEqual([]);
    });

    test('keeps everything about an event', async () => {
      const stream = newStream();
      const meta = { actor: 'me', reason: 'naïve "quotes" \\ and \n lines, and \u0000', requestId: 'r' };
      const [result] = await store.appendBatch([appendOf(stream, 0, 5, { meta })]);
      expect(await store.readStream(stream, 1)).toEqual([
        {
          index: indexOf(result),
          seq: 0,
          stream,
          version: 1,
          type: 'Added',
          schema: 1,
          data: { by: 5 },
          meta,
          time: 1_760_000_000_123_456,
        },
      ]);
    });

    test('refuses a command whose streams have moved, and names them', async () => {
      const [moved, quiet] = [newStream(), newStream()];
      await store.appendBatch([appendOf(moved, 0, 1)]);
      const before = await head();
      const expect2 = new Map([
        [quiet, 0],
        [moved, 0],
      ]);
      const results = await store.appendBatch([
        appendOf(moved, 0, 1),
        appendOf(quiet, 0, 1, { expect: expect2 }),
        appendOf(newStream(), 7, 1),
      ]);
      expect(results).toEqual([
        { kind: 'conflict', streams: [moved] },
        { kind: 'conflict', streams: [moved] },
        { kind: 'conflict', streams: [expect.stringContaining('job/default/')] },
      ]);
      expect(await head()).toBe(before);
    });

    test('judges a command as if those before it in the batch were written already', async () => {
      const stream = newStream();
      const results = await store.appendBatch([
        appendOf(stream, 0, 1),
        appendOf(stream, 0, 2),
        appendOf(stream, 1, 3),
        appendOf(newStream(), 0, 4, { expect: new Map([[stream, 1]]), events: [], snapshots: [], rows: [] }),
      ]);
      expect(results.map(({ kind }) => kind)).toEqual(['appended', 'conflict', 'appended', 'conflict']);
      expect(await store.versions([stream, newStream()])).toEqual(new Map([[stream, 2]]));
    });

    test('a command may write what an earlier one of the batch has only read', async () => {
      const [read, written] = [newStream(), newStream()];
      const reader = appendOf(written, 0, 1, {
        expect: new Map([
          [written, 0],
          [read, 0],
        ]),
      });
      const results = await store.appendBatch([reader, appendOf(read, 0, 1)]);
      expect(results.map(({ kind }) => kind)).toEqual(['appended', 'appended']);
    });

    test('one bad command does not touch its neighbours, and leaves no hole in the index', async () => {
      const [first, last] = [newStream(), newStream()];
      const before = await head();
      const results = await store.appendBatch([
        appendOf(first, 0, 1),
        appendOf(newStream(), 0, POISON),
        appendOf(newStream(), 0, 1, { rows: [{ table: 'toy', key: 'k\0', columns: {}, document: '' }] }),
        appendOf(newStream(), 0, 1, { expect: new Map() }),
        appendOf(last, 0, 1),
      ]);
      expect(results.map(({ kind }) => kind)).toEqual(['appended', 'failed', 'failed', 'failed', 'appended']);
      expect([results[0], results[4]].map(indexOf)).toEqual([before + 1, before + 2]);
      const events = await store.readAfter(before, 10);
      expect(events.map(({ stream, index }) => [stream, index])).toEqual([
        [first, before + 1],
        [last, before + 2],
      ]);
    });

    test('of two instances that race for one stream exactly one wins', async () => {
      const other = await open();
      for (let round = 0; round < 20; round++) {
        const stream = newStream();
        const results = await Promise.all([store, other].map((each) => each.appendBatch([appendOf(stream, 0, 1)])));
        expect(new Set(results.map(([result]) => result?.kind))).toEqual(new Set(['appended', 'conflict']));
        expect(await store.readStream(stream, 1)).toHaveLength(1);
      }
    });
  });

  describe('states and rows', () => {
    test('hold the index of their commit where the pending index stood', async () => {
      const stream = newStream();
      const index = indexOf((await store.appendBatch([appendOf(newStream(), 0, 1), appendOf(stream, 0, 7)]))[1]);
      const state = { total: 7, createIndex: index, modifyIndex: index };
      expect(await store.load([stream, newStream()])).toEqual(
        new Map([[stream, { version: 1, lastIndex: index, state: JSON.stringify(state) }]]),
      );
      expect(await log.row(stream)).toEqual({
        columns: { total: 7, modify_index: index },
        document: JSON.stringify(state),
      });
      expect(await store.tableIndexes()).toMatchObject({ toy: index });
    });

    test('a row goes with its deletion, which moves the index of its table', async () => {
      const stream = newStream();
      await store.appendBatch([appendOf(stream, 0, 1)]);
      const [result] = await store.appendBatch([appendOf(stream, 1, 0)]);
      expect(await log.row(stream)).toBeUndefined();
      expect((await store.tableIndexes())['toy']).toBe(indexOf(result));
    });

    test('nothing is left of a refused command', async () => {
      const stream = newStream();
      await store.appendBatch([appendOf(stream, 3, 1), appendOf(newStream(), 0, 1)]);
      expect(await log.row(stream)).toBeUndefined();
      expect(await store.load([stream])).toEqual(new Map());
      expect(await store.readStream(stream, 1)).toEqual([]);
    });
  });

  describe('reading the past', () => {
    /** The sum that a stream had come to. */
    const sumOf = (past: PastStream | undefined): number | undefined =>
      past &&
      past.events.reduce(
        (sum, { data }) => sum + (data as { by: number }).by,
        past.base === undefined ? 0 : (JSON.parse(past.base.state) as { total: number }).total,
      );

    test('gives every stream as it was after each commit, from few events', async () => {
      const streams = [newStream(), newStream()] as const;
      const totals = new Map<string, number>();
      const indexes: { readonly index: number; readonly sums: readonly (number | undefined)[] }[] = [];
      const before = await head();
      for (let i = 0; i < 80; i++) {
        const stream = streams[i % 3 === 0 ? 1 : 0];
        const [version, total] = [(totals.get(stream) ?? 0) / 2, (totals.get(stream) ?? 0) + 2];
        totals.set(stream, total);
        const state = JSON.stringify({ total });
        const append = { ...appendOf(stream, version, 2), snapshots: [{ stream, state }] };
        const [result] = await store.appendBatch([append]);
        indexes.push({ index: indexOf(result), sums: streams.map((one) => totals.get(one)) });
      }
      for (const { index, sums } of indexes) {
        const found = await store.loadAt(streams, index);
        expect([index, streams.map((stream) => sumOf(found.get(stream)))]).toEqual([index, sums]);
      }
      expect(await store.loadAt([...streams, newStream()], before)).toEqual(new Map());
    });

    test('a commit that writes a stream often is whole in it, and cut off before it', async () => {
      const stream = newStream();
      const often = (version: number, times: number, total: number) => ({
        ...appendOf(stream, version, 1),
        events: Array.from({ length: times }, () => ({ stream, type: 'Added', schema: 1, data: '{"by":1}' })),
        snapshots: [{ stream, state: JSON.stringify({ total }) }],
      });
      const indexes: number[] = [];
      for (const [version, times] of [
        [0, 50],
        [50, 3],
        [53, 40],
      ] as const)
        // prettier-ignore
        indexes.push(indexOf((await store.appendBatch([often(version, times, version + times)]))[0]));
      const sums = indexes.map(async (index) => sumOf((await store.loadAt([stream], index)).get(stream)));
      expect(await Promise.all(sums)).toEqual([50, 53, 93]);
    });

    test('knows the last commit of each type of stream up to any index', async () => {
      const node = `node/${randomUUID()}` as const;
      const [first] = (await store.appendBatch([appendOf(node, 0, 1)])).map(indexOf);
      const commits = Array.from({ length: 300 }, () => appendOf(newStream(), 0, 1));
      const others = (await store.appendBatch(commits)).map(indexOf);
      const [again] = (await store.appendBatch([appendOf(node, 1, 1)])).map(indexOf);
      const lastOf = async (index: number): Promise<unknown> => {
        const types = await store.lastOfTypes(index);
        return [types.get('node'), types.get('job')];
      };
      expect(await lastOf(others[0]!)).toEqual([first, others[0]]);
      expect(await lastOf(others[150]!)).toEqual([first, others[150]]);
      expect(await lastOf(others[299]!)).toEqual([first, others[299]]);
      expect(await lastOf(again!)).toEqual([again, others[299]]);
      expect(await store.lastOfTypes(0)).toEqual(new Map());
    });

    test('a time means the index before the first later commit, also where clocks went back', async () => {
      const second = 1_000_000;
      const start = 1_790_000_000 * second + Math.floor(Math.random() * 1000) * second * 1000 + 123;
      const at = async (after: number): Promise<number> =>
        indexOf((await store.appendBatch([appendOf(newStream(), 0, 1, { time: start + after * second })]))[0]);
      const [one, two, , four] = [await at(1), await at(5), await at(3), await at(9)];
      expect(await store.indexAt(start + second - 1)).toEqual({ index: one - 1, isFinal: true });
      expect(await store.indexAt(start + second)).toEqual({ index: one, isFinal: true });
      // The third commit is before the second by its clock, and after it in the log.
      expect(await store.indexAt(start + 4 * second)).toEqual({ index: one, isFinal: true });
      expect(await store.indexAt(start + 5 * second)).toEqual({ index: two + 1, isFinal: true });
      expect(await store.indexAt(start + 9 * second)).toEqual({ index: four, isFinal: false });
      expect(await store.indexAt(1_000_000)).toEqual({ index: 0, isFinal: true });
    });

    test('a time before 1970 is one like any other, to the microsecond', async () => {
      await store.appendBatch([appendOf(newStream(), 0, 1)]);
      for (const early of [-1, Date.parse('0000-01-01T00:00:00Z') * 1_000])
        expect(await store.indexAt(early)).toEqual({ index: 0, isFinal: true });
    });
  });

  describe('reading on from an index', () => {
    test('never cuts a commit, and ends at the head', async () => {
      const before = await head();
      const of = (events: number) => {
        const one = appendOf(newStream(), 0, 1);
        return { ...one, events: Array.from({ length: events }, () => one.events).flat() };
      };
      await store.appendBatch([of(3), of(1), of(2)]);
      const read = async (index: number, limit: number) =>
        (await store.readAfter(before + index, limit)).map((event) => [event.index - before, event.seq]);
      expect(await read(0, 1)).toEqual([
        [1, 0],
        [1, 1],
        [1, 2],
      ]);
      expect(await read(1, 1)).toEqual([[2, 0]]);
      expect(await read(1, 2)).toEqual([
        [2, 0],
        [3, 0],
        [3, 1],
      ]);
      expect(await read(0, 100)).toHaveLength(6);
      expect(await read(3, 100)).toEqual([]);
    });

    test('chains every commit to the one before, by what was written', async () => {
      const before = await store.readHead();
      const two = appendOf(newStream(), 0, 1);
      await store.appendBatch([
        {
          ...two,
          events: [...two.events, ...two.events],
          meta: { actor: 'ünï "quoted" \n', reason: '\u0000 \ud83d\ude00' },
        },
        appendOf(newStream(), 0, 2),
      ]);
      await store.appendBatch([appendOf(newStream(), 0, 3)]);
      const { previous, commits } = await store.readChain(before.index, 100);
      expect(previous).toBe(before.chain);
      expect(commits.map(({ index }) => index)).toEqual([1, 2, 3].map((n) => before.index + n));
      let link = before.chain;
      for (const { index, digest, chain } of commits) expect(chain).toBe((link = nextLink(link, index, digest)));
      expect((await store.readHead()).chain).toBe(link);
      const [first, second, third] = await store.readAfter(before.index, 3);
      expect([first!.chain, second!.chain, third!.chain]).toEqual([commits[0]!.chain, null, commits[1]!.chain]);
    });

    test('a refused command is no link of the chain', async () => {
      const before = await store.readHead();
      const stream = newStream();
      const results = await store.appendBatch([
        appendOf(stream, 7, 1),
        appendOf(stream, 0, 1),
        appendOf(newStream(), 3, 1),
      ]);
      expect(results.map(({ kind }) => kind)).toEqual(['conflict', 'appended', 'conflict']);
      const { commits } = await store.readChain(before.index, 10);
      expect(commits).toMatchObject([{ chain: nextLink(before.chain, before.index + 1, commits[0]!.digest) }]);
      expect((await store.readHead()).chain).toBe(commits[0]!.chain);
    });

    test('readers that wake up with a head find every commit up to it', async () => {
      const other = await open();
      const seen: number[] = [];
      const stop = await other.listen((woken) => seen.push(woken));
      const before = await head();
      await store.appendBatch([appendOf(newStream(), 0, 1), appendOf(newStream(), 0, 1)]);
      await eventually(() => seen.at(-1) === before + 2);
      expect(await other.readAfter(before, 10)).toHaveLength(2);
      await stop();
      await store.appendBatch([appendOf(newStream(), 0, 1)]);
      expect(seen.at(-1)).toBe(before + 2);
    });
  });

  describe('idempotency keys', () => {
    const keyed = (key: string, fingerprint: string, by = 1, stream = newStream()) =>
      appendOf(stream, 0, by, { idempotency: { key, fingerprint, answer: `{"index":${pendingDigits}}` } });

    test('a repeated command is answered as the first one was, with its real index', async () => {
      const key = randomUUID();
      const index = indexOf((await store.appendBatch([keyed(key, 'a')]))[0]);
      const duplicate = { kind: 'duplicate', index, answer: `{"index":${index}}` };
      expect(await store.appendBatch([keyed(key, 'a'), keyed(randomUUID(), 'a')])).toEqual([
        duplicate,
        { kind: 'appended', index: index + 1 },
      ]);
      expect(await store.findKey(key)).toEqual({ fingerprint: 'a', index, answer: duplicate.answer });
      expect(await store.findKey(randomUUID())).toBeUndefined();
    });

    test('a key with another fingerprint is refused', async () => {
      const key = randomUUID();
      expect(
        (await store.appendBatch([keyed(key, 'a'), keyed(key, 'b'), keyed(key, 'a')])).map(({ kind }) => kind),
      ).toEqual(['appended', 'key-reused', 'duplicate']);
    });

    test('the key decides before the versions do: the first copy has moved the stream', async () => {
      const [key, stream] = [randomUUID(), newStream()];
      await store.appendBatch([keyed(key, 'a', 1, stream)]);
      expect((await store.appendBatch([keyed(key, 'a', 1, stream)]))[0]?.kind).toBe('duplicate');
    });

    test('a command that has nothing to write is remembered without taking an index', async () => {
      const [key, before] = [randomUUID(), await head()];
      const nothing = { ...keyed(key, 'a'), expect: new Map(), events: [], snapshots: [], rows: [] };
      expect(await store.appendBatch([nothing, nothing])).toEqual([
        { kind: 'appended', index: 0 },
        { kind: 'duplicate', index: 0, answer: '{"index":0}' },
      ]);
      expect(await head()).toBe(before);
    });

    test('a failed command does not use its key up', async () => {
      const key = randomUUID();
      expect((await store.appendBatch([keyed(key, 'a', POISON)]))[0]?.kind).toBe('failed');
      expect((await store.appendBatch([keyed(key, 'a')]))[0]?.kind).toBe('appended');
    });
  });

  describe('leases', () => {
    test('fence appends by their epoch', async () => {
      const lease = randomUUID();
      const fenced = (epoch: number) => appendOf(newStream(), 0, 1, { fence: { lease, epoch } });
      const kinds = async (...epochs: number[]) =>
        (await store.appendBatch(epochs.map(fenced))).map(({ kind }) => kind);
      expect(await kinds(1)).toEqual(['fenced']);
      const epoch = (await store.acquireLease(lease, 'first', 60_000)) ?? 0;
      expect(await kinds(epoch, epoch + 1, epoch)).toEqual(['appended', 'fenced', 'appended']);
      await store.releaseLease(lease, epoch);
      expect(await store.acquireLease(lease, 'second', 60_000)).toBe(epoch + 1);
      expect(await kinds(epoch, epoch + 1)).toEqual(['fenced', 'appended']);
    });

    test('have one holder at a time', async () => {
      const [lease, other] = [randomUUID(), await open()];
      const taken = await Promise.all(
        ['a', 'b', 'c', 'd'].map((holder, i) => (i % 2 ? store : other).acquireLease(lease, holder, 60_000)),
      );
      expect(taken.filter((epoch) => epoch !== undefined)).toEqual([1]);
    });

    test('are renewed by their epoch only, and taken over when they ran out', async () => {
      const lease = randomUUID();
      const epoch = (await store.acquireLease(lease, 'a', 60_000)) ?? 0;
      expect(await store.renewLease(lease, epoch, 60_000)).toBe(true);
      expect(await store.acquireLease(lease, 'b', 60_000)).toBeUndefined();
      expect(await store.renewLease(lease, epoch, 0)).toBe(true);
      expect(await store.acquireLease(lease, 'b', 60_000)).toBe(epoch + 1);
      expect(await store.renewLease(lease, epoch, 60_000)).toBe(false);
    });
  });

  test('the pending index is a safe integer of sixteen digits', () => {
    expect(Number.isSafeInteger(pendingIndex)).toBe(true);
    expect(pendingDigits).toHaveLength(16);
  });
}
