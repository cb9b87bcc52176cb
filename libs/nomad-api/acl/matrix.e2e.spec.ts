import { randomUUID } from 'node:crypto';
import { digestOfSecret } from '@app/keyring';
import { allocationId, DEPLOYMENT, jobInput, NODE, nodeIsReady, nodeRegistered, planned } from '@app/testing';
import { startEdge, type TestEdge } from '../testing/edge.module.js';
import type { Check, Row } from './check.js';
import { ROUTES } from './routes.js';

jest.setTimeout(120_000);

const UNKNOWN = randomUUID();
const POOL = 'gpu';
/** Who asks, beside those who are allowed what a row needs. */
const OUTSIDERS = ['anonymous', 'unknown token', 'expired token', 'revoked token', 'unrelated client'] as const;
const DENIED = 'Permission denied';
/** No token that anybody was given, or not any more. */
const isStranger = (who: string): boolean => /unknown|expired|revoked/.test(who);

/** What stands for the parameters of a path: objects that are there, in the namespace `default`. */
function sampleOf(method: string, url: string, evaluation: string): string {
  const id = (): string => {
    if (url.startsWith('/v1/job/')) return 'web';
    if (/\/deployment\//.test(url)) return DEPLOYMENT;
    if (url.startsWith('/v1/evaluation/')) return evaluation;
    if (url.startsWith('/v1/node/') || url.startsWith('/agent/')) return NODE;
    if (/\/(allocation|client)\//.test(url)) return allocationId(1);
    if (url.startsWith('/v1/service')) return method === 'DELETE' ? `api%2F${UNKNOWN}` : 'api';
    if (url.startsWith('/v1/var/')) return 'app%2Fconfig';
    return UNKNOWN;
  };
  return url
    .replace(':word', 'versions')
    .replace(':name', url.includes('/namespace/') ? 'default' : url.includes('/pool/') ? POOL : 'some-name')
    .replace(':type', 'job')
    .replace(':kind', 'nope')
    .replace(':asset', 'x.css')
    .replace(':id', id())
    .replace(/\*$/, UNKNOWN);
}

/** Bodies that can be read, where a body is looked at before the token; and what a query needs before that. */
const BODIES: ReadonlyMap<string, unknown> = new Map<string, unknown>([
  ['PUT /v1/jobs', { Job: jobInput({ id: 'web' }) }],
  ['PUT /v1/job/:id', { Job: jobInput({ id: 'web' }) }],
  ['PUT /v1/job/:id/plan', { Job: jobInput({ id: 'web' }) }],
  ['PUT /v1/jobs/parse', { JobHCL: 'job "a" {}' }],
  ['PUT /v1/validate/job', { Job: jobInput({ id: 'web' }) }],
  ['POST /v1/jobs/statuses', { Jobs: [{ ID: 'web', Namespace: 'default' }] }],
  ['PUT /v1/job/:id/scale', { Target: { Group: 'app' }, Count: 1 }],
  ['PUT /v1/job/:id/revert', { JobID: 'web', JobVersion: 0 }],
  ['PUT /v1/job/:id/stable', { JobID: 'web', JobVersion: 0, Stable: true }],
  ['PUT /v1/job/:id/evaluate', { JobID: 'web' }],
  ['PUT /v1/job/:id/dispatch', {}],
  ['PUT /v1/job/:id/dispatch/payload', {}],
  ['PUT /v1/job/:id/:word/:name/tag', { Name: 'some-name', Version: 0 }],
  ['PUT /v1/deployment/fail/:id', {}],
  ['PUT /v1/deployment/pause/:id', { DeploymentID: DEPLOYMENT, Pause: true }],
  ['PUT /v1/deployment/promote/:id', { DeploymentID: DEPLOYMENT, All: true }],
  ['PUT /v1/deployment/unblock/:id', { DeploymentID: DEPLOYMENT }],
  ['PUT /v1/deployment/allocation-health/:id', { DeploymentID: DEPLOYMENT, HealthyAllocationIDs: [allocationId(1)] }],
  ['DELETE /v1/evaluations', { EvalIDs: [UNKNOWN] }],
  ['PUT /v1/node/pools', { Name: POOL }],
  ['PUT /v1/search', { Prefix: 'w', Context: 'jobs' }],
  ['PUT /v1/search/fuzzy', { Text: 'web', Context: 'jobs' }],
  ['PUT /v1/var/:id', { Items: { a: 'b' } }],
  ['PUT /v1/operator/scheduler/configuration', {}],
  ['PUT /v1/operator/autopilot/configuration', {}],
  ['PUT /v1/volumes', { Volumes: [{}] }],
  ['PUT /v1/acl/token/:id', { AccessorID: UNKNOWN }],
  ['PUT /v1/client/allocation/:id/signal', { Signal: 'SIGHUP' }],
  ['* /v1/client/allocation/:id/restart', {}],
  ['PUT /v1/client/allocation/:id/pause', { Task: 'main', ScheduleState: 'pause' }],
]);
const QUERIES: ReadonlyMap<string, string> = new Map([
  ['GET /v1/volumes', '?type=csi'],
  ['PUT /v1/agent/join', '?address=127.0.0.1'],
  ['GET /v1/job/:id/submission', '?version=0'],
  ['GET /v1/operator/rollbook/why', '?job=web'],
  ['* /v1/client/fs/stat/:id', '?path=x'],
  ['GET /v1/agent/monitor', '?log_level=nope'],
  ['* /v1/client/fs/logs/:id', '?task=main&type=stdout'],
  ['* /v1/client/fs/stream/:id', '?path=x'],
  ['* /v1/client/fs/cat/:id', '?path=x'],
  ['* /v1/client/fs/readat/:id', '?path=x&offset=0&limit=1'],
]);

/** Asked by a WebSocket, or answered without an end: nothing is asked here. Scenarios of exec and events, and their own specs do. */
const ELSEWHERE: ReadonlySet<string> = new Set([
  'GET /v1/client/allocation/:id/exec',
  'GET /v1/job/:id/action',
  'GET /v1/event/stream',
  // Wants the token of a migration, which nobody has.
  '* /v1/client/allocation/:id/snapshot',
]);

/** Rows whose handler decides: which rules it asks for; undefined: everybody that is known may. */
const OWN: ReadonlyMap<string, string | undefined> = new Map([
  ['PUT /v1/search', 'namespace "default" { capabilities = ["read-job"] }'],
  ['PUT /v1/search/fuzzy', 'namespace "default" { capabilities = ["read-job"] }'],
  ['GET /v1/var/:id', 'namespace "default" { variables { path "app/*" { capabilities = ["read"] } } }'],
  ['PUT /v1/var/:id', 'namespace "default" { variables { path "app/*" { capabilities = ["write"] } } }'],
  ['DELETE /v1/var/:id', 'namespace "default" { variables { path "app/*" { capabilities = ["destroy"] } } }'],
  ['GET /v1/agent/monitor', 'agent { policy = "read" }'],
  ['PUT /v1/agent/join', 'agent { policy = "write" }'],
  ['GET /v1/operator/rollbook/events', 'namespace "default" { capabilities = ["read-job"] }'],
  ['GET /v1/operator/rollbook/events/density', 'node { policy = "read" }'],
  ['GET /v1/volumes', 'namespace "default" { capabilities = ["csi-list-volume"] }'],
]);
/** Rows about the caller's own objects, which no policy grants: everybody but management is refused here. */
const NOBODYS: ReadonlySet<string> = new Set([
  'GET /v1/acl/token/:id',
  'GET /v1/acl/policy/:name',
  'GET /v1/acl/role/:id',
  'GET /v1/acl/role/name/:name',
]);
/** Rows that answer to whoever is known, each in a way of its own. */
const EVERYBODYS: ReadonlySet<string> = new Set(['GET /v1/acl/token/self', 'PUT /v1/acl/token/onetime']);

/** Rules that grant just what a check asks for, one for each way to pass it; `where` is the namespace. */
function rulesFor(check: Check, where: string): string[] {
  switch (check.kind) {
    case 'level': {
      const byLevel = `${check.block} { policy = "${check.level}" }`;
      return check.orCapability === undefined
        ? [byLevel]
        : [byLevel, `operator { capabilities = ["${check.orCapability}"] }`];
    }
    case 'namespace':
      return check.anyOf.map((all) => `namespace "${where}" { capabilities = ${JSON.stringify(all)} }`);
    case 'known namespace':
      return [`namespace "${where}" { capabilities = ["list-jobs"] }`];
    case 'node pool': {
      const pool = `node_pool "${where === 'default' ? POOL : 'other'}" { capabilities = ["${check.capability}"] }`;
      return [check.andNode === undefined ? pool : `${pool}\nnode { policy = "${check.andNode}" }`];
    }
    default:
      return [];
  }
}

interface Answer {
  readonly status: number;
  readonly body: string;
}

describe('Every request by every kind of token', () => {
  let edge: TestEdge;
  let management: string;
  const tokens = new Map<string, string>();
  const nodeSecret = randomUUID();
  let evaluation: string;

  const ask = async (row: string, token: string | undefined): Promise<Answer> => {
    const [method = '', url = ''] = row.split(' ');
    const headers = token === undefined ? {} : { 'X-Nomad-Token': token };
    const at = sampleOf(method, url, evaluation) + (QUERIES.get(row) ?? '');
    const answer = await edge.request(method === '*' ? 'GET' : method, at, BODIES.get(row), headers);
    return { status: answer.statusCode, body: answer.body };
  };
  const must = async (
    method: string,
    url: string,
    body: unknown,
  ): Promise<{ SecretID: string; AccessorID: string }> => {
    const answer = await edge.request(method, url, body, { 'X-Nomad-Token': management });
    if (answer.statusCode !== 200) throw new Error(`${method} ${url}: ${answer.statusCode} ${answer.body}`);
    return answer.body === '' ? { SecretID: '', AccessorID: '' } : answer.json();
  };
  /** The secret of a client token with these rules; one for each text of rules. */
  const holderOf = async (rules: string): Promise<string> => {
    const kept = tokens.get(rules);
    if (kept !== undefined) return kept;
    const Name = `p-${tokens.size}`;
    await must('PUT', `/v1/acl/policy/${Name}`, { Name, Rules: rules });
    const { SecretID } = await must('PUT', '/v1/acl/token', { Name, Type: 'client', Policies: [Name] });
    tokens.set(rules, SecretID);
    return SecretID;
  };
  const outsiders = new Map<(typeof OUTSIDERS)[number], string | undefined>();

  beforeAll(async () => {
    edge = await startEdge({ acl: true });
    await edge.initialiseKeyring();
    management = (await edge.request('PUT', '/v1/acl/bootstrap')).json<{ SecretID: string }>().SecretID;
    await edge.execute(nodeRegistered(NODE, digestOfSecret(nodeSecret)));
    await edge.execute(nodeIsReady());
    await must('PUT', '/v1/jobs', { Job: jobInput({ id: 'web' }) });
    const [first] = (await must('GET', '/v1/job/web/evaluations', undefined)) as unknown as { ID: string }[];
    evaluation = first!.ID;
    await edge.execute(planned({ evaluation, deployment: { groups: { app: {} } }, place: [{ id: allocationId(1) }] }));
    await must('PUT', `/v1/node/pool/${POOL}`, { Name: POOL });
    await must('PUT', '/v1/var/app%2Fconfig', { Items: { a: 'b' } });
    const temporary = { Name: 't', Type: 'management', ExpirationTTL: '1m' };
    const expired = await must('PUT', '/v1/acl/token', temporary);
    const revoked = await must('PUT', '/v1/acl/token', { Name: 'r', Type: 'management' });
    const unrelated = await holderOf('quota { policy = "read" }');
    // Each was somebody: what is remembered of them must not outlive them.
    for (const token of [expired, revoked])
      if ((await ask('GET /v1/nodes', token.SecretID)).status !== 200) throw new Error('a token is of no use');
    await must('DELETE', `/v1/acl/token/${revoked.AccessorID}`, undefined);
    edge.advance(61_000);
    outsiders
      .set('anonymous', undefined)
      .set('unknown token', UNKNOWN)
      .set('expired token', expired.SecretID)
      .set('revoked token', revoked.SecretID)
      .set('unrelated client', unrelated);
  });
  afterAll(() => edge?.close());
  afterEach(() => {
    if (edge.faults.length > 0) throw new AggregateError(edge.faults.splice(0), 'unplanned');
  });

  /** Contents of files are answered with 200, whatever happens. */
  const isOfContents = (row: string): boolean => /\/fs\/(cat|readat)\//.test(row);
  const refusalOf = (row: string, needs: Row): Answer =>
    isOfContents(row) ? { status: 200, body: DENIED } : refusalBy(needs);
  const refusalBy = ({ foreign, order }: Row): Answer =>
    foreign === undefined || order !== 'after existence'
      ? { status: 403, body: DENIED }
      : {
          status: foreign.status,
          body: typeof foreign.text === 'string' ? foreign.text : foreign.text(allocationId(1)),
        };
  const rows = [...ROUTES].filter(
    ([row]) => !ELSEWHERE.has(row) && !/ \/(ui|docs|healthz|readyz|openapi\.json|metrics)/.test(row),
  );
  /** The token is never looked at, or is not what decides. */
  const blind = rows.filter(([, { check }]) => check.kind === 'open' || check.kind === 'node secret');
  const guarded = rows.filter(([, { check }]) => !['open', 'node secret', 'anyone', 'own'].includes(check.kind));

  describe('is refused to whoever may not', () => {
    test.each(guarded)('%s', async (row, needs) => {
      for (const who of OUTSIDERS) {
        const answer = await ask(row, outsiders.get(who));
        // Whoever is nobody is told so at once, by files in the words of the node's own refusal.
        const isOfFiles = isStranger(who) && row.includes('/v1/client/fs/');
        const body = isOfFiles ? expect.stringMatching(/Permission denied$/) : DENIED;
        const ofStrangers = { status: isOfFiles ? expect.any(Number) : 403, body };
        expect([who, answer]).toEqual([who, isStranger(who) ? ofStrangers : refusalOf(row, needs)]);
      }
      for (const rules of rulesFor(needs.check, 'elsewhere')) {
        if (needs.check.kind === 'level') continue;
        // Jobs that are named one by one are left out one by one.
        const refusal = row === 'POST /v1/jobs/statuses' ? { status: 200, body: '[]' } : refusalOf(row, needs);
        expect([rules, await ask(row, await holderOf(rules))]).toEqual([rules, refusal]);
      }
    });

    test.each([...OWN.keys(), ...NOBODYS])('%s', async (row) => {
      expect(ROUTES.get(row)?.check.kind).toBe('own');
      for (const who of OUTSIDERS) {
        const answer = await ask(row, outsiders.get(who));
        expect([who, answer.status, answer.body]).toEqual([who, 403, expect.stringContaining(DENIED)]);
      }
    });
  });

  /** A node has no policies: only what a row says nodes may. */
  test.each(guarded)('is answered to the secret of a node only where the row says so: %s', async (row, { check }) => {
    const may =
      (check.kind === 'level' && check.orNode !== undefined) ||
      (check.kind === 'namespace' && (check.orNode !== undefined || check.orWorkload !== undefined));
    const answer = await ask(row, nodeSecret);
    expect([row, answer.body.includes(DENIED)]).toEqual([row, !may]);
  });

  test.each(rows.filter(([, { foreign, order }]) => foreign !== undefined && order === 'when sent'))(
    'does not tell an object of a foreign namespace: %s',
    async (row, needs) => {
      const [rules = ''] = rulesFor(needs.check, 'elsewhere');
      const token = await holderOf(rules);
      const url = sampleOf('GET', row.split(' ')[1]!, evaluation);
      const answer = await edge.request('GET', `${url}?namespace=elsewhere`, undefined, { 'X-Nomad-Token': token });
      expect({ status: answer.statusCode, body: answer.body }).toEqual({
        status: needs.foreign!.status,
        body: needs.foreign!.text,
      });
    },
  );

  describe('that anyone may make is refused to nobody but strangers', () => {
    const anybodys = rows.filter(([, { check }]) => check.kind === 'anyone').map(([row]) => row);
    test.each([...anybodys, ...EVERYBODYS])('%s', async (row) => {
      for (const who of OUTSIDERS) {
        const { status } = await ask(row, outsiders.get(who));
        expect([who, status === 403]).toEqual([who, isStranger(who)]);
      }
    });
  });

  test('says nothing else to a token where it does not look at it', async () => {
    for (const [row] of blind) {
      // Writes that everybody may make would change what the next one is told.
      if (/bootstrap|login|oidc|onetime/.test(row)) continue;
      const answers = new Set<string>();
      for (const who of OUTSIDERS) {
        const { status, body } = await ask(row, outsiders.get(who));
        answers.add(`${status} ${status >= 400 ? body : ''}`);
      }
      expect([row, answers.size]).toEqual([row, 1]);
    }
  });

  test('has its cell in this matrix', () => {
    const own = rows.filter(([, { check }]) => check.kind === 'own').map(([row]) => row);
    expect(own.filter((row) => !OWN.has(row) && !NOBODYS.has(row) && !EVERYBODYS.has(row))).toEqual([]);
  });

  // At last: these change what is asked about, reads before writes.
  describe('is allowed to whoever may', () => {
    const refused = { status: expect.any(Number), body: expect.stringContaining(DENIED) };
    const inOrder = [...rows].sort(
      ([a], [b]) => Number(/^(PUT|POST|DELETE)/.test(a)) - Number(/^(PUT|POST|DELETE)/.test(b)),
    );
    const allowed = inOrder
      .filter(([row, { check }]) => check.kind !== 'node secret' && !/oidc|login|bootstrap/.test(row))
      .map(([row, { check }]) => [row, OWN.has(row) ? [OWN.get(row)!] : rulesFor(check, 'default')] as const);
    test.each(allowed)('%s', async (row, ways) => {
      for (const rules of ways) {
        const answer = await ask(row, await holderOf(rules));
        expect([rules, answer]).not.toEqual([rules, refused]);
      }
      const answer = await ask(row, management);
      expect(answer).not.toEqual(refused);
    });
  });
});
