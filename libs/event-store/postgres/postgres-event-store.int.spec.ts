import type { StreamName } from '@app/kernel';
import { createTestDatabase, type TestDatabase } from '@app/testing';
import { randomUUID } from 'node:crypto';
import { Client } from 'pg';
import { StoreUnavailable } from '../errors.js';
import { CommandHandler } from '../command-handler.js';
import type { AppendResult } from '../port.js';
import { describeEventStore, eventually, type SharedLog } from '../testing/contract.js';
import { describeCommandHandler } from '../testing/handler-contract.js';
import { proxyTo, type Proxy } from '../testing/proxy.js';
import { createToyDatabase } from '../testing/toy-database.js';
import { numberEvents } from '../numbered.js';
import { add, appendOf, newStream, sums, ToyTable1760000000001 } from '../testing/toy.js';
import { verifyChain } from '../verify-chain.js';
import { appendParameters } from './append.sql.js';
import { eventStoreMigrations, migrate } from './migrate.js';
import { Chain1764360000000 } from './migrations/1764360000000-chain.migration.js';
import { PostgresEventStore } from './postgres-event-store.js';

jest.setTimeout(60_000);

/** For stores that are out of reach: the real one would only take longer. */
const SHORT_DEADLINE_MS = 2_000;

let database: TestDatabase;
let sql: Client;
const query = async (text: string, values: unknown[] = []): Promise<Record<string, unknown>[]> =>
  (await sql.query<Record<string, unknown>>(text, values)).rows;

beforeAll(async () => {
  database = await createToyDatabase();
  sql = new Client({ connectionString: database.url });
  await sql.connect();
});
afterAll(async () => {
  await sql?.end();
  await database?.drop();
});

const inPartition = (statement: string): string => statement.replace('UPDATE event ', 'UPDATE event_000000 ');

async function postgresLog(): Promise<SharedLog> {
  return {
    open: async () => new PostgresEventStore({ url: database.url, poolSize: 4 }),
    async row(key) {
      const [row] = await query('SELECT total, modify_index::int, document FROM toy WHERE key = $1', [key]);
      if (row === undefined) return undefined;
      const { document, ...columns } = row;
      return { columns, document: document as string };
    },
  };
}

describe('the event store in Postgres', () => {
  describeEventStore(postgresLog);
});
describe('the command handler on the event store in Postgres', () => {
  describeCommandHandler(postgresLog);
});

