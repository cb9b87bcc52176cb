import { jobInput, nodeDescription } from '@app/testing';
import { ROUTES } from '@app/nomad-api';
import type { Random } from '../cluster/random.js';
import { garbled, hostileText, mutated } from './values.js';

export interface FuzzRequest {
  readonly method: string;
  readonly path: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: Buffer | undefined;
}

/** A node that the fuzzer has registered, and what is assigned to it. */
export interface FuzzNode {
  readonly id: string;
  readonly secret: string;
  readonly allocations: string[];
}

/** What there is to be asked for, by the kind of id that a path takes. */
export interface Known {
  readonly jobs: string[];
  readonly deployments: string[];
  readonly allocations: string[];
  readonly evaluations: string[];
  readonly nodes: FuzzNode[];
}

const METHODS = ['GET', 'PUT', 'POST', 'DELETE', 'PATCH', 'HEAD', 'OPTIONS'];
const JOB_NAMES = ['web', 'nightly', '__proto__', 'constructor', 'a/b', 'приём', 'new\nline', '"', 'probe'];
const GROUPS = ['app', '__proto__', 'constructor', 'toString', '😀', 'a\nb'];
const OPERATORS = [
  '=',
  '!=',
  '>',
  'regexp',
  'version',
  'semver',
  'set_contains',
  'distinct_hosts',
  'is_set',
  '__proto__',
];

/** Chance of each member of a body to be changed. */
const RATES = [0, 0.005, 0.02, 0.1];

function jobOf(random: Random): object {
  const groups = random.shuffled(GROUPS).slice(0, random.between(1, 2));
  const id = random.pick(JOB_NAMES);
  const own = JSON.parse(`{${JSON.stringify(random.pick(GROUPS))}:"1"}`) as object;
  const job = JSON.parse(
    JSON.stringify(
      jobInput({
        ...{ id, groups, count: random.between(0, 2), config: { run_for: '1s' }, tag: String(random.between(0, 3)) },
        type: random.pick(['service', 'service', 'batch', 'system']),
        more: { Meta: own, Constraints: [constraintOf(random)] },
      }),
    ),
  ) as { TaskGroups: { Tasks: { Name: string; Env: object; Meta: object }[] }[] };
  for (const task of job.TaskGroups.flatMap(({ Tasks }) => Tasks))
    Object.assign(task, { Name: random.pick(GROUPS), Env: own, Meta: own });
  return job;
}

const constraintOf = (random: Random): object => ({
  LTarget: `\${${random.pick(['attr.kernel.name', 'meta.__proto__', 'attr.constructor', 'node.class', 'attr.'])}}`,
  RTarget: random.pick(['linux', '>= 1.0', '(a+)+$', 'constructor', '']),
  Operand: random.pick(OPERATORS),
});

const nodeOf = (random: Random, { id, secret }: FuzzNode): object => ({
  Node: nodeDescription(id, {
    Attributes: { 'kernel.name': 'linux', [random.pick(GROUPS)]: '1' },
    Meta: { [random.pick(GROUPS)]: 'x' },
  }),
  SecretID: secret,
});

const statusOf = (random: Random, node: FuzzNode): object => ({
  Updates: node.allocations.slice(0, random.between(0, 3)).map((ID) => ({
    ID,
    ClientStatus: random.pick(['pending', 'running', 'complete', 'failed']),
    ClientDescription: hostileText(random).slice(0, 100),
    TaskStates: JSON.parse(
      `{${JSON.stringify(random.pick(GROUPS))}:{"State":"running","Failed":false,"Restarts":0,"LastRestart":null,"StartedAt":null,"FinishedAt":null,"Events":[]}}`,
    ) as object,
    DeploymentStatus: random.pick([null, { Healthy: true, TimestampUs: 1_767_225_600_000_000 }]),
    NetworkStatus: null,
  })),
});

