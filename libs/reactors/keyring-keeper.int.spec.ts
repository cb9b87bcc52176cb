import { randomBytes } from 'node:crypto';
import { lockVariable, rotateKeyring, writeVariable, type KeyringState, type VariableState } from '@app/domain';
import { PostgresEventStore } from '@app/event-store';
import { KeyEncryptionKey, Keyring } from '@app/keyring';
import { KEYRING, variableStream, type StreamName } from '@app/kernel';
import { LockRenewals, ReadModels, Variables } from '@app/read-models';
import { createMigratedDatabase, startInstance, until, type TestInstance } from '@app/testing';
import { DataSource } from 'typeorm';
import { ClusterState } from './cluster-state.js';
import { KeyringKeeper } from './keyring-keeper.js';
import { Leader } from './leader.js';
import { LockWatcher } from './lock-watcher.js';
import { restoreCluster } from './restore-cluster.js';

const kek = new KeyEncryptionKey(randomBytes(32), 'a test');

/** One process that may lead, with the reactors of keys and locks. */
interface Process {
  readonly instance: TestInstance;
  readonly keyring: Keyring;
  readonly leader: Leader;
  readonly errors: unknown[];
}

describe('the keyring and locks under a leader', () => {
  let database: Awaited<ReturnType<typeof createMigratedDatabase>>;
  let store: PostgresEventStore;
  let dataSource: DataSource;
  let processes: Process[] = [];

  const state = async <S>(stream: StreamName): Promise<S | undefined> => {
    const stored = (await store.load([stream])).get(stream);
    return stored && (JSON.parse(stored.state) as S);
  };
  const lead = async (holder: string): Promise<Process> => {
    const instance = await startInstance(store);
    const keyring = new Keyring(kek, () => state<KeyringState>(KEYRING));
    instance.tail.onCommit(({ changes }) => {
      if (changes.some(({ stream }) => stream === KEYRING)) keyring.forget();
    });
    const cluster = new ClusterState();
    const variables = new Variables(dataSource);
    const errors: unknown[] = [];
    const leader = new Leader({
      leases: store,
      handler: instance.handler,
      tail: instance.tail,
      cluster,
      restore: () => restoreCluster(cluster, store, new ReadModels(dataSource)),
      holder,
      clock: () => Date.now() * 1000,
      onError: (error) => errors.push(error),
      onChange: () => undefined,
      reactors: (context) => [
        new KeyringKeeper(context, keyring, {
          encryptedBy: (...query) => variables.encryptedBy(...query),
          load: (streams) => store.load(streams),
        }),
        new LockWatcher(context, new LockRenewals(dataSource), 20),
      ],
    });
    await restoreCluster(cluster, store, new ReadModels(dataSource));
    await leader.start();
    const process = { instance, keyring, leader, errors };
    processes.push(process);
    return process;
  };
  const end = async ({ leader, instance, errors }: Process): Promise<void> => {
    if (errors.length > 0) throw new Error('a reactor failed', { cause: errors[0] });
    await leader.close();
    await instance.close();
    processes = processes.filter((one) => one.instance !== instance);
  };

  beforeAll(async () => {
    database = await createMigratedDatabase();
    store = new PostgresEventStore({ url: database.url, poolSize: 4 });
    dataSource = new DataSource({ type: 'postgres', url: database.url, poolSize: 2 });
    await dataSource.initialize();
  }, 60_000);
  afterEach(async () => {
    for (const process of processes) await end(process);
  });
  afterAll(async () => {
    await dataSource.destroy();
    await store.close();
    await database.drop();
  });

  const write = async ({ instance, keyring }: Process, path: string, value: string): Promise<void> => {
    const items = await keyring.sealItems('default', path, new Map([['value', value]]));
    const outcome = await instance.execute((view, context) =>
      writeVariable(view, context, { namespace: 'default', path, items, cas: null, lockId: '' }),
    );
    expect(outcome.kind).toBe('accepted');
  };
  const hasActiveKey = ({ keyring }: Process) =>
    keyring.active().then(
      () => true,
      () => false,
    );
  const statuses = async () => (await state<KeyringState>(KEYRING))!.keys.map(({ status }) => status);

  test('a new cluster gets one key, and the next leader leaves it at that', async () => {
    const first = await lead('first');
    await until('there is a key', () => hasActiveKey(first));
    await end(first);
    const second = await lead('second');
    await until('it leads', () => second.leader.leads);
    expect(await statuses()).toEqual(['active']);
  });

  test('a full rotation puts every variable under the new key, and the next leader finishes what one has begun', async () => {
    const first = await lead('first');
    await until('it leads', () => first.leader.leads);
    const paths = Array.from({ length: 230 }, (_, n) => `many/${n}`);
    await Promise.all(paths.map((path) => write(first, path, `value of ${path}`)));
    const before = await state<VariableState>(variableStream('default', 'many/7'));
    const key = await first.keyring.newKey();
    await first.instance.execute((view, context) =>
      rotateKeyring(view, context, { key, full: true, publishTime: '0' }),
    );
    await end(first);
    const second = await lead('second');
    await until('the old key is not needed', async () => (await statuses())[0] === 'deprecated');
    const variables = new Variables(dataSource);
    expect(await variables.encryptedBy([key.id], '', 1000)).toHaveLength(paths.length);
    const after = (await state<VariableState>(variableStream('default', 'many/7')))!;
    expect({ ...after, keyId: '', sealed: '' }).toEqual({ ...before, keyId: '', sealed: '' });
    expect(await second.keyring.openItems('default', 'many/7', after)).toEqual(new Map([['value', 'value of many/7']]));
  });

  test('a key that was published ahead becomes active by itself', async () => {
    const leader = await lead('only');
    const key = await leader.keyring.newKey();
    const publishTime = `${Date.now() + 300}000000`;
    await leader.instance.execute((view, context) => rotateKeyring(view, context, { key, full: false, publishTime }));
    expect((await leader.keyring.active()).id).not.toBe(key.id);
    await until('it is active', async () => (await leader.keyring.active()).id === key.id);
  });

  test('a lock that nobody renews goes after twice its time and its delay, whoever leads then', async () => {
    const first = await lead('first');
    const items = await first.keyring.sealItems('default', 'locked', new Map());
    await first.instance.execute((view, context) =>
      lockVariable(view, context, {
        namespace: 'default',
        path: 'locked',
        items,
        cas: null,
        lockId: '',
        ttl: 10e9,
        delay: 2e9,
      }),
    );
    const { lock } = (await state<VariableState>(variableStream('default', 'locked')))!;
    const renewals = new LockRenewals(dataSource);
    expect(await renewals.note(lock!.id, lock!.ttl)).toBe(true);
    await end(first);
    const elapse = (seconds: number) =>
      dataSource.query('UPDATE lock_renewal SET renewed_at = renewed_at - make_interval(secs => $1)', [seconds]);
    await elapse(21);
    expect(await renewals.expired()).toEqual([]);
    await lead('second');
    await elapse(2);
    await until('it is gone', async () => {
      const variable = await state<VariableState>(variableStream('default', 'locked'));
      return variable?.lock === null;
    });
  });
});
