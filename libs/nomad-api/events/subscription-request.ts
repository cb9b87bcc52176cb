import type { DurationNs, Index } from '@app/kernel';
import type { FastifyRequest } from 'fastify';
import { takesGzip } from '../edge/compression.js';
import { orThrow, queryOf } from '../edge/exchange.js';
import {
  boolParam,
  NomadError,
  param,
  parseAtoi,
  params,
  parseGoDuration,
  percentDecode,
  type Query,
} from '../http/index.js';

const HEARTBEAT_MS = 30_000;
const MIN_HEARTBEAT_MS = 100;
const MAX_HEARTBEAT_MS = 3_600_000;
const NS_PER_MS = 1e6;

/** What a client of the event stream asks for; spec/http-api §4.7 and what Rollbook adds. */
export interface SubscriptionRequest {
  /** Keys by topic. */
  readonly topics: ReadonlyMap<string, ReadonlySet<string>>;
  readonly namespace: string;
  /** The first index; 0: the oldest there is. Undefined: from now on. */
  readonly from: Index | undefined;
  /** The last index; undefined: for ever. */
  readonly to: Index | undefined;
  readonly asSse: boolean;
  readonly asStub: boolean;
  readonly withMeta: boolean;
  readonly gzip: boolean;
  readonly heartbeatMs: number;
  /** Heartbeats were asked for: they say how far the subscriber is. */
  readonly tellsHead: boolean;
}

/** Reads a request. @throws NomadError with Nomad's texts for index and topics, 400 with our own for the rest */
export function subscriptionRequest(request: FastifyRequest): SubscriptionRequest {
  const query = queryOf(request);
  const asSse = /\btext\/event-stream\b/i.test(request.headers.accept ?? '');
  const last = asSse ? request.headers['last-event-id'] : undefined;
  const from = typeof last === 'string' && last !== '' ? lastEventId(last) + 1 : fromOf(query);
  const topics = topicsOf(params(query, 'topic'));
  const { heartbeatMs, tellsHead } = heartbeatOf(param(query, 'heartbeat'));
  return {
    topics,
    namespace: param(query, 'namespace') || 'default',
    from,
    to: query.has('to') ? indexOf(param(query, 'to'), 'to') : undefined,
    asSse,
    asStub: payloadOf(param(query, 'payload')),
    withMeta: flagOf(query, 'meta'),
    gzip: gzipOf(request, query, asSse),
    heartbeatMs,
    tellsHead,
  };
}

function fromOf(query: Query): Index | undefined {
  const text = param(query, 'index') || '0';
  const index = Number(orThrow(parseAtoi(text), 'Unable to parse index: ', 400));
  if (index === -1) return undefined;
  if (index < 0) throw new NomadError(`Unable to parse index: ${text} is not an index; -1 is the present`, 400);
  return index;
}

function indexOf(text: string, name: string): Index {
  const index = /^[0-9]{1,15}$/.test(text) ? Number(text) : undefined;
  if (index === undefined)
    throw new NomadError(`Unable to parse ${name}: ${JSON.stringify(text)} is not an index`, 400);
  return index;
}
const lastEventId = (text: string): Index => indexOf(text, 'Last-Event-ID');

/** `Topic`, `Topic:*` or `Topic:key`; without any, everything. A key may be percent-encoded once more, for the sake of its colons. */
function topicsOf(values: readonly string[]): ReadonlyMap<string, ReadonlySet<string>> {
  const topics = new Map<string, Set<string>>();
  for (const value of values.length === 0 ? ['*'] : values) {
    const [topic = '', key = '*', ...more] = value.split(':');
    if (more.length > 0) {
      const error = `Invalid key value pair for topic, topic: ${value}`;
      throw new NomadError(`Invalid topic query: error parsing topics: ${error}`, 400);
    }
    const keys = topics.get(topic) ?? new Set();
    topics.set(topic, keys.add(key));
    const decoded = key.includes('%') ? percentDecode(key) : undefined;
    if (decoded !== undefined) keys.add(decoded);
  }
  return topics;
}

function heartbeatOf(text: string): { readonly heartbeatMs: number; readonly tellsHead: boolean } {
  if (text === '') return { heartbeatMs: HEARTBEAT_MS, tellsHead: false };
  const ns: DurationNs | undefined = parseGoDuration(text);
  const ms = ns === undefined ? 0 : ns / NS_PER_MS;
  if (ms < MIN_HEARTBEAT_MS || ms > MAX_HEARTBEAT_MS)
    throw new NomadError(`Invalid heartbeat ${JSON.stringify(text)}: a duration between 100ms and 1h`, 400);
  return { heartbeatMs: ms, tellsHead: true };
}

function flagOf(query: Query, name: string): boolean {
  const flag = boolParam(query, name);
  if (!flag.ok) throw new NomadError(flag.error.text, 400);
  return flag.value;
}

function payloadOf(text: string): boolean {
  if (text !== '' && text !== 'full' && text !== 'stub')
    throw new NomadError(`Invalid payload ${JSON.stringify(text)}: full or stub`, 400);
  return text === 'stub';
}

/**
 * Nomad never compresses this answer, and clients that offer gzip for whatever they ask may rely on it. So it has to be meant: nothing else is
 * offered, SSE is asked for, or `gzip=true` says so.
 */
function gzipOf(request: FastifyRequest, query: Query, asSse: boolean): boolean {
  const asked = flagOf(query, 'gzip');
  return takesGzip(request) && (asked || asSse || request.headers['accept-encoding']?.trim().toLowerCase() === 'gzip');
}
