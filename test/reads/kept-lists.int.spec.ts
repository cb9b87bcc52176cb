import { renderAllocationStub, type AllocationState } from '@app/domain';
import { PostgresEventStore } from '@app/event-store';
import { ENTITIES, ReadModels } from '@app/read-models';
import { KeptLists, type ListSource } from '@app/streaming';
import {
  createMigratedDatabase,
  idOf,
  jobSpec,
  NODE,
  registered,
  startInstance,
  type TestInstance,
} from '@app/testing';
import { DataSource } from 'typeorm';
import { seeded, Workload } from '../../libs/read-models/testing/workload.js';
import { Oracle, type Seen } from './oracle.js';

jest.setTimeout(120_000);

const SEED = Number(process.env['WORKLOAD_SEED'] ?? 20_261);
const ROOMY = 50_000_000;
const ROUNDS = 40;

const list = (name: string, query: Partial<ListSource['query']>, more: Partial<ListSource> = {}): ListSource => ({
  key: name,
  query: { table: 'allocation', where: {}, order: 'created', ...query },
  needsStates: false,
  ...more,
});

const SOURCES: readonly ListSource[] = [
  list('allocations', {}),
  list('allocations, newest first', { reverse: true }),
  list('allocations of a job', { where: { namespace: 'default', job_id: 'web' }, order: 'key' }),
  list('allocations that run', { where: { client_status: 'running' } }),
  list('allocations with a prefix', { prefix: { column: 'id', value: '3' }, order: 'key' }),
  list('allocations of a node', { where: { node_id: NODE } }),
  list('allocations of nobody', { where: { node_id: idOf(1) } }),
  list(
    'allocations shown otherwise',
    {},
    {
      show: (state) =>
        JSON.stringify(renderAllocationStub(state as AllocationState, { resources: true, taskStates: false })),
      needsStates: true,
    },
  ),
  list(
    'allocations that a filter leaves',
    {},
    {
      select:
        () =>
        ({ document }) =>
          Promise.resolve(document.includes('"ClientStatus":"running"')),
    },
  ),
  list(
    'allocations by their state',
    {},
    {
      select:
        () =>
        ({ state }) =>
          (state as AllocationState).desiredStatus === 'run',
      needsStates: true,
    },
  ),
  list('deployments', { table: 'deployment' }),
  list('deployments that run', { table: 'deployment', where: { status: 'running' } }),
  list('evaluations that team sees', { table: 'evaluation', sees: (namespace) => namespace === 'team' }),
  list('evaluations that default sees', {
    table: 'evaluation',
    sees: (namespace) => namespace === 'default',
    reverse: true,
  }),
  list('evaluations of a namespace', { table: 'evaluation', where: { namespace: 'team' } }),
  list('evaluations of two', { table: 'evaluation', where: { namespace: ['team', 'default'], job_id: 'api' } }),
  list('nodes', { table: 'node', order: 'key' }),
];

describe(`Kept lists (seed ${SEED})`, () => {
  let database: Awaited<ReturnType<typeof createMigratedDatabase>>;
  let dataSource: DataSource;
  const stores: PostgresEventStore[] = [];
  const instances: TestInstance[] = [];
  let injected: () => Promise<void> = () => Promise.resolve();

  /** What it is asked for comes with something that is committed right after it was read, before it is gone on with. */
  const followed =
    <A extends unknown[], T>(read: (...given: A) => Promise<T>) =>
    async (...given: A): Promise<T> => {
      const found = await read(...given);
      await injected();
      return found;
    };

  const start = async (): Promise<TestInstance> => {
    const store = new PostgresEventStore({ url: database.url, poolSize: 4 });
    stores.push(store);
    const instance = await startInstance(store);
    instances.push(instance);
    return instance;
  };
  const listsOn = ({ tail }: TestInstance, bytes: number): KeptLists => {
    const readModels = new ReadModels(dataSource);
    const [store] = stores;
    return new KeptLists(
      {
        tail,
        readModels: { listSnapshot: followed((query, onRows) => readModels.listSnapshot(query, onRows)) },
        store: { load: followed((streams) => store!.load(streams)) },
      },
      bytes,
    );
  };

  beforeEach(async () => {
    database = await createMigratedDatabase();
    dataSource = new DataSource({ type: 'postgres', url: database.url, entities: [...ENTITIES], poolSize: 4 });
    await dataSource.initialize();
    await start();
    await start();
  });
  afterEach(async () => {
    injected = () => Promise.resolve();
    await Promise.all(instances.splice(0).map((instance) => instance.close()));
    await dataSource.destroy();
    await Promise.all(stores.splice(0).map((store) => store.close()));
    await database.drop();
  });

  test.each([
    ['that all fit', ROOMY],
    ['of which most must go', 60_000],
  ])('are at every moment what the log makes of them, whoever writes and whenever: lists %s', async (_name, bytes) => {
    const [one, other] = instances as [TestInstance, TestInstance];
    const random = seeded(SEED);
    const [own, foreign] = [new Workload(one.handler, random), new Workload(other.handler, random)];
    const lists = listsOn(one, bytes);
    let left = ROUNDS;
    let team = 0;
    injected = async () => {
      if (left-- <= 0 || random() < 0.3) return;
      const job = jobSpec({ id: ['web', 'api'][team % 2]!, tag: String(team++) });
      await Promise.all([
        own.run(Math.floor(random() * 6)),
        foreign.run(Math.floor(random() * 6)),
        random() < 0.5 ? other.execute(registered({ ...job, Namespace: 'team' })) : undefined,
      ]);
    };
    await own.run(100);
    const seen: Seen[] = [];
    const ask = async (source: ListSource): Promise<void> => {
      const { applied } = one.tail;
      const { at, tableIndex, rows } = await lists.read(source);
      expect(at).toBeGreaterThanOrEqual(applied);
      seen.push({ source, at, tableIndex, text: rows.body().toString() });
    };
    for (let round = 0; round < ROUNDS; round++) {
      left += 2;
      await Promise.all([
        own.run(Math.floor(random() * 10)),
        random() < 0.6 ? foreign.run(Math.floor(random() * 10)) : undefined,
        ...SOURCES.filter(() => random() < 0.4).map(ask),
      ]);
    }
    left = 0;
    for (const source of SOURCES) await ask(source);
    const faults = await Oracle.faults(stores[0]!, seen);
    expect(
      faults.map(({ seen: { source, at, tableIndex }, wanted }) => [source.key, at, tableIndex, wanted.tableIndex]),
    ).toEqual([]);
    expect(new Set(seen.filter(({ text }) => text !== '[]').map(({ source }) => source.key)).size).toBe(
      SOURCES.length - 1,
    );
    expect(lists.bytes).toBeLessThanOrEqual(bytes);
    if (bytes === ROOMY) expect(lists.refreshes).toBeGreaterThan(lists.reads);
    expect(instances.flatMap(({ errors }) => errors)).toEqual([]);
  });
});
