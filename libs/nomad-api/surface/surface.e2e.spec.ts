import { startEdge, type TestEdge } from '../testing/edge.module.js';
import { nomadsEndpoints, NOT_SERVED, type Endpoint } from './surface.js';

/** What a stream is asked with, so that it ends at once. */
const REFUSED_QUERIES = new Map([
  ['/v1/event/stream', '?index=a'],
  ['/v1/agent/monitor', '?log_level=a'],
]);

/** Where more than an id must follow. */
const WHOLE = new Map([
  ['DELETE /v1/service/:id', '/v1/service/web/11111111-2222-3333-4444-555555555555'],
  ['GET /v1/operator/keyring/:id', '/v1/operator/keyring/keys'],
  ['PUT /v1/operator/keyring/:id', '/v1/operator/keyring/rotate'],
  ['DELETE /v1/operator/keyring/:id', '/v1/operator/keyring/key/11111111-2222-3333-4444-555555555555'],
]);

const urlOf = ({ method, path }: Endpoint): string =>
  WHOLE.get(`${method} ${path}`) ??
  path.replace(/:\w+/g, '11111111-2222-3333-4444-555555555555').replace(/\*$/, 'nope') +
    (REFUSED_QUERIES.get(path) ?? '');

/** A database of its own on a machine that does other things, too. */
const START_MS = 60_000;

describe('The API of Nomad', () => {
  let edge: TestEdge;
  beforeAll(async () => {
    edge = await startEdge();
    await edge.initialiseKeyring();
  }, START_MS);
  afterAll(() => edge.close());

  const rows = nomadsEndpoints().map((endpoint) => [`${endpoint.method} ${endpoint.path}`, endpoint] as const);
  const served = rows.filter(([, { service }]) => service.kind !== 'not');
  const notServed = rows.filter(([, { service }]) => service.kind === 'not');

  test.each(served)('%s is answered', async (_name, endpoint) => {
    const method = endpoint.method === '*' ? 'GET' : endpoint.method;
    const answer = await edge.request(method, urlOf(endpoint), method === 'GET' ? undefined : {});
    expect(answer.body === '' && answer.statusCode === 404).toBe(false);
    if (endpoint.method !== '*') expect(answer.statusCode).not.toBe(405);
  });

  test.each(notServed)('%s says why it is not', async (_name, endpoint) => {
    const { service } = endpoint;
    for (const method of endpoint.method === '*' ? ['GET', 'PUT', 'DELETE'] : [endpoint.method]) {
      const answer = await edge.request(method, urlOf(endpoint));
      expect({ status: answer.statusCode, text: answer.body }).toEqual({
        status: 501,
        text: service.kind === 'not' ? service.why : '',
      });
    }
  });

  test('knows every row that is not served', () => {
    expect(notServed).toHaveLength(NOT_SERVED.size);
  });

  test('ends where Nomad ends: an unknown path is a bare 404', async () => {
    for (const path of ['/v1/nope', '/v1/operator/nope', '/nope', '/v2/jobs']) {
      const answer = await edge.request('GET', path);
      expect({ status: answer.statusCode, text: answer.body }).toEqual({ status: 404, text: '' });
    }
  });

  test('does nothing that nobody foresaw', () => {
    expect(edge.faults).toEqual([]);
  });
});
