import {
  allocationType,
  deploymentType,
  evaluationType,
  jobType,
  nodePoolType,
  nodeType,
  serviceRegistrationType,
  variableType,
  type FilterType,
  type ShapeNode,
} from '../http/index.js';
import { evaluationDeleteRequest } from '../evaluations/evaluation-deletion.js';
import { jobsParseRequest } from '../jobs/job-file.js';
import * as requests from '../http/go-json/request-shapes.js';
import { isOfTheLog } from '../edge/past-routes.js';
import { Schemas, type Schema } from './schemas.js';
import { endpoints, isPutAlone, type Endpoint } from './surface.js';

/** What is read from the body of a write. */
const BODIES: ReadonlyMap<string, ShapeNode> = new Map<string, ShapeNode>([
  ['PUT /v1/jobs', requests.jobRegisterRequest],
  ['PUT /v1/job/:id', requests.jobRegisterRequest],
  ['PUT /v1/jobs/parse', jobsParseRequest],
  ['PUT /v1/validate/job', requests.jobValidateRequest],
  ['POST /v1/jobs/statuses', requests.jobStatusesRequest],
  ['PUT /v1/job/:id/plan', requests.jobPlanRequest],
  ['PUT /v1/job/:id/revert', requests.jobRevertRequest],
  ['PUT /v1/job/:id/stable', requests.jobStabilityRequest],
  ['PUT /v1/job/:id/evaluate', requests.jobEvaluateRequest],
  ['PUT /v1/job/:id/dispatch', requests.jobDispatchRequest],
  ['PUT /v1/job/:id/scale', requests.scalingRequest],
  ['PUT /v1/job/:id/:word/:name/tag', requests.tagVersionRequest],
  ['PUT /v1/deployment/pause/:id', requests.deploymentPauseRequest],
  ['PUT /v1/deployment/promote/:id', requests.deploymentPromoteRequest],
  ['PUT /v1/deployment/unblock/:id', requests.deploymentUnblockRequest],
  ['PUT /v1/deployment/allocation-health/:id', requests.deploymentAllocHealthRequest],
  ['PUT /v1/node/:id/drain', requests.nodeUpdateDrainRequest],
  ['PUT /v1/node/:id/eligibility', requests.nodeUpdateEligibilityRequest],
  ['PUT /v1/node/pools', requests.nodePoolRequest],
  ['PUT /v1/node/pool/:name', requests.nodePoolRequest],
  ['PUT /v1/namespace', requests.namespaceRequest],
  ['PUT /v1/namespace/:name', requests.namespaceRequest],
  ['PUT /v1/operator/scheduler/configuration', requests.schedulerConfigurationRequest],
  ['PUT /v1/operator/autopilot/configuration', requests.autopilotConfigurationRequest],
  ['PUT /v1/var/:id', requests.variableRequest],
  ['PUT /v1/operator/rollbook/freezes/:id', requests.freezeRequest],
  ['PUT /v1/operator/rollbook/webhooks/:id', requests.webhookRequest],
  ['PUT /v1/operator/rollbook/webhooks/:id/redeliver', requests.chosenLettersRequest],
  ['PUT /v1/operator/rollbook/webhooks/:id/discard', requests.chosenLettersRequest],
  ['PUT /v1/search', requests.searchRequest],
  ['PUT /v1/search/fuzzy', requests.fuzzySearchRequest],
  ['* /v1/client/allocation/:id/restart', requests.allocRestartRequest],
  ['PUT /v1/client/allocation/:id/pause', requests.allocPauseRequest],
  ['PUT /v1/client/allocation/:id/signal', requests.allocSignalRequest],
  ['POST /v1/client/metadata', requests.nodeMetaApplyRequest],
  ['PUT /v1/client/identity/renew', requests.nodeIdentityRenewRequest],
  ['DELETE /v1/evaluations', evaluationDeleteRequest],
  ['PUT /v1/acl/bootstrap', requests.aclBootstrapRequest],
  ['PUT /v1/acl/token', requests.aclTokenRequest],
  ['PUT /v1/acl/token/:id', requests.aclTokenRequest],
  ['PUT /v1/acl/token/onetime/exchange', requests.oneTimeExchangeRequest],
  ['PUT /v1/acl/policy/:name', requests.aclPolicyRequest],
  ['PUT /v1/acl/role', requests.aclRoleRequest],
  ['PUT /v1/acl/role/:id', requests.aclRoleRequest],
  ['PUT /v1/acl/auth-method', requests.aclAuthMethodRequest],
  ['PUT /v1/acl/auth-method/:name', requests.aclAuthMethodRequest],
  ['PUT /v1/acl/binding-rule', requests.aclBindingRuleRequest],
  ['PUT /v1/acl/binding-rule/:id', requests.aclBindingRuleRequest],
  ['PUT /v1/acl/login', requests.aclLoginRequest],
  ['PUT /v1/acl/oidc/auth-url', requests.oidcAuthUrlRequest],
  ['PUT /v1/acl/oidc/complete-auth', requests.oidcCompleteAuthRequest],
  ['PUT /v1/acl/identity/client-introduction-token', requests.clientIntroductionRequest],
]);

