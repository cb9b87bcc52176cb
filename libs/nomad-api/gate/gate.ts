import { randomUUID } from 'node:crypto';
import type { Server, Socket } from 'node:net';
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import type { ClientLimits, Held } from './client-limits.js';
import { crossSiteRefusal, type SiteRules } from './cross-site.js';

const TEXT = 'text/plain; charset=utf-8';
const RETRY_SECONDS = 1;
const REQUEST_ID = /^[\x21-\x7e]{1,128}$/;

/** Probes are answered whatever else is going on. */
export const PROBES = new Set(['/healthz', '/readyz', '/metrics']);
const STREAMS =
  /^\/v1\/(?:event\/stream|agent\/monitor|client\/fs\/(?:logs|stream|cat|readat)|client\/allocation\/[^/]+\/exec)/;
const WAITS = /[?&]index=0*[1-9]/;

/** What every request passes before anything else looks at it. */
export interface Gate {
  readonly sites: SiteRules;
  readonly limits: ClientLimits;
  /** A request was answered; for the log. */
  readonly onAnswer?: (request: FastifyRequest, reply: FastifyReply) => void;
}

/** The id that a request came with, if it fits into a header and a line, else a new one. */
export function requestIdOf(headers: Readonly<Record<string, string | string[] | undefined>>): string {
  const given = headers['x-request-id'];
  return typeof given === 'string' && REQUEST_ID.test(given) ? given : randomUUID();
}

/** Call before routes are made. */
export function attachGate(fastify: FastifyInstance, { sites, limits, onAnswer }: Gate): void {
  fastify.addHook('onRequest', (request, reply, done) => {
    reply.header('X-Request-Id', request.id);
    const path = request.raw.url ?? '/';
    if (PROBES.has(path)) return done();
    if (!limits.admits(request.ip)) return refuse(reply, 'too many requests of this client; try again');
    const refusal = crossSiteRefusal({ method: request.method, headers: request.headers }, sites);
    if (refusal !== undefined) return void reply.code(403).type(TEXT).send(refusal);
    const kind = heldBy(request);
    if (kind === undefined) return done();
    const giveBack = limits.take(kind, request.ip);
    if (giveBack === undefined) return refuse(reply, `too many ${NOUNS[kind]} of this client; try again`);
    reply.raw.once('close', giveBack);
    done();
  });
  if (onAnswer !== undefined) {
    fastify.addHook('onResponse', (request, reply, done) => {
      onAnswer(request, reply);
      done();
    });
  }
}

const NOUNS: Readonly<Record<Held, string>> = {
  connections: 'connections',
  waiting: 'waiting queries',
  streams: 'streams',
};

/**
 * What a request holds on to for long, if it does. Nodes wait for their work by their own protocol: they are counted by their secrets, not here.
 */
export function heldBy(request: FastifyRequest): Held | undefined {
  const path = request.raw.url ?? '/';
  if (request.headers.upgrade !== undefined || STREAMS.test(path)) return 'streams';
  return request.method === 'GET' && WAITS.test(path) && !path.startsWith('/agent/') ? 'waiting' : undefined;
}

const refuse = (reply: FastifyReply, text: string): void =>
  void reply.code(429).header('Retry-After', RETRY_SECONDS).type(TEXT).send(text);

/** As Nomad answers who has too many connections (its limits.http_max_conns_per_client). */
const TOO_MANY = `HTTP/1.1 429 Too Many Requests\r\nContent-Type: text/plain\r\nRetry-After: ${RETRY_SECONDS}\r\nConnection: close\r\n\r\nYour IP is issuing too many concurrent connections, please rate limit your calls\n`;

/** Counts the connections of each address but those of trusted proxies. `event`: when a connection can be written to. */
export function limitConnections(
  server: Server,
  limits: ClientLimits,
  {
    isProxy,
    event,
  }: { readonly isProxy: (address: string) => boolean; readonly event: 'connection' | 'secureConnection' },
): void {
  server.prependListener(event, (socket: Socket) => {
    const address = socket.remoteAddress ?? '';
    if (isProxy(address)) return;
    const giveBack = limits.take('connections', address);
    if (giveBack !== undefined) return void socket.once('close', giveBack);
    socket.end(TOO_MANY, () => socket.destroy());
  });
}
