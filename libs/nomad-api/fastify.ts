import type { FastifyInstance, FastifyServerOptions, HTTPMethods, RouteHandlerMethod, RouteOptions } from 'fastify';
import { assignRows, rowOf, type AccessControl } from './acl/access-control.js';
import { open } from './acl/check.js';
import { EMPTY_ID } from './edge/exchange.js';
import { refuseAsOfElsewhere } from './edge/past-routes.js';
import { BodiesInFlight, readBodies } from './gate/bodies.js';
import { attachGate, requestIdOf, type Gate } from './gate/gate.js';
import { canonicalPath } from './http/index.js';
import { BODY_LIMIT, REQUEST_TIMEOUT_MS } from './limits.js';
import { NOT_SERVED } from './surface/surface.js';

const METHODS = ['GET', 'HEAD', 'POST', 'PUT', 'DELETE', 'PATCH', 'OPTIONS'] as const satisfies readonly HTTPMethods[];
const MAX_PARAM_LENGTH = 4096;
/** Within this a client must take the answer that ends its connection. */
const CLOSE_GRACE_MS = 1_000;

/** Paths that Nomad answers whatever the method is. */
const ANY_METHOD = new Set(['/v1/job/:id/summary', '/v1/job/:id/versions']);
/** POST is refused there, where it is what PUT is elsewhere. */
const PUT_ONLY = new Set(['/v1/operator/autopilot/configuration', '/v1/operator/license']);
/** How other methods are refused, where that is not 405 with its text. */
const REFUSALS = new Map<string, { readonly status: number; readonly text?: string }>([
  ['/v1/operator/raft/configuration', { status: 405 }],
  ['/v1/operator/raft/peer', { status: 404, text: 'Invalid method' }],
  ['/v1/operator/raft/transfer-leadership', { status: 404, text: 'Invalid method' }],
  ['/v1/operator/autopilot/configuration', { status: 404, text: 'Invalid method' }],
  ['/v1/operator/autopilot/health', { status: 404, text: 'Invalid method' }],
]);
const INVALID_METHOD = { status: 405, text: 'Invalid method' };
const WITHOUT_ID =
  /^(\/v1\/(?:deployment|allocation|evaluation|job|node|namespace|service|var|operator\/keyring|scaling\/policy|acl\/policy|acl\/token|acl\/role|acl\/auth-method|acl\/binding-rule|client\/fs)\/(?:[a-z-]+\/)*)(?=\?|$)/;
const WITH_EMPTY_ID = `$1${encodeURIComponent(EMPTY_ID)}`;
/** Where the rewriting of a path found that its client must go elsewhere. */
const REDIRECTS = new WeakMap<object, string>();

const encodeByte = (char: string): string => `%${(char.charCodeAt(0) & 0xff).toString(16).padStart(2, '0')}`;

/** How Fastify must be set up to route as Nomad does; spec/http-api §1.1, §8. The request timeout is for its arrival: a blocking read may last minutes. */
export const fastifyOptions = {
  rewriteUrl(request) {
    // Bytes beyond ASCII come as Latin-1; encoded, they are the UTF-8 that was sent.
    const url = (request.url ?? '/').replace(/[^\x21-\x7e]/g, encodeByte);
    const canonical = canonicalPath(url);
    if ('url' in canonical) return canonical.url.replace(WITHOUT_ID, WITH_EMPTY_ID);
    REDIRECTS.set(request, canonical.redirect);
    return url;
  },
  routerOptions: { maxParamLength: MAX_PARAM_LENGTH, ignoreTrailingSlash: false, caseSensitive: true },
  exposeHeadRoutes: false,
  bodyLimit: BODY_LIMIT,
  requestTimeout: REQUEST_TIMEOUT_MS,
  connectionTimeout: 0,
  keepAliveTimeout: 75_000,
  forceCloseConnections: 'idle',
  requestIdHeader: false,
  genReqId: (request) => requestIdOf(request.headers),
  // What is no HTTP is answered as Go does. Nobody waits for the client to close its half: it may never do.
  clientErrorHandler(error, socket) {
    const status = error.code === 'ERR_HTTP_REQUEST_TIMEOUT' ? '408 Request Timeout' : '400 Bad Request';
    if (!socket.writable) return void socket.destroy();
    socket.end(
      `HTTP/1.1 ${status}\r\nContent-Type: text/plain; charset=utf-8\r\nX-Request-Id: ${requestIdOf({})}\r\nConnection: close\r\n\r\n${status}`,
      () => socket.destroy(),
    );
    // One that reads nothing either does not keep its bytes here.
    setTimeout(() => socket.destroy(), CLOSE_GRACE_MS).unref();
  },
} as const satisfies FastifyServerOptions;

