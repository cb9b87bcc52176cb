import { randomUUID } from 'node:crypto';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { AllocationState } from '@app/domain';
import { aclTokenStream, allocationStream } from '@app/kernel';
import { digestOfSecret } from '@app/keyring';
import {
  allocationId,
  idOf,
  jobInput,
  NODE,
  nodeIsReady,
  nodeRegistered,
  planned,
  report,
  reported,
  startInstance,
  type TestInstance,
} from '@app/testing';
import Fastify, { type FastifyInstance } from 'fastify';
import { fastifyOptions, prepareFastify } from '../fastify.js';
import { startEdge, type TestEdge } from '../testing/edge.module.js';
import { AccessControl } from './access-control.js';
import { TokenCallers } from './token-callers.js';

jest.setTimeout(60_000);

interface Token {
  readonly AccessorID: string;
  readonly SecretID: string;
  readonly CreateIndex: number;
}

describe('With access control', () => {
  let edge: TestEdge;
  let address: string;
  let dataDir: string;
  let management: string;
  beforeAll(async () => {
    dataDir = await mkdtemp(join(tmpdir(), 'rollbook-acl-'));
    edge = await startEdge({ acl: true, dataDir });
    address = await edge.listen();
    await edge.initialiseKeyring();
    management = (await edge.request('PUT', '/v1/acl/bootstrap')).json<Token>().SecretID;
    await edge.execute(nodeRegistered());
    await edge.execute(nodeIsReady());
    for (const Name of ['team', 'other']) await must('PUT', '/v1/namespace', { Name });
  });
  afterAll(async () => {
    await edge?.close();
    await rm(dataDir, { recursive: true, force: true });
  });
  afterEach(() => {
    if (edge.faults.length > 0) throw new AggregateError(edge.faults.splice(0), 'unplanned');
  });

  const ask = (method: string, url: string, token: string | undefined, body?: unknown) =>
    edge.request(method, url, body, token === undefined ? {} : { 'X-Nomad-Token': token });
  const told = async (method: string, url: string, token: string | undefined, body?: unknown) => {
    const answer = await ask(method, url, token, body);
    return { status: answer.statusCode, body: answer.body };
  };
  async function must<T = Token>(method: string, url: string, body?: unknown): Promise<T> {
    const answer = await ask(method, url, management, body);
    if (answer.statusCode !== 200) throw new Error(`${method} ${url}: ${answer.statusCode} ${answer.body}`);
    return (answer.body === '' ? {} : answer.json()) as T;
  }
  const holderOf = async (Rules: string, more: object = {}): Promise<Token> => {
    const Name = `p-${randomUUID()}`;
    await must('PUT', `/v1/acl/policy/${Name}`, { Name, Rules });
    return must('PUT', '/v1/acl/token', { Name, Type: 'client', Policies: [Name], ...more });
  };
  const denied = { status: 403, body: 'Permission denied' };

  describe('a bootstrap', () => {
    const file = () => join(dataDir, 'server', 'acl-bootstrap-reset');
    const resetTo = async (index: number | string): Promise<void> => {
      await mkdir(join(dataDir, 'server'), { recursive: true });
      await writeFile(file(), `${index}\n`);
    };

    test('is done once more by whoever can write the index of the last one to the disk of a server', async () => {
      const refused = await told('PUT', '/v1/acl/bootstrap', undefined);
      const [, index] = /^ACL bootstrap already done \(reset index: (\d+)\)$/.exec(refused.body)!;
      await resetTo(Number(index) + 1);
      expect(await told('PUT', '/v1/acl/bootstrap', undefined)).toEqual({
        status: 400,
        body: `Invalid bootstrap reset index (specified ${Number(index) + 1}, reset index: ${index})`,
      });
      await resetTo(index!);
      const again = JSON.parse((await told('PUT', '/v1/acl/bootstrap', undefined)).body) as Token;
      expect(again).toMatchObject({ Name: 'Bootstrap Token', Type: 'management' });
      for (const token of [management, again.SecretID])
        expect(await told('GET', '/v1/acl/tokens', token)).toMatchObject({ status: 200 });
      // The file is still there, and of no more use.
      expect(await told('PUT', '/v1/acl/bootstrap', undefined)).toEqual({
        status: 400,
        body: `Invalid bootstrap reset index (specified ${index}, reset index: ${again.CreateIndex})`,
      });
      await rm(file());
      expect(await told('PUT', '/v1/acl/bootstrap', undefined)).toEqual({
        status: 400,
        body: `ACL bootstrap already done (reset index: ${again.CreateIndex})`,
      });
    });

    test('is not done by a file that holds no number', async () => {
      for (const text of ['', 'all', '0x1', '-1', '9'.repeat(400)]) {
        await resetTo(text);
        expect([text, (await told('PUT', '/v1/acl/bootstrap', undefined)).status]).toEqual([text, 400]);
      }
      await rm(file());
    });
  });

  describe('a token that is uploaded', () => {
    let policy: string;
    beforeAll(async () => {
      policy = `p-${randomUUID()}`;
      await must('PUT', `/v1/acl/policy/${policy}`, { Name: policy, Rules: 'node { policy = "read" }' });
    });
    const client = (more: object) => ({ Name: 'brought', Type: 'client', Policies: [policy], ...more });
    const upload = (AccessorID: string, SecretID: string, more: object = {}) =>
      told('PUT', `/v1/acl/token/${AccessorID}`, management, client({ AccessorID, SecretID, ...more }));

    test('has the accessor and the secret that it came with, and works with them', async () => {
      const [accessor, secret] = [randomUUID(), randomUUID()];
      const answer = await ask(
        'PUT',
        `/v1/acl/token/${accessor}`,
        management,
        client({ AccessorID: accessor, SecretID: secret }),
      );
      expect([answer.statusCode, answer.json<Token>()]).toMatchObject([
        200,
        { AccessorID: accessor, SecretID: secret },
      ]);
      expect(answer.headers['x-nomad-index']).toBe(String(answer.json<Token>().CreateIndex));
      expect(await told('GET', '/v1/nodes', secret)).toMatchObject({ status: 200 });
      expect((await ask('GET', '/v1/acl/token/self', secret)).json()).toMatchObject({ SecretID: secret });
      const stored = await edge.store.readStream(aclTokenStream(accessor), 1);
      expect(JSON.stringify(stored)).not.toContain(secret);
    });

    test('may go without its accessor in the path', async () => {
      const token = client({ AccessorID: randomUUID(), SecretID: randomUUID() });
      const answer = await ask('PUT', '/v1/acl/token', management, token);
      expect([answer.statusCode, answer.json()]).toMatchObject([200, token]);
    });

    test('is found, changed and revoked by its accessor, though that came in capitals', async () => {
      const [accessor, secret] = [randomUUID(), randomUUID()];
      const token = client({ AccessorID: accessor.toUpperCase(), SecretID: secret });
      expect((await ask('PUT', '/v1/acl/token', management, token)).json()).toMatchObject({ AccessorID: accessor });
      expect(await told('PUT', '/v1/acl/token', management, { ...token, Name: 'renamed' })).toMatchObject({
        status: 200,
      });
      for (const spelling of [accessor, accessor.toUpperCase()]) {
        const found = await ask('GET', `/v1/acl/token/${spelling}`, management);
        expect(found.json()).toMatchObject({ AccessorID: accessor, Name: 'renamed' });
      }
      await must('DELETE', `/v1/acl/token/${accessor.toUpperCase()}`);
      expect(await told('GET', '/v1/nodes', secret)).toEqual(denied);
    });

    test('keeps its first secret when it is sent again with another', async () => {
      const [accessor, secret, other] = [randomUUID(), randomUUID(), randomUUID()];
      await upload(accessor, secret);
      for (const again of [other, 'no UUID'])
        expect(await upload(accessor, again, { Name: 'renamed' })).toMatchObject({ status: 200 });
      expect(await told('GET', '/v1/nodes', other)).toEqual(denied);
      expect((await ask('GET', '/v1/acl/token/self', secret)).json()).toMatchObject({ Name: 'renamed' });
    });

    test('comes back after it was deleted, with another secret if it has one', async () => {
      const [accessor, first, second] = [randomUUID(), randomUUID(), randomUUID()];
      await upload(accessor, first);
      await must('DELETE', `/v1/acl/token/${accessor}`);
      expect(await upload(accessor, second)).toMatchObject({ status: 200 });
      expect(await told('GET', '/v1/nodes', first)).toEqual(denied);
      expect(await told('GET', '/v1/nodes', second)).toMatchObject({ status: 200 });
    });

    test('is refused where it is of management, brings no UUIDs, or the secret of another', async () => {
      const secret = randomUUID();
      await upload(randomUUID(), secret);
      const unknown = randomUUID();
      const invalid = 'the accessor and the secret of an uploaded token must be UUIDs';
      for (const [body, text] of [
        [
          { AccessorID: unknown, SecretID: randomUUID(), Type: 'management', Policies: [] },
          'cannot upload management tokens',
        ],
        [{ AccessorID: unknown, SecretID: 'short' }, invalid],
        [{ AccessorID: unknown, SecretID: secret }, 'the secret ID is in use by another token'],
        [{ AccessorID: unknown, SecretID: management }, 'the secret ID is in use by another token'],
        [{ AccessorID: unknown }, `cannot find token ${unknown}`],
        [{ AccessorID: 'short', SecretID: randomUUID() }, invalid],
      ] as const)
        expect(await told('PUT', '/v1/acl/token', management, client(body))).toEqual({ status: 400, body: text });
      expect(await told('GET', `/v1/acl/token/${unknown}`, management)).toMatchObject({ status: 404 });
    });

    test('shares its secret with no other, whichever is first', async () => {
      const secret = randomUUID();
      const racing = await Promise.all(Array.from({ length: 8 }, () => upload(randomUUID(), secret)));
      expect(racing.filter(({ status }) => status === 200)).toHaveLength(1);
      expect(racing.filter(({ status }) => status === 400)).toHaveLength(7);
    });

    test('does not come too late for others that are uploaded at once, with secrets of their own', async () => {
      const racing = await Promise.all(Array.from({ length: 12 }, () => upload(randomUUID(), randomUUID())));
      expect(racing.map(({ status }) => status)).toEqual(racing.map(() => 200));
    });
  });

  describe('the identity of a workload', () => {
    const place = async (n: number, job: string): Promise<string> => {
      await must('PUT', '/v1/jobs', { Job: jobInput({ id: job }) });
      const [first] = await must<{ ID: string }[]>('GET', `/v1/job/${encodeURIComponent(job)}/evaluations`);
      await edge.execute(planned({ evaluation: first!.ID, jobId: job, place: [{ id: allocationId(n) }] }));
      const id = allocationId(n);
      const stored = (await edge.store.load([allocationStream(id)])).get(allocationStream(id));
      if (stored === undefined) throw new Error('not placed');
      const allocation = JSON.parse(stored.state) as AllocationState;
      const claims = {
        subject: `global:default:${job}:app:main:default`,
        audience: ['nomadproject.io'],
        ttl: 0,
        namespace: allocation.namespace,
        jobId: job,
        allocationId: id,
        task: 'main',
      };
      return (await edge.identities.sign(claims, '')).token;
    };
    const attach = async (JobACL: object, Rules: string): Promise<string> => {
      const Name = `attached-${randomUUID()}`;
      await must('PUT', `/v1/acl/policy/${Name}`, { Name, Rules, JobACL });
      return Name;
    };
    const NODES = 'node { policy = "read" }';

    test('has the policies that are bound to its job, group or task, and no others', async () => {
      const token = await place(1, 'web');
      expect(await told('GET', '/v1/nodes', token)).toEqual(denied);
      for (const elsewhere of [
        { Namespace: 'team', JobID: 'web' },
        { Namespace: 'default', JobID: 'api' },
        { Namespace: 'default', JobID: 'web', Group: 'other' },
        { Namespace: 'default', JobID: 'web', Group: 'app', Task: 'other' },
      ])
        await attach(elsewhere, NODES);
      expect(await told('GET', '/v1/nodes', token)).toEqual(denied);
      const name = await attach({ Namespace: 'default', JobID: 'web', Group: 'app', Task: 'main' }, NODES);
      expect(await told('GET', '/v1/nodes', token)).toMatchObject({ status: 200 });
      const listed = (await ask('GET', '/v1/acl/policies', token)).json<{ Name: string }[]>();
      expect(listed.map(({ Name }) => Name)).toEqual([name]);
      expect(await told('GET', `/v1/acl/policy/${name}`, token)).toMatchObject({ status: 200 });
      expect(await told('GET', '/v1/acl/token/self', token)).toEqual({ status: 404, body: 'ACL token not found' });
      await must('DELETE', `/v1/acl/policy/${name}`);
      expect(await told('GET', '/v1/nodes', token)).toEqual(denied);
    });

    test('reads the variables of its own, and those that a policy bound to its job names', async () => {
      const token = await place(2, 'reader');
      for (const path of ['nomad/jobs/reader', 'nomad/jobs/web', 'shared/a'])
        await must('PUT', `/v1/var/${encodeURIComponent(path)}`, { Items: { a: 'b' } });
      const read = async (path: string) => (await told('GET', `/v1/var/${encodeURIComponent(path)}`, token)).status;
      expect([await read('nomad/jobs/reader'), await read('nomad/jobs/web'), await read('shared/a')]).toEqual([
        200, 403, 403,
      ]);
      await attach(
        { Namespace: 'default', JobID: 'reader' },
        'namespace "default" { variables { path "shared/*" { capabilities = ["read"] } } }',
      );
      expect([await read('nomad/jobs/reader'), await read('nomad/jobs/web'), await read('shared/a')]).toEqual([
        200, 403, 200,
      ]);
    });

    test('is of no use once its allocation has ended', async () => {
      const token = await place(3, 'ended');
      expect(await told('GET', '/v1/services', token)).toMatchObject({ status: 200 });
      await edge.execute(reported([report(allocationId(3), { clientStatus: 'complete' })]));
      expect(await told('GET', '/v1/services', token)).toEqual(denied);
    });
  });

  describe('the secret of a node', () => {
    const secret = randomUUID();
    const mine = idOf(777);
    const read = async (n: number, token = secret) =>
      (await told('GET', `/v1/allocation/${allocationId(n)}`, token)).status;
    beforeAll(async () => {
      await edge.execute(nodeRegistered(mine, digestOfSecret(secret)));
      await edge.execute(nodeIsReady(mine));
    });

    test('reads nodes, services, and nothing that a policy would have to grant', async () => {
      for (const [url, status] of [
        [`/v1/node/${mine}`, 200],
        [`/v1/node/${NODE}`, 200],
        ['/v1/services', 200],
        ['/v1/services?namespace=team', 200],
        ['/v1/service/web', 200],
        ['/v1/acl/policies', 200],
        ['/v1/acl/token/self', 404],
        ['/v1/nodes', 403],
        ['/v1/jobs', 403],
        ['/v1/job/web', 403],
        ['/v1/allocations', 403],
        [`/v1/node/${mine}/allocations`, 403],
        ['/v1/var/nomad%2Fjobs', 403],
        ['/v1/agent/self', 403],
        ['/v1/acl/tokens', 403],
      ] as const)
        expect([url, (await told('GET', url, secret)).status]).toEqual([url, status]);
      expect((await ask('GET', `/v1/node/${mine}`, secret)).json()).toMatchObject({ SecretID: '' });
      expect((await ask('GET', '/v1/operator/rollbook/may', secret)).json()).toMatchObject({ Actor: `node ${mine}` });
    });

    test('reads the allocations that it runs, and those that these take the place of', async () => {
      await must('PUT', '/v1/jobs', { Job: jobInput({ id: 'noded' }) });
      const [first] = await must<{ ID: string }[]>('GET', '/v1/job/noded/evaluations');
      const [own, others, replaced] = [21, 22, 23];
      const of = { evaluation: first!.ID, jobId: 'noded' };
      await edge.execute(planned({ ...of, place: [{ id: allocationId(others) }, { id: allocationId(replaced) }] }));
      expect([await read(others), await read(replaced)]).toEqual([500, 500]);
      const { EvalID } = await must<{ EvalID: string }>('PUT', '/v1/job/noded/evaluate', { JobID: 'noded' });
      await edge.execute(
        planned({
          jobId: 'noded',
          evaluation: EvalID,
          place: [{ id: allocationId(own), nodeId: mine, previousAllocation: allocationId(replaced) }],
        }),
      );
      expect([await read(own), await read(others), await read(replaced)]).toEqual([200, 500, 200]);
      const refused = await told('GET', `/v1/allocation/${allocationId(others)}`, secret);
      expect(refused.body).toBe(`Unknown allocation "${allocationId(others)}"`);
      expect(await told('GET', `/v1/allocation/${randomUUID()}`, secret)).toMatchObject({ status: 404 });
    });

    test('drains its own node, and no other', async () => {
      const drain = (id: string) =>
        told('PUT', `/v1/node/${id}/drain`, secret, { DrainSpec: null, MarkEligible: true });
      expect(await drain(NODE)).toEqual(denied);
      expect(await drain(mine)).toMatchObject({ status: 200 });
      expect(await drain(mine.toUpperCase())).toMatchObject({ status: 200 });
    });

    test('is told nothing of the event stream', async () => {
      const url = `${address}/v1/event/stream?index=1&to=${edge.tail.applied}`;
      const answer = await fetch(url, { headers: { 'X-Nomad-Token': secret } });
      expect([answer.status, await answer.text()]).toEqual([200, '']);
    });

    test('is not shown, and what is no secret of a node is none', async () => {
      const node = (await ask('GET', `/v1/node/${NODE}`, management)).json<Record<string, unknown>>();
      expect(node['SecretID']).toBe('');
      for (const url of [`/v1/node/${mine}`, '/v1/services'])
        expect([url, await told('GET', url, randomUUID())]).toEqual([url, denied]);
      // Nor is a management token the secret of a node.
      const heartbeat = await told('PUT', `/agent/v1/node/${NODE}/heartbeat`, management, {});
      expect(heartbeat.status).toBeGreaterThanOrEqual(400);
    });

    test('is known of nodes that registered before and after the first one asked, and of none that was purged', async () => {
      const [later, own] = [idOf(778), randomUUID()];
      await edge.execute(nodeRegistered(later, digestOfSecret(own)));
      expect(await told('GET', `/v1/node/${later}`, own)).toMatchObject({ status: 200 });
      await must('PUT', `/v1/node/${later}/purge`);
      expect(await told('GET', `/v1/node/${mine}`, own)).toEqual(denied);
    });
  });

  describe('nothing leaks', () => {
    let stranger: string;
    const SECRET_JOB = 'very-secret-job';
    beforeAll(async () => {
      await must('PUT', '/v1/jobs?namespace=team', { Job: jobInput({ id: SECRET_JOB, more: { Namespace: 'team' } }) });
      const rules =
        'namespace "other" { policy = "write" }\nnode { policy = "write" }\nagent { policy = "write" }\noperator { policy = "write" }';
      stranger = (await holderOf(rules)).SecretID;
    });

    test('from single reads: what is in a foreign namespace is not told from what is nowhere', async () => {
      const evaluations = await must<{ ID: string }[]>('GET', `/v1/job/${SECRET_JOB}/evaluations?namespace=team`);
      for (const [there, nowhere] of [
        [`/v1/job/${SECRET_JOB}?namespace=team`, '/v1/job/no-such-job?namespace=team'],
        [`/v1/job/${SECRET_JOB}/versions?namespace=team`, '/v1/job/no-such-job/versions?namespace=team'],
        [`/v1/job/${SECRET_JOB}?namespace=team`, `/v1/job/${SECRET_JOB}?namespace=no-such-namespace`],
        [`/v1/evaluation/${evaluations[0]!.ID}`, `/v1/evaluation/${randomUUID()}`],
        ['/v1/namespace/team', '/v1/namespace/no-such-namespace'],
        ['/v1/var/a?namespace=team', '/v1/var/a?namespace=no-such-namespace'],
      ]) {
        const [one, other] = [await told('GET', there!, stranger), await told('GET', nowhere!, stranger)];
        expect([there, one]).toEqual([there, other]);
        expect(one.body).not.toContain(SECRET_JOB);
      }
    });

    test('from lists of all namespaces, searches, pages of operators, metrics and error texts', async () => {
      const reads = [
        ...['jobs', 'evaluations', 'deployments', 'allocations', 'services', 'vars', 'scaling/policies'].flatMap(
          (list) => [`/v1/${list}?namespace=*`, `/v1/${list}?namespace=*&prefix=very`, `/v1/${list}?namespace=team`],
        ),
        `/v1/jobs?namespace=*&filter=${encodeURIComponent(`ID == "${SECRET_JOB.slice(0, 4)}"`)}`,
        '/v1/jobs/statuses?namespace=*',
        `/v1/operator/rollbook/history/job/team%2F${SECRET_JOB.slice(0, 4)}`,
        '/v1/operator/rollbook/leases',
        '/v1/namespaces',
        '/v1/metrics',
        '/metrics',
        '/v1/agent/self',
        '/v1/agent/host',
        '/v1/agent/members',
        `/v1/node/${NODE}/allocations`,
        '/v1/node/pool/default/jobs',
        '/agent/v1/node/x/allocations',
      ];
      for (const url of reads) {
        const { body } = await told('GET', url, stranger);
        expect([url, body.includes(SECRET_JOB), body.includes('"team"')]).toEqual([url, false, false]);
      }
      for (const [url, body] of [
        ['/v1/search', { Prefix: 'very', Context: 'all', Namespace: '*' }],
        ['/v1/search?namespace=*', { Prefix: 'very', Context: 'jobs' }],
        ['/v1/search/fuzzy?namespace=*', { Text: 'very', Context: 'all' }],
        ['/v1/search/fuzzy?namespace=team', { Text: 'very', Context: 'all' }],
      ] as const) {
        const answer = await told('PUT', url, stranger, body);
        expect([url, answer.body.includes(SECRET_JOB)]).toEqual([url, false]);
      }
    });

    test('from a stream of events', async () => {
      const url = `/v1/event/stream?topic=Job&topic=Evaluation&namespace=*&index=1&to=${edge.tail.applied}`;
      const streamed = async (token: string): Promise<string> =>
        (await fetch(address + url, { headers: { 'X-Nomad-Token': token } })).text();
      expect(await streamed(management)).toContain(SECRET_JOB);
      expect(await streamed(stranger)).not.toContain(SECRET_JOB);
    });

    test('of a history to whoever is not management', async () => {
      const url = `/v1/operator/rollbook/history/job/${encodeURIComponent(`team/${SECRET_JOB}`)}`;
      expect(await told('GET', url, stranger)).toEqual(denied);
      expect(await told('GET', url, undefined)).toEqual(denied);
    });
  });

  describe('a token that ends while somebody waits', () => {
    test('ends a blocking query with a refusal, as soon as it is revoked', async () => {
      const token = await holderOf('namespace "default" { capabilities = ["list-jobs"] }');
      const first = await ask('GET', '/v1/jobs', token.SecretID);
      const waiting = told('GET', `/v1/jobs?index=${String(first.headers['x-nomad-index'])}&wait=50s`, token.SecretID);
      await must('DELETE', `/v1/acl/token/${token.AccessorID}`);
      expect(await waiting).toEqual(denied);
    });

    test('ends one with a refusal when its policy loses the capability, and lets it wait on otherwise', async () => {
      const Name = 'shrinking';
      const rules = (capability: string) => `namespace "default" { capabilities = ["${capability}"] }`;
      await must('PUT', `/v1/acl/policy/${Name}`, { Name, Rules: rules('list-jobs') });
      const token = await must('PUT', '/v1/acl/token', { Name, Type: 'client', Policies: [Name] });
      const first = await ask('GET', '/v1/jobs', token.SecretID);
      const waiting = told('GET', `/v1/jobs?index=${String(first.headers['x-nomad-index'])}&wait=50s`, token.SecretID);
      let isAnswered = false;
      void waiting.then(() => (isAnswered = true));
      await must('PUT', '/v1/acl/policy/unrelated', { Name: 'unrelated', Rules: rules('read-job') });
      await must('GET', '/v1/acl/policies');
      expect(isAnswered).toBe(false);
      await must('PUT', `/v1/acl/policy/${Name}`, { Name, Rules: rules('read-job') });
      expect(await waiting).toEqual(denied);
    });

    test('ends a stream of events with an error', async () => {
      const token = await holderOf('namespace "default" { capabilities = ["read-job"] }');
      const headers = { 'X-Nomad-Token': token.SecretID };
      const answer = await fetch(`${address}/v1/event/stream?topic=Job&heartbeat=1s`, { headers });
      const ended = answer.text();
      await must('DELETE', `/v1/acl/token/${token.AccessorID}`);
      expect(await ended).toContain('"Error"');
    });

    test('leaves nobody waiting beyond its own end', async () => {
      const token = await holderOf('namespace "default" { capabilities = ["list-jobs"] }', { ExpirationTTL: '1m' });
      edge.advance(58_500);
      const first = await ask('GET', '/v1/jobs', token.SecretID);
      expect(first.statusCode).toBe(200);
      edge.advance(1_600);
      expect(await told('GET', '/v1/jobs', token.SecretID)).toEqual(denied);
      expect(await edge.store.readStream(aclTokenStream(token.AccessorID), 1)).toHaveLength(1);
      edge.advance(-60_100);
    });
  });

  describe('a second instance', () => {
    let instance: TestInstance;
    let second: FastifyInstance;
    beforeAll(async () => {
      instance = await startInstance(edge.store);
      const callers = new TokenCallers({ ...edge.parts, tail: instance.tail, now: () => Date.now() * 1000 });
      second = Fastify(fastifyOptions);
      const accessControl = new AccessControl(callers, instance.tail, (error) => edge.faults.push(error));
      const { complete } = prepareFastify(second, { accessControl });
      second.get('/v1/nodes', (_request, reply) => reply.send('nodes'));
      complete();
      await second.ready();
    });
    afterAll(async () => {
      await second.close();
      await instance.close();
    });
    const status = async (secret: string): Promise<number> =>
      (await second.inject({ method: 'GET', url: '/v1/nodes', headers: { 'X-Nomad-Token': secret } })).statusCode;

    test('refuses a token from the moment on that another one has answered its revocation', async () => {
      for (let n = 0; n < 10; n++) {
        const token = await holderOf('node { policy = "read" }');
        // It is remembered there, and being looked up, when it is revoked.
        expect(await status(token.SecretID)).toBe(200);
        let isRevoked = false;
        const late: number[] = [];
        const racing = Array.from({ length: 8 }, async () => {
          while (!isRevoked) await status(token.SecretID);
          late.push(await status(token.SecretID));
        });
        await must('DELETE', `/v1/acl/token/${token.AccessorID}`);
        isRevoked = true;
        await Promise.all(racing);
        expect([n, late]).toEqual([n, Array.from({ length: 8 }, () => 403)]);
      }
    });

    test('lets a stale read by a revoked token in for no longer than a change takes to reach it', async () => {
      const token = await holderOf('node { policy = "read" }');
      const stale = async (): Promise<number> =>
        (await second.inject({ method: 'GET', url: '/v1/nodes?stale', headers: { 'X-Nomad-Token': token.SecretID } }))
          .statusCode;
      expect(await status(token.SecretID)).toBe(200);
      await must('DELETE', `/v1/acl/token/${token.AccessorID}`);
      const from = Date.now();
      while ((await stale()) === 200 && Date.now() - from < 10_000)
        await new Promise((resolve) => setTimeout(resolve, 5));
      expect(await stale()).toBe(403);
    });
  });
});