/** A body that the route takes. */
function bodyOf(random: Random, route: string, known: Known, node: FuzzNode): object {
  const job = jobOf(random);
  const group = random.pick(GROUPS);
  if (route.startsWith('/agent/v1/node/:id/status')) return statusOf(random, node);
  if (route.startsWith('/agent/v1/node/:id')) return { Status: 'ready' };
  if (route.startsWith('/agent/v1')) return nodeOf(random, node);
  if (route.endsWith('/scale'))
    return { Count: random.between(0, 3), Target: { Group: group }, Message: hostileText(random), Meta: job };
  if (route.endsWith('/revert')) return { JobID: random.pick(JOB_NAMES), JobVersion: random.between(0, 5) };
  if (route.endsWith('/stable'))
    return { JobID: random.pick(JOB_NAMES), JobVersion: random.between(0, 5), Stable: true };
  if (route.endsWith('/dispatch')) return { Meta: { [group]: 'x' }, Payload: 'aGVsbG8=' };
  if (route.endsWith('/tag')) return { Name: group, Description: hostileText(random).slice(0, 200) };
  if (route.endsWith('/evaluate')) return { JobID: random.pick(JOB_NAMES), EvalOptions: { ForceReschedule: true } };
  if (route.endsWith('/drain'))
    return { DrainSpec: random.pick([null, { Deadline: 1_000_000_000 }]), Meta: { [group]: 'x' } };
  if (route.endsWith('/eligibility')) return { Eligibility: random.pick(['eligible', 'ineligible']) };
  if (route.includes('/deployment/'))
    return {
      ...{
        DeploymentID: random.pick([...known.deployments, 'x']),
        All: random.next() < 0.5,
        Groups: [group],
        Pause: random.next() < 0.5,
      },
      HealthyAllocationIDs: known.allocations.slice(0, 2),
    };
  if (route.endsWith('/configuration'))
    return { SchedulerAlgorithm: 'binpack', PreemptionConfig: { ServiceSchedulerEnabled: true } };
  if (route.startsWith('/v1/search'))
    return { Prefix: '', Text: group, Context: random.pick(['all', 'jobs', 'nodes', '__proto__']) };
  if (route.startsWith('/v1/namespace'))
    return { Name: random.pick(['apps', '__proto__', 'constructor']), Meta: { [group]: 'x' } };
  if (route.startsWith('/v1/node/pool'))
    return { Name: random.pick(['gpu', '__proto__', 'constructor']), Meta: { [group]: 'x' } };
  if (route.startsWith('/v1/var')) return { Path: random.pick(['a/b', '__proto__']), Items: { [group]: 'secret' } };
  if (route.endsWith('/parse'))
    return {
      JobHCL: `job "${random.pick(['a', '__proto__'])}" { group "g" { count = ${random.between(0, 9)} } }`,
      Canonicalize: true,
    };
  return { Job: job, Diff: true, PolicyOverride: false };
}

const QUERIES = [
  'namespace',
  'prefix',
  'filter',
  'next_token',
  'per_page',
  'reverse',
  'stale',
  'pretty',
  'purge',
  'region',
  'index',
];
const MORE_QUERIES = [
  'diffs',
  'version',
  'all',
  'force',
  'resources',
  'task_states',
  'eval_priority',
  'no_shutdown_delay',
  'os',
];
const FILTERS = [
  'ID == "web"',
  'Meta.__proto__ == "1"',
  '"/Meta/constructor" is empty',
  'any TaskGroups as g { g.Count > 1 }',
  'not',
];

function queryOf(random: Random): string {
  const names = random.shuffled([...QUERIES, ...MORE_QUERIES]).slice(0, random.between(0, 3));
  const valueOf = (name: string): string =>
    name === 'filter' && random.next() < 0.7
      ? random.pick(FILTERS)
      : random.pick(['1', 'true', '*', '0', '', hostileText(random).slice(0, 2_000)]);
  const pairs = names.map((name) => `${name}=${random.next() < 0.9 ? encode(valueOf(name)) : '%zz'}`);
  // What waits does not wait for long.
  return pairs.length === 0 ? '' : `?${[...pairs, 'wait=10ms'].join('&')}`;
}