type Answer = (schemas: Schemas) => Schema;
const one =
  (type: FilterType): Answer =>
  (schemas) =>
    schemas.ofType(type);
const many =
  (type: FilterType): Answer =>
  (schemas) => ({ type: ['array', 'null'], items: schemas.ofType(type) });
const plain =
  (schema: Schema): Answer =>
  () =>
    schema;
const OBJECT = plain({ type: 'object' });
/** Of Nomad's stubs, what all have in common. */
const stubs = (...texts: readonly string[]): Answer =>
  plain({
    type: ['array', 'null'],
    items: {
      type: 'object',
      required: texts,
      properties: {
        ...Object.fromEntries(texts.map((text) => [text, { type: 'string' }])),
        CreateIndex: { type: 'integer' },
        ModifyIndex: { type: 'integer' },
      },
    },
  });

const TEXT: Schema = { type: 'string' };
const TEXTS: Schema = { type: 'array', items: TEXT };
const answerOf = (properties: Readonly<Record<string, Schema>>): Answer =>
  plain({ type: 'object', required: Object.keys(properties), properties });

const ACL_TOKEN = answerOf({
  ...{ AccessorID: TEXT, SecretID: TEXT, Name: TEXT, Type: { enum: ['client', 'management'] } },
  ...{ Policies: { type: ['array', 'null'], items: TEXT }, Roles: { type: ['array', 'null'] } },
  ...{ Global: { type: 'boolean' }, ExpirationTTL: TEXT },
});

