import {
  DEPLOYMENT,
  allocationId,
  jobInput,
  nodeIsReady,
  nodeRegistered,
  planned,
  type SpecOptions,
} from '@app/testing';
import { startEdge, type TestEdge } from '../testing/edge.module.js';

jest.setTimeout(60_000);

const PATH = '/v1/jobs/statuses';

interface Status {
  readonly ID: string;
  readonly ModifyIndex: number;
}

describe('The statuses of jobs', () => {
  let edge: TestEdge;
  beforeEach(async () => (edge = await startEdge()));
  afterEach(async () => {
    const { faults } = edge;
    await edge.close();
    if (faults.length > 0) throw new AggregateError(faults, 'unplanned');
  });

  const register = async (id: string, options: SpecOptions = {}): Promise<number> => {
    const { headers, statusCode } = await edge.request('PUT', '/v1/jobs', { Job: jobInput({ id, ...options }) });
    expect(statusCode).toBe(200);
    return Number(headers['x-nomad-index']);
  };
  const read = async (query = '', body?: object) => {
    const answer = await edge.request(body === undefined ? 'GET' : 'POST', `${PATH}${query}`, body);
    expect([answer.statusCode, answer.body]).toEqual([200, expect.any(String)]);
    const { 'x-nomad-index': index, 'x-nomad-nexttoken': token } = answer.headers;
    return { jobs: answer.json<Status[]>(), index: Number(index), token };
  };
  const ids = async (query = '', body?: object) => (await read(query, body)).jobs.map(({ ID }) => ID);
  const periodic = { Periodic: { Enabled: true, Spec: '0 0 1 1 *', SpecType: 'cron' } };

  test('show what runs of each job, and its latest deployment', async () => {
    await edge.execute(nodeRegistered());
    await edge.execute(nodeIsReady());
    await register('web', { count: 1, groups: ['app', 'side'], more: { Meta: { 'pack.name': 'shop' } } });
    const evaluation = (await edge.request('GET', '/v1/job/web/evaluations')).json<{ ID: string }[]>()[0]!.ID;
    const groups = { app: { desiredTotal: 1, desiredCanaries: 1 } };
    const place = [{ id: allocationId(1), deployment: DEPLOYMENT, canary: true }];
    await edge.execute(planned({ evaluation, deployment: { groups }, place }));
    const { jobs, index } = await read();
    expect(jobs).toEqual([
      {
        ...{ ID: 'web', Namespace: 'default', Name: 'web', Type: 'service', NodePool: 'default', Datacenters: ['*'] },
        ...{ Priority: 50, Version: 0, SubmitTime: expect.any(Number) as number, ParentID: '', Stop: false },
        ...{ IsPack: true, Status: 'running', ModifyIndex: index, GroupCountSum: 2, ChildStatuses: null },
        Allocs: [
          {
            ...{ ID: allocationId(1), Group: 'app', ClientStatus: 'pending', JobVersion: 0, FollowupEvalID: '' },
            NodeID: expect.any(String) as string,
            DeploymentStatus: { Canary: true, Healthy: null },
            HasPausedTask: false,
          },
        ],
        LatestDeployment: {
          ...{ ID: DEPLOYMENT, IsActive: true, JobVersion: 0, Status: 'running', AllAutoPromote: false },
          ...{ StatusDescription: expect.any(String) as string, RequiresPromotion: true },
        },
      },
    ]);
  });

  test('come newest first, page by page, or the other way round', async () => {
    const indexes = [await register('a'), await register('b'), await register('c')];
    expect(await ids()).toEqual(['c', 'b', 'a']);
    expect(await ids('?reverse=true')).toEqual(['a', 'b', 'c']);
    const first = await read('?per_page=2');
    expect([first.jobs.map(({ ID }) => ID), first.token]).toEqual([['c', 'b'], String(indexes[0])]);
    expect(await read(`?per_page=2&next_token=${first.token as string}`)).toMatchObject({ jobs: [{ ID: 'a' }] });
    await register('a', { tag: 'new' });
    expect(await ids()).toEqual(['a', 'c', 'b']);
  });

  test('can be filtered, and errors of filters are faults, as with Nomad', async () => {
    await register('web');
    await register('night', { type: 'batch' });
    expect(await ids('?filter=Type==batch')).toEqual(['night']);
    for (const [filter, text] of [
      ['Type=', 'failed to create result paginator: failed to read filter expression'],
      ['Foo==1', 'failed to read result page: error finding value in datum: /Foo at part 0'],
    ] as const) {
      const { statusCode, body } = await edge.request('GET', `${PATH}?filter=${encodeURIComponent(filter)}`);
      expect([statusCode, body]).toEqual([500, expect.stringContaining(text)]);
    }
  });

  test('leave children out unless asked, and parents tell how theirs are', async () => {
    await register('nightly', { type: 'batch', more: periodic });
    await register('lonely', { type: 'batch', more: periodic });
    const forced = await edge.request('PUT', '/v1/job/nightly/periodic/force');
    expect(forced.statusCode).toBe(200);
    const { jobs, index } = await read();
    expect(jobs).toMatchObject([
      { ID: 'lonely', ChildStatuses: [] },
      { ID: 'nightly', ChildStatuses: ['pending'] },
    ]);
    expect(index).toBe(Number(forced.headers['x-nomad-index']));
    expect(await ids('?include_children=true')).toHaveLength(3);
    const asked = await edge.request('GET', `${PATH}?include_children=maybe`);
    expect([asked.statusCode, asked.body]).toEqual([400, expect.stringContaining('include_children')]);
  });

  test('are given for the jobs of a body', async () => {
    for (const id of ['a', 'b', 'c']) await register(id);
    expect(await ids('', { Jobs: [{ ID: 'a' }, { ID: 'c', Namespace: 'default' }, { ID: 'unknown' }] })).toEqual([
      'c',
      'a',
    ]);
    expect(await ids('?namespace=other', { Jobs: [{ ID: 'a' }] })).toEqual([]);
    const empty = await edge.request('POST', PATH, { Jobs: [] });
    expect([empty.statusCode, empty.body]).toEqual([400, 'no jobs in request']);
    const broken = await edge.request('POST', PATH, '{"Jobs":');
    expect([broken.statusCode, broken.body]).toEqual([400, expect.stringMatching(/^error decoding request: /)]);
    expect((await edge.request('PUT', PATH, {})).statusCode).toBe(405);
  });

  test('are waited for: what is on the page wakes, what is elsewhere does not', async () => {
    await register('elsewhere');
    const index = await register('here');
    const waiting = (query: string) => read(`?per_page=1&index=${index}${query}`);
    const stays = waiting('&wait=50ms');
    const changes = waiting('&reverse=true&wait=20s');
    await edge.execute(nodeRegistered());
    expect((await stays).index).toBe(index);
    const moved = await register('elsewhere', { tag: 'new' });
    expect(await changes).toMatchObject({ jobs: [{ ID: 'here' }], index: moved });
    const next = await register('here', { tag: 'new' });
    expect(await read(`?per_page=1&index=${moved}&wait=20s`)).toMatchObject({ index: next });
  });

  test('wake who waits when a job leaves the page, though nothing on it is newer', async () => {
    await register('stays');
    const index = await register('goes');
    const waiting = read(`?index=${index}&wait=20s`);
    const { headers } = await edge.request('DELETE', '/v1/job/goes?purge=true');
    const { jobs, index: woken } = await waiting;
    expect(jobs).toMatchObject([{ ID: 'stays' }]);
    expect(woken).toBe(Number(headers['x-nomad-index']));
    expect((await read()).index).toBeLessThan(index);
  });

  test('of no job are an empty list, and the first one wakes', async () => {
    const { index } = await read();
    const waiting = read(`?index=${Math.max(index, 1)}&wait=20s`);
    await edge.execute(nodeRegistered());
    await register('first');
    expect((await waiting).jobs).toMatchObject([{ ID: 'first' }]);
  });
});
