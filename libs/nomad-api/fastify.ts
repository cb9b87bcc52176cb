import type { FastifyInstance, FastifyServerOptions, HTTPMethods } from 'fastify';
import { canonicalPath } from './http/index.js';

const METHODS = ['GET', 'HEAD', 'POST', 'PUT', 'DELETE', 'PATCH', 'OPTIONS'] as const satisfies readonly HTTPMethods[];
/** Largest request body. */
const BODY_LIMIT = 16 * 1024 * 1024;
const MAX_PARAM_LENGTH = 4096;

/** How Fastify must be set up to route as Nomad does; spec/http-api §1.1, §8. Blocking reads last minutes: no request timeout. */
export const fastifyOptions = {
  rewriteUrl(request) {
    const canonical = canonicalPath(request.url ?? '/');
    return 'url' in canonical ? canonical.url : (request.url ?? '/');
  },
  routerOptions: { maxParamLength: MAX_PARAM_LENGTH, ignoreTrailingSlash: false, caseSensitive: true },
  exposeHeadRoutes: false,
  bodyLimit: BODY_LIMIT,
  requestTimeout: 0,
  keepAliveTimeout: 75_000,
  forceCloseConnections: 'idle',
} as const satisfies FastifyServerOptions;

/** Bodies reach handlers as raw bytes, whatever they claim to be; some paths are redirected. Call before routes are made. */
export function prepareFastify(fastify: FastifyInstance): { readonly refuseOtherMethods: () => void } {
  fastify.removeAllContentTypeParsers();
  fastify.addContentTypeParser('*', { parseAs: 'buffer' }, (_request, body, done) => done(null, body));
  fastify.addHook('onRequest', (request, reply, done) => {
    reply.header('Vary', 'Accept-Encoding');
    const canonical = canonicalPath(request.originalUrl);
    if ('redirect' in canonical) reply.redirect(canonical.redirect, 307);
    else done();
  });
  const known = new Map<string, Set<string>>();
  fastify.addHook('onRoute', ({ url, method }) => {
    const methods = known.get(url) ?? new Set();
    for (const one of [method].flat()) methods.add(one);
    known.set(url, methods);
  });
  return {
    /** Every other method of a known path is answered with Nomad's 405. Call after all routes are made. */
    refuseOtherMethods() {
      for (const [url, methods] of [...known]) {
        const others = METHODS.filter((method) => !methods.has(method));
        if (url === '*' || others.length === 0) continue;
        fastify.route({
          url,
          method: [...others],
          handler: (_request, reply) => reply.code(405).type('text/plain; charset=utf-8').send('Invalid method'),
        });
      }
    },
  };
}