describe('the log in Postgres', () => {
  let store: PostgresEventStore;
  beforeEach(() => {
    store = new PostgresEventStore({ url: database.url, poolSize: 2 });
  });
  afterEach(() => store.close());

  test('refuses to be rewritten, also by way of a partition', async () => {
    await store.appendBatch([appendOf(newStream(), 0, 1)]);
    for (const table of ['event', 'event_000000'])
      for (const statement of [`UPDATE ${table} SET seq = 1`, `DELETE FROM ${table}`, `TRUNCATE ${table}`])
        await expect(query(statement)).rejects.toThrow('append-only');
  });

  describe('the chain of hashes', () => {
    const faultsOf = async (): Promise<string[]> => {
      const sentences: string[] = [];
      await verifyChain(store, (sentence) => sentences.push(sentence));
      return sentences;
    };
    /** What only the owner of the database can do; undone afterwards. */
    const tampering = async (statement: string, undo: string): Promise<string[]> => {
      await query('ALTER TABLE event_000000 DISABLE TRIGGER append_only');
      try {
        await query(statement);
        return await faultsOf();
      } finally {
        await query(undo);
        await query('ALTER TABLE event_000000 ENABLE TRIGGER append_only');
      }
    };

    test('fits a log that nobody has touched', async () => {
      await store.appendBatch([1, 2, 3].map((by) => appendOf(newStream(), 0, by)));
      expect(await faultsOf()).toEqual([]);
    });

    test('shows a byte that was changed by hand, wherever it is', async () => {
      const { index } = await store.readHead();
      await store.appendBatch([appendOf(newStream(), 0, 1, { meta: { actor: 'ana', reason: 'lunch' } })]);
      await store.appendBatch([appendOf(newStream(), 0, 1)]);
      const [row] = await query('SELECT stream, data::text, meta::text FROM event WHERE index = $1', [index + 1]);
      const sentence = `commit ${index + 1} is not what was written, or does not follow the commit before`;
      const changes: [string, string, string][] = [
        ['data', `replace(data::text, '1', '2')::json`, `'${String(row!['data'])}'::json`],
        // Not even a space more, which changes no value.
        ['data', `(data::text || ' ')::json`, `'${String(row!['data'])}'::json`],
        ['meta', `replace(meta::text, 'ana', 'ben')::json`, `'${String(row!['meta'])}'::json`],
        ['type', `'Addef'`, `'Added'`],
        ['version', `2`, `1`],
        ['stream', `'job/default/other'`, `'${String(row!['stream'])}'`],
        ['recorded_at', `recorded_at + interval '1 microsecond'`, `recorded_at - interval '1 microsecond'`],
      ];
      for (const [column, to, back] of changes) {
        const set = (value: string): string => `UPDATE event SET ${column} = ${value} WHERE index = ${index + 1}`;
        expect([column, await tampering(inPartition(set(to)), inPartition(set(back)))]).toEqual([column, [sentence]]);
      }
      expect(await faultsOf()).toEqual([]);
    });

    test('shows a commit that was removed, and an event that was slipped into one', async () => {
      const { index } = await store.readHead();
      await store.appendBatch([1, 2, 3].map((by) => appendOf(newStream(), 0, by)));
      await query(`CREATE TEMP TABLE kept AS SELECT * FROM event WHERE index = ${index + 2}`);
      expect(
        await tampering(
          `DELETE FROM event_000000 WHERE index = ${index + 2}`,
          'INSERT INTO event_000000 SELECT * FROM kept',
        ),
      ).toEqual([`commit ${index + 2} is missing`]);
      expect(
        await tampering(
          `INSERT INTO event_000000 SELECT index, 1, stream, version + 1, type, schema, data, meta, recorded_at FROM kept`,
          `DELETE FROM event_000000 WHERE index = ${index + 2} AND seq = 1`,
        ),
      ).toEqual([`commit ${index + 2} is not what was written, or does not follow the commit before`]);
      await query('DROP TABLE kept');
    });

    test('goes on when an instance of the release before appends', async () => {
      const { index } = await store.readHead();
      const stream: StreamName = 'job/default/wéb\n😀 \\';
      const append = appendOf(stream, 0, 1, { meta: { actor: 'old ünï', reason: '"\\n\u0000' } });
      const whole = [
        append,
        { ...appendOf(newStream(), 0, 2), events: [], snapshots: [], rows: [] },
        appendOf(newStream(), 0, 3),
      ];
      const parameters = appendParameters(
        randomUUID(),
        1,
        whole.map((one) => ({ append: one, ...numberEvents(one) })),
      );
      const places = Array.from({ length: 30 }, (_, n) => `$${n + 1}`).join();
      await query(`SELECT append_events(${places})`, parameters.slice(0, 30));
      expect((await store.readHead()).index).toBe(index + 2);
      expect(await faultsOf()).toEqual([]);
    });

    test('begins where an older log was when it was brought up to date', async () => {
      const before = await createTestDatabase();
      const unchained = eventStoreMigrations.filter((migration) => migration !== Chain1764360000000);
      try {
        await migrate(before.url, [...unchained, ToyTable1760000000001]);
        const old = new Client({ connectionString: before.url });
        await old.connect();
        const append = appendOf(newStream(), 0, 1);
        const parameters = appendParameters(randomUUID(), 1, [{ append, ...numberEvents(append) }]);
        const places = Array.from({ length: 30 }, (_, n) => `$${n + 1}`).join();
        await old.query(`SELECT append_events(${places})`, parameters.slice(0, 30));
        await old.end();
        await migrate(before.url, [...eventStoreMigrations, ToyTable1760000000001]);
        const raised = new PostgresEventStore({ url: before.url, poolSize: 1 });
        await raised.appendBatch([appendOf(newStream(), 0, 1)]);
        const sentences: string[] = [];
        const report = await verifyChain(raised, (one) => sentences.push(one));
        expect({ ...report, sentences }).toMatchObject({ from: 2, commits: 1, index: 2, faults: 0, sentences: [] });
        await raised.close();
      } finally {
        await before.drop();
      }
    });
  });

  test('tells that the disk is full while writes are refused for it, and no longer once one was taken', async () => {
    const store = new PostgresEventStore({ url: database.url, poolSize: 2, deadlineMs: SHORT_DEADLINE_MS });
    try {
      await query(
        `CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RAISE EXCEPTION 'No space left on device' USING ERRCODE = '53100'; END $$`,
      );
      await query('CREATE TRIGGER full_disk BEFORE INSERT ON stream EXECUTE FUNCTION refuse()');
      const stream = newStream();
      const failure = await store.appendBatch([appendOf(stream, 0, 1)]).catch((error: unknown) => error);
      expect(failure).toMatchObject({ name: 'StoreUnavailable', outcome: 'nothing-written' });
      expect(store.isDiskFull).toBe(true);
      await query('DROP TRIGGER full_disk ON stream');
      await store.appendBatch([appendOf(stream, 0, 1)]);
      expect(store.isDiskFull).toBe(false);
    } finally {
      await query('DROP FUNCTION IF EXISTS refuse CASCADE');
      await store.close();
    }
  });

  test('makes the partition that an append needs, even if nobody made it ahead', async () => {
    // As if ten million commits had been made since the last maintenance.
    await query('UPDATE log_head SET index = 19999998');
    const results = await store.appendBatch([1, 2, 3].map((by) => appendOf(newStream(), 0, by)));
    expect(results).toEqual([19999999, 20000000, 20000001].map((index) => ({ kind: 'appended', index })));
    expect(
      await query('SELECT tableoid::regclass::text AS part, index::int FROM event WHERE index > 19999998'),
    ).toEqual([
      { part: 'event_000001', index: 19999999 },
      { part: 'event_000002', index: 20000000 },
      { part: 'event_000002', index: 20000001 },
    ]);
    await expect(query('DELETE FROM event_000002')).rejects.toThrow('append-only');
    expect(await store.readAfter(19999998, 10)).toHaveLength(3);
  });

  test('has partitions ahead once it was looked after', async () => {
    await query('UPDATE log_head SET index = 26000000');
    await query('SELECT maintain_event_log()');
    expect(await query('SELECT partitioned_to::int FROM log_head')).toEqual([{ partitioned_to: 40000000 }]);
  });

  test('keys that nobody repeats any more go by an index, so many at a time', async () => {
    await query(
      `INSERT INTO command_key SELECT 'old-' || n, '', 1, '', clock_timestamp() - interval '2 days' FROM generate_series(1, 2500) n`,
    );
    await query(`INSERT INTO command_key VALUES ('fresh', '', 1, '', clock_timestamp())`);
    // The store's own upkeep may take some of them at the same time.
    const batches: number[] = [];
    do batches.push((await query('SELECT forget_served_rows(1000) AS went'))[0]!['went'] as number);
    while (batches.at(-1) !== 0);
    expect(Math.max(...batches)).toBeLessThanOrEqual(1000);
    const left = (): Promise<unknown[]> => query(`SELECT key FROM command_key WHERE key = 'fresh' OR key LIKE 'old-%'`);
    // What the store's own upkeep has taken is gone only when it commits.
    await eventually(async () => (await left()).length === 1);
    expect(await left()).toEqual([{ key: 'fresh' }]);
    await query('SET enable_seqscan = off');
    const plan = await query(`EXPLAIN SELECT key FROM command_key WHERE used_at < now() ORDER BY used_at LIMIT 10`);
    expect(JSON.stringify(plan)).toContain('command_key_used');
  });

  test('an append goes on while keys are deleted: nothing of the upkeep holds the head of the log', async () => {
    await query(
      `INSERT INTO command_key SELECT 'held-' || n, '', 1, '', clock_timestamp() - interval '2 days' FROM generate_series(1, 10) n`,
    );
    const upkeep = new Client({ connectionString: database.url });
    await upkeep.connect();
    await upkeep.query('BEGIN; SELECT maintain_event_log(); SELECT forget_served_rows(100)');
    const [result] = await store.appendBatch([appendOf(newStream(), 0, 1)]);
    expect(result?.kind).toBe('appended');
    await upkeep.query('ROLLBACK');
    await upkeep.end();
  });

  test('an append in flight holds a lease that changes hands', async () => {
    const lease = randomUUID();
    const epoch = (await store.acquireLease(lease, 'old', 0)) ?? 0;
    const holder = new Client({ connectionString: database.url });
    await holder.connect();
    await holder.query('BEGIN; SELECT FROM log_head FOR UPDATE');
    const append = store.appendBatch([appendOf(newStream(), 0, 1, { fence: { lease, epoch } })]);
    const waiting = () =>
      query(`SELECT FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'`);
    await eventually(async () => (await waiting()).length === 1);
    const taken = store.acquireLease(lease, 'new', 60_000);
    await eventually(async () => (await waiting()).length === 2);
    await holder.query('COMMIT');
    await holder.end();
    const [result] = await append;
    expect(await taken).toBe(epoch + 1);
    // Either the append came first, or it was fenced; what cannot be is that it came second and was not.
    expect(['appended', 'fenced']).toContain(result?.kind);
    const [next] = await store.appendBatch([appendOf(newStream(), 0, 1, { fence: { lease, epoch } })]);
    expect(next?.kind).toBe('fenced');
  });

  test('many appends at once on one store keep their order and lose nothing', async () => {
    const before = (await store.readHead()).index;
    const results = await Promise.all(
      Array.from({ length: 50 }, () => store.appendBatch([appendOf(newStream(), 0, 1), appendOf(newStream(), 0, 1)])),
    );
    expect(results.flat().map((result) => (result.kind === 'appended' ? result.index - before : result))).toEqual(
      Array.from({ length: 100 }, (_, i) => i + 1),
    );
  });
});