const encode = (text: string): string => encodeURIComponent(text.toWellFormed());

function idOf(random: Random, route: string, known: Known, node: FuzzNode): string {
  if (random.next() < 0.15) return hostileText(random).slice(0, 3_000);
  if (route.includes('/deployment')) return random.pick([...known.deployments, 'ffff']);
  if (route.includes('/allocation')) return random.pick([...known.allocations, 'ffff']);
  if (route.includes('/evaluation')) return random.pick([...known.evaluations, 'ffff']);
  if (route.includes('/node/')) return random.next() < 0.1 ? node.id.toUpperCase() : node.id;
  if (route.includes('/keyring')) return random.pick(['keys', 'rotate', 'key']);
  return random.pick([...known.jobs, ...JOB_NAMES]);
}

/** What makes others worth asking: without jobs, nodes and reports there is nothing to read. */
const FREQUENT = [
  'PUT /v1/jobs',
  'PUT /v1/jobs',
  'PUT /agent/v1/node/:id/status',
  'PUT /v1/job/:id/plan',
  'PUT /agent/v1/node',
];
const OFTEN = 0.35;

/** One request: a route, with what it takes, more or less. */
export function requestOf(random: Random, known: Known, joinToken: string): FuzzRequest {
  const key = random.next() < OFTEN ? random.pick(FREQUENT) : random.pick([...ROUTES.keys()]);
  const [shown = 'GET', url = '/'] = key.split(' ');
  const route = url.split('?')[0]!;
  const node = random.pick(known.nodes);
  const path = route
    .replace(/:type\b/, () =>
      encode(random.pick(['job', 'deployment', 'allocation', 'evaluation', 'node', '__proto__'])),
    )
    .replace(/:id\b/, () => encode(idOf(random, route, known, node)))
    .replace(/:\w+|\*/g, () => encode(random.pick(['default', 'all', 'v1', hostileText(random).slice(0, 200)])));
  const method = shown === '*' || random.next() < 0.05 ? random.pick(METHODS) : shown;
  const takesBody = !['GET', 'HEAD', 'OPTIONS'].includes(method) || random.next() < 0.02;
  const text = takesBody ? mutated(random, bodyOf(random, route, known, node), random.pick(RATES)) : '';
  return {
    method,
    path: path + queryOf(random),
    headers: headersOf(random, route, node, joinToken),
    body: takesBody ? (random.next() < 0.05 ? garbled(random, text) : Buffer.from(text)) : undefined,
  };
}

function headersOf(random: Random, route: string, node: FuzzNode, joinToken: string): Record<string, string> {
  const latin1 = (text: string): string =>
    Buffer.from(text.replace(/[^\t\x20-\x7e\u0080-\u{10ffff}]/gu, ' '))
      .toString('latin1')
      .slice(0, 4_000);
  const odd = (): string => latin1(hostileText(random));
  return {
    ...(route.startsWith('/agent/') && random.next() < 0.95 ? { authorization: `Bearer ${node.secret}` } : {}),
    ...(random.next() < 0.9 ? { 'x-rollbook-join-token': joinToken } : {}),
    ...(random.next() < 0.2 ? { 'x-rollbook-reason': odd() } : {}),
    ...(random.next() < 0.05 ? { 'x-rollbook-reason*': random.pick(["UTF-8''%e2%82%ac", "UTF-8''%ff", odd()]) } : {}),
    ...(random.next() < 0.1 ? { 'idempotency-key': odd() } : {}),
    ...(random.next() < 0.1 ? { 'x-request-id': odd() } : {}),
    ...(random.next() < 0.1 ? { 'x-nomad-token': odd() } : {}),
    ...(random.next() < 0.1 ? { 'x-forwarded-for': odd() } : {}),
    ...(random.next() < 0.3 ? { 'accept-encoding': random.pick(['gzip', 'gzip;q=0', 'br, gzip', odd()]) } : {}),
  };
}
