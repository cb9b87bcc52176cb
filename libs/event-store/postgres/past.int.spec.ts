import type { TestDatabase } from '@app/testing';
import type { Pool } from 'pg';
import { Client } from 'pg';
import { appendOf, newStream } from '../testing/toy.js';
import { createToyDatabase } from '../testing/toy-database.js';
import { columnTypes } from './connection.js';
import { indexAt, lastOfTypes, loadAt } from './past.sql.js';
import { PostgresEventStore } from './postgres-event-store.js';

jest.setTimeout(60_000);

const COMMITS = 600;

describe('What reads of the past cost', () => {
  let database: TestDatabase;
  let store: PostgresEventStore;
  let client: Client;
  const stream = newStream();

  beforeAll(async () => {
    database = await createToyDatabase();
    store = new PostgresEventStore({ url: database.url });
    for (let version = 0; version < COMMITS; version++) await store.appendBatch([appendOf(stream, version, 1)]);
    client = new Client({ connectionString: database.url, types: columnTypes, options: '-c enable_seqscan=off' });
    await client.connect();
    await client.query('ANALYZE');
  });
  afterAll(async () => {
    await client?.end();
    await store?.close();
    await database?.drop();
  });

  /** Runs a read and notes the plans of its statements, with the rows that each step came by. */
  const planned = async (read: (pool: Pool) => Promise<unknown>): Promise<string[]> => {
    const plans: string[] = [];
    const pool = {
      async query({ text, values }: { text: string; values?: unknown[] }) {
        const plan = await client.query<{ 'QUERY PLAN': string }>(`EXPLAIN (ANALYZE, COSTS off) ${text}`, values);
        plans.push(plan.rows.map((row) => row['QUERY PLAN']).join('\n'));
        return client.query(text, values);
      },
    };
    await read(pool as unknown as Pool);
    return plans;
  };
  /** The most rows that any step of the plans gave or threw away. */
  const rowsIn = (plans: readonly string[]): number =>
    Math.max(
      ...plans.flatMap((plan) =>
        [...plan.matchAll(/rows=(\d+)|Removed by \w+: (\d+)/g)].map(([, a, b]) => Number(a ?? b)),
      ),
    );

  test('a state comes from the one kept before and a handful of events, by indexes', async () => {
    for (const index of [1, 15, 16, 17, 300, COMMITS - 1]) {
      const plans = await planned((pool) => loadAt(pool, [stream], index));
      expect(plans).toHaveLength(2);
      for (const plan of plans) expect(plan).not.toContain('Seq Scan');
      expect([index, rowsIn(plans) <= 16]).toEqual([index, true]);
    }
    const present = await planned((pool) => loadAt(pool, [stream], COMMITS));
    expect(present).toHaveLength(1);
  });

  test('when tables moved comes from the last moment and some hundred commits after it, by indexes', async () => {
    const plans = await planned((pool) => lastOfTypes(pool, COMMITS - 1));
    for (const plan of plans) expect(plan).not.toContain('Seq Scan');
    expect(rowsIn(plans)).toBeLessThan(256);
  });

  test('a time is looked for between two moments, by indexes', async () => {
    const [event] = await store.readAfter(299, 1);
    const plans = await planned((pool) => indexAt(pool, event!.time - 1));
    for (const plan of plans) expect(plan).not.toContain('Seq Scan on event');
  });
});