/** A route as it was registered. */
type Route = RouteOptions & { readonly method: HTTPMethods | HTTPMethods[] };

/**
 * Bodies reach handlers as raw bytes, whatever they claim to be; some paths are redirected. Call before routes are made, and `complete` after:
 * then POST is what PUT is, and every other method of a known path is answered with Nomad's 405.
 *
 * @param accessControl with ACLs; without it everybody is allowed everything
 * @param gate what is refused before anything is looked at; without it nothing is
 * @param bodies counts the bodies of this process
 * @throws Error at `complete`, if a route has no row in the table of who may
 */
export function prepareFastify(
  fastify: FastifyInstance,
  {
    accessControl,
    gate,
    bodies = new BodiesInFlight(),
  }: {
    readonly accessControl?: AccessControl | undefined;
    readonly gate?: Gate;
    readonly bodies?: BodiesInFlight;
  } = {},
): { readonly complete: () => void } {
  if (gate !== undefined) attachGate(fastify, gate);
  readBodies(fastify, bodies, BODY_LIMIT);
  fastify.addHook('onRequest', (request, reply, done) => {
    reply.header('Vary', 'Accept-Encoding');
    const redirect = REDIRECTS.get(request.raw);
    if (redirect === undefined) done();
    else reply.redirect(redirect, 307);
  });
  const rows = assignRows(fastify);
  accessControl?.attach(fastify);
  refuseAsOfElsewhere(fastify);
  const known = new Map<string, Map<string, Route>>();
  fastify.addHook('onRoute', (route) => {
    const methods = known.get(route.url) ?? new Map<string, Route>();
    for (const method of [route.method].flat()) methods.set(method, route);
    known.set(route.url, methods);
  });
  const complete = (): void => {
    for (const [row, why] of NOT_SERVED) {
      const [method = '', url = ''] = row.split(' ');
      const methods = (method === '*' ? METHODS : [method as (typeof METHODS)[number]]).filter(
        (one) => !known.get(url)?.has(one),
      );
      const handler: RouteHandlerMethod = (_request, reply) => {
        void reply.code(501).type('text/plain; charset=utf-8').send(why);
      };
      const access = rowOf(method, url) ?? open;
      if (methods.length > 0) fastify.route({ url, method: methods, config: { access }, handler });
    }
    for (const [url, methods] of [...known]) {
      const put = methods.get('PUT');
      if (put !== undefined && !methods.has('POST') && !PUT_ONLY.has(url)) fastify.route({ ...put, method: 'POST' });
      const get = methods.get('GET');
      if (get === undefined || !ANY_METHOD.has(url)) continue;
      for (const method of METHODS) if (!methods.has(method)) fastify.route({ ...get, method });
    }
    for (const [url, methods] of [...known]) {
      const others = METHODS.filter((method) => !methods.has(method));
      if (url === '*' || others.length === 0) continue;
      const { status, text } = REFUSALS.get(url) ?? INVALID_METHOD;
      fastify.route({
        url,
        method: [...others],
        config: { access: open },
        handler: (_request, reply) => {
          void reply.code(status);
          if (text !== undefined) void reply.type('text/plain; charset=utf-8');
          return reply.send(text);
        },
      });
    }
    rows.verify();
  };
  return { complete };
}