/** What is answered with 200, where it is JSON of a known shape. */
const ANSWERS: ReadonlyMap<string, Answer> = new Map<string, Answer>([
  [
    'GET /v1/operator/rollbook/waiting',
    answerOf({ Total: { type: 'integer' }, Deployments: { type: 'array', items: { type: 'object' } } }),
  ],
  [
    'GET /v1/operator/rollbook/proof',
    answerOf({
      ...{ StoreEpoch: TEXT, From: { type: 'integer' }, Index: { type: 'integer' }, Previous: TEXT, Digest: TEXT },
      ...{ Chain: TEXT, Valid: { type: 'boolean' }, Links: TEXTS, To: { type: 'integer' }, ToChain: TEXT },
      Head: { type: 'object' },
    }),
  ],
  [
    'GET /v1/operator/rollbook/events/density',
    answerOf({
      ...{ Index: { type: 'integer' }, Events: { type: 'integer' }, Hidden: { type: 'integer' } },
      ...{ Complete: { type: 'boolean' }, Buckets: { type: 'array', items: { type: 'object' } } },
    }),
  ],
  ['GET /v1/operator/rollbook/freezes', plain({ type: 'array', items: { type: 'object' } })],
  ['GET /v1/operator/rollbook/freezes/:id', OBJECT],
  ['GET /v1/operator/rollbook/webhooks', plain({ type: 'array', items: { type: 'object' } })],
  ['GET /v1/operator/rollbook/webhooks/:id', OBJECT],
  [
    'PUT /v1/operator/rollbook/webhooks/:id/test',
    answerOf({ DeliveryID: TEXT, Status: { type: 'integer' }, Error: TEXT, Milliseconds: { type: 'integer' } }),
  ],
  [
    'GET /v1/operator/rollbook/why',
    answerOf({
      ...{ Namespace: TEXT, JobID: TEXT, JobVersion: { type: 'integer' } },
      ...{ NodesTotal: { type: 'integer' }, NodesJudged: { type: 'integer' } },
      Groups: { type: 'array', items: { type: 'object' } },
    }),
  ],
  [
    'GET /v1/operator/rollbook/may',
    answerOf({
      ...{ ACLEnabled: { type: 'boolean' }, Actor: TEXT, Management: { type: 'boolean' }, Namespace: TEXT },
      ...{ Capabilities: TEXTS, OperatorCapabilities: TEXTS, Requests: TEXTS, Levels: { type: 'object' } },
    }),
  ],
  ['GET /v1/acl/tokens', stubs('AccessorID', 'Name', 'Type')],
  ['GET /v1/acl/token/self', ACL_TOKEN],
  ['GET /v1/acl/token/:id', ACL_TOKEN],
  ['PUT /v1/acl/token', ACL_TOKEN],
  ['PUT /v1/acl/token/:id', ACL_TOKEN],
  ['PUT /v1/acl/bootstrap', ACL_TOKEN],
  ['PUT /v1/acl/login', ACL_TOKEN],
  ['PUT /v1/acl/oidc/complete-auth', ACL_TOKEN],
  ['PUT /v1/acl/oidc/auth-url', answerOf({ AuthURL: TEXT })],
  ['PUT /v1/acl/identity/client-introduction-token', answerOf({ JWT: TEXT })],
  ['GET /v1/acl/policies', stubs('Name', 'Description')],
  ['GET /v1/acl/policy/:name', answerOf({ Name: TEXT, Description: TEXT, Rules: TEXT })],
  ['GET /v1/acl/roles', stubs('ID', 'Name', 'Description')],
  ['GET /v1/acl/role/:id', answerOf({ ID: TEXT, Name: TEXT, Policies: { type: 'array' } })],
  ['GET /v1/acl/auth-methods', stubs('Name', 'Type')],
  [
    'GET /v1/acl/auth-method/:name',
    answerOf({ Name: TEXT, Type: TEXT, MaxTokenTTL: TEXT, Config: { type: 'object' } }),
  ],
  ['GET /v1/acl/binding-rules', stubs('ID', 'AuthMethod', 'Description')],
  ['GET /v1/acl/binding-rule/:id', answerOf({ ID: TEXT, AuthMethod: TEXT, BindType: TEXT, BindName: TEXT })],
  ['GET /v1/jobs', stubs('ID', 'Name', 'Status', 'Type', 'Namespace')],
  ['GET /v1/job/:id', one(jobType)],
  ['GET /v1/job/:id/allocations', stubs('ID', 'JobID', 'ClientStatus', 'DesiredStatus')],
  ['GET /v1/job/:id/deployments', many(deploymentType)],
  ['GET /v1/job/:id/deployment', (schemas) => ({ anyOf: [schemas.ofType(deploymentType), { type: 'null' }] })],
  ['GET /v1/job/:id/evaluations', many(evaluationType)],
  ['GET /v1/deployments', many(deploymentType)],
  ['GET /v1/deployment/:id', one(deploymentType)],
  ['GET /v1/deployment/allocations/:id', stubs('ID', 'JobID', 'ClientStatus', 'DesiredStatus')],
  ['GET /v1/allocations', stubs('ID', 'JobID', 'ClientStatus', 'DesiredStatus')],
  ['GET /v1/allocation/:id', one(allocationType)],
  ['GET /v1/allocation/:id/services', many(serviceRegistrationType)],
  ['GET /v1/evaluations', many(evaluationType)],
  ['GET /v1/evaluation/:id', one(evaluationType)],
  ['GET /v1/nodes', stubs('ID', 'Name', 'Status', 'Datacenter')],
  ['GET /v1/node/:id', one(nodeType)],
  ['GET /v1/node/pools', many(nodePoolType)],
  ['GET /v1/node/pool/:name', one(nodePoolType)],
  ['GET /v1/vars', many(variableType)],
  ['GET /v1/namespaces', stubs('Name', 'Description')],
  ['GET /v1/namespace/:name', OBJECT],
  ['GET /v1/service/:id', many(serviceRegistrationType)],
  ['GET /v1/status/leader', plain({ type: 'string' })],
  ...['status/peers', 'regions', 'agent/servers'].map((path): [string, Answer] => [
    `GET /v1/${path}`,
    plain({ type: 'array', items: { type: 'string' } }),
  ]),
  [
    'GET /v1/metrics',
    plain({
      type: 'object',
      required: ['Timestamp', 'Gauges', 'PrecisionGauges', 'Points', 'Counters', 'Samples'],
      properties: Object.fromEntries(
        ['Gauges', 'PrecisionGauges', 'Points', 'Counters', 'Samples'].map((kind) => [kind, { type: 'array' }]),
      ),
    }),
  ],
  ...['volumes', 'volumes/claims', 'plugins', 'services', 'scaling/policies'].map((path): [string, Answer] => [
    `GET /v1/${path}`,
    plain({ type: 'array', items: { type: 'object' } }),
  ]),
  ...[
    'agent/self',
    'agent/members',
    'agent/health',
    'agent/host',
    'agent/schedulers',
    'agent/schedulers/config',
    'operator/raft/configuration',
    'operator/autopilot/configuration',
    'operator/autopilot/health',
    'operator/scheduler/configuration',
  ].map((path): [string, Answer] => [`GET /v1/${path}`, OBJECT]),
]);

