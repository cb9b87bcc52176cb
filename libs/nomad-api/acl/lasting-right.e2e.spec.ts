import { randomUUID } from 'node:crypto';
import type { AllocationState } from '@app/domain';
import { allocationStream } from '@app/kernel';
import { RpcError, type OpenCall, type StreamFrame } from '@app/nomad-rpc';
import { allocationId, jobInput, nodeIsReady, nodeRegistered, planned, report, reported } from '@app/testing';
import type { NodeCalls } from '../client/node-calls.js';
import { startEdge, type TestEdge } from '../testing/edge.module.js';

jest.setTimeout(60_000);

interface Token {
  readonly AccessorID: string;
  readonly SecretID: string;
}

/** How long the tokens of these tests are still good for once they are used, of the minute that is the least. */
const LEFT_MS = 700;
const RULES = `namespace "default" { policy = "write" }
agent { policy = "read" }
node { policy = "read" }`;

/** A node whose streams say one thing, and go on until they are ended. */
const ENDLESS: NodeCalls = {
  call: () => Promise.reject(new RpcError('No path to node')),
  stream: (_nodeId, _method, _args, signal): Promise<OpenCall> =>
    Promise.resolve({ frames: saidOnce(signal), send: () => Promise.resolve(), end: () => undefined }),
  adopt: (_nodeId, socket) => void socket.destroy(),
};
async function* saidOnce(signal: AbortSignal): AsyncGenerator<StreamFrame> {
  yield { Error: null, Payload: Buffer.from('said\n') };
  await new Promise((resolve) => signal.addEventListener('abort', resolve, { once: true }));
}

