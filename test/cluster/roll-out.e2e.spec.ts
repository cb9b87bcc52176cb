import { spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Client } from 'pg';
import { buildPreviousCommit, whyNoPreviousCommit } from '../support/previous-build.js';
import { repository } from '../support/server-process.js';
import { chaosJob } from './jobs.js';
import { LogFacts } from './log-facts.js';
import { getJson, Stack, until, type Instance, type LeaseView } from './stack.js';

jest.setTimeout(120_000);

const BOUND_MS = 20_000;
const LISTS = ['deployments', 'allocations', 'jobs', 'evaluations', 'nodes'];
/** What an object must have in common in both answers; a release may add members. */
const ESSENTIALS = ['ID', 'Status', 'ClientStatus', 'DesiredStatus', 'CreateIndex', 'ModifyIndex'];

const reason = whyNoPreviousCommit();
if (reason !== undefined) process.stderr.write(`\nskipped, since ${reason}: a roll-out\n`);

(reason === undefined ? describe : describe.skip)('A roll-out: this build beside that of the commit before', () => {
  const directory = mkdtempSync(join(tmpdir(), 'rollbook-roll-out-'));
  /** Commands that were acknowledged: the request and the index that it got. */
  const acknowledged: [requestId: string, index: number][] = [];
  let stack: Stack;

  beforeAll(async () => {
    const former = join(directory, 'former');
    mkdirSync(former);
    buildPreviousCommit(former);
    // The old one runs first, as in life: the new one migrates what it needs while the old one goes on.
    stack = await Stack.start({ directory, builds: [former, repository()], agents: 1 });
  });
  afterAll(async () => {
    await stack.stop();
    rmSync(directory, { recursive: true, force: true });
  });

  const send = async (instance: Instance, path: string, body: object): Promise<void> => {
    const requestId = `roll-out-${acknowledged.length}`;
    const answer = await fetch(instance.url + path, {
      method: 'PUT',
      headers: { 'X-Request-Id': requestId },
      body: JSON.stringify(body),
      signal: AbortSignal.timeout(BOUND_MS),
    });
    expect([path, answer.status, await answer.text()]).toEqual([path, 200, expect.any(String)]);
    acknowledged.push([requestId, Number(answer.headers.get('x-nomad-index'))]);
  };
  const leaseOf = async (instance: Instance): Promise<LeaseView | undefined> =>
    (await getJson<LeaseView[]>(`${instance.url}/v1/operator/rollbook/leases`)).find(
      ({ Name }) => Name === 'scheduler',
    );

  /** Stops whoever leads until the other one does. */
  async function handOver(from: Instance, to: Instance): Promise<string> {
    from.child.signal('SIGSTOP');
    await until(`${to.name} to lead`, BOUND_MS, async () => (await leaseOf(to))?.ThisInstance === true);
    from.child.signal('SIGCONT');
    await from.ready();
    return (await leaseOf(to))!.Holder;
  }

  /** A whole life of a deployment with a canary, each command through the one or the other, all work of the scheduler by who leads. */
  async function rollOut(job: string, one: Instance, other: Instance): Promise<void> {
    await send(one, '/v1/jobs', { Job: chaosJob(job, 'b') });
    const initial = await deploymentOf(one, job, 0);
    await send(other, `/v1/deployment/allocation-health/${initial}`, await health(one, initial, 2));
    await succeeds(other, initial);

    await send(other, '/v1/jobs', { Job: chaosJob(job, 'd') });
    const next = await deploymentOf(other, job, 1);
    await send(one, `/v1/deployment/pause/${next}`, { DeploymentID: next, Pause: true });
    await send(other, `/v1/deployment/pause/${next}`, { DeploymentID: next, Pause: false });
    await send(one, `/v1/deployment/allocation-health/${next}`, await health(other, next, 1));
    await send(other, `/v1/deployment/promote/${next}`, { DeploymentID: next, All: true });
    await send(one, `/v1/deployment/allocation-health/${next}`, await health(other, next, 2));
    await succeeds(one, next);
    await send(one, `/v1/job/${job}/scale`, { Count: 3, Target: { Group: 'web' } });
  }

  const deploymentOf = async (instance: Instance, job: string, version: number): Promise<string> => {
    let id = '';
    await until(`a deployment of ${job} in version ${version}`, BOUND_MS, async () => {
      const found = await getJson<{ ID: string; JobVersion: number }>(`${instance.url}/v1/job/${job}/deployment`);
      id = found.ID;
      return found.JobVersion === version;
    });
    return id;
  };
  const succeeds = (instance: Instance, id: string): Promise<void> =>
    until(`the success of ${id}`, BOUND_MS, async () => {
      const { Status } = await getJson<{ Status: string }>(`${instance.url}/v1/deployment/${id}`);
      return Status === 'successful';
    });
  const allocsOf = (instance: Instance, id: string): Promise<{ ID: string; ClientStatus: string }[]> =>
    getJson(`${instance.url}/v1/deployment/allocations/${id}`);
  const health = async (instance: Instance, id: string, count: number): Promise<object> => {
    let running: string[] = [];
    await until(`${count} running allocations`, BOUND_MS, async () => {
      const allocs = await allocsOf(instance, id);
      running = allocs.filter(({ ClientStatus }) => ClientStatus === 'running').map(({ ID }) => ID);
      return running.length === count;
    });
    return { DeploymentID: id, HealthyAllocationIDs: running };
  };

  test('both take commands while leadership moves between them', async () => {
    const [old, fresh] = stack.instances as [Instance, Instance];
    let leader: Instance | undefined;
    await until('a leader', BOUND_MS, async () => (leader = await stack.leader()) !== undefined);
    const other = leader === old ? fresh : old;
    await rollOut('first', old, fresh);
    const holders = [await handOver(leader!, other)];
    await rollOut('second', fresh, old);
    holders.push(await handOver(other, leader!));
    await rollOut('third', old, fresh);

    const client = new Client({ connectionString: stack.databaseUrl() });
    await client.connect();
    const { rows } = await client.query<{ actor: string }>(`SELECT DISTINCT meta->>'actor' AS actor FROM event`);
    await client.end();
    expect(rows.map(({ actor }) => actor)).toEqual(
      expect.arrayContaining(holders.map((holder) => `scheduler ${holder}`)),
    );
  });

  test('the log has every acknowledged command once, and no hole', async () => {
    const facts = await LogFacts.read(stack.databaseUrl());
    expect(facts.problems).toEqual([]);
    expect(acknowledged.map(([requestId]) => [requestId, facts.indexesOf(requestId)])).toEqual(
      acknowledged.map(([requestId, index]) => [requestId, [index]]),
    );
  });

  test('both answer alike', async () => {
    const essence = async (instance: Instance): Promise<unknown> =>
      Promise.all(
        LISTS.map(async (list) => {
          const answer = await fetch(`${instance.url}/v1/${list}`);
          const objects = (await answer.json()) as Record<string, unknown>[];
          return [
            list,
            answer.headers.get('x-nomad-index'),
            objects.map((object) => ESSENTIALS.map((name) => object[name])),
          ];
        }),
      );
    const [old, fresh] = stack.instances as [Instance, Instance];
    let answers: unknown[] = [];
    // What the scheduler still does comes between two answers.
    await until('equal answers', BOUND_MS, async () => {
      answers = await Promise.all([old, fresh].map(essence));
      return JSON.stringify(answers[0]) === JSON.stringify(answers[1]);
    }).catch(() => undefined);
    expect(answers[1]).toEqual(answers[0]);
  });

  test('ops verify finds the rows that both have written as the log says', () => {
    const { status, stdout } = spawnSync(process.execPath, [join(repository(), 'dist/apps/ops/main.js'), 'verify'], {
      encoding: 'utf8',
      env: { ...process.env, NODE_OPTIONS: '', DATABASE_URL: stack.databaseUrl() },
    });
    expect([stdout, status]).toEqual([expect.stringMatching(/\d+ streams/), 0]);
  });
});