const query = (name: string, type: string, description: string): object => ({
  ...{ name, in: 'query', required: false, description },
  schema: { type },
});
const REGION = query('region', 'string', "This server's: others are refused.");
const NAMESPACE = query('namespace', 'string', '`*` for all of them, where something is listed.');
/** What reads take; spec/http-api §1.4. */
const READ_PARAMETERS: readonly object[] = [
  REGION,
  NAMESPACE,
  query('index', 'integer', 'The read waits until its index is larger.'),
  query('wait', 'string', 'How long it waits at most, as a duration: `30s`.'),
  query('stale', 'boolean', 'Answer from what this server knows already.'),
  query('prefix', 'string', 'Only what begins with it.'),
  query('per_page', 'integer', 'Size of a page; `X-Nomad-NextToken` names the next one.'),
  query('next_token', 'string', 'Where the page begins.'),
  query('filter', 'string', 'A filter expression: `Status == "running"`.'),
  query('reverse', 'boolean', 'Newest first.'),
];
const AS_OF = query(
  'as_of',
  'string',
  'The index or the time (RFC 3339) as of which to read; not with `index` or `wait`.',
);
const header = (name: string, type: string, description: string): object => ({
  ...{ name, in: 'header', required: false, description },
  schema: { type },
});
const repeated = (one: object): object => ({ ...one, schema: { type: 'array', items: { type: 'string' } } });
const EVENT_FILTERS: readonly object[] = [
  REGION,
  repeated(query('about', 'string', '`<kind>/<id>`, `job/<namespace>/<id>`: events of these objects.')),
  query('related', 'boolean', 'With those of what belongs to the one job or deployment that `about` names.'),
  repeated(query('kind', 'string', 'Events of objects of these kinds: `job`, `deployment` …')),
  repeated(query('type', 'string', 'Events of these types: `DeploymentPaused` …')),
  query('actor', 'string', 'Events of whom, as events name them: `token <accessor>`.'),
  query('reason', 'string', 'Words, each the beginning of one in the reason.'),
  query('after', 'string', 'Commits after this index, or later than this time (RFC 3339).'),
  query('before', 'string', 'Commits before this index or time.'),
];
/** Reads that take nothing of what other reads do. */
const OWN_QUERIES: ReadonlyMap<string, readonly object[]> = new Map([
  [
    'GET /v1/operator/rollbook/events',
    [
      ...EVENT_FILTERS,
      query('order', 'string', '`asc`, the order of the log, or `desc`.'),
      query('limit', 'integer', 'Events on a page: 1 to 1000, else 100.'),
      query('next_token', 'string', '`Next` of the page before.'),
    ],
  ],
  [
    'GET /v1/operator/rollbook/events/density',
    [...EVENT_FILTERS, query('by', 'string', '`index` or `time`.'), query('buckets', 'integer', '1 to 240, else 60.')],
  ],
]);
/** What a read takes beside that. */
const QUERIES: ReadonlyMap<string, readonly object[]> = new Map([
  [
    'GET /v1/operator/rollbook/proof',
    [
      query(
        'to',
        'integer',
        'The digests of the commits after `index` up to this one, or as many as one answer takes.',
      ),
    ],
  ],
  [
    'GET /v1/operator/rollbook/why',
    [
      query('job', 'string', 'The id of a job: this or `eval`.'),
      query('eval', 'string', 'The id of an evaluation: its job, and the groups of which it could not place all.'),
    ],
  ],
]);
const WRITE_PARAMETERS: readonly object[] = [
  REGION,
  NAMESPACE,
  header(
    'X-Rollbook-Reason',
    'string',
    'Why, in UTF-8; kept with the events. `X-Rollbook-Reason*`: as RFC 8187 has it.',
  ),
  header('X-Rollbook-If-Index', 'integer', 'Refused with 412 if the object acted upon has changed after this index.'),
  header('X-Rollbook-Override', 'string', '`freeze`: the change is made in spite of a freeze; needs a reason.'),
  header('Idempotency-Key', 'string', 'Repeated with the same key, the request is answered as before.'),
];
const ERROR = { content: { 'text/plain': { schema: { type: 'string' } } } };

