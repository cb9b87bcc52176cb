import { evaluateJobCommand, registerJob, type NodeState } from '@app/domain';
import { jobStream, nodeStream, type StreamName } from '@app/kernel';
import {
  allocationId,
  DEPLOYMENT,
  idOf,
  jobInput,
  nodeDescription,
  planned,
  registered,
  jobSpec,
  NODE,
  type Decide,
  type SpecOptions,
} from '@app/testing';
import * as fc from 'fast-check';
import { startEdge, type TestEdge } from './testing/edge.module.js';

const MAX_WAITING = 5;

jest.setTimeout(60_000);

/** A fuzzed request that takes longer than this hangs. */
const HANG_MS = 5_000;
const FUZZ_RUNS = Number(process.env['PROPERTY_RUNS'] ?? 1000);

/** Whatever a test asked for: nothing may have been answered with an unplanned 500. */
function noFaults({ faults }: TestEdge): void {
  if (faults.length > 0) throw new AggregateError(faults.splice(0), 'unplanned');
}

describe("Nomad's API", () => {
  let edge: TestEdge;
  beforeAll(async () => (edge = await startEdge({ maxWaiting: MAX_WAITING })));
  afterAll(() => edge?.close());
  afterEach(() => noFaults(edge));

  const register = (options: SpecOptions = {}, headers: Record<string, string> = {}) =>
    edge.request('PUT', '/v1/jobs', { Job: jobInput(options) }, headers);
  const eventsOf = (stream: StreamName) => edge.store.readStream(stream, 1);

  describe('HTTP', () => {
    test('takes POST where it takes PUT', async () => {
      const response = await edge.request('POST', '/v1/jobs', { Job: jobInput({ id: 'posted' }) });
      expect([response.statusCode, response.json()]).toMatchObject([200, { Warnings: '' }]);
      expect(await eventsOf(jobStream('default', 'posted'))).toHaveLength(1);
    });

    test('answers any other method of a known path with 405', async () => {
      for (const [method, url] of [
        ['DELETE', '/v1/jobs'],
        ['PATCH', '/v1/deployments'],
        ['PUT', '/v1/deployments'],
        ['HEAD', '/v1/jobs'],
      ] as const) {
        const response = await edge.request(method, url);
        expect([method, url, response.statusCode]).toEqual([method, url, 405]);
        if (method !== 'HEAD') expect(response.body).toBe('Invalid method');
      }
    });

    test('answers an unknown path with an empty 404', async () => {
      for (const url of ['/v1/nonsense', '/v2/jobs', '/v1']) {
        const response = await edge.request('GET', url);
        expect([url, response.statusCode, response.body]).toEqual([url, 404, '']);
      }
    });

    test('indents on ?pretty, and keeps every digit of a time', async () => {
      await register({ id: 'pretty' });
      const plain = await edge.request('GET', '/v1/job/pretty');
      const pretty = await edge.request('GET', '/v1/job/pretty?pretty');
      expect(pretty.body.startsWith('{\n    "')).toBe(true);
      expect(pretty.body.endsWith('}\n')).toBe(true);
      expect(/"SubmitTime": (\d{19})/.exec(pretty.body)?.[1]).toBe(/"SubmitTime":(\d{19})/.exec(plain.body)?.[1]);
    });

    test('answers the health probe', async () => {
      expect((await edge.request('GET', '/healthz')).body).toBe('ok');
    });
  });

  describe('A read', () => {
    test('bears the headers of Nomad', async () => {
      const { headers } = await register({ id: 'headers' });
      const response = await edge.request('GET', '/v1/job/headers');
      expect(response.headers).toMatchObject({
        'x-nomad-index': headers['x-nomad-index'],
        'x-nomad-knownleader': 'true',
        'x-nomad-lastcontact': '0',
        'content-type': 'application/json',
      });
    });

    test('of a list bears the index of its table', async () => {
      const { headers } = await register({ id: 'listed' });
      expect((await edge.request('GET', '/v1/jobs')).headers['x-nomad-index']).toBe(headers['x-nomad-index']);
    });

    test('sees the write that was answered before', async () => {
      for (let n = 0; n < 5; n++) {
        await register({ id: 'seen', tag: String(n) });
        expect((await edge.request('GET', '/v1/job/seen')).json()).toMatchObject({ Version: n });
      }
    });

    test('with ?stale answers at once and says how old its knowledge may be', async () => {
      const response = await edge.request('GET', '/v1/jobs?stale');
      expect(response.statusCode).toBe(200);
      expect(Number(response.headers['x-nomad-lastcontact'])).toBeGreaterThanOrEqual(0);
    });

    test('with an index waits for the change, and no longer than it was told', async () => {
      const { headers } = await register({ id: 'waited' });
      const index = Number(headers['x-nomad-index']);
      const timedOut = await edge.request('GET', `/v1/job/waited?index=${index}&wait=30ms`);
      expect(timedOut.json()).toMatchObject({ Version: 0 });
      const waiting = edge.request('GET', `/v1/job/waited?index=${index}&wait=20s`);
      await register({ id: 'waited', tag: 'new' });
      expect((await waiting).json()).toMatchObject({ Version: 1 });
    });

    test('that would wait is refused when as many wait as may, and has its turn when they are answered', async () => {
      const { headers } = await edge.request('GET', '/v1/deployments');
      const url = `/v1/deployments?index=${Number(headers['x-nomad-index']) + 1}&wait=300ms`;
      const answers = await Promise.all(Array.from({ length: MAX_WAITING + 1 }, () => edge.request('GET', url)));
      expect(answers.map(({ statusCode }) => statusCode).toSorted((a, b) => a - b)).toEqual([
        ...Array<number>(MAX_WAITING).fill(200),
        429,
      ]);
      const refused = answers.find(({ statusCode }) => statusCode === 429)!;
      expect(refused.body).toBe('too many queries are waiting for a change; try again');
      expect(refused.headers['retry-after']).toBe('1');
      expect((await edge.request('GET', url)).statusCode).toBe(200);
    });

    test('refuses what is no option', async () => {
      expect((await edge.request('GET', '/v1/jobs?index=many')).statusCode).toBe(400);
      expect((await edge.request('GET', '/v1/jobs?wait=soon')).statusCode).toBe(400);
      expect((await edge.request('GET', '/v1/jobs?region=mars')).body).toBe('No path to region');
    });
  });

  describe('A write', () => {
    test('answers with its index, which the events bear', async () => {
      const response = await register({ id: 'indexed' });
      const index = Number(response.headers['x-nomad-index']);
      expect(response.json()).toMatchObject({ Index: index, JobModifyIndex: index, EvalCreateIndex: index });
      expect(await eventsOf(jobStream('default', 'indexed'))).toMatchObject([{ index }]);
    });

    test('keeps who asked and why with its events', async () => {
      await register(
        { id: 'reasoned' },
        { 'x-rollbook-reason': 'because of the incident', 'x-nomad-token': 'secret', 'x-request-id': 'r-1' },
      );
      const [event] = await eventsOf(jobStream('default', 'reasoned'));
      expect(event?.meta).toMatchObject({
        reason: 'because of the incident',
        requestId: 'r-1',
        actor: 'token (not checked)',
      });
      expect(JSON.stringify(event)).not.toContain('secret');
    });

    test('repeated with its Idempotency-Key is answered as before, and done once', async () => {
      const again = () => register({ id: 'once', tag: 'a' }, { 'idempotency-key': 'key-1' });
      const [first, second] = [await again(), await again()];
      expect(second.body).toBe(first.body);
      expect(second.headers['x-nomad-index']).toBe(first.headers['x-nomad-index']);
      expect(await eventsOf(jobStream('default', 'once'))).toHaveLength(1);
      const evaluations = (await edge.request('GET', '/v1/job/once/evaluations')).json<unknown[]>();
      expect(evaluations).toHaveLength(1);
    });

    test('repeated at the same time is done once, too', async () => {
      const all = await Promise.all(
        Array.from({ length: 8 }, () => register({ id: 'stampede' }, { 'idempotency-key': 'key-2' })),
      );
      expect(new Set(all.map(({ body }) => body)).size).toBe(1);
      expect((await edge.request('GET', '/v1/job/stampede/evaluations')).json<unknown[]>()).toHaveLength(1);
    });

    test('with the key of another one is refused', async () => {
      await register({ id: 'mine' }, { 'idempotency-key': 'key-3' });
      const other = await register({ id: 'theirs' }, { 'idempotency-key': 'key-3' });
      expect(other.statusCode).toBe(422);
      expect(await eventsOf(jobStream('default', 'theirs'))).toEqual([]);
    });

    test('that is refused leaves nothing behind', async () => {
      const before = (await edge.store.readHead()).index;
      expect((await edge.request('PUT', `/v1/deployment/fail/${idOf(404)}`)).body).toBe('deployment not found');
      expect((await edge.request('PUT', '/v1/jobs', { Job: { ID: 'no tasks' } })).statusCode).toBe(500);
      expect((await edge.request('PUT', '/v1/jobs', '{"Job":')).statusCode).toBe(400);
      expect((await edge.store.readHead()).index).toBe(before);
    });
  });

  test('a name with a zero byte is refused wherever it stands', async () => {
    const asked: [string, string, unknown?][] = [
      ['GET', '/v1/job/%00'],
      ['GET', '/v1/jobs?prefix=%00'],
      ['GET', '/v1/jobs?namespace=%00'],
      ['GET', '/v1/job/%00/evaluations'],
      ['DELETE', '/v1/job/%00?purge=true'],
      [
        'PUT',
        `/v1/deployment/allocation-health/${DEPLOYMENT}`,
        { DeploymentID: DEPLOYMENT, HealthyAllocationIDs: ['\0'.repeat(36)] },
      ],
    ];
    for (const [method, url, body] of asked) {
      expect([method, url, (await edge.request(method, url, body)).statusCode]).toEqual([method, url, 400]);
    }
  });

  test('a deployment is paused, and its events tell by whom', async () => {
    await edge.execute((view, context) =>
      registerJob(view, context, { spec: jobSpec({ id: 'rolled' }), enforceIndex: null, evalPriority: 0 }),
    );
    const [evaluation] = (await edge.request('GET', '/v1/job/rolled/evaluations')).json<{ ID: string }[]>();
    await edge.execute(planned({ evaluation: evaluation!.ID, jobId: 'rolled', deployment: { groups: { app: {} } } }));
    const body = { DeploymentID: DEPLOYMENT, Pause: true };
    const response = await edge.request('PUT', `/v1/deployment/pause/${DEPLOYMENT}`, body, {
      'x-rollbook-reason': 'lunch',
    });
    expect(response.json()).toMatchObject({ EvalID: '', EvalCreateIndex: 0 });
    expect((await edge.request('GET', `/v1/deployment/${DEPLOYMENT}`)).json()).toMatchObject({ Status: 'paused' });
    expect((await eventsOf(`deployment/${DEPLOYMENT}`)).at(-1)).toMatchObject({
      type: 'DeploymentPaused',
      meta: { reason: 'lunch' },
    });
  });

  describe('An action upon what was seen at an index', () => {
    const pause = (index: string, isPause = true) =>
      edge.request(
        'PUT',
        `/v1/deployment/pause/${DEPLOYMENT}`,
        { DeploymentID: DEPLOYMENT, Pause: isPause },
        { 'x-rollbook-if-index': index, 'x-rollbook-reason*': "UTF-8''%C3%A9t%C3%A9" },
      );
    const modifyIndex = async (): Promise<number> =>
      (await edge.request('GET', `/v1/deployment/${DEPLOYMENT}`)).json<{ ModifyIndex: number }>().ModifyIndex;

    test('is refused with what came since, by whom and why, and then done upon what is now', async () => {
      const seen = await modifyIndex();
      const first = await pause(String(seen), false);
      expect(first.statusCode).toBe(200);
      const late = await pause(String(seen), true);
      expect(late.statusCode).toBe(412);
      expect(late.headers['content-type']).toBe('application/json');
      const { Index: at } = first.json<{ Index: number }>();
      expect(late.json()).toEqual({
        Error: `the object has changed since index ${seen}`,
        SeenIndex: seen,
        Index: at,
        Since: [{ Index: at, Time: expect.any(String), Type: 'DeploymentResumed', Actor: 'anonymous', Reason: 'été' }],
        Complete: true,
      });
      expect(await modifyIndex()).toBe(at);
      expect((await pause(String(at), true)).statusCode).toBe(200);
    });

    test('says so when more came since than it tells', async () => {
      const seen = await modifyIndex();
      for (let round = 0; round < 101; round++) {
        const command = { DeploymentID: DEPLOYMENT, Pause: round % 2 === 1 };
        await edge.request('PUT', `/v1/deployment/pause/${DEPLOYMENT}`, command);
      }
      const { Since: since, Complete: complete } = (await pause(String(seen))).json<{
        Since: unknown[];
        Complete: boolean;
      }>();
      expect([since.length, complete]).toEqual([100, false]);
    });

    test('is about the job where a job is acted upon', async () => {
      const { JobModifyIndex: seen } = (await register({ id: 'sighted' })).json<{ JobModifyIndex: number }>();
      const { statusCode } = await register({ id: 'sighted', tag: 'b' }, { 'x-rollbook-if-index': String(seen) });
      expect(statusCode).toBe(200);
      const late = await register({ id: 'sighted', tag: 'c' }, { 'x-rollbook-if-index': String(seen) });
      expect([late.statusCode, late.json<{ Since: object[] }>().Since]).toMatchObject([
        412,
        [{ Type: 'JobRegistered', Actor: 'anonymous' }],
      ]);
    });

    test.each(['', 'x', '-1', '1.5', '1e3', '99999999999999999999', '0x10'])('as of %j is no index', async (index) => {
      const { statusCode } = await pause(index, true);
      expect(statusCode).toBe(index === '' ? 200 : 400);
    });
  });

  test("the scheduler's configuration is written as a whole, and against the index that was read if that is given", async () => {
    const url = '/v1/operator/scheduler/configuration';
    const read = async () => (await edge.request('GET', url)).json<{ SchedulerConfig: Record<string, unknown> }>();
    expect(await read()).toMatchObject({
      SchedulerConfig: {
        SchedulerAlgorithm: 'binpack',
        PreemptionConfig: { SystemSchedulerEnabled: true, ServiceSchedulerEnabled: false },
        ModifyIndex: 0,
      },
      KnownLeader: true,
    });
    const chosen = { SchedulerAlgorithm: 'spread', PreemptionConfig: { ServiceSchedulerEnabled: true } };
    const written = await edge.request('PUT', `${url}?cas=0`, chosen);
    const { Index } = written.json<{ Index: number }>();
    expect(written.json()).toEqual({ Updated: true, Index });
    expect(await read()).toMatchObject({
      SchedulerConfig: {
        SchedulerAlgorithm: 'spread',
        PreemptionConfig: { SystemSchedulerEnabled: false, ServiceSchedulerEnabled: true },
        ModifyIndex: Index,
      },
      Index,
    });
    expect((await edge.request('PUT', `${url}?cas=0`, chosen)).json()).toMatchObject({ Updated: false });
    for (const [path, body, text] of [
      [url, { SchedulerAlgorithm: 'bogus' }, 'invalid scheduler algorithm: bogus'],
      [`${url}?cas=x`, {}, 'Error parsing cas value: strconv.ParseUint: parsing "x": invalid syntax'],
      [url, '[', 'Error parsing scheduler config: unexpected EOF'],
    ] as const) {
      const refused = await edge.request('PUT', path, body);
      expect([refused.statusCode, refused.body]).toEqual([400, text]);
    }
    const switches = { MemoryOversubscriptionEnabled: true, RejectJobRegistration: true, PauseEvalBroker: true };
    await edge.request('PUT', url, switches);
    expect(await read()).toMatchObject({ SchedulerConfig: switches });
    const refused = await register({ id: 'closed-out' });
    expect([refused.statusCode, refused.body]).toEqual([
      403,
      'Job registration, dispatch, and scale are disabled by the scheduler configuration',
    ]);
    await edge.request('PUT', url, {});
  });

  describe('An agent', () => {
    const secret = 'a-secret-of-some-length';
    const agent = (method: string, path: string, body?: unknown, token = secret) =>
      edge.request(method, `/agent/v1/node${path}`, body, { authorization: `Bearer ${token}` });

    test('registers and beats; nobody else can in its name', async () => {
      expect((await agent('PUT', '', { Node: nodeDescription(NODE), SecretID: secret })).json()).toMatchObject({
        NodeID: NODE,
      });
      expect((await agent('PUT', `/${NODE}/heartbeat`, { Status: 'ready' })).statusCode).toBe(200);
      expect((await agent('PUT', `/${NODE}/heartbeat`, { Status: 'ready' }, 'a-guess')).statusCode).toBe(403);
      const stored = (await edge.store.load([nodeStream(NODE)])).get(nodeStream(NODE))!;
      expect(JSON.parse(stored.state) as NodeState).toMatchObject({ status: 'ready' });
      expect(stored.state).not.toContain(secret);
    });

    test('is told what is wrong with what it says', async () => {
      const response = await agent('PUT', '', { Node: { ...nodeDescription(NODE), Name: '' }, SecretID: secret });
      expect([response.statusCode, response.body]).toEqual([400, expect.stringContaining('Name') as string]);
    });
  });

  test('whatever is sent, an answer is planned and comes in time', async () => {
    await edge.execute(registered(jobSpec({ id: 'fuzzed' })));
    const ids = [
      'fuzzed',
      idOf(1),
      DEPLOYMENT,
      allocationId(1),
      NODE,
      '',
      '..',
      '%2F',
      '%',
      '%00',
      'é',
      'a'.repeat(300),
      '0',
      '-1',
    ];
    const paths = [
      ...[
        'jobs',
        'deployments',
        'allocations',
        'evaluations',
        'nodes',
        'search',
        'validate/job',
        'status/leader',
        'agent/members',
        'jobs/parse',
        'jobs/statuses',
      ],
      ...['job', 'deployment', 'allocation', 'evaluation', 'node', 'node/pool', 'namespace'].flatMap((one) =>
        ids.map((id) => `${one}/${id}`),
      ),
      ...['pause', 'fail', 'promote', 'allocation-health', 'unblock', 'allocations'].flatMap((verb) =>
        ids.map((id) => `deployment/${verb}/${id}`),
      ),
      ...[
        'evaluate',
        'plan',
        'summary',
        'versions',
        'revert',
        'stable',
        'scale',
        'dispatch',
        'periodic/force',
        'submission',
        'deployment',
      ].flatMap((verb) => ids.map((id) => `job/${id}/${verb}`)),
      ...['drain', 'eligibility', 'evaluate', 'purge', 'allocations'].flatMap((verb) =>
        ids.map((id) => `node/${id}/${verb}`),
      ),
      ...ids.map((id) => `allocation/${id}/stop`),
    ];
    const queries = [
      '',
      '?index=x',
      '?index=-1',
      '?wait=1ms&index=1',
      '?prefix=zz',
      '?prefix=%00',
      '?filter=ID+%3D%3D+%22a%22',
      '?filter=(((',
      '?per_page=1',
      '?per_page=-5',
      '?next_token=%00',
      '?namespace=*',
      '?stale',
      '?pretty',
      '?purge=perhaps',
      '?reverse=true',
      '?region=',
      '?version=9',
      '?%zz=1',
    ];
    const json = fc.oneof(
      fc.json(),
      fc
        .record({
          DeploymentID: fc.constantFrom(DEPLOYMENT, '', 5),
          JobID: fc.constantFrom('fuzzed', 'other'),
          Pause: fc.anything(),
          All: fc.boolean(),
          Groups: fc.jsonValue(),
          HealthyAllocationIDs: fc.jsonValue(),
          JobVersion: fc.oneof(fc.integer(), fc.string()),
          Meta: fc.jsonValue(),
          Count: fc.jsonValue(),
          Target: fc.jsonValue(),
          DrainSpec: fc.jsonValue(),
          Eligibility: fc.jsonValue(),
          NodeID: fc.constant(NODE),
          Prefix: fc.string(),
          Context: fc.jsonValue(),
        })
        .map((value) => JSON.stringify(value)),
      fc
        .record({
          Job: fc.oneof(
            fc.jsonValue(),
            fc.jsonValue().map((more) => ({ ...jobInput({ id: 'fuzzed' }), TaskGroups: [more] })),
          ),
        })
        .map((value) => JSON.stringify(value)),
      fc.string(),
      fc.uint8Array({ maxLength: 60 }).map((bytes) => Buffer.from(bytes)),
    );
    const methods = fc.constantFrom('GET', 'PUT', 'POST', 'DELETE', 'HEAD', 'PATCH');
    await fc.assert(
      fc.asyncProperty(
        methods,
        fc.constantFrom(...paths),
        fc.constantFrom(...queries),
        fc.option(json),
        async (method, path, query, body) => {
          let timer: NodeJS.Timeout | undefined;
          const late = new Promise<never>(
            (_, reject) => (timer = setTimeout(() => reject(new Error('it hangs')), HANG_MS)),
          );
          const response = await Promise.race([edge.request(method, `/v1/${path}${query}`, body ?? undefined), late]);
          clearTimeout(timer);
          expect(response.body).not.toMatch(/^internal error/);
          expect(response.statusCode).not.toBe(503);
          expect(edge.faults.splice(0)).toEqual([]);
        },
      ),
      { numRuns: FUZZ_RUNS },
    );
  });
});

