import { MANAGEMENT, NO_PERMISSIONS, parseRules, permissionsOf, type Permissions } from '@app/domain';
import { CHAIN_BEGIN, nextLink } from '@app/event-store';
import {
  allocationId,
  DEPLOYMENT,
  healthReported,
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
  ['elsewhere', granted('namespace "shop" { policy = "write" }')],
]);

describe('What Rollbook tells beyond Nomad', () => {
  let edge: TestEdge;
  beforeAll(async () => {
    edge = await startEdge({
      callers: {
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