describe('What goes on ends with the right to it', () => {
  let edge: TestEdge;
  let address: string;
  let management: string;
  let evaluation: string;
  beforeAll(async () => {
    edge = await startEdge({ acl: true, nodeCalls: ENDLESS });
    address = await edge.listen();
    await edge.initialiseKeyring();
    management = (await edge.request('PUT', '/v1/acl/bootstrap')).json<Token>().SecretID;
    await edge.execute(nodeRegistered());
    await edge.execute(nodeIsReady());
    await must('PUT', '/v1/jobs', { Job: jobInput({ id: 'web' }) });
    evaluation = (await must<{ ID: string }[]>('GET', '/v1/job/web/evaluations'))[0]!.ID;
    await edge.execute(planned({ evaluation, place: [{ id: allocationId(1) }, { id: allocationId(2) }] }));
    await must('PUT', '/v1/acl/policy/all', { Name: 'all', Rules: RULES });
  });
  afterAll(() => edge?.close());

  async function must<T = Token>(method: string, url: string, body?: unknown): Promise<T> {
    const answer = await edge.request(method, url, body, { 'X-Nomad-Token': management });
    if (answer.statusCode !== 200) throw new Error(`${method} ${url}: ${answer.statusCode} ${answer.body}`);
    return (answer.body === '' ? {} : answer.json()) as T;
  }
  const tokenOf = (more: object = {}) =>
    must('PUT', '/v1/acl/token', { Name: 't', Type: 'client', Policies: ['all'], ...more });

  /** Begins, and says once it has begun how it ends: whatever was told, and whether it was broken off. */
  type Going = (secret: string) => Promise<{ readonly ended: Promise<string> }>;
  const stream =
    (url: string): Going =>
    async (secret) => {
      const answer = await fetch(address + url, { headers: { 'X-Nomad-Token': secret } });
      if (answer.status !== 200) throw new Error(`${url}: ${answer.status} ${await answer.text()}`);
      const reader = answer.body!.getReader();
      let told = Buffer.from((await reader.read()).value ?? []).toString();
      const rest = async (): Promise<string> => {
        try {
          for (;;) {
            const { done, value } = await reader.read();
            if (done) return `${told} (ended)`;
            told += Buffer.from(value).toString();
          }
        } catch {
          return `${told} (broken off)`;
        }
      };
      return { ended: rest() };
    };
  const query: Going = async (secret) => {
    const headers = { 'X-Nomad-Token': secret };
    const first = await fetch(`${address}/v1/jobs`, { headers });
    const index = first.headers.get('x-nomad-index');
    const answer = fetch(`${address}/v1/jobs?index=${index}&wait=50s`, { headers });
    return { ended: answer.then(async (one) => `${one.status} ${await one.text()}`) };
  };
  const KINDS: readonly (readonly [name: string, Going, end: RegExp])[] = [
    ['a blocking query', query, /^403 Permission denied$/],
    ['the event stream', stream('/v1/event/stream?topic=Job&index=1&heartbeat=100ms'), /"Error".*\(ended\)$/s],
    [
      'the log of a task',
      stream(`/v1/client/fs/logs/${allocationId(1)}?task=main&type=stdout&follow=true&plain=true`),
      /^said\n \(broken off\)$/,
    ],
    [
      'a file that is followed',
      stream(`/v1/client/fs/stream/${allocationId(1)}?path=a&follow=true`),
      /^said\n \(broken off\)$/,
    ],
    ['the log of a server', stream('/v1/agent/monitor'), /\(broken off\)$/],
  ];

  test.each(KINDS)('%s, when the token expires', async (_name, begin, end) => {
    const { SecretID } = await tokenOf({ ExpirationTTL: '1m' });
    edge.advance(60_000 - LEFT_MS);
    try {
      const { ended } = await begin(SecretID);
      expect(await ended).toMatch(end);
    } finally {
      edge.advance(LEFT_MS - 60_000);
    }
  });

  test.each(KINDS)('%s, when the token is revoked', async (_name, begin, end) => {
    const { SecretID, AccessorID } = await tokenOf();
    const { ended } = await begin(SecretID);
    await must('DELETE', `/v1/acl/token/${AccessorID}`);
    expect(await ended).toMatch(end);
  });

  test.each(KINDS)('%s, when the policy of the token grants it no more', async (_name, begin, end) => {
    const Name = `p-${randomUUID()}`;
    await must('PUT', `/v1/acl/policy/${Name}`, { Name, Rules: RULES });
    const { SecretID } = await tokenOf({ Policies: [Name] });
    const { ended } = await begin(SecretID);
    await must('PUT', `/v1/acl/policy/${Name}`, { Name, Rules: 'quota { policy = "read" }' });
    expect(await ended).toMatch(end);
  });

  test('nothing, when something about others is written', async () => {
    const { SecretID, AccessorID } = await tokenOf();
    const going = await Promise.all(KINDS.map(([, begin]) => begin(SecretID)));
    let over = 0;
    for (const { ended } of going) void ended.then(() => over++);
    await must('DELETE', `/v1/acl/token/${(await tokenOf()).AccessorID}`);
    await must('GET', '/v1/acl/tokens');
    expect(over).toBe(0);
    await must('DELETE', `/v1/acl/token/${AccessorID}`);
    await Promise.all(going.map(({ ended }) => ended));
  });

  test('a query by the identity of a task, when its allocation ends', async () => {
    const id = allocationId(2);
    const stored = (await edge.store.load([allocationStream(id)])).get(allocationStream(id))!;
    const { namespace } = JSON.parse(stored.state) as AllocationState;
    const claims = { subject: 's', audience: ['nomadproject.io'], ttl: 0, namespace, jobId: 'web', allocationId: id };
    const { token } = await edge.identities.sign({ ...claims, task: 'main' }, '');
    const headers = { 'X-Nomad-Token': token };
    const first = await fetch(`${address}/v1/services`, { headers });
    const url = `${address}/v1/services?index=${first.headers.get('x-nomad-index')}&wait=50s`;
    const waiting = fetch(url, { headers }).then(({ status }) => status);
    await edge.execute(reported([report(id, { clientStatus: 'complete' })]));
    expect(await waiting).toBe(403);
  });
});