describe("Nomad's API in trouble", () => {
  let edge: TestEdge;
  beforeEach(async () => (edge = await startEdge()));
  afterEach(async () => {
    await edge.close();
    noFaults(edge);
  });

  test('refuses what is more than it can take on, says when to come back, and does all that it took on', async () => {
    await edge.request('PUT', '/v1/jobs', { Job: jobInput({ id: 'much', count: 0 }) });
    const evaluate: Decide = (view, context) =>
      evaluateJobCommand(view, context, { namespace: 'default', jobId: 'much', forceReschedule: [] });
    const flood = Array.from({ length: 5_000 }, () => edge.execute(evaluate));
    const refused = await edge.request('PUT', '/v1/job/much/evaluate');
    expect(refused.statusCode).toBe(429);
    expect(Number(refused.headers['retry-after'])).toBeGreaterThanOrEqual(1);
    const taken = (await Promise.all(flood)).filter(({ kind }) => kind === 'accepted');
    const evaluations = (await edge.request('GET', '/v1/job/much/evaluations')).json<unknown[]>();
    expect(evaluations).toHaveLength(taken.length + 1);
    expect((await edge.request('PUT', '/v1/job/much/evaluate')).statusCode).toBe(200);
  });

  test('answers what cannot be stored, counted to or found with a refusal or an answer, never with a 500', async () => {
    const long = Array.from({ length: 4_000 }, (_, n) => ((n * 7919) % 36).toString(36) + String(n)).join('');
    const taken = await edge.request('PUT', '/v1/jobs', { Job: jobInput() }, { 'idempotency-key': long });
    expect([taken.statusCode, taken.body]).toEqual([400, 'a name or key in the request is too long to be stored']);
    for (const table of ['deployments', 'evaluations', 'allocations'])
      for (const index of ['9223372036854775808', '18446744073709551615']) {
        const page = await edge.request('GET', `/v1/${table}?per_page=1&next_token=${index}.x`);
        expect([page.statusCode, page.body]).toEqual([200, '[]']);
        const waited = await edge.request('GET', `/v1/${table}?index=${index}&wait=1ms`);
        expect([waited.statusCode, waited.body]).toEqual([200, '[]']);
      }
  });

  test('says 503 while its store is away, whatever is asked, and works again afterwards', async () => {
    await edge.request('PUT', '/v1/jobs', { Job: jobInput() });
    edge.setReachable(false);
    const asked: [string, string, unknown?][] = [
      ['GET', '/v1/jobs'],
      ['GET', '/v1/job/web'],
      ['GET', '/v1/jobs?stale'],
      ['GET', '/v1/job/other?stale'],
      ['PUT', '/v1/jobs', { Job: jobInput({ id: 'other' }) }],
      ['PUT', '/v1/job/web/evaluate'],
      ['DELETE', '/v1/job/web?purge=true'],
    ];
    const answers = await Promise.all(asked.map(([method, url, body]) => edge.request(method, url, body)));
    for (const [n, { statusCode, headers }] of answers.entries()) {
      expect([...asked[n]!.slice(0, 2), statusCode]).toEqual([...asked[n]!.slice(0, 2), 503]);
      expect(Number(headers['retry-after'])).toBeGreaterThanOrEqual(1);
    }
    edge.setReachable(true);
    let response = await edge.request('GET', '/v1/job/web');
    for (let attempt = 0; attempt < 100 && response.statusCode !== 200; attempt++) {
      await new Promise((resolve) => setTimeout(resolve, 50));
      response = await edge.request('GET', '/v1/job/web');
    }
    expect(response.statusCode).toBe(200);
    expect((await edge.request('PUT', '/v1/jobs', { Job: jobInput({ id: 'other' }) })).statusCode).toBe(200);
  });
});
