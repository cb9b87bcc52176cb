import {
  BulkWriter,
  CommandHandler,
  LogMoved,
  PostgresEventStore,
  verifyChain,
  type BulkCommand,
} from '@app/event-store';
import { heartbeatNode, registerNode } from '@app/domain';
import { aggregates, FROZEN_COLUMNS, verify } from '@app/read-models';
import { createMigratedDatabase, nodeDescription, idOf, type TestDatabase } from '@app/testing';
import { Client } from 'pg';
import { writeHistory, type HistoryOptions } from './history.js';

jest.setTimeout(120_000);

const SIZE: HistoryOptions = {
  ...{ allocs: 400, deployments: 20, jobs: 6, nodes: 12, seed: 7 },
  until: 1_767_225_600_000_000,
  onProgress: () => undefined,
};
/** So that the history takes many transactions. */
const FLUSH_EVENTS = 150;

describe('A generated history', () => {
  const databases: TestDatabase[] = [];
  const stores: PostgresEventStore[] = [];
  let written: string;

  const open = async (): Promise<{ url: string; store: PostgresEventStore }> => {
    const database = await createMigratedDatabase();
    databases.push(database);
    const store = new PostgresEventStore({ url: database.url, poolSize: 2 });
    stores.push(store);
    return { url: database.url, store };
  };
  const writerOf = (url: string, store: PostgresEventStore): Promise<BulkWriter> =>
    BulkWriter.open({ url, store, aggregates, frozen: FROZEN_COLUMNS, flushEvents: FLUSH_EVENTS });
  const generate = async (options: HistoryOptions): Promise<string> => {
    const { url, store } = await open();
    const writer = await writerOf(url, store);
    await writeHistory(writer, options);
    await writer.close();
    return url;
  };

  beforeAll(async () => {
    written = await generate(SIZE);
  });
  afterAll(async () => {
    await Promise.all(stores.map((store) => store.close()));
    await Promise.all(databases.map((database) => database.drop()));
  });

  test('agrees with what the log folds to, and its chain is whole', async () => {
    const sentences: string[] = [];
    const report = await verify({ url: written, aggregates, onDifference: (one) => sentences.push(one) });
    expect(sentences).toEqual([]);
    expect(report.streams).toBeGreaterThan(SIZE.allocs);
    expect(await verifyChain(stores[0]!, (fault) => sentences.push(fault))).toMatchObject({
      faults: 0,
      commits: report.index,
    });
  });

  test('is of the size that was asked for, in all the states of life', async () => {
    const [counts] = await rowsOf(
      written,
      `SELECT (SELECT count(*) FROM allocation)::int AS allocs, (SELECT count(*) FROM deployment)::int AS deployments,
        (SELECT count(*) FROM job)::int AS jobs, (SELECT count(*) FROM node)::int AS nodes`,
    );
    const { allocs, deployments, jobs, nodes } = SIZE;
    expect(counts).toEqual({ allocs, deployments, jobs, nodes });
    const states = await rowsOf(
      written,
      `SELECT DISTINCT desired_status || ' ' || client_status AS is FROM allocation`,
    );
    expect(states.map(({ is }) => is)).toEqual(expect.arrayContaining(['run running', 'stop complete', 'stop failed']));
    const reasons = await rowsOf(
      written,
      `SELECT DISTINCT meta->>'reason' AS reason FROM event WHERE meta->>'reason' <> ''`,
    );
    expect(reasons.length).toBeGreaterThan(3);
  });

  test('is what the append would have written, one command after another, in every row of every table', async () => {
    const { url, store } = await open();
    let now = 0;
    const handler = new CommandHandler({ store, aggregates, clock: () => now });
    await writeHistory(
      {
        async execute<A>({ decide, context, meta }: BulkCommand<A>): Promise<A> {
          ({ now } = context);
          const outcome = await handler.execute({ name: 'Test', decide, meta });
          if (outcome.kind !== 'accepted') throw new Error(outcome.kind);
          return outcome.answer;
        },
        finish: async () => undefined,
      },
      SIZE,
    );
    await handler.close();
    const [appended, bulk] = [await everything(url), await everything(written)];
    expect(Object.keys(bulk).length).toBeGreaterThan(20);
    for (const [table, rows] of Object.entries(appended)) expect([table, bulk[table]]).toEqual([table, rows]);
  });

  test('is the same for the same seed, and another one for another', async () => {
    expect(await headOf(await generate(SIZE))).toEqual(await headOf(written));
    expect(await headOf(await generate({ ...SIZE, seed: 8 }))).not.toEqual(await headOf(written));
  });

  test('goes behind what a ledger has, and stops when somebody else writes to it', async () => {
    const { url, store } = await open();
    const handler = new CommandHandler({ store, aggregates, clock: () => 1_760_000_000_000_000 });
    const register = async (n: number): Promise<unknown> =>
      handler.execute({
        name: 'Test',
        meta: { actor: 'test' },
        decide: (view, context) =>
          registerNode(view, context, {
            ...{ description: nodeDescription(idOf(n)), secretDigest: '', computedClass: '', affected: [] },
          }),
      });
    await register(1);
    const writer = await writerOf(url, store);
    const beat = (): Promise<unknown> =>
      writer.execute({
        meta: { actor: 'test' },
        context: { now: 1_760_000_000_000_000, newId: () => '' },
        decide: (view, context) =>
          heartbeatNode(view, context, { nodeId: idOf(1), affected: [], hasLiveAllocations: false }),
      });
    await beat();
    await writer.finish();
    expect((await store.readHead()).index).toBe(2);
    await register(2);
    await writer.execute({
      meta: { actor: 'test' },
      context: { now: 1_760_000_000_000_000, newId: () => '' },
      decide: (view, context) =>
        registerNode(view, context, {
          ...{ description: nodeDescription(idOf(3)), secretDigest: '', computedClass: '', affected: [] },
        }),
    });
    await expect(writer.finish()).rejects.toThrow(LogMoved);
    await writer.close();
    await handler.close();
    expect(await verify({ url, aggregates, onDifference: () => undefined })).toMatchObject({
      differences: 0,
      index: 3,
    });
  });
});

async function rowsOf(url: string, query: string): Promise<Record<string, unknown>[]> {
  const client = new Client({ connectionString: url });
  await client.connect();
  try {
    return (await client.query<Record<string, unknown>>(query)).rows;
  } finally {
    await client.end();
  }
}

const headOf = async (url: string): Promise<unknown> => (await rowsOf(url, 'SELECT index, chain FROM log_head'))[0];

/** Tables that tell of processes, or are filled beside the append. */
const OF_PROCESSES = ['append_batch', 'schema_migration', 'log_tally', 'log_reason'];

/** Every row of every table as text; of the head all but the epoch, which each database has its own of. */
async function everything(url: string): Promise<Record<string, unknown>> {
  const tables = await rowsOf(
    url,
    `SELECT relname AS name FROM pg_class WHERE relkind IN ('r', 'p') AND NOT relispartition AND relnamespace = 'public'::regnamespace`,
  );
  const all = Object.create(null) as Record<string, unknown>;
  for (const { name } of tables.filter((table) => !OF_PROCESSES.includes(String(table['name'])))) {
    const columns = name === 'log_head' ? '(index, chain, chain_from)' : 't';
    all[String(name)] = (await rowsOf(url, `SELECT ${columns}::text AS row FROM ${String(name)} t ORDER BY 1`)).map(
      ({ row }) => row,
    );
  }
  return all;
}
