import { cancelEvaluations, type JobType } from '@app/domain';
import { CommandHandler, PostgresEventStore } from '@app/event-store';
import {
  allocationId,
  createMigratedDatabase,
  jobSpec,
  nodeIsReady,
  nodeRegistered,
  planned,
  registered,
  report,
  reported,
  type Decide,
  type TestDatabase,
} from '@app/testing';
import { DataSource } from 'typeorm';
import { GarbageSource } from './garbage.js';
import { Heartbeats } from './heartbeats.js';
import { ReadModels } from './read-models.js';
import { aggregates } from './wiring.js';

jest.setTimeout(60_000);

const NOW = Date.now() * 1000;

describe('On Postgres', () => {
  let database: TestDatabase;
  let dataSource: DataSource;
  let store: PostgresEventStore;
  let handler: CommandHandler;
  const run = async <A>(decide: Decide<A>): Promise<A> => {
    const outcome = await handler.execute({ name: 'Test', meta: { actor: 'test' }, decide });
    if (outcome.kind !== 'accepted') throw new Error(outcome.kind);
    return outcome.answer;
  };

  beforeAll(async () => {
    database = await createMigratedDatabase();
    dataSource = await new DataSource({ type: 'postgres', url: database.url }).initialize();
    store = new PostgresEventStore({ url: database.url });
    handler = new CommandHandler({ store, aggregates, clock: () => NOW });
  });
  afterAll(async () => {
    await handler.close();
    await store.close();
    await dataSource.destroy();
    await database.drop();
  });

  test('of allocations a scheduler looks at those that are not over, and at all of batch jobs', async () => {
    await run(nodeRegistered());
    await run(nodeIsReady());
    const lives = async (jobId: string, type: JobType, first: number): Promise<void> => {
      const { evalId } = await run(registered(jobSpec({ id: jobId, type })));
      const ids = [first, first + 1, first + 2].map(allocationId);
      await run(planned({ evaluation: evalId, jobId, place: ids.map((id) => ({ id })) }));
      const [over, ended] = ids as [string, string, string];
      await run(reported([over, ended].map((id) => report(id, { clientStatus: 'complete' }))));
      const { evalId: next } = await run(registered(jobSpec({ id: jobId, type, tag: 'next' })));
      await run(planned({ evaluation: next, jobId, stop: [{ allocationId: over, description: '' }] }));
    };
    await lives('service', 'service', 1);
    await lives('batch', 'batch', 4);
    const found = await new ReadModels(dataSource).schedulableAllocations();
    expect(found.sort()).toEqual([2, 3, 4, 5, 6].map(allocationId));
  });

  test('the read models know versions that are no longer retained', async () => {
    for (const tag of ['a', 'b', 'c', 'd', 'e', 'f', 'g', 'h']) await run(registered(jobSpec({ id: 'many', tag })));
    const rows: { key: string }[] = await dataSource.query(
      `SELECT key FROM job_version WHERE job_id = 'many' AND NOT retained ORDER BY version LIMIT 1`,
    );
    const versions = await new ReadModels(dataSource).jobVersions([rows[0]!.key, 'default/none/1/0']);
    expect(versions.map(({ version }) => version)).toEqual([0]);
  });

  test('what may be garbage is looked for by its own age: evaluations of batch jobs are kept for longer', async () => {
    const ended = async (id: string, type: JobType): Promise<string> => {
      const { evalId } = await run(registered(jobSpec({ id, type })));
      await run((view, context) =>
        cancelEvaluations(view, context, { cancel: [{ id: evalId, statusDescription: '' }] }),
      );
      return evalId;
    };
    const service = await ended('old-service', 'service');
    const batch = await ended('old-batch', 'batch');
    const source = new GarbageSource(dataSource);
    const found = async (others: number, batches: number): Promise<string[]> => {
      const page = await source.evaluations({ others, batch: batches }, '');
      return page.found.map(({ id }) => id).filter((id) => id === service || id === batch);
    };
    expect(await found(NOW, NOW - 1)).toEqual([service]);
    expect(await found(NOW - 1, NOW)).toEqual([batch]);
  });

  test('garbage is found over several pages, each of which is bounded by what it looks at', async () => {
    for (const id of ['p', 'q', 'r', 's', 't']) await run(registered(jobSpec({ id })));
    const everything = await dataSource.query<{ id: string }[]>('SELECT id FROM evaluation ORDER BY id');
    await run((view, context) =>
      cancelEvaluations(view, context, { cancel: everything.map(({ id }) => ({ id, statusDescription: '' })) }),
    );
    const source = new GarbageSource(dataSource, 2);
    const pages: number[] = [];
    const found: string[] = [];
    for (let after: string | undefined = ''; after !== undefined;) {
      expect((await source.evaluations({ others: 0, batch: 0 }, after)).found).toEqual([]);
      const page = await source.evaluations({ others: NOW, batch: NOW }, after);
      pages.push(page.found.length);
      found.push(...page.found.map(({ id }) => id));
      after = page.next;
    }
    const running = await dataSource.query<{ id: string }[]>(
      `SELECT eval_id AS id FROM allocation WHERE desired_status = 'run'`,
    );
    expect(found).toEqual(everything.map(({ id }) => id).filter((id) => !running.some((one) => one.id === id)));
    expect(Math.max(...pages)).toBeLessThanOrEqual(2);
    expect(pages.length).toBe(Math.floor(everything.length / 2) + 1);
  });

  test('nodes that have not been heard of for days are forgotten', async () => {
    const heartbeats = new Heartbeats(dataSource);
    await heartbeats.note('gone');
    await dataSource.query(`UPDATE node_heartbeat SET heard_at = heard_at - interval '2 days'`);
    await heartbeats.note('here');
    await heartbeats.ages();
    expect([...(await heartbeats.ages()).keys()]).toEqual(['here']);
  });
});
