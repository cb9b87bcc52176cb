import { CommandHandler, migrate, PostgresEventStore } from '@app/event-store';
import { createTestDatabase, type TestDatabase } from '@app/testing';
import { Client } from 'pg';
import { TABLES } from '../tables.js';
import { seeded, Workload } from '../testing/workload.js';
import { aggregates, MIGRATIONS } from '../wiring.js';
import { CHUNK_STREAMS } from './limits.js';
import { rebuild } from './rebuild.js';
import type { RebuildableTable } from './shadow.js';
import { NotNow, verify, type Verified } from './verify.js';

jest.setTimeout(300_000);

const EVERY_TABLE: readonly RebuildableTable[] = [...TABLES.map(({ table }) => table), 'stream'];
const SEED = Number(process.env['WORKLOAD_SEED'] ?? 20_261);

describe(`Verification and rebuilding (seed ${SEED})`, () => {
  let database: TestDatabase;
  let store: PostgresEventStore;
  let handler: CommandHandler;
  let workload: Workload;
  let client: Client;

  beforeEach(async () => {
    database = await createTestDatabase({ name: 'read_models', prepare: (url) => migrate(url, MIGRATIONS) });
    store = new PostgresEventStore({ url: database.url });
    let now = Date.now() * 1000;
    handler = new CommandHandler({ store, aggregates, clock: () => (now += 1000) });
    workload = new Workload(handler, seeded(SEED));
    client = new Client({ connectionString: database.url });
    await client.connect();
  });

  afterEach(async () => {
    await handler.close();
    await client.end();
    await store.close();
    await database.drop();
  });

  const verified = async (): Promise<Verified & { readonly sentences: readonly string[] }> => {
    const sentences: string[] = [];
    const report = await verify({ url: database.url, aggregates, onDifference: (one) => sentences.push(one) });
    return { ...report, sentences: sentences.sort() };
  };
  const change = async (statement: string): Promise<void> => {
    const { rowCount } = await client.query(statement);
    expect(rowCount).toBe(1);
  };
  /** Every row of every table, as text. */
  const everything = async (): Promise<Record<string, readonly string[]>> => {
    const texts: Record<string, readonly string[]> = {};
    for (const table of [...EVERY_TABLE, 'table_index']) {
      const { rows } = await client.query<{ row: string }>(`SELECT t::text AS row FROM ${table} t ORDER BY 1`);
      texts[table] = rows.map(({ row }) => row);
    }
    return texts;
  };

  test('an empty log agrees with empty tables', async () => {
    expect(await verified()).toEqual({ streams: 0, rows: 0, differences: 0, index: 0, sentences: [] });
  });

  test('what the appends have stored is what the log folds to, over several chunks of streams', async () => {
    await workload.run(2_500);
    const { sentences, streams, rows, index } = await verified();
    expect(sentences).toEqual([]);
    expect(streams).toBeGreaterThan(CHUNK_STREAMS);
    // Each once, however they are shared out.
    const { rows: counted } = await client.query<{ streams: number }>('SELECT count(*)::int AS streams FROM stream');
    expect(streams).toBe(counted[0]!.streams);
    expect(rows).toBeGreaterThan(CHUNK_STREAMS);
    expect(index).toBe((await store.readHead()).index);
    for (const table of TABLES) {
      const { rowCount } = await client.query(`SELECT FROM ${table.table} LIMIT 1`);
      expect([table.table, rowCount]).toEqual([table.table, 1]);
    }
  });

  test('a stream is verified whose name is that of a border between two ranges, or of no kind', async () => {
    await workload.run(40);
    const added = ['allocation/9', 'allocation0', 'evaluation/8', 'zebra/1'];
    for (const stream of added)
      await change(`INSERT INTO stream (stream, version, last_index, state) VALUES ('${stream}', 1, 1, '{}')`);
    expect((await verified()).sentences).toEqual(
      added.map((stream) => `${stream}: there is a stored state, but no event`),
    );
  });

  test('verification while servers write finds nothing that is not there', async () => {
    await workload.run(200);
    let isDone = false;
    const writing = (async () => {
      while (!isDone) await workload.run(8);
    })();
    for (let round = 0; round < 5; round++) expect((await verified()).sentences).toEqual([]);
    isDone = true;
    await writing;
  });

  test('a spoilt column, document, state or index is named', async () => {
    await workload.run(300);
    await change(`UPDATE deployment SET status = 'spoilt' WHERE id = (SELECT min(id) FROM deployment)`);
    await change(
      `UPDATE allocation SET document = replace(document, '"TaskGroup":"app"', '"TaskGroup":"spoilt"') WHERE id = (SELECT min(id) FROM allocation)`,
    );
    await change(
      `UPDATE stream SET state = replace(state, '"purged":false', '"purged":true') WHERE stream = (SELECT min(stream) FROM stream WHERE stream LIKE 'deployment/%' AND state LIKE '%"purged":false%')`,
    );
    await change(`UPDATE table_index SET index = 7 WHERE name = 'node'`);
    expect((await verified()).sentences).toEqual([
      expect.stringMatching(/^allocation [0-9a-f-]+: document.TaskGroup is "spoilt", the log says "app"$/),
      expect.stringMatching(/^deployment [0-9a-f-]+: column status is "spoilt", the log says "\w+"$/),
      expect.stringMatching(/^deployment\/[0-9a-f-]+: state.purged is true, the log says false$/),
      expect.stringMatching(/^table_index node: index is 7, the log says \d+$/),
    ]);
  });

  test('a row that is missing and one that should not be there are named', async () => {
    await workload.run(300);
    await change(`DELETE FROM evaluation WHERE id = (SELECT min(id) FROM evaluation)`);
    await change(`INSERT INTO purged_allocation VALUES ('nobody', 'node', 1, 1, '')`);
    await change(`INSERT INTO stream VALUES ('node/nobody', 1, 1, '{}')`);
    expect((await verified()).sentences).toEqual([
      expect.stringMatching(/^evaluation [0-9a-f-]+: the row is missing$/),
      'node/nobody: there is a stored state, but no event',
      'purged_allocation nobody: there is a row, but the log says that there is none',
    ]);
  });

  test('rebuilt tables are the live ones, byte for byte, and keep their indexes and names', async () => {
    await workload.run(600);
    const before = await everything();
    const indexes = async (): Promise<unknown[]> =>
      (await client.query(`SELECT indexdef FROM pg_indexes WHERE schemaname = 'public' ORDER BY indexdef`)).rows;
    const indexesBefore = await indexes();
    const { index } = await store.readHead();
    for (const report of await rebuild({ url: database.url, aggregates, tables: EVERY_TABLE })) {
      expect(report).toEqual({
        table: report.table,
        index,
        rows: before[report.table]!.length,
        differences: 0,
        examples: [],
      });
    }
    expect(await everything()).toEqual(before);
    expect(await indexes()).toEqual(indexesBefore);
  });

  test('a rebuild mends what was spoilt and says how much that was', async () => {
    await workload.run(300);
    const before = await everything();
    const { rows } = await client.query<{ id: string }>('SELECT min(id) AS id FROM allocation');
    await change(`UPDATE allocation SET node_id = 'spoilt' WHERE id = '${rows[0]!.id}'`);
    await change(`UPDATE table_index SET index = 7 WHERE name = 'allocation'`);
    const [report] = await rebuild({ url: database.url, aggregates, tables: ['allocation'] });
    expect(report).toMatchObject({ table: 'allocation', differences: 1, examples: [rows[0]!.id] });
    expect(await everything()).toEqual(before);
  });

  test('states kept of the past go with those that a rebuild has mended, and stay with others; what keeps them goes on', async () => {
    await workload.run(300);
    const kept = async (): Promise<number> =>
      (await client.query<{ n: number }>('SELECT count(*)::int AS n FROM kept_state')).rows[0]!.n;
    const before = await kept();
    expect(before).toBeGreaterThan(0);
    await rebuild({ url: database.url, aggregates, tables: ['stream', 'allocation'] });
    expect(await kept()).toBe(before);
    await change(`UPDATE stream SET state = '{}' WHERE stream = (SELECT min(stream) FROM stream)`);
    await rebuild({ url: database.url, aggregates, tables: ['stream', 'allocation'] });
    expect(await kept()).toBe(0);
    await workload.run(300);
    expect(await kept()).toBeGreaterThan(0);
    const { rows } = await client.query<{ name: string }>(
      `SELECT tgname AS name FROM pg_trigger WHERE tgrelid IN ('stream'::regclass, 'allocation'::regclass) ORDER BY 1`,
    );
    expect(rows.map(({ name }) => name)).toEqual(['keep_first_state', 'keep_gone', 'keep_state']);
  });

  test('a rebuild under writes loses none of them, and the writers go on in the new tables', async () => {
    await workload.run(300);
    let isDone = false;
    const writing = (async () => {
      while (!isDone) await workload.run(8);
    })();
    const heads: number[] = [];
    for (let round = 0; round < 4; round++) {
      const reports = await rebuild({ url: database.url, aggregates, tables: EVERY_TABLE });
      for (const { table, differences } of reports) expect([table, differences]).toEqual([table, 0]);
      heads.push(reports[0]!.index);
    }
    const { index } = await store.readHead();
    await workload.run(100);
    isDone = true;
    await writing;
    expect(heads).toEqual([...heads].sort((a, b) => a - b));
    expect((await store.readHead()).index).toBeGreaterThan(index);
    expect((await verified()).sentences).toEqual([]);
  });

  test('a swap that readers hold up steps back, lets appends through and tries again', async () => {
    await workload.run(100);
    await client.query('BEGIN');
    await client.query('SELECT FROM deployment');
    const steps: string[] = [];
    const rebuilding = rebuild({
      url: database.url,
      aggregates,
      tables: ['deployment'],
      onProgress: (line) => steps.push(line),
    });
    while (steps.length < 2) await workload.run(8);
    await workload.run(100);
    await client.query('COMMIT');
    expect(await rebuilding).toMatchObject([{ table: 'deployment', differences: 0 }]);
    expect((await verified()).sentences).toEqual([]);
  });

  test('two rebuilds, or a rebuild and a verification, do not get into each other’s way', async () => {
    await workload.run(50);
    const other = new Client({ connectionString: database.url });
    await other.connect();
    await other.query('SELECT pg_advisory_lock(7164202512)');
    await expect(rebuild({ url: database.url, aggregates, tables: ['node'] })).rejects.toThrow(NotNow);
    await expect(verified()).rejects.toThrow(NotNow);
    await other.end();
    expect((await verified()).sentences).toEqual([]);
  });
});
