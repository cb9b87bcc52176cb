import { accept, streamKey, streamType, type StreamName } from '@app/kernel';
import { idOf, moves, play, World } from '@app/testing';
import * as fc from 'fast-check';
import type { LightMyRequestResponse } from 'fastify';
import { startEdge, type TestEdge } from '../testing/edge.module.js';

jest.setTimeout(120_000);

const SEED = Number(process.env['STORY_SEED'] ?? 20_261);
const MOVES = 90;
const STORIES = 6;
/** Answers that are recorded after each commit, beside those about what it touched. */
const RECORDED_EACH = 8;

const LISTS = [
  '/v1/jobs',
  '/v1/jobs?meta=true&reverse=true',
  '/v1/jobs?filter=Status==running',
  '/v1/jobs?per_page=2',
  '/v1/jobs/statuses',
  '/v1/jobs/statuses?include_children=true&reverse=true',
  '/v1/deployments',
  '/v1/deployments?reverse=true&per_page=2',
  '/v1/deployments?filter=Status==failed',
  '/v1/deployments?prefix=00',
  '/v1/allocations',
  '/v1/allocations?namespace=*',
  '/v1/allocations?per_page=3',
  '/v1/allocations?resources=true&task_states=false',
  '/v1/allocations?filter=ClientStatus==running',
  `/v1/allocations?filter=NodeID==%22${idOf(9001)}%22`,
  '/v1/evaluations',
  '/v1/evaluations?status=blocked',
  '/v1/evaluations?job=web&reverse=true',
  '/v1/evaluations/count',
  '/v1/nodes',
  '/v1/nodes?resources=true',
  '/v1/nodes?filter=SchedulingEligibility==eligible',
  '/v1/namespaces',
  '/v1/node/pools',
  '/v1/node/pool/default/nodes',
  '/v1/node/pool/default/jobs',
  '/v1/job/none',
  '/v1/job/none/deployments',
];

/** What is asked about a stream that a commit touched. */
function about(stream: StreamName): string[] {
  const key = streamKey(stream);
  const id = encodeURIComponent(key.slice(key.indexOf('/') + 1));
  switch (streamType(stream)) {
    case 'job':
      return [
        ...['', '/versions', '/versions?diffs=true', '/scale', '/summary', '/allocations', '/deployments'],
        ...['/deployment', '/evaluations', '/submission?version=0', '/services', '/actions'],
      ].map((part) => `/v1/job/${id}${part}`);
    case 'job-summary':
      return [`/v1/job/${id}/summary`];
    case 'deployment':
      return [
        `/v1/deployment/${key}`,
        `/v1/deployment/allocations/${key}`,
        `/v1/operator/rollbook/deployment/${key}`,
        `/v1/operator/rollbook/history/deployment/${key}`,
      ];
    case 'allocation':
      return [`/v1/allocation/${key}`, `/v1/allocation/${key}/services`];
    case 'evaluation':
      return [`/v1/evaluation/${key}`, `/v1/evaluation/${key}?related=true`, `/v1/evaluation/${key}/allocations`];
    case 'node':
      return [`/v1/node/${key}`, `/v1/node/${key}/allocations`];
    case 'namespace':
      return [`/v1/namespace/${encodeURIComponent(key)}`];
    case 'node-pool':
      return [`/v1/node/pool/${encodeURIComponent(key)}`, `/v1/node/pool/${encodeURIComponent(key)}/nodes`];
    default:
      return [];
  }
}

const asOf = (url: string, when: string | number): string => `${url}${url.includes('?') ? '&' : '?'}as_of=${when}`;
const shown = ({ statusCode, headers, body }: LightMyRequestResponse): object => ({
  statusCode,
  index: headers['x-nomad-index'],
  next: headers['x-nomad-nexttoken'],
  body,
});

