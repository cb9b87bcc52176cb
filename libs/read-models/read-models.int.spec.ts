import { CommandHandler, PostgresEventStore } from '@app/event-store';
import {
  allocationId,
  createMigratedDatabase,
  jobSpec,
  nodeIsReady,
  nodeRegistered,
  planned,
  registered,
  type Decide,
  type TestDatabase,
} from '@app/testing';
import { DataSource } from 'typeorm';
import { Heartbeats } from './heartbeats.js';
import { ReadModels } from './read-models.js';
import { aggregates } from './wiring.js';

jest.setTimeout(60_000);

describe('On Postgres', () => {
  let database: TestDatabase;
  let dataSource: DataSource;

  beforeAll(async () => {
    database = await createMigratedDatabase();
    dataSource = await new DataSource({ type: 'postgres', url: database.url }).initialize();
  });
  afterAll(async () => {
    await dataSource.destroy();
    await database.drop();
  });

  test('the read models know the versions that are run and no longer retained', async () => {
    const store = new PostgresEventStore({ url: database.url });
    const handler = new CommandHandler({ store, aggregates, clock: () => Date.now() * 1000 });
    const run = async <A>(decide: Decide<A>): Promise<A> => {
      const outcome = await handler.execute({ name: 'Test', meta: { actor: 'test' }, decide });
      if (outcome.kind !== 'accepted') throw new Error(outcome.kind);
      return outcome.answer;
    };
    await run(nodeRegistered());
    await run(nodeIsReady());
    const { evalId } = await run(registered(jobSpec()));
    await run(planned({ evaluation: evalId, place: [{ id: allocationId(1) }] }));
    for (const tag of ['a', 'b', 'c', 'd', 'e', 'f', 'g']) await run(registered(jobSpec({ tag })));
    const versions = await new ReadModels(dataSource).versionsInUse();
    expect(versions.map(({ version }) => version)).toEqual([0]);
    await handler.close();
    await store.close();
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