/** Where another status than 200 is an answer, too, or the answer no JSON. */
const OTHER_ANSWERS: ReadonlyMap<string, object> = new Map([
  [
    'GET /v1/operator/rollbook/events',
    {
      '200': {
        description: 'A line of JSON for each event; the last one has `Next`, `Hidden` and `Index`.',
        content: { 'application/x-ndjson': { schema: { type: 'string' } } },
      },
    },
  ],
  [
    'GET /v1/operator/autopilot/health',
    { '429': { description: 'Nobody leads.', content: { 'application/json': { schema: { type: 'object' } } } } },
  ],
]);

function operationOf(endpoint: Endpoint, method: string, schemas: Schemas): object {
  const { path, service } = endpoint;
  const row = `${endpoint.method} ${path}`;
  const body = BODIES.get(row);
  const answer = ANSWERS.get(row);
  const names = [...path.matchAll(/:(\w+)/g)].map(([, name]) => name!);
  if (path.endsWith('*')) names.push('rest');
  return {
    operationId: `${method} ${path}`.toLowerCase().replaceAll(/[^a-z0-9]+/g, '-'),
    tags: [path.split('/')[2] ?? path.split('/')[1] ?? ''],
    ...(service.kind === 'partly' && { description: `In part: ${service.how}.` }),
    ...(service.kind === 'not' && { description: `Not served: ${service.why}.` }),
    parameters: [
      ...names.map((name) => ({ name, in: 'path', required: true, schema: { type: 'string' } })),
      ...(OWN_QUERIES.get(row) ?? (method === 'get' ? READ_PARAMETERS : WRITE_PARAMETERS)),
      ...(QUERIES.get(row) ?? []),
      ...(isOfTheLog(method.toUpperCase(), path) ? [AS_OF] : []),
    ],
    ...(body !== undefined && {
      requestBody: { content: { 'application/json': { schema: schemas.ofShape(body) } } },
    }),
    responses: {
      ...(service.kind === 'not'
        ? { '501': { description: service.why, ...ERROR } }
        : {
            '200': {
              description: 'Done, or what was asked for.',
              ...(answer !== undefined && { content: { 'application/json': { schema: answer(schemas) } } }),
            },
          }),
      ...OTHER_ANSWERS.get(row),
      default: { description: 'Why it was refused, as bare text.', ...ERROR },
    },
  };
}

const methodsOf = ({ method, path }: Endpoint): readonly string[] => {
  if (method === '*') return ['get'];
  return method === 'PUT' && !isPutAlone(path) ? ['put', 'post'] : [method.toLowerCase()];
};

/** The API as OpenAPI 3.1: paths of the tables that the server routes by, bodies of the shapes that they are decoded by. */
export function renderOpenApi(): object {
  const schemas = new Schemas();
  const paths = new Map<string, Map<string, object>>();
  for (const endpoint of endpoints()) {
    const path = endpoint.path.replaceAll(/:(\w+)/g, '{$1}').replace(/\*$/, '{rest}');
    const operations = paths.get(path) ?? new Map<string, object>();
    for (const method of methodsOf(endpoint)) operations.set(method, operationOf(endpoint, method, schemas));
    paths.set(path, operations);
  }
  return {
    openapi: '3.1.0',
    info: {
      title: 'Rollbook',
      version: 'v1',
      description: "Nomad's HTTP API as Rollbook serves it, and what it adds. Errors are bare texts.",
      license: { name: 'Apache-2.0', identifier: 'Apache-2.0' },
    },
    servers: [{ url: '/' }],
    security: [{}, { token: [] }, { bearer: [] }],
    paths: Object.fromEntries([...paths].map(([path, operations]) => [path, Object.fromEntries(operations)])),
    components: {
      schemas: schemas.components,
      securitySchemes: {
        token: { type: 'apiKey', in: 'header', name: 'X-Nomad-Token' },
        bearer: { type: 'http', scheme: 'bearer' },
      },
    },
  };
}

/** The same as the text that is served and committed. */
export const openApiText = (): string => `${JSON.stringify(renderOpenApi(), null, 1)}\n`;
