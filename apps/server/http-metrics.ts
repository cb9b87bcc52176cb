import { heldBy, type BodiesInFlight } from '@app/nomad-api';
import { counterOf, currentCount, currentValue, gaugeOf, histogramOf, type Metrics } from '@app/platform';
import type { FastifyInstance } from 'fastify';

const MS_PER_S = 1_000;
/** Of a request that fits no route. */
export const NO_ROUTE = 'none';
/** Others are told of as one. */
export const METHODS = new Set(['GET', 'HEAD', 'POST', 'PUT', 'DELETE', 'PATCH', 'OPTIONS']);

/** Counts and times requests by method, route and status. All labels are ours: a path or a method from outside is none. Call before routes are made. */
export function measureHttp(fastify: FastifyInstance, metrics: Metrics, bodies: BodiesInFlight): void {
  currentValue(metrics, 'rollbook_request_body_bytes', () => bodies.bytes);
  currentCount(metrics, 'rollbook_request_bodies_refused_total', () => bodies.refused);
  const requests = counterOf(metrics, 'rollbook_http_requests_total');
  const seconds = histogramOf(metrics, 'rollbook_http_request_seconds');
  const open = gaugeOf(metrics, 'rollbook_http_open');
  fastify.addHook('onRequest', (request, reply, done) => {
    const kind = heldBy(request) ?? 'request';
    open.inc({ kind });
    reply.raw.once('close', () => open.dec({ kind }));
    done();
  });
  fastify.addHook('onResponse', (request, reply, done) => {
    const labels = {
      method: METHODS.has(request.method) ? request.method : 'other',
      route: request.routeOptions.url ?? NO_ROUTE,
      status: reply.statusCode,
    };
    requests.inc(labels);
    if (heldBy(request) === undefined) seconds.observe(labels, reply.elapsedTime / MS_PER_S);
    done();
  });
}
