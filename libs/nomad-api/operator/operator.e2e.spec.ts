import { MANAGEMENT, NO_PERMISSIONS, parseRules, permissionsOf, type Permissions } from '@app/domain';
import { CHAIN_BEGIN, nextLink } from '@app/event-store';
import {
  allocationId,
  DEPLOYMENT,
  healthReported,
  jobInput,
  jobSpec,
  NODE,
  nodeIsReady,
  nodeRegistered,
  planned,
  registered,
} from '@app/testing';

import { startEdge, type TestEdge } from '../testing/edge.module.js';

jest.setTimeout(60_000);

const granted = (text: string): Permissions => {
  const parsed = parseRules(text);
  if (!parsed.ok) throw new Error(parsed.error);
  return permissionsOf([parsed.rules], text);
};
const TOKENS = new Map<string, Permissions>([
  ['manager', MANAGEMENT],
  ['nobody', NO_PERMISSIONS],
  ['reader', granted('namespace "default" { policy = "read" }')],
  ['node-reader', granted('namespace "default" { policy = "read" } node { policy = "read" }')],
  ['promoter', granted('namespace "default" { capabilities = ["read-job", "promote-deployment"] }')],
  ['writer', granted('namespace "default" { policy = "write" }')],
  ['overrider', granted('namespace "default" { policy = "write" capabilities = ["sentinel-override"] }')],
  ['elsewhere', granted('namespace "shop" { policy = "write" }')],
]);

