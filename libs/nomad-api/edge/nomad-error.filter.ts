import { Catch, HttpException, type ArgumentsHost, type ExceptionFilter } from '@nestjs/common';
import { isStoreOutage, StoreUnavailable } from '@app/event-store';
import { KeyringUnavailable } from '@app/keyring';
import { LogNotFollowed } from '@app/streaming';
import type { FastifyReply } from 'fastify';
import { NomadError } from '../http/index.js';
import { Busy } from './writes.js';

/** Told of every answer that nobody foresaw. */
export type OnFault = (error: unknown, id: string) => void;

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
  if (error instanceof StoreUnavailable || isStoreOutage(error)) {
    const text = error instanceof StoreUnavailable ? error.message : 'the event store does not answer';
    return void reply.code(503).header('Retry-After', STORE_RETRY_SECONDS).type(TEXT).send(`${text}; try again`);
  }
  if (error instanceof KeyringUnavailable) return void reply.code(500).type(TEXT).send(error.message);
  if (error instanceof LogNotFollowed) {
    return void reply.code(503).header('Retry-After', STORE_RETRY_SECONDS).type(TEXT).send(error.message);
  }
  if (holdsZeroByte(error)) return void reply.code(400).type(TEXT).send('text must not hold a zero byte');
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
  onFault(error, id);
  reply.code(500).type(TEXT).send(`internal error ${id}`);
}

/** SQLSTATE character_not_in_repertoire: no name that is stored holds a zero byte, and none that is asked for may. */
const CHARACTER_NOT_IN_REPERTOIRE = '22021';

function holdsZeroByte(error: unknown): boolean {
  const { code, driverError } = (error ?? {}) as {
    readonly code?: unknown;
    readonly driverError?: { readonly code?: unknown };
  };
  return (driverError?.code ?? code) === CHARACTER_NOT_IN_REPERTOIRE;
}
