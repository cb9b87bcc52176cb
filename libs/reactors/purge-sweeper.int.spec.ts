import { deregisterJob, NO_THRESHOLDS, PURGED_PER_COMMAND, type AllocationState, type JobType } from '@app/domain';
import { PostgresEventStore } from '@app/event-store';
import { allocationStream, jobStream } from '@app/kernel';
import { aggregates, GarbageSource, ReadModels, verify } from '@app/read-models';
import {
  createMigratedDatabase,
  DEPLOYMENT,
  idOf,
  jobSpec,
  nodeIsReady,
  nodeRegistered,
  planned,
  registered,
  report,
  reported,
  startInstance,
  until,
  type Decide,
  type TestDatabase,
  type TestInstance,
} from '@app/testing';
import { DataSource } from 'typeorm';
import { ClusterState } from './cluster-state.js';
import { sweep } from './garbage-collector.js';
import { PurgeSweeper } from './purge-sweeper.js';
import type { ReactorContext } from './reactor.js';
import { restoreCluster } from './restore-cluster.js';

jest.setTimeout(60_000);

/** More than two commands can carry. */
const ALLOCATIONS = 2 * PURGED_PER_COMMAND + 100;
const PER_PLAN = 700;

describe('A job with more allocations than one command can carry', () => {
  let database: TestDatabase;
  let dataSource: DataSource;
  let store: PostgresEventStore;
  let readModels: ReadModels;
  let source: GarbageSource;
  let instance: TestInstance;
  let drawn = 10_000;

  beforeAll(async () => {
    database = await createMigratedDatabase();
    dataSource = await new DataSource({ type: 'postgres', url: database.url }).initialize();
    store = new PostgresEventStore({ url: database.url });
    readModels = new ReadModels(dataSource);
    source = new GarbageSource(dataSource);
    instance = await startInstance(store);
    await run(nodeRegistered());
    await run(nodeIsReady());
  });
  afterAll(async () => {
    await instance.close();
    await store.close();
    await dataSource.destroy();
    await database.drop();
  });

  const run = async <A>(decide: Decide<A>): Promise<A> => {
    const outcome = await instance.execute(decide);
    if (outcome.kind !== 'accepted') throw new Error(outcome.kind);
    return outcome.answer;
  };
  const place = async (
    jobId: string,
    count: number,
    type: JobType = 'service',
    deployment?: string,
  ): Promise<string[]> => {
    const ids = Array.from({ length: count }, () => idOf(++drawn));
    for (let i = 0; i < count; i += PER_PLAN) {
      const { evalId } = await run(registered(jobSpec({ id: jobId, type, count: 1 })));
      const part = ids.slice(i, i + PER_PLAN).map((id) => ({ id }));
      const isFirst = i === 0 && deployment !== undefined;
      await run(
        planned({
          evaluation: evalId,
          jobId,
          place: part,
          ...(isFirst && { deployment: { id: deployment, groups: { app: {} } } }),
        }),
      );
    }
    return ids;
  };
  const purge = async (jobId: string): Promise<unknown> => {
    const where = { namespace: 'default', job_id: jobId };
    const allocationIds = await readModels.keys('allocation', where, PURGED_PER_COMMAND);
    const command = { namespace: 'default', jobId, evalPriority: 0, noShutdownDelay: false, allocationIds };
    return run((view, context) =>
      deregisterJob(view, context, { ...command, purge: true, deploymentIds: [], evaluationIds: [], leavesMore: true }),
    );
  };
  const shown = (jobId: string): Promise<string[]> =>
    readModels.keys('allocation', { namespace: 'default', job_id: jobId });
  const stored = async (jobId: string): Promise<number> => {
    const [row]: { n: number }[] = await dataSource.query(
      'SELECT count(*)::int AS n FROM allocation WHERE job_id = $1',
      [jobId],
    );
    return row!.n;
  };
  const purges = async (): Promise<number> => (await readModels.keys('job_purge', {})).length;

  /** A leader that has just begun, and what it issues commands by. */
  const lead = async (execute: ReactorContext['execute'], errors: unknown[]): Promise<PurgeSweeper> => {
    const cluster = new ClusterState();
    instance.tail.onCommit((commit) => void cluster.apply(commit));
    await restoreCluster(cluster, store, readModels);
    const context = { cluster, execute, onError: (error: unknown) => errors.push(error) } as unknown as ReactorContext;
    const sweeper = new PurgeSweeper(context, source, 5);
    sweeper.start();
    return sweeper;
  };
  const execute: ReactorContext['execute'] = (name, decide, _causation, reads) =>
    instance.handler.execute({ name, meta: { actor: 'leader' }, decide, ...(reads && { reads }) });

  test('is purged part by part, by the next leader where one was killed between two parts, and nobody sees half of it', async () => {
    const ids = await place('large', ALLOCATIONS, 'service', DEPLOYMENT);
    await purge('large');
    expect(await stored('large')).toBe(ALLOCATIONS - PURGED_PER_COMMAND);
    const unseen = async (): Promise<void> => {
      expect(await shown('large')).toEqual([]);
      expect(
        await readModels.list({ table: 'allocation', where: { job_id: 'large' }, order: 'created', limit: 5 }),
      ).toEqual([]);
      expect(await readModels.document('deployment', DEPLOYMENT)).toBeUndefined();
      const states = await store.load(ids.map(allocationStream));
      for (const { state } of states.values()) {
        const alloc = JSON.parse(state) as AllocationState;
        expect(alloc.purged || (await readModels.isRemnant(alloc))).toBe(true);
      }
    };
    await unseen();

    // The first leader is killed when the first part is durable, and before it hears of it.
    let parts = 0;
    const errors: unknown[] = [];
    const killed = await lead(async (...command) => {
      if (command[0] === 'PurgeRemnants' && parts++ === 0) await execute(...command);
      throw new Error('killed');
    }, errors);
    await until('the first leader is dead', () => errors.length > 0);
    await killed.stop();
    expect(await stored('large')).toBe(ALLOCATIONS - 2 * PURGED_PER_COMMAND);
    await unseen();

    // A job of the same id is registered meanwhile.
    const fresh = await place('large', 3);
    expect(await shown('large')).toEqual(fresh);

    const next = await lead(execute, errors);
    await until('the purge is over', async () => (await purges()) === 0);
    await next.stop();
    expect(await shown('large')).toEqual(fresh);
    expect(await stored('large')).toBe(fresh.length);
    expect((await store.load([jobStream('default', 'large')])).size).toBe(1);
    const differences: string[] = [];
    await verify({ url: database.url, aggregates, onDifference: (one) => differences.push(one) });
    expect(differences).toEqual([]);
  });

  test('is collected part by part once it is over, and stays where some of it is not', async () => {
    const ids = await place('done', ALLOCATIONS, 'batch');
    await run(reported(ids.slice(1).map((id) => report(id, { clientStatus: 'complete' }))));
    const look = (): Promise<void> => sweep(source, execute, NO_THRESHOLDS, Date.now() * 1000);
    await look();
    expect(await shown('done')).toHaveLength(ALLOCATIONS);
    await run(reported([report(ids[0]!, { clientStatus: 'complete' })]));
    expect(await source.judge('default', 'done', 0)).toBeUndefined();
    await look();
    expect(await purges()).toBe(1);
    expect(await shown('done')).toEqual([]);
    const errors: unknown[] = [];
    const leader = await lead(execute, errors);
    await until('all of it is gone', async () => (await stored('done')) === 0 && (await purges()) === 0);
    await leader.stop();
    expect(await readModels.keys('job', { job_id: 'done' })).toEqual([]);
  });
});