describe('What Rollbook tells beyond Nomad', () => {
  let edge: TestEdge;
  beforeAll(async () => {
    edge = await startEdge({
      callers: {
        now: () => 0,
        resolve: (secret = '') => {
          const permissions = TOKENS.get(secret);
          if (permissions === undefined) return { identity: { kind: 'stranger' } };
          return {
            identity: { kind: 'token', accessorId: secret },
            permissions,
            policies: [`${secret}-policy`],
            roles: [],
          };
        },
      },
    });
    await edge.execute(nodeRegistered());
    await edge.execute(nodeIsReady());
    await edge.execute(registered(jobSpec({ id: 'rolled' })));
    await edge.execute(
      planned({
        evaluation: await evaluationOf('rolled'),
        jobId: 'rolled',
        deployment: { groups: { app: { desiredCanaries: 1, desiredTotal: 3 } } },
        place: [{ id: allocationId(1), canary: true }],
      }),
    );
    await edge.execute(registered(jobSpec({ id: 'picky' })));
  });
  afterAll(() => edge?.close());
  afterEach(() => {
    if (edge.faults.length > 0) throw new AggregateError(edge.faults.splice(0), 'unplanned');
  });

  const get = (path: string, token = 'manager') =>
    edge.request('GET', `/v1/operator/rollbook/${path}`, undefined, { 'x-nomad-token': token });
  const evaluationOf = async (job: string): Promise<string> => {
    const url = `/v1/job/${job}/evaluations`;
    const found = await edge.request('GET', url, undefined, { 'x-nomad-token': 'manager' });
    return found.json<{ ID: string }[]>()[0]!.ID;
  };

  describe('waiting', () => {
    const only = async (query = '', token = 'manager') =>
      (await get(`waiting${query}`, token)).json<{ Total: number; Deployments: Record<string, unknown>[] }>();

    test('tells for what and for whom every active deployment waits, and what happens if nobody acts', async () => {
      const { Total, Deployments } = await only();
      expect(Total).toBe(1);
      expect(Deployments).toMatchObject([
        {
          DeploymentID: DEPLOYMENT,
          JobID: 'rolled',
          WaitingFor: 'health',
          By: 'node',
          Next: { What: 'fail', BackTo: null },
        },
      ]);
      expect(Date.parse((Deployments[0]!['Next'] as { At: string }).At)).toBeGreaterThan(Date.now());
      await edge.execute(healthReported(true, allocationId(1)));
      expect((await only()).Deployments).toMatchObject([
        { WaitingFor: 'promotion', By: 'operator', Next: { What: 'wait', At: null } },
      ]);
    });

    test('is waited for like any other read', async () => {
      const before = await get('waiting');
      const waiting = get(`waiting?index=${String(before.headers['x-nomad-index'])}&wait=30s`);
      await edge.request(
        'PUT',
        `/v1/deployment/pause/${DEPLOYMENT}`,
        { DeploymentID: DEPLOYMENT, Pause: true },
        { 'x-nomad-token': 'manager' },
      );
      expect((await waiting).json()).toMatchObject({ Deployments: [{ WaitingFor: 'resume', By: 'operator' }] });
    });

    test('shows nobody what is in a namespace of others', async () => {
      expect((await get('waiting', 'nobody')).statusCode).toBe(403);
      expect((await get('waiting', 'elsewhere')).statusCode).toBe(403);
      expect(await only('?namespace=*', 'elsewhere')).toEqual({ Total: 0, Deployments: [] });
      expect(await only('?namespace=*', 'reader')).toMatchObject({ Total: 1 });
      expect(await only('?namespace=shop', 'elsewhere')).toEqual({ Total: 0, Deployments: [] });
    });
  });

  describe('why', () => {
    interface Explained {
      readonly Groups: readonly { readonly Nodes: readonly object[] | null; readonly Reasons: readonly object[] }[];
    }

    test('tells of every node what it says to one more allocation', async () => {
      const answer = (await get('why?job=rolled', 'node-reader')).json<Explained>();
      expect(answer).toMatchObject({
        Namespace: 'default',
        JobID: 'rolled',
        NodesTotal: 1,
        NodesJudged: 1,
        Groups: [{ Group: 'app', Nodes: [{ NodeID: NODE }] }],
      });
    });

    test('names no node to who may not read nodes, but the reasons', async () => {
      const answer = (await get('why?job=rolled', 'reader')).json<Explained>();
      expect(answer.Groups[0]).toMatchObject({ Nodes: null, Reasons: expect.any(Array) });
      expect(JSON.stringify(answer)).not.toContain(NODE);
    });

    test('finds the job of an evaluation', async () => {
      const answer = await get(`why?eval=${await evaluationOf('picky')}`);
      expect(answer.json()).toMatchObject({ JobID: 'picky' });
    });

    test.each([
      ['why', 400],
      ['why?job=a&eval=b', 400],
      ['why?job=a&namespace=*', 400],
      ['why?eval=b', 500],
      ['why?job=missing', 404],
      ['why?eval=00000000-0000-0000-0000-000000000404', 404],
      ['why?job=__proto__', 404],
      ['why?job=%00', 404],
    ])('%s is answered with %d', async (path, status) => {
      expect((await get(path)).statusCode).toBe(status);
    });

    test('is refused in a namespace of others, also by the evaluation', async () => {
      expect((await get('why?job=rolled', 'elsewhere')).statusCode).toBe(403);
      const byEvaluation = `why?namespace=shop&eval=${await evaluationOf('picky')}`;
      expect((await get(byEvaluation, 'elsewhere')).statusCode).toBe(403);
    });
  });

  describe('proof', () => {
    interface Proof {
      readonly [member: string]: unknown;
      readonly Index: number;
      readonly Chain: string;
      readonly To: number;
      readonly ToChain: string;
      readonly Links: readonly string[];
    }
    const proof = async (query = ''): Promise<Proof> => (await get(`proof${query}`)).json<Proof>();

    test('of the head is its hash, and valid', async () => {
      const head = await edge.store.readHead();
      expect(await proof()).toMatchObject({
        StoreEpoch: head.storeEpoch,
        From: 1,
        Index: head.index,
        Chain: head.chain,
        Valid: true,
        Links: [],
        To: head.index,
        Head: { Index: head.index, Chain: head.chain },
      });
    });

    test('leads from a hash that was noted to a later one', async () => {
      const head = await edge.store.readHead();
      const { Chain, Links, To, ToChain } = await proof(`?index=2&to=${head.index}`);
      expect([Links.length, To, ToChain]).toEqual([head.index - 2, head.index, head.chain]);
      expect(Links.reduce((chain, digest, n) => nextLink(chain, 3 + n, digest), Chain)).toBe(head.chain);
      expect(await proof('?index=1')).toMatchObject({ Previous: CHAIN_BEGIN, Valid: true });
    });

    test.each([
      ['?index=0', 404],
      ['?index=999999', 404],
      ['?index=x', 400],
      ['?index=-1', 400],
      ['?index=18446744073709551615', 400],
      ['?index=1&to=18446744073709551616', 400],
    ])('%s is answered with %d', async (query, status) => {
      expect((await get(`proof${query}`)).statusCode).toBe(status);
    });

    test('is for operators', async () => {
      expect((await get('proof', 'reader')).statusCode).toBe(403);
    });
  });

  describe('freezes', () => {
    const URL = '/v1/operator/rollbook/freezes/xmas';
    const XMAS = { Jobs: ['web*', 'rolled'], End: '2199-01-07T00:00:00Z', Reason: 'holidays' };
    const send = (
      method: string,
      url: string,
      body?: unknown,
      token = 'manager',
      headers: Record<string, string> = {},
    ) => edge.request(method, url, body, { 'x-nomad-token': token, ...headers });
    const register = (id: string, token = 'manager', headers: Record<string, string> = {}) =>
      send('PUT', '/v1/jobs', { Job: jobInput({ id, tag: String(Math.random()) }) }, token, headers);
    const outcomes = async () =>
      (await edge.store.readStream('freezes/outcomes', 1)).map(({ type, data, meta }) => ({ type, data, meta }));
    beforeAll(() => send('PUT', URL, XMAS));
    afterAll(() => send('DELETE', URL));

    test('are told with what they do now and next', async () => {
      const [told] = (await get('freezes', 'nobody')).json<object[]>();
      expect(told).toMatchObject({
        ...{ ID: 'xmas', Namespaces: ['*'], Jobs: ['web*', 'rolled'], Reason: 'holidays' },
        ...{ Active: true, Until: '2199-01-07T00:00:00Z', Next: null },
      });
      expect((await get('freezes/xmas', 'nobody')).json()).toEqual(told);
      expect((await get('freezes/__proto__', 'nobody')).statusCode).toBe(404);
    });

    test('hold a change up, and the log says who tried what, and why', async () => {
      const before = (await outcomes()).length;
      const refused = await register('web-1', 'manager', {
        'x-rollbook-reason': 'just a small one',
        'idempotency-key': 'k',
      });
      expect([refused.statusCode, refused.body]).toEqual([
        409,
        'frozen until 2199-01-07T00:00:00Z by "xmas": holidays',
      ]);
      expect((await send('GET', '/v1/job/web-1')).statusCode).toBe(404);
      expect((await outcomes()).slice(before)).toMatchObject([
        {
          type: 'FreezeRefusedChange',
          data: { freezeId: 'xmas', namespace: 'default', jobId: 'web-1', command: 'RegisterJob' },
          meta: { actor: 'token manager', reason: 'just a small one' },
        },
      ]);
      // A key was used for nothing: the same request may be sent again later.
      expect((await register('free', 'manager', { 'idempotency-key': 'k' })).statusCode).toBe(200);
    });

    test('hold up all that changes a job or lets a rollout go on, and nothing that holds it', async () => {
      await register('web-2', 'manager', { 'x-rollbook-override': 'freeze', 'x-rollbook-reason': 'setting up' });
      const statuses = async (...requests: [string, string, unknown?][]): Promise<number[]> => {
        const answers: number[] = [];
        for (const [method, url, body] of requests) answers.push((await send(method, url, body)).statusCode);
        return answers;
      };
      const deployment = { DeploymentID: DEPLOYMENT };
      expect(
        await statuses(
          ['PUT', '/v1/job/web-2/revert', { JobID: 'web-2', JobVersion: 0 }],
          ['PUT', '/v1/job/web-2/scale', { Target: { Group: 'app' }, Count: 2 }],
          ['DELETE', '/v1/job/web-2'],
          ['DELETE', '/v1/job/web-2?no_shutdown_delay=true'],
          ['PUT', `/v1/deployment/promote/${DEPLOYMENT}`, { ...deployment, All: true }],
          ['PUT', `/v1/deployment/pause/${DEPLOYMENT}`, { ...deployment, Pause: false }],
        ),
      ).toEqual([409, 409, 409, 409, 409, 409]);
      expect(
        await statuses(
          ['PUT', `/v1/deployment/pause/${DEPLOYMENT}`, { ...deployment, Pause: true }],
          ['PUT', '/v1/job/web-2/evaluate', { JobID: 'web-2' }],
          ['PUT', '/v1/job/web-2/stable', { JobID: 'web-2', JobVersion: 0, Stable: true }],
          ['PUT', '/v1/job/web-2/scale', { Target: { Group: 'app' }, Message: 'only a note' }],
        ),
      ).toEqual([200, 200, 200, 200]);
    });

    test('are overridden with a reason, by whoever may', async () => {
      const before = (await outcomes()).length;
      const override = { 'x-rollbook-override': 'freeze' };
      const why = { ...override, 'x-rollbook-reason': 'the shop is down' };
      expect((await register('web-3', 'manager', override)).statusCode).toBe(400);
      expect((await register('web-3', 'manager', { ...why, 'x-rollbook-override': 'all' })).statusCode).toBe(400);
      expect((await register('web-3', 'writer', why)).statusCode).toBe(403);
      expect((await register('web-3', 'overrider', why)).statusCode).toBe(200);
      expect((await outcomes()).slice(before)).toMatchObject([
        {
          type: 'FreezeOverridden',
          data: { jobId: 'web-3' },
          meta: { actor: 'token overrider', reason: 'the shop is down' },
        },
      ]);
    });

    test.each<[string, unknown, number]>([
      ['no end', { Reason: 'r' }, 400],
      ['no reason', { End: '2199-01-01T00:00:00Z' }, 400],
      ['no time', { End: 'tomorrow', Reason: 'r' }, 400],
      ['no duration', { Cron: '0 18 * * 5', Duration: 'long', Reason: 'r' }, 400],
      ['a bad zone', { Cron: '0 18 * * 5', Duration: '60h', TimeZone: 'Nowhere', Reason: 'r' }, 400],
      ['no object', '[', 400],
      ['a number of other digits', { Cron: '0 18 * * 5', Duration: 1e300, Reason: 'r' }, 400],
    ])('with %s are refused', async (_what, body, status) => {
      expect((await send('PUT', `${URL}-2`, body)).statusCode).toBe(status);
    });

    test('are made and deleted by operators alone', async () => {
      expect((await send('PUT', `${URL}-3`, XMAS, 'writer')).statusCode).toBe(403);
      expect((await send('DELETE', URL, undefined, 'writer')).statusCode).toBe(403);
      expect((await send('DELETE', `${URL}-404`)).statusCode).toBe(404);
    });

    test('do what they are seen to do when they come back every week', async () => {
      const weekly = {
        Cron: '0 18 * * 5',
        Duration: '60h',
        TimeZone: 'Europe/Berlin',
        Jobs: ['nothing'],
        Reason: 'weekend',
      };
      await send('PUT', `${URL}-weekly`, weekly);
      const told = (await get('freezes/xmas-weekly')).json<{ Next: string; Duration: number }>();
      expect([new Date(told.Next).getUTCDay(), told.Duration]).toEqual([5, 216_000_000_000_000]);
      expect((await send('DELETE', `${URL}-weekly`)).statusCode).toBe(200);
      expect((await get('freezes')).json<object[]>()).toHaveLength(1);
    });
  });

  describe('may', () => {
    interface May {
      readonly Capabilities: readonly string[];
      readonly Requests: readonly string[];
    }
    const may = async (token: string, query = ''): Promise<May> => (await get(`may${query}`, token)).json<May>();
    const PROMOTE = 'PUT /v1/deployment/promote/:id';

    test('tells who one is and what one may, by the table that requests are checked by', async () => {
      expect(await may('promoter')).toMatchObject({
        ACLEnabled: true,
        Actor: 'token promoter',
        Policies: ['promoter-policy'],
        Management: false,
        Namespace: 'default',
        Capabilities: ['read-job', 'promote-deployment'],
        Levels: { node: '', operator: '' },
      });
      const { Requests } = await may('promoter');
      expect(Requests).toContain(PROMOTE);
      expect(Requests).not.toContain('PUT /v1/deployment/fail/:id');
      expect((await may('manager')).Requests).toContain('PUT /v1/system/gc');
      expect((await may('reader')).Requests).not.toContain(PROMOTE);
    });

    test('is about the namespace that is asked for', async () => {
      expect((await may('elsewhere')).Capabilities).toEqual([]);
      expect((await may('elsewhere', '?namespace=shop')).Capabilities).toContain('submit-job');
      expect((await may('elsewhere', '?namespace=*')).Capabilities).toContain('submit-job');
    });

    test('is told nobody who is unknown', async () => {
      expect((await get('may', 'stranger')).statusCode).toBe(403);
    });
  });
});
