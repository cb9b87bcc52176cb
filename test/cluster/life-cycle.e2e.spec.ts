import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { Client } from 'pg';
import { repository } from '../support/server-process.js';
import { chaosJob } from './jobs.js';
import { getJson, Stack, until, type Instance, type LeaseView } from './stack.js';

jest.setTimeout(120_000);

const run = promisify(execFile);

const HAND_OVER_MS = 1_000;
const TAKE_OVER_MS = 5_000;
const PAST_LEASE_MS = 4_500;
const OUTAGE_MS = 30_000;
/** The first to ask during an outage wait for the store's deadline of ten seconds, everybody later for two. */
const FIRST_ANSWER_MS = 11_500;
const LATER_ANSWER_MS = 4_000;
const BOUND_MS = 20_000;

describe('a cluster of three servers', () => {
  const dataDir = mkdtempSync(join(tmpdir(), 'rollbook-life-'));
  const directory = join(dataDir, 'stack');
  let stack: Stack;

  beforeAll(async () => {
    stack = await Stack.start({ directory, agents: 1, proxies: true, env: { ROLLBOOK_LOG_LEVEL: 'info' } });
  });
  afterAll(async () => {
    await stack.stop();
    rmSync(dataDir, { recursive: true, force: true });
  });

  const leaderNow = async (): Promise<Instance> => {
    let leader: Instance | undefined;
    await until('a leader', BOUND_MS, async () => (leader = await stack.leader()) !== undefined);
    return leader!;
  };
  const othersThan = (one: Instance): Instance[] => stack.instances.filter((instance) => instance !== one);
  const leasesOf = (instance: Instance): Promise<LeaseView[]> => getJson(`${instance.url}/v1/operator/rollbook/leases`);
  const leads = async (instances: readonly Instance[]): Promise<boolean> =>
    (await Promise.all(instances.map(leasesOf)))
      .flat()
      .some((lease) => lease.Name === 'scheduler' && lease.ThisInstance);
  const put = (url: string, path: string, body: object): Promise<Response> =>
    fetch(url + path, { method: 'PUT', body: JSON.stringify(body), signal: AbortSignal.timeout(BOUND_MS) });
  const register = async (instance: Instance, job: string): Promise<void> => {
    expect((await put(instance.url, '/v1/jobs', { Job: chaosJob(job, job) })).status).toBe(200);
    await until(
      `allocations of ${job}`,
      BOUND_MS,
      async () => (await getJson<object[]>(`${instance.url}/v1/job/${job}/allocations`)).length > 0,
    );
  };
  /** Milliseconds until one of the others leads. */
  const vacancy = async (others: readonly Instance[], begun: number): Promise<number> => {
    await until('another leader', BOUND_MS, () => leads(others));
    return performance.now() - begun;
  };

  test('says who holds the lease, and the metrics say it too', async () => {
    const leader = await leaderNow();
    const [lease] = (await leasesOf(leader)).filter(({ Name }) => Name === 'scheduler');
    expect(lease).toMatchObject({ Name: 'scheduler', ThisInstance: true });
    expect(lease!.Holder).toMatch(new RegExp(`^${leader.name}/${leader.child.pid}/[0-9a-f]{8}$`));
    expect(await (await fetch(`${leader.url}/metrics`)).text()).toContain(
      `rollbook_lease_epoch{lease="scheduler"} ${lease!.Epoch}`,
    );
    for (const other of othersThan(leader)) {
      expect((await leasesOf(other))[0]).toMatchObject({ Holder: lease!.Holder, ThisInstance: false });
      expect(await (await fetch(`${other.url}/metrics`)).text()).toContain('rollbook_lease_epoch{lease="scheduler"} 0');
    }
  });

  test('has one key: what one instance encrypts all others open', async () => {
    const path = '/v1/var/shared?namespace=default';
    const body = JSON.stringify({ Path: 'shared', Items: { answer: '42' } });
    const written = await fetch(`${stack.instances[0]!.url}${path}`, { method: 'PUT', body });
    expect(written.status).toBe(200);
    for (const { url } of stack.instances)
      expect(await getJson(`${url}${path}`)).toMatchObject({ Items: { answer: '42' } });
  });

  test('is led by another one within a second when its leader is ended, though a query waits at it', async () => {
    const leader = await leaderNow();
    const { headers } = await fetch(`${leader.url}/v1/jobs`);
    const index = headers.get('x-nomad-index')!;
    const waiting = fetch(`${leader.url}/v1/jobs?index=${Math.max(1, Number(index))}&wait=60s`);
    await delay(200);
    const begun = performance.now();
    const ended = leader.child.end('SIGTERM');
    expect(await vacancy(othersThan(leader), begun)).toBeLessThan(HAND_OVER_MS);
    expect((await waiting).status).toBe(200);
    await ended;
    expect(performance.now() - begun).toBeLessThan(5_000);
    leader.child.start();
    await leader.ready();
  });

  test('is led by another one within five seconds when its leader is killed with -9', async () => {
    const leader = await leaderNow();
    const begun = performance.now();
    await leader.child.end('SIGKILL');
    expect(await vacancy(othersThan(leader), begun)).toBeLessThan(TAKE_OVER_MS);
    await register(othersThan(leader)[0]!, 'after-kill');
    leader.child.start();
    await leader.ready();
  });

  test('takes nothing from a leader that was stopped past its lease and goes on', async () => {
    const leader = await leaderNow();
    const [other] = othersThan(leader);
    // Deadlines that pass while it stands still: the first thing it wants to do when it goes on.
    for (const n of [1, 2, 3]) {
      const job = chaosJob(`overdue-${n}`, 'b') as { Update: object };
      await put(leader.url, '/v1/jobs', {
        Job: { ...job, Update: { ...job.Update, Canary: 0, HealthyDeadline: 1e9, ProgressDeadline: 2e9 } },
      });
    }
    const holder = (await leasesOf(leader)).find(({ Name }) => Name === 'scheduler')!.Holder;
    leader.child.signal('SIGSTOP');
    await delay(PAST_LEASE_MS);
    await until('another leader', BOUND_MS, () => leads(othersThan(leader)));
    const client = new Client({ connectionString: stack.databaseUrl() });
    await client.connect();
    const writesOfOld = async (): Promise<number> => {
      const { rows } = await client.query<{ count: string }>(`SELECT count(*) FROM event WHERE meta->>'actor' = $1`, [
        `scheduler ${holder}`,
      ]);
      return Number(rows[0]!.count);
    };
    const before = await writesOfOld();
    leader.child.signal('SIGCONT');
    await register(other!, 'after-pause');
    await until('the old leader to notice', BOUND_MS, async () =>
      (await (await fetch(`${leader.url}/metrics`)).text()).includes('rollbook_lease_epoch{lease="scheduler"} 0'),
    );
    expect(await writesOfOld()).toBe(before);
    await client.end();
  });

  test('answers 503 with Retry-After while Postgres is away, stale reads as ever, and goes on by itself', async () => {
    const [instance] = stack.instances;
    await register(instance!, 'outage');
    const path = '/v1/job/outage';
    const known = await (await fetch(instance!.url + path)).text();
    const nodes = await getJson<{ Status: string }[]>(`${instance!.url}/v1/nodes`);
    expect(nodes.every(({ Status }) => Status === 'ready')).toBe(true);
    stack.postgres!.kill();
    const gone = performance.now();
    const timed = async (ask: () => Promise<Response>, boundMs: number): Promise<void> => {
      const begun = performance.now();
      const answer = await ask();
      expect([answer.status, Number(answer.headers.get('retry-after'))]).toEqual([503, 1]);
      expect(performance.now() - begun).toBeLessThan(boundMs);
    };
    const write = (): Promise<Response> => put(instance!.url, '/v1/jobs', { Job: chaosJob('outage', 'x') });
    const read = (): Promise<Response> => fetch(instance!.url + path);
    const list = (): Promise<Response> => fetch(`${instance!.url}/v1/evaluations?prefix=ab&stale`);
    await Promise.all([timed(write, FIRST_ANSWER_MS), timed(read, FIRST_ANSWER_MS), timed(list, FIRST_ANSWER_MS)]);
    while (performance.now() - gone < OUTAGE_MS) {
      await Promise.all([timed(write, LATER_ANSWER_MS), timed(read, LATER_ANSWER_MS)]);
      const stale = await fetch(`${instance!.url}${path}?stale`);
      expect(await stale.text()).toBe(known);
      expect(Number(stale.headers.get('x-nomad-lastcontact'))).toBeGreaterThan(1_000);
    }
    await stack.postgres!.restart();
    await until('a write', BOUND_MS, async () => (await write()).status === 200);
    for (const one of stack.instances)
      await until(`a read at ${one.name}`, BOUND_MS, async () => (await fetch(one.url + path)).status === 200);
    await leaderNow();
    // What the nodes could not say during the outage is not held against them.
    const after = await getJson<{ Status: string; StatusDescription: string }[]>(`${instance!.url}/v1/nodes`);
    expect(after.every(({ Status }) => Status === 'ready')).toBe(true);
    await register(instance!, 'after-outage');
  });

  test('starts before Postgres does, and says that it waits', async () => {
    const [, , third] = stack.instances;
    await third!.child.end('SIGTERM');
    stack.postgres!.kill();
    third!.child.start();
    await until('the sentence', BOUND_MS, () =>
      Promise.resolve(readFileSync(third!.logFile, 'utf8').includes('waiting for Postgres')),
    );
    expect(third!.child.runs).toBe(true);
    await stack.postgres!.restart();
    await third!.ready();
    expect(readFileSync(third!.logFile, 'utf8')).toContain('Postgres answers');
  });

  test('has no server that starts on a schema of a newer release, and goes on with those that run', async () => {
    const [first, , third] = stack.instances;
    const later = 'OfALaterRelease9999999999999';
    const client = new Client({ connectionString: stack.databaseUrl() });
    await client.connect();
    try {
      await third!.child.end('SIGTERM');
      await client.query('INSERT INTO schema_migration (timestamp, name) VALUES (9999999999999, $1)', [later]);
      third!.child.start();
      await until('the end of the server', BOUND_MS, () => Promise.resolve(!third!.child.runs));
      expect(readFileSync(third!.logFile, 'utf8')).toContain(
        `the database schema is newer than this release: it has ${later}`,
      );
      await register(first!, 'beside-a-newer-schema');
    } finally {
      await client.query('DELETE FROM schema_migration WHERE name = $1', [later]);
      await client.end();
    }
    await third!.ready();
  });

  test('is found by ops without being told where it is', async () => {
    const env = { ...process.env, ROLLBOOK_DATA_DIR: dataDir, DATABASE_URL: '', KAFKA_BROKERS: '', NODE_OPTIONS: '' };
    const ops = join(repository(), 'dist/apps/ops/main.js');
    const { stdout } = await run(process.execPath, [ops, 'verify'], { env });
    expect(stdout).toMatch(/^\d{2,} streams, \d{2,} rows verified, 0 differences\n$/);
  });

  // The last one: it watches from here on.
  test('tells when somebody kills a member, and starts it again', async () => {
    const said: string[] = [];
    stack.watch((sentence) => said.push(sentence));
    const [instance] = stack.instances;
    const { pid } = instance!.child;
    process.kill(pid!, 'SIGKILL');
    await until('another process', BOUND_MS, async () => instance!.child.runs && instance!.child.pid !== pid);
    await until('it to be ready', BOUND_MS, async () => (await fetch(`${instance!.url}/readyz`)).ok);
    expect(said).toEqual([
      expect.stringMatching(/^server-1 has ended \(SIGKILL\); starting it again in 0.5 s \(its log: .*server-1.log\)$/),
      `server-1 was started again (process ${instance!.child.pid})`,
    ]);
  });
});