describe('when the connection fails', () => {
  let proxy: Proxy;
  let store: PostgresEventStore;
  beforeEach(async () => {
    proxy = await proxyTo(database.url);
    store = new PostgresEventStore({ url: proxy.url, poolSize: 2 });
    await store.appendBatch([appendOf(newStream(), 0, 1)]);
    await store.readHead();
  });
  afterEach(async () => {
    // The proxy first: a frozen connection would keep the store from closing.
    await proxy.close();
    await store.close();
  });
  const headNow = async (): Promise<number> => Number((await query('SELECT index FROM log_head'))[0]?.['index']);

  test('between COMMIT and its answer, the outcome is found and nothing is doubled', async () => {
    for (let round = 0; round < 10; round++) {
      const [before, stream] = [await headNow(), newStream()];
      const cut = proxy.swallowNextAnswer();
      const results = await store.appendBatch([appendOf(stream, 0, 1), appendOf(stream, 5, 1)]);
      await cut;
      expect(results).toEqual([
        { kind: 'appended', index: before + 1 },
        { kind: 'conflict', streams: [stream] },
      ]);
      expect(await headNow()).toBe(before + 1);
      expect(await query('SELECT version FROM event WHERE stream = $1', [stream])).toEqual([{ version: 1 }]);
    }
  });

  test('before the statement arrives, it is sent again', async () => {
    const [before, stream] = [await headNow(), newStream()];
    const cut = proxy.swallowNextQuestion();
    const results = await store.appendBatch([appendOf(stream, 0, 1)]);
    await cut;
    expect(results).toEqual([{ kind: 'appended', index: before + 1 }]);
  });

  test('while the statement is still at work in the server, it either counts or never will', async () => {
    const holder = new Client({ connectionString: database.url });
    await holder.connect();
    await holder.query('BEGIN; SELECT FROM log_head FOR UPDATE');
    const [before, stream] = [await headNow(), newStream()];
    const append = store.appendBatch([appendOf(stream, 0, 1)]);
    const waiting = () =>
      query(`SELECT FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'`);
    await eventually(async () => (await waiting()).length === 1);
    proxy.setReachable(false);
    proxy.setReachable(true);
    // The lost backend waits still; the second attempt queues behind it.
    await eventually(async () => (await waiting()).length === 2);
    await holder.query('COMMIT');
    await holder.end();
    expect(await append).toEqual([{ kind: 'appended', index: before + 1 }]);
    await eventually(async () => (await waiting()).length === 0);
    expect(await headNow()).toBe(before + 1);
    expect(await query('SELECT version FROM event WHERE stream = $1', [stream])).toEqual([{ version: 1 }]);
  });

  test('through the command handler, cut again and again, every command counts once', async () => {
    const handler = new CommandHandler({ store, aggregates: sums, clock: () => 1_760_000_000_000_000 });
    const stream = newStream();
    for (let round = 1; round <= 30; round++) {
      const cut = round % 3 === 0 ? proxy.swallowNextAnswer() : undefined;
      const outcome = await handler.execute(add(stream, 1));
      expect(outcome).toMatchObject({ kind: 'accepted', answer: { total: round } });
      await cut;
    }
    await handler.close();
  });

  test('a backend that is ended by the administrator is replaced', async () => {
    const before = await headNow();
    await query(
      `SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = current_database() AND application_name = 'rollbook'`,
    );
    expect(await store.appendBatch([appendOf(newStream(), 0, 1)])).toEqual([{ kind: 'appended', index: before + 1 }]);
    expect((await store.readHead()).index).toBe(before + 1);
  });

  test('a store that is out of reach is reported in bounded time, and used again afterwards', async () => {
    await store.close();
    store = new PostgresEventStore({ url: proxy.url, deadlineMs: SHORT_DEADLINE_MS });
    proxy.setReachable(false);
    const started = performance.now();
    const failure = (error: unknown) => error as StoreUnavailable;
    const [append, read] = await Promise.all([
      store.appendBatch([appendOf(newStream(), 0, 1)]).catch(failure),
      store.readHead().catch(failure),
    ]);
    expect(performance.now() - started).toBeLessThan(SHORT_DEADLINE_MS + 1_000);
    expect(append).toBeInstanceOf(StoreUnavailable);
    expect(read).toBeInstanceOf(StoreUnavailable);
    proxy.setReachable(true);
    expect((await store.appendBatch([appendOf(newStream(), 0, 1)]))[0]?.kind).toBe('appended');
  });

  test('a store that falls silent is reported in bounded time as an unknown outcome', async () => {
    await store.close();
    store = new PostgresEventStore({ url: proxy.url, deadlineMs: SHORT_DEADLINE_MS });
    await store.appendBatch([appendOf(newStream(), 0, 1)]);
    proxy.freeze();
    const started = performance.now();
    const outcome: AppendResult[] | StoreUnavailable = await store
      .appendBatch([appendOf(newStream(), 0, 1)])
      .catch((error: unknown) => error as StoreUnavailable);
    expect(performance.now() - started).toBeLessThan(SHORT_DEADLINE_MS + 1_000);
    expect(outcome).toMatchObject({ name: 'StoreUnavailable', outcome: 'unknown' });
  });

  test('listening goes on over a lost connection, and the poll finds what no notification told', async () => {
    const seen: number[] = [];
    const stop = await store.listen((head) => seen.push(head));
    proxy.setReachable(false);
    const other = new PostgresEventStore({ url: database.url });
    await other.appendBatch([appendOf(newStream(), 0, 1)]);
    proxy.setReachable(true);
    const missed = await headNow();
    await eventually(() => seen.at(-1) === missed);
    // Without any notification at all.
    await query('UPDATE log_head SET index = index + 1');
    await eventually(() => seen.at(-1) === missed + 1);
    await other.appendBatch([appendOf(newStream(), 0, 1)]);
    await eventually(() => seen.at(-1) === missed + 2);
    await stop();
    await other.close();
  });
});
