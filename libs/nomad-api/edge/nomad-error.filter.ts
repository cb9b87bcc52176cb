import { Catch, HttpException, type ArgumentsHost, type ExceptionFilter } from '@nestjs/common';
import { isDiskFull, isStoreOutage, sqlStateOf, StoreUnavailable } from '@app/event-store';
import { KeyringUnavailable } from '@app/keyring';
import { LogNotFollowed } from '@app/streaming';
import type { FastifyReply } from 'fastify';
import { NomadError } from '../http/index.js';
import { Busy } from './busy.js';
import { SeenIsPast } from './since.js';
import { spanOf } from './trace.js';

/** Told of every answer that nobody foresaw: the id of its request, and its span, where requests are traced. */
export type OnFault = (error: unknown, id: string, traceparent?: string) => void;

const TEXT = 'text/plain; charset=utf-8';
const STORE_RETRY_SECONDS = 1;

/** Turns whatever a handler throws into a bare-text answer; spec/http-api §1.2. What nobody foresaw is a 500 with an id to search the log for. */
@Catch()
export class NomadErrorFilter implements ExceptionFilter {
  constructor(private readonly onFault: OnFault) {}

  catch(error: unknown, host: ArgumentsHost): void {
    sendError(host.switchToHttp().getResponse<FastifyReply>(), error, this.onFault);
  }
}

/** Answers with what was thrown, unless the answer has gone out already. */
export function sendError(reply: FastifyReply, error: unknown, onFault: OnFault): void {
  if (reply.sent || reply.raw.destroyed) return;
  if (error instanceof NomadError) return void reply.code(error.status).type(TEXT).send(error.text);
  if (error instanceof Busy) {
    return void reply.code(429).header('Retry-After', error.retryAfterSeconds).type(TEXT).send(error.message);
  }
  if (error instanceof SeenIsPast)
    return void reply
      .code(412)
      .header('Content-Type', 'application/json')
      .send(Buffer.from(JSON.stringify(error.body)));
  if (error instanceof StoreUnavailable || isStoreOutage(error)) {
    const unavailable = error instanceof StoreUnavailable ? error.message : 'the event store does not answer';
    const text = isDiskFull(error) ? 'the disk of the event store is full; nothing was written' : unavailable;
    return void reply.code(503).header('Retry-After', STORE_RETRY_SECONDS).type(TEXT).send(`${text}; try again`);
  }
  if (error instanceof KeyringUnavailable) return void reply.code(500).type(TEXT).send(error.message);
  if (error instanceof LogNotFollowed) {
    return void reply.code(503).header('Retry-After', STORE_RETRY_SECONDS).type(TEXT).send(error.message);
  }
  const complaint = complaintOf(error);
  if (complaint !== undefined) return void reply.code(400).type(TEXT).send(complaint);
  // Nest's own: an unknown path, an answer as empty as Nomad's.
  if (error instanceof HttpException && error.getStatus() === 404)
    return void reply.code(404).removeHeader('content-type').send();
  if (error instanceof HttpException) return void reply.code(error.getStatus()).type(TEXT).send(error.message);
  const status = (error as { statusCode?: unknown } | null)?.statusCode;
  if (typeof status === 'number' && status >= 400 && status < 500) {
    return void reply
      .code(status)
      .type(TEXT)
      .send((error as Error).message);
  }
  const { id } = reply.request;
  onFault(error, id, spanOf(reply.request));
  reply.code(500).type(TEXT).send(`internal error ${id}`);
}

/** SQLSTATE character_not_in_repertoire: no name that is stored holds a zero byte, and none that is asked for may. */
const CHARACTER_NOT_IN_REPERTOIRE = '22021';
/** SQLSTATE program_limit_exceeded: a name is longer than an index takes. */
const PROGRAM_LIMIT_EXCEEDED = '54000';

/** What of the request the database cannot hold. Class 22: data exceptions. */
function complaintOf(error: unknown): string | undefined {
  const state = sqlStateOf(error);
  if (state === CHARACTER_NOT_IN_REPERTOIRE) return 'text must not hold a zero byte';
  if (state === PROGRAM_LIMIT_EXCEEDED) return 'a name or key in the request is too long to be stored';
  return /^22...$/.test(state) ? `the request holds what cannot be stored: ${(error as Error).message}` : undefined;
}
