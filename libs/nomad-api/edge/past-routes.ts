import type { FastifyInstance } from 'fastify';
import { param, parseQuery } from '../http/index.js';

/** What can be read as of the past: all that is made of the log and nothing else. */
const OF_THE_LOG: ReadonlySet<string> = new Set([
  '/v1/jobs',
  '/v1/jobs/statuses',
  '/v1/job/:id',
  '/v1/job/:id/summary',
  '/v1/job/:id/versions',
  '/v1/job/:id/allocations',
  '/v1/job/:id/deployments',
  '/v1/job/:id/deployment',
  '/v1/job/:id/evaluations',
  '/v1/job/:id/submission',
  '/v1/job/:id/services',
  '/v1/job/:id/actions',
  '/v1/job/:id/scale',
  '/v1/deployments',
  '/v1/deployment/:id',
  '/v1/deployment/allocations/:id',
  '/v1/allocations',
  '/v1/allocation/:id',
  '/v1/allocation/:id/services',
  '/v1/evaluations',
  '/v1/evaluations/count',
  '/v1/evaluation/:id',
  '/v1/evaluation/:id/allocations',
  '/v1/nodes',
  '/v1/node/:id',
  '/v1/node/:id/allocations',
  '/v1/node/pools',
  '/v1/node/pool/:name',
  '/v1/node/pool/:name/nodes',
  '/v1/node/pool/:name/jobs',
  '/v1/namespaces',
  '/v1/namespace/:name',
  '/v1/services',
  '/v1/service/:id',
  '/v1/scaling/policies',
  '/v1/scaling/policy/:id',
  '/v1/vars',
  '/v1/acl/policies',
  '/v1/acl/policy/:name',
  '/v1/acl/roles',
  '/v1/acl/role/:id',
  '/v1/acl/role/name/:name',
  '/v1/acl/tokens',
  '/v1/operator/scheduler/configuration',
  '/v1/operator/rollbook/deployment/:id',
  '/v1/operator/rollbook/history/:type/:id',
]);

/** Whether a route answers `as_of`. */
export const isOfTheLog = (method: string, url: string | undefined): boolean =>
  method === 'GET' && url !== undefined && OF_THE_LOG.has(url);

/** Refuses `as_of` where it would be ignored: who asks for the past must not take the present for it. Call before routes are made. */
export function refuseAsOfElsewhere(fastify: FastifyInstance): void {
  fastify.addHook('preHandler', (request, reply, done) => {
    const { method, url } = { method: request.method, url: request.raw.url ?? '' };
    if (!/[?&][^#]*(as_of|%)/.test(url) || isOfTheLog(method, request.routeOptions.url)) return done();
    if (param(parseQuery(url), 'as_of') === '') return done();
    void reply
      .code(400)
      .type('text/plain; charset=utf-8')
      .send(`${method} ${url.split('?')[0]} does not take as_of`);
  });
}
