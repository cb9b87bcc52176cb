import { isIP } from 'node:net';
import type { EventMeta, Index } from '@app/kernel';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { actorOf } from '../acl/caller.js';
import { accessOf } from '../acl/access.js';
import { spanOf } from './trace.js';
import { NomadError, parseQuery, textOfExtendedHeader, textOfHeader, type Query, type Result } from '../http/index.js';

const MAX_REASON = 1024;

/** The value, or the refusal thrown for the exception filter to send. */
export function orThrow<T>(
  result: Result<T, string | { readonly status: number; readonly text: string }>,
  prefix = '',
  status?: number,
): T {
  if (result.ok) return result.value;
  if (typeof result.error === 'string') throw new NomadError(prefix + result.error, status);
  throw NomadError.of(result.error);
}

export const queryOf = (request: FastifyRequest): Query => parseQuery(request.raw.url ?? '');

/** Routes match no empty ids: one travels as a character of private use. */
export const EMPTY_ID = '\ue000';

const ownOf = (param: string): string => (param === EMPTY_ID ? '' : param);

/** The id in the path, which may be empty. */
export const idOf = (request: FastifyRequest): string => ownOf((request.params as { readonly id: string }).id);

/** The name in the path, which may be empty. */
export const nameOf = (request: FastifyRequest): string => ownOf((request.params as { readonly name: string }).name);

/** The raw body; empty when there is none. */
export const bodyOf = (request: FastifyRequest): Buffer =>
  Buffer.isBuffer(request.body) ? request.body : Buffer.alloc(0);

/** A body that came in chunks has no length beforehand: its emptiness is told differently. */
export const isChunked = (request: FastifyRequest): boolean => request.headers['transfer-encoding'] !== undefined;

/** Who asks, from where and why, as the events of the request will keep it. Of a token nothing is kept. */
export function metaOf(request: FastifyRequest): EventMeta {
  const reason = reasonOf(request)?.slice(0, MAX_REASON).toWellFormed();
  const idempotencyKey = header(request, 'idempotency-key');
  const traceparent = spanOf(request);
  return {
    actor:
      actorOf(accessOf(request).caller) ??
      // Without ACLs nobody checks a token: it says nothing, and not even a digest of it is kept.
      (tokenOf(request) === undefined ? 'anonymous' : 'token (not checked)'),
    remoteAddress: isIP(request.ip) === 0 ? (request.socket.remoteAddress ?? '') : request.ip,
    requestId: request.id,
    ...(reason === undefined ? {} : { reason }),
    ...(idempotencyKey === undefined ? {} : { idempotencyKey }),
    ...(traceparent === undefined ? {} : { traceparent }),
  };
}

/** `X-Rollbook-If-Index`: as of which index whoever asks has seen the object that is acted upon; undefined: not said. */
export function seenIndexOf(request: FastifyRequest): Index | undefined {
  const text = header(request, 'x-rollbook-if-index')?.trim();
  if (text === undefined) return undefined;
  const index = Number(text);
  if (!/^\d{1,16}$/.test(text) || !Number.isSafeInteger(index))
    throw new NomadError('X-Rollbook-If-Index must be an index: digits, nothing else', 400);
  return index;
}

/** Whether `X-Rollbook-Override: freeze` asks for a change in spite of a freeze; it needs a reason. */
export function overridesFreeze(request: FastifyRequest): boolean {
  const what = header(request, 'x-rollbook-override');
  if (what === undefined) return false;
  if (what !== 'freeze') throw new NomadError('X-Rollbook-Override: there is nothing to override but freeze', 400);
  if (!reasonOf(request)?.trim()) throw new NomadError('X-Rollbook-Override: say why, by X-Rollbook-Reason', 400);
  return true;
}

/** `X-Nomad-Token`, else `Authorization: Bearer …`; spec/http-api §1.8. */
export function tokenOf(request: FastifyRequest): string | undefined {
  const own = header(request, 'x-nomad-token')?.trim();
  if (own) return own;
  return /^bearer\s+(\S+)/i.exec(header(request, 'authorization') ?? '')?.[1];
}

/** `X-Rollbook-Reason` in UTF-8, or `X-Rollbook-Reason*` (RFC 8187), which pages can send in any language. */
function reasonOf(request: FastifyRequest): string | undefined {
  const extended = header(request, 'x-rollbook-reason*');
  if (extended === undefined) {
    const plain = header(request, 'x-rollbook-reason');
    return plain === undefined ? undefined : textOfHeader(plain);
  }
  const reason = textOfExtendedHeader(extended);
  if (reason === undefined || reason.includes('\0'))
    throw new NomadError("X-Rollbook-Reason* must be UTF-8''text, percent-encoded as RFC 8187 has it", 400);
  return reason;
}

/** What a node shows to register: `X-Rollbook-Join-Token`. */
export const joinTokenOf = (request: FastifyRequest): string | undefined => header(request, 'x-rollbook-join-token');

type HeaderName =
  | 'x-rollbook-join-token'
  | 'authorization'
  | 'idempotency-key'
  | 'x-nomad-token'
  | 'x-rollbook-if-index'
  | 'x-rollbook-override'
  | 'x-rollbook-reason'
  | 'x-rollbook-reason*';

function header(request: FastifyRequest, name: HeaderName): string | undefined {
  const value = request.headers[name];
  return (Array.isArray(value) ? value[0] : value) || undefined;
}

/** Aborted when the client goes away before it was answered. */
export function abortSignal(reply: FastifyReply): AbortSignal {
  const control = new AbortController();
  reply.raw.once('close', () => control.abort());
  return control.signal;
}
