import { chmodSync, mkdirSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { startEmbeddedPostgres, type EmbeddedPostgres } from '@app/platform';
import { until } from '@app/testing';
import { freePort, repository, startServerProcess, type ServerProcess } from '../support/server-process.js';
import { holdReplica, makeReplica, openDoor, startReplica, type Door } from './streaming-replica.js';

jest.setTimeout(180_000);

const JOB = (JSON.parse(readFileSync(join(repository(), 'examples/demo.json'), 'utf8')) as { Job: object }).Job;

const LISTS = [
  '/v1/allocations?stale',
  '/v1/evaluations?stale',
  '/v1/deployments?stale',
  '/v1/nodes?stale',
  '/v1/namespaces?stale',
  '/v1/job/first?stale',
  '/v1/job/first/allocations?stale',
  '/v1/job/first/summary?stale',
  '/v1/jobs?stale&per_page=1',
  '/v1/jobs?stale&filter=ID%3D%3Dunseen',
  '/v1/jobs/statuses?stale',
];

/** What an answer says of itself. */
interface Told {
  readonly status: number;
  readonly index: number;
  readonly ageMs: number;
  readonly knownLeader: string;
  readonly body: unknown;
}

describe('a replica', () => {
  const directory = mkdtempSync(join(tmpdir(), 'rollbook-replica-'));
  const [primaryDir, replicaDir] = [join(directory, 'primary'), join(directory, 'replica')];
  const log: string[] = [];
  let primary: EmbeddedPostgres;
  let replica: EmbeddedPostgres;
  let door: Door;
  let server: ServerProcess;

  beforeAll(async () => {
    // Postgres may run as another user than the tests.
    chmodSync(directory, 0o755);
    mkdirSync(primaryDir);
    primary = await startEmbeddedPostgres({
      dataDir: primaryDir,
      log: () => undefined,
      initdbArgs: ['--no-sync'],
      restart: false,
    });
    await makeReplica(primaryDir, primary.url, replicaDir);
    replica = await startReplica(replicaDir, primary.url);
    door = await openDoor(replica.url);
    server = await startServerProcess({
      port: await freePort(),
      env: {
        DATABASE_URL: primary.url,
        DATABASE_REPLICA_URL: door.url,
        ROLLBOOK_DEV_NODES: '0',
        ROLLBOOK_LOG_LEVEL: 'info',
      },
      onLog: (text) => void log.push(text),
    });
    await serving(true);
  });
  afterAll(async () => {
    await server?.stop();
    await door?.close();
    await replica?.stop();
    await primary?.stop();
    rmSync(directory, { recursive: true, force: true });
  });

  const metric = async (name: string): Promise<number | undefined> => {
    const text = await (await fetch(`${server.url}/metrics`)).text();
    const line = text.split('\n').find((one) => one.startsWith(`${name} `));
    return line === undefined ? undefined : Number(line.split(' ')[1]);
  };
  const serving = (is: boolean): Promise<void> =>
    until(
      `the replica is ${is ? '' : 'not '}served from`,
      async () => (await metric('rollbook_replica_serving')) === (is ? 1 : 0),
      60_000,
    );
  const read = async (path: string): Promise<Told> => {
    const answer = await fetch(`${server.url}${path}`);
    const text = await answer.text();
    return {
      status: answer.status,
      index: Number(answer.headers.get('x-nomad-index')),
      ageMs: Number(answer.headers.get('x-nomad-lastcontact')),
      knownLeader: answer.headers.get('x-nomad-knownleader') ?? '',
      body: answer.ok ? (JSON.parse(text) as unknown) : text,
    };
  };
  const register = async (id: string): Promise<number> => {
    const answer = await fetch(`${server.url}/v1/jobs`, {
      method: 'PUT',
      body: JSON.stringify({ Job: { ...JOB, ID: id, Name: id } }),
    });
    expect(answer.status).toBe(200);
    return Number(answer.headers.get('x-nomad-index'));
  };
  /** The head of the log once nothing follows any more from what was registered. */
  const head = async (): Promise<number> => (await read('/v1/evaluations')).index;

  test('serves stale reads with what it holds, and its own index', async () => {
    const index = await register('first');
    await until('the replica has it', async () => (await read('/v1/job/first?stale')).status === 200);
    const before = await metric('rollbook_replica_reads_total');
    const told = await read('/v1/job/first?stale');
    expect(told).toMatchObject({ status: 200, knownLeader: 'true', body: { ID: 'first' } });
    expect(told.index).toBeGreaterThanOrEqual(index);
    expect(await metric('rollbook_replica_reads_total')).toBe(before! + 1);
    expect(await metric('rollbook_replica_fallbacks_total')).toBe(0);
  });

  test('that is held back answers as of then, says how old that is, and default reads know more', async () => {
    await head();
    await until(
      'the replica has come to rest',
      async () => (await read('/v1/jobs?stale')).index === (await read('/v1/jobs')).index,
    );
    await holdReplica(replica.url, true);
    const frozen = await read('/v1/jobs?stale');
    const index = await register('unseen');

    expect(await read('/v1/job/unseen?stale')).toMatchObject({ status: 404 });
    const stale = await read('/v1/jobs?stale');
    expect(stale).toMatchObject({ index: frozen.index, body: frozen.body });
    const now = await read('/v1/jobs');
    expect(now.index).toBeGreaterThanOrEqual(index);
    expect(now.ageMs).toBe(0);
    expect(now.body).toHaveLength((frozen.body as unknown[]).length + 1);

    const age = (await read('/v1/job/first?stale')).ageMs;
    await until('the age has grown', async () => (await read('/v1/job/first?stale')).ageMs > age + 200);
    for (const path of LISTS)
      expect({ path, isNewer: (await read(path)).index >= index }).toEqual({ path, isNewer: false });
  });

  test('wakes those who wait on it when it has what they wait for, not before', async () => {
    const { index } = await read('/v1/jobs?stale');
    const newest = (await read('/v1/jobs')).index;
    expect(newest).toBeGreaterThan(index);
    const waiting = read(`/v1/jobs?stale&index=${index}&wait=60s`);
    const missing = read(`/v1/job/unseen?stale&index=${index}&wait=60s`);
    const early = await Promise.race([waiting, missing, read(`/v1/jobs?stale&index=${index}&wait=300ms`)]);
    expect(early.index).toBe(index);
    await holdReplica(replica.url, false);
    const [jobs, job] = await Promise.all([waiting, missing]);
    expect(jobs.index).toBeGreaterThan(index);
    expect(JSON.stringify(jobs.body)).toContain('"unseen"');
    expect(job).toMatchObject({ status: 200, body: { ID: 'unseen' } });
  });

  test('is not asked what nobody has a right name for, and stays', async () => {
    expect((await read('/v1/job/%00?stale')).status).toBeLessThan(500);
    expect((await read('/v1/jobs?stale&filter=)(')).status).toBe(400);
    expect(await metric('rollbook_replica_serving')).toBe(1);
  });

  test('that goes away is told of, and the database serves, also those who wait', async () => {
    const { index } = await read('/v1/jobs?stale');
    const waiting = read(`/v1/jobs?stale&index=${index}&wait=60s`);
    await replica.stop();
    await serving(false);
    const id = 'without-replica';
    const written = await register(id);
    expect(await read(`/v1/job/${id}?stale`)).toMatchObject({ status: 200, knownLeader: 'true' });
    expect((await waiting).index).toBeGreaterThanOrEqual(index);
    expect((await read('/v1/jobs?stale')).index).toBeGreaterThanOrEqual(written);
    expect(await metric('rollbook_replica_fallbacks_total')).toBeGreaterThan(0);
    await until('the log tells', () => log.join('').includes('the replica cannot be read from; the database serves'));
  });

  test('that is back is served from again', async () => {
    replica = await startReplica(replicaDir, primary.url);
    door.leadTo(replica.url);
    await serving(true);
    const before = await metric('rollbook_replica_reads_total');
    expect(await read('/v1/job/without-replica?stale')).toMatchObject({ status: 200, body: { ID: 'without-replica' } });
    expect(await metric('rollbook_replica_reads_total')).toBe(before! + 1);
  });

  test('still answers when the database is away, and says that nobody knows a leader', async () => {
    await primary.stop();
    await until('it says so', async () => (await read('/v1/job/first?stale')).knownLeader === 'false', 30_000);
    const told = await read('/v1/jobs?stale');
    expect(told).toMatchObject({ status: 200, knownLeader: 'false' });
    expect(told.ageMs).toBeGreaterThanOrEqual(10_000);
    expect(await metric('rollbook_replica_serving')).toBe(1);
  });
});
