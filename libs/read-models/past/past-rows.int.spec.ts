import { purgeNode } from '@app/domain';
import { CommandHandler, PostgresEventStore } from '@app/event-store';
import { createMigratedDatabase, idOf, nodeRegistered, type Decide, type TestDatabase } from '@app/testing';
import { Client } from 'pg';
import type { DataSource } from 'typeorm';
import { seeded, Workload } from '../testing/workload.js';
import { aggregates } from '../wiring.js';
import { ListsNotKept, PastRows } from './past-rows.js';
import { PastMoments } from './past-moments.js';
import { PastStates } from './past-states.js';

jest.setTimeout(60_000);

describe('Lists as of the past', () => {
  let database: TestDatabase;
  let store: PostgresEventStore;
  let handler: CommandHandler;
  let client: Client;
  const plans: string[] = [];
  let rows: PastRows;
  /** Is done right after a list has looked for what is there today, before it looks for what has gone. */
  let between = async (): Promise<void> => undefined;

  beforeAll(async () => {
    database = await createMigratedDatabase();
    store = new PostgresEventStore({ url: database.url });
    handler = new CommandHandler({ store, aggregates, clock: () => Date.now() * 1000 });
    await new Workload(handler, seeded(7)).run(800);
    client = new Client({ connectionString: database.url });
    await client.connect();
    await client.query('ANALYZE');
    // Of a table that fits into a page a scan costs less than any index: what is asked here is whether there is one.
    await client.query('SET enable_seqscan = off');
    const source = {
      async query(text: string, values: unknown[]) {
        const plan = await client.query<{ 'QUERY PLAN': string }>(`EXPLAIN ${text}`, values);
        plans.push(plan.rows.map((row) => row['QUERY PLAN']).join('\n'));
        const found = (await client.query(text, values)).rows as unknown;
        if (text.includes('AS stands')) await between();
        return found;
      },
    };
    rows = new PastRows(source as unknown as DataSource, new PastStates(store), new PastMoments(store));
  });
  beforeEach(() => plans.splice(0));

  const execute = async (decide: Decide): Promise<void> => {
    expect(await handler.execute({ name: 'Test', meta: { actor: 'test' }, decide })).toMatchObject({
      kind: 'accepted',
    });
  };

  afterAll(async () => {
    await client?.end();
    await handler?.close();
    await store?.close();
    await database?.drop();
  });

  test('find what has gone since by its life, through an index', async () => {
    const { rows: gone } = await client.query<{ key: string; begins: number; ends: number }>(
      'SELECT key, create_index::float8 AS begins, gone_index::float8 AS ends FROM allocation_gone ORDER BY gone_index LIMIT 1',
    );
    const [one] = gone;
    const keysAt = async (index: number): Promise<string[]> =>
      (await rows.matching('allocation', {}, index)).map(({ key }) => key);
    expect(await keysAt(one!.ends - 1)).toContain(one!.key);
    expect(await keysAt(one!.ends)).not.toContain(one!.key);
    expect(await keysAt(one!.begins)).toContain(one!.key);
    expect(await keysAt(one!.begins - 1)).not.toContain(one!.key);
    expect(plans.filter((plan) => plan.includes('allocation_gone_int8range_idx')).length).toBeGreaterThan(0);
    for (const plan of plans.filter((text) => text.includes('allocation_gone')))
      expect(plan).not.toContain('Seq Scan on allocation_gone');
  });

  test('have what goes while they are read once', async () => {
    const nodeId = idOf(77);
    await execute(nodeRegistered(nodeId));
    const { index } = await store.readHead();
    between = async () => {
      between = async () => undefined;
      await execute((view, context) => purgeNode(view, context, { nodeId, affected: [] }));
    };
    const keysThen = async (): Promise<string[]> =>
      (await rows.matching('node', { id: nodeId }, index)).map(({ key }) => key);
    expect(await keysThen()).toEqual([nodeId]);
    expect((await store.readHead()).index).toBe(index + 1);
    expect(await keysThen()).toEqual([nodeId]);
  });

  test('of a log that is older than they are begin where they do', async () => {
    await client.query('UPDATE past_lists SET complete_from = 10');
    await expect(rows.matching('node', {}, 9)).rejects.toThrow(ListsNotKept);
    expect((await rows.matching('node', {}, 10)).length).toBe(1);
    await client.query('UPDATE past_lists SET complete_from = 0');
  });
});
