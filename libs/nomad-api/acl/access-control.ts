import type { TimeUs } from '@app/kernel';
import type { LogTail, Topic } from '@app/streaming';
import type { FastifyInstance, FastifyReply, FastifyRequest, RouteOptions } from 'fastify';
import { tokenOf } from '../edge/exchange.js';
import { sendError, type OnFault } from '../edge/nomad-error.filter.js';
import { param, parseQuery } from '../http/index.js';
import { Access, type AccessServer } from './access.js';
import type { Callers } from './caller.js';
import { open, satisfies, type Row } from './check.js';
import { ROUTES } from './routes.js';

declare module 'fastify' {
  interface FastifyContextConfig {
    /** Who may; found by the table of routes when the route is made, unless it is said with the route. */
    readonly access?: Row;
  }
}

/** The row of a route, if there is one. POST is what PUT is, unless it has a row of its own. */
export const rowOf = (method: string, url: string): Row | undefined =>
  ROUTES.get(`${method} ${url}`) ??
  (method === 'POST' ? ROUTES.get(`PUT ${url}`) : undefined) ??
  ROUTES.get(`* ${url}`);

/** Gives every route its row. Call before routes are made, and `verify` after: it throws if one has none. */
export function assignRows(fastify: FastifyInstance): { readonly verify: () => void } {
  const missing = new Set<string>();
  fastify.addHook('onRoute', (route: RouteOptions) => {
    if (route.url === '*' || route.config?.access !== undefined) return;
    const rows = [route.method].flat().map((method) => ({ method, row: rowOf(method, route.url) }));
    for (const { method, row } of rows) if (row === undefined) missing.add(`${method} ${route.url}`);
    const row = rows[0]?.row;
    if (row !== undefined) route.config = { ...route.config, access: row };
  });
  return {
    verify() {
      if (missing.size > 0)
        throw new Error(`routes without a row in libs/nomad-api/acl/routes.ts: ${[...missing].join(', ')}`);
    },
  };
}

const TEXT = 'text/plain; charset=utf-8';
const refuse = (reply: FastifyReply): void => void reply.code(403).type(TEXT).send('Permission denied');

/** Nomad's ACLs, on for every route of a server. */
export class AccessControl implements AccessServer {
  constructor(
    private readonly callers: Callers,
    private readonly tail: Pick<LogTail, 'readIndex' | 'watch'>,
    private readonly onFault: OnFault,
  ) {}

  /** Call before routes are made. */
  attach(fastify: FastifyInstance): void {
    fastify.decorateRequest('access', null);
    fastify.addHook('onRequest', (request, reply, done) => {
      this.admit(request as Guarded).then(
        (isAdmitted) => (isAdmitted ? done() : refuse(reply)),
        (error: unknown) => sendError(reply, error, this.onFault),
      );
    });
    fastify.addHook('onSend', (request, reply, payload, done) => {
      const { access } = request as Guarded;
      if (reply.statusCode >= 400 || access === null || access.isSettled) return done(null, payload);
      const fault = new Error(`${request.method} ${request.routeOptions.url} answers without having checked who may`);
      this.onFault(fault, request.id);
      reply.code(500).type(TEXT).removeHeader('Content-Length');
      done(null, `internal error ${request.id}`);
    });
  }

  private async admit(request: Guarded): Promise<boolean> {
    const row = request.routeOptions.config?.access ?? open;
    // Which node's secret it must be, the handler knows.
    if (row.check.kind === 'open' || row.check.kind === 'node secret') return true;
    if (!isStale(request)) await this.tail.readIndex();
    const found = this.callers.resolve(tokenOf(request));
    // Mostly it is remembered who that is: then nothing is waited for.
    const access = new Access(row, isPromise(found) ? await found : found, true, this, request);
    request.access = access;
    if (row.order !== 'first') return true;
    if (access.caller.identity.kind === 'stranger') return false;
    const { permissions, identity } = access.known();
    const { name, id } = (request.params ?? {}) as { readonly name?: string; readonly id?: string };
    return satisfies(permissions, row.check, { by: identity, ...(name && { name }), ...(id && { id }) });
  }

  async again(request: FastifyRequest, row: Row): Promise<Access> {
    return new Access(row, await this.callers.resolve(tokenOf(request)), true, this, request);
  }

  now(): TimeUs {
    return this.callers.now();
  }

  watch(topics: readonly Topic[], wake: () => void): () => void {
    return this.tail.watch(topics, wake);
  }
}

const isPromise = <T>(value: T | Promise<T>): value is Promise<T> => value instanceof Promise;

type Guarded = FastifyRequest & { access: Access | null };

/** A stale read may be answered by a stale token. */
const isStale = (request: FastifyRequest): boolean =>
  request.method === 'GET' && request.raw.url!.includes('stale') && staleOf(request.raw.url!);

const staleOf = (url: string): boolean => {
  const query = parseQuery(url);
  return query.has('stale') && !/^(0|f|false)$/i.test(param(query, 'stale'));
};
