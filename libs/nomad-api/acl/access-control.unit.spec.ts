import { MANAGEMENT, NO_PERMISSIONS, type Permissions } from '@app/domain';
import Fastify, { type FastifyInstance, type RouteHandlerMethod } from 'fastify';
import { fastifyOptions, prepareFastify } from '../fastify.js';
import { AccessControl } from './access-control.js';
import { accessOf } from './access.js';
import type { Caller, Callers } from './caller.js';
import { byHandler, namespace, type Row } from './check.js';

const caller = (permissions: Permissions): Caller => ({
  identity: { kind: 'token', accessorId: 'a' },
  permissions,
  policies: [],
  roles: [],
});
const callers: Callers = {
  now: () => 0,
  resolve: (secret) =>
    secret === 'manager'
      ? caller(MANAGEMENT)
      : secret === 'nobody'
        ? caller(NO_PERMISSIONS)
        : { identity: { kind: 'stranger' } },
};

describe('Access control', () => {
  let fastify: FastifyInstance;
  let faults: unknown[];
  let complete: () => void;
  beforeEach(() => {
    faults = [];
    fastify = Fastify(fastifyOptions);
    const control = new AccessControl(
      callers,
      { readIndex: () => Promise.resolve(0), watch: () => () => undefined },
      (error) => faults.push(error),
    );
    ({ complete } = prepareFastify(fastify, { accessControl: control }));
  });
  afterEach(() => fastify.close());

  const route = (url: string, access: Row, handler: RouteHandlerMethod): void => {
    fastify.route({ method: 'GET', url, config: { access }, handler });
  };
  const get = async (url: string, token: string) => {
    const { statusCode, body } = await fastify.inject({ method: 'GET', url, headers: { 'X-Nomad-Token': token } });
    return { statusCode, body };
  };
  const refused = { statusCode: 403, body: 'Permission denied' };

  test('does not start with a route that has no row', () => {
    fastify.get('/v1/secrets', (_request, reply) => reply.send('told'));
    expect(complete).toThrow('routes without a row in libs/nomad-api/acl/routes.ts: GET /v1/secrets');
  });

  test('a row is found by the method and the path of the route', async () => {
    fastify.get('/v1/nodes', (_request, reply) => reply.send('nodes'));
    complete();
    expect(await get('/v1/nodes', 'manager')).toEqual({ statusCode: 200, body: 'nodes' });
    expect(await get('/v1/nodes', 'nobody')).toEqual(refused);
    expect(await get('/v1/nodes', 'stranger')).toEqual(refused);
  });

  test('what a handler forgot to check does not go out', async () => {
    route('/v1/forgotten', namespace('read-job'), (_request, reply) => reply.send('told'));
    complete();
    const { statusCode, body } = await get('/v1/forgotten', 'manager');
    expect({ statusCode, told: body.includes('told') }).toEqual({ statusCode: 500, told: false });
    expect(String(faults)).toContain('GET /v1/forgotten answers without having checked who may');
  });

  test('a handler that settles by itself is believed', async () => {
    route('/v1/own', byHandler, (request, reply) => {
      accessOf(request).settle(accessOf(request).permissions.isManagement);
      return reply.send('told');
    });
    complete();
    expect((await get('/v1/own', 'manager')).statusCode).toBe(200);
    expect((await get('/v1/own', 'nobody')).statusCode).not.toBe(200);
  });
});
