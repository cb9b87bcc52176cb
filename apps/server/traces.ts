import type { AppendedCommand } from '@app/event-store';
import type { PublishedCommit } from '@app/kafka-relay';
import { heldBy, noteSpan, PROBES } from '@app/nomad-api';
import type { Tracing } from '@app/platform';
import type { FastifyInstance } from 'fastify';
import { METHODS, NO_ROUTE } from './http-metrics.js';

const SERVER_ERROR = 500;

/** A span for each request, a part of the trace that it came with, if any. Its name is ours: a path from outside is an attribute. Call before routes are made. */
export function traceHttp(fastify: FastifyInstance, tracing: Tracing): void {
  fastify.addHook('onRequest', (request, reply, done) => {
    const path = (request.raw.url ?? '/').split('?', 1)[0]!;
    // Asked every few seconds by whatever watches the server: nobody looks for their traces.
    if (PROBES.has(path)) return done();
    const method = METHODS.has(request.method) ? request.method : '_OTHER';
    const route = request.routeOptions.url ?? NO_ROUTE;
    const span = tracing.begin(`${method} ${route}`, request.headers, {
      'http.request.method': method,
      'http.route': route,
      'url.path': path,
      'client.address': request.ip,
      'rollbook.request_id': request.id,
      'rollbook.held': heldBy(request) ?? 'no',
    });
    noteSpan(request, span.traceparent);
    reply.raw.once('close', () => {
      const { statusCode } = reply;
      const index = Number(reply.getHeader('x-nomad-index'));
      span.end(
        { 'http.response.status_code': statusCode, ...(index > 0 && { 'rollbook.index': index }) },
        statusCode >= SERVER_ERROR,
      );
    });
    done();
  });
}

/** A span, and a trace, for each write of a client agent by RPC: Nomad's RPC carries no trace of its own. */
export const traceNodes = (tracing: Tracing) => (command: string, nodeId: string) => {
  const { traceparent, end } = tracing.begin(`RPC ${command}`, {}, { 'rpc.system': 'nomad', 'rollbook.node': nodeId });
  return { traceparent, end: (isError: boolean) => end({}, isError) };
};

/** The way of a command: until its batch goes off, and the append. */
export const traceCommands =
  (tracing: Tracing) =>
  ({ name, traceparent, index, conflicts, batch, cameMs, sentMs, durableMs }: AppendedCommand): void => {
    const command = tracing.note({
      name: `command ${name}`,
      kind: 'internal',
      parent: traceparent,
      begunMs: cameMs,
      endedMs: durableMs,
      attributes: { 'rollbook.command': name, 'rollbook.index': index, 'rollbook.conflicts': conflicts },
    });
    if (command === undefined) return;
    tracing.note({
      name: 'append',
      kind: 'internal',
      parent: command,
      begunMs: sentMs,
      endedMs: durableMs,
      attributes: { 'db.system.name': 'postgresql', 'rollbook.index': index, 'rollbook.batch': batch },
    });
  };

/** The transaction by which a commit of the trace came to Kafka, on whatever instance that was. */
export const tracePublication =
  (tracing: Tracing, topic: string) =>
  ({ traceparent, index, events, begunMs, visibleMs }: PublishedCommit): void =>
    void tracing.note({
      name: `publish ${topic}`,
      kind: 'producer',
      parent: traceparent,
      begunMs,
      endedMs: visibleMs,
      attributes: {
        'messaging.system': 'kafka',
        'messaging.operation.name': 'publish',
        'messaging.destination.name': topic,
        'messaging.batch.message_count': events,
        'rollbook.index': index,
      },
    });