describe(`Reads as of the past (seed ${SEED})`, () => {
  let edge: TestEdge;

  beforeAll(async () => {
    edge = await startEdge();
  });
  afterAll(() => edge?.close());

  const get = (url: string, headers: Record<string, string> = {}): Promise<LightMyRequestResponse> =>
    edge.request('GET', url, undefined, headers);

  test('give byte for byte what was answered at that index, whatever happened since', async () => {
    const story = fc.sample(moves(MOVES), { seed: SEED, numRuns: STORIES }).flat();
    const [random = []] = fc.sample(fc.array(fc.nat(10_000), { minLength: 4_000, maxLength: 4_000 }), {
      seed: SEED,
      numRuns: 1,
    });
    const world = new World();
    const commits: StreamName[][] = [];
    play(world, story, (streams) => commits.push([...streams]));
    const events = Map.groupBy(world.log, ({ index }) => index);

    const recorded: { readonly index: number; readonly url: string; readonly answer: object }[] = [];
    const known = new Set<string>();
    for (const [at, streams] of commits.entries()) {
      const outcome = await edge.execute((view) => {
        for (const stream of streams) view.read(stream);
        return accept(events.get(at + 1)!.map(({ stream, type, data }) => ({ stream, event: { type, data } })));
      });
      expect(outcome).toMatchObject({ kind: 'accepted' });
      const { index } = await edge.store.readHead();
      for (const url of streams.flatMap(about)) known.add(url);
      const all = [...LISTS, ...known];
      const some = Array.from({ length: RECORDED_EACH }, () => all[random.pop()! % all.length]!);
      for (const url of new Set([...some, ...streams.flatMap(about).slice(0, RECORDED_EACH)])) {
        const response = await get(url);
        // A story may place what no scheduler does: with a version of the job that comes into being later.
        if (!response.body.includes('"Job":null')) recorded.push({ index, url, answer: shown(response) });
      }
    }

    expect(recorded.length).toBeGreaterThan(500);
    for (const { index, url, answer } of recorded)
      expect([index, url, shown(await get(asOf(url, index)))]).toEqual([index, url, answer]);
    expect(edge.faults).toEqual([]);
  });

  const text = async (url: string, headers?: Record<string, string>): Promise<[number, string]> => {
    const { statusCode, body } = await get(url, headers);
    return [statusCode, body];
  };

  test('are refused where there is nothing to be read, or nothing that is of the log', async () => {
    const { index } = await edge.store.readHead();
    expect(await text('/v1/jobs?as_of=0')).toEqual([
      400,
      'as_of=0 is before the beginning of the log: its first index is 1',
    ]);
    expect(await text(`/v1/jobs?as_of=${index + 1}`)).toEqual([
      400,
      `as_of=${index + 1} is in the future: the last index is ${index}`,
    ]);
    expect((await text(`/v1/jobs?as_of=${'9'.repeat(20)}`))[0]).toBe(400);
    for (const none of ['x', '-1', '1.5', '1e3', '2026-13-01T00:00:00Z', '9'.repeat(21), '2026-01-01', '%00'])
      expect([none, await text(`/v1/jobs?as_of=${none}`)]).toEqual([
        none,
        [400, 'as_of must be an index or a time as RFC 3339 has it'],
      ]);
    expect(await text('/v1/jobs?as_of=9999-01-01T00:00:00Z')).toEqual([
      400,
      'as_of=9999-01-01T00:00:00Z is in the future',
    ]);
    expect(await text('/v1/jobs?as_of=1980-01-01T00:00:00Z')).toEqual([
      400,
      'as_of=1980-01-01T00:00:00Z is before the beginning of the log',
    ]);
    for (const waiting of ['index=1', 'wait=1s', 'index='])
      expect(await text(`/v1/job/web?as_of=1&${waiting}`)).toEqual([
        400,
        'as_of reads the past, which does not change: it cannot be combined with index or wait',
      ]);
    for (const url of ['/v1/status/leader', '/v1/agent/self', '/v1/var/a', '/v1/operator/raft/configuration'])
      expect([url, await text(`${url}?as_of=1`)]).toEqual([url, [400, `GET ${url} does not take as_of`]]);
    expect(await text('/v1/agent/self?%61s_of=1')).toEqual([400, 'GET /v1/agent/self does not take as_of']);
    expect((await text('/v1/agent/self?as_of='))[0]).toBe(200);
  });

  test('never change, so that whoever has one need not be sent it again', async () => {
    const first = await get('/v1/jobs?as_of=9');
    expect(first.headers).toMatchObject({
      'x-rollbook-as-of': '9',
      'cache-control': 'private, max-age=86400, immutable',
      vary: 'Accept-Encoding, X-Nomad-Token, Authorization',
    });
    const etag = String(first.headers['etag']);
    expect(etag).toMatch(/^W\/"[\w-]{22}"$/);
    const held = await get('/v1/jobs?as_of=9', { 'if-none-match': `"other", ${etag}` });
    expect([held.statusCode, held.body, held.headers['etag']]).toEqual([304, '', etag]);
    for (const other of ['/v1/jobs?as_of=8', '/v1/nodes?as_of=9', '/v1/jobs?as_of=9&per_page=1'])
      expect([other, (await get(other, { 'if-none-match': etag })).statusCode]).toEqual([other, 200]);
  });

  test('take a time, and say which index that was', async () => {
    const [commit] = await edge.store.readAfter(20, 1);
    const ms = Math.ceil(commit!.time / 1000) + 1;
    const { index } = await edge.store.indexAt(ms * 1000);
    expect(index).toBeGreaterThanOrEqual(commit!.index);
    const time = new Date(ms).toISOString();
    const answer = await get(`/v1/jobs?as_of=${time}`);
    expect(answer.headers).toMatchObject({
      'x-rollbook-as-of': String(index),
      'cache-control': 'private, max-age=86400, immutable',
    });
    expect(shown(answer)).toEqual(shown(await get(`/v1/jobs?as_of=${index}`)));
    // A plus that was not encoded is a space by then.
    const offset = new Date(ms + 3_600_000).toISOString().replace('Z', '+01:00');
    expect((await get(`/v1/jobs?as_of=${offset}`)).headers['x-rollbook-as-of']).toBe(String(index));
  });

  test('of a time that no commit has come after are of the last one, and asked again each time', async () => {
    const head = (await edge.store.readHead()).index;
    const answer = await get(`/v1/jobs?as_of=${new Date().toISOString()}`);
    expect(answer.headers).toMatchObject({ 'x-rollbook-as-of': String(head), 'cache-control': 'private, no-cache' });
  });
});
