import {
  AnswerCache,
  blockingQuery,
  LogTail,
  MAX_WAIT_MS,
  type AgedAnswer,
  type Answer,
  type Body,
  type Query as DataQuery,
  type Replica,
  type SideReader,
} from '@app/streaming';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { accessOf, type Access } from '../acl/access.js';
import { NomadError, pretty, readOptions, tokenForHeader, type ReadOptions } from '../http/index.js';
import { Busy } from './busy.js';
import { MIN_COMPRESSED_BYTES, sendCompressed, takesGzip } from './compression.js';
import { abortSignal, idOf, orThrow, queryOf } from './exchange.js';
import { PastReads } from './past-reads.js';
import { prettyJson } from './pretty-json.js';
import { sendBytes, sendShortText } from './send-bytes.js';
import { ServerIdentity } from './server-identity.js';

/** Queries that one instance lets wait for a change, of all clients together. */
const MAX_WAITING = 50_000;
const RETRY_SECONDS = 1;
/** An instance that has not heard of the database for so long does not know whether anybody can write. */
const LEADER_UNKNOWN_MS = 10_000;

/** Answers reads: default reads are linearizable, `?stale` answers at once, `index` waits for a change. */
export class Reads {
  constructor(
    readonly tail: LogTail,
    readonly cache: AnswerCache,
    private readonly server: ServerIdentity,
    private readonly past: PastReads,
    private readonly maxWaiting = MAX_WAITING,
    /** Where stale reads go first. */
    private readonly replica?: Pick<Replica, 'read'>,
  ) {}

  private waiting = 0;

  /** The options of a read; a bad one is refused. */
  options(request: FastifyRequest): ReadOptions {
    if (!request.raw.url?.includes('?')) return NO_PARAMETERS;
    const options = orThrow(readOptions(queryOf(request)));
    if (options.region !== '' && options.region !== this.server.region) throw new NomadError('No path to region');
    if (options.asOf !== '') refuseWaiting(request);
    return options;
  }

  /**
   * Sends the answer to a query, with Nomad's index headers, if the request may have it.
   *
   * @param query or what makes it for an access, where the answer depends on who asks
   */
  async send(request: FastifyRequest, reply: FastifyReply, options: ReadOptions, query: Asked): Promise<void> {
    const access = accessOf(request);
    access.beforeQuery(options.namespace);
    // Who asks was found out as of the head already.
    if (!options.stale && !access.isEnforced) await this.tail.readIndex();
    if (options.asOf !== '') return this.sendPast(request, reply, options.asOf, query);
    const { answer, ageMs } = options.stale
      ? await this.staleAnswer(request, reply, options, query)
      : { answer: await this.answer(request, reply, options, query), ageMs: 0 };
    reply.headers({
      'X-Nomad-Index': answer.index,
      'X-Nomad-KnownLeader': String(!options.stale || this.tail.lastContactMs < LEADER_UNKNOWN_MS),
      'X-Nomad-LastContact': ageMs,
    });
    if (answer.nextToken !== undefined) reply.header('X-Nomad-NextToken', tokenForHeader(answer.nextToken));
    sendBody(request, reply, answer.status, answer.body);
  }

  /** The answer as it was, if the request may have it now. It never changes: whoever has it need not be sent it again. */
  private async sendPast(request: FastifyRequest, reply: FastifyReply, asked: string, query: Asked): Promise<void> {
    const access = accessOf(request);
    const { index, isFinal } = await this.past.asked(asked);
    const found = await this.past.answer(index, () => (typeof query === 'function' ? query(access) : query));
    const answer = seen(access, request, found);
    reply.headers({
      'X-Nomad-Index': answer.index,
      'X-Nomad-KnownLeader': 'true',
      'X-Nomad-LastContact': 0,
      'X-Rollbook-As-Of': index,
    });
    if (answer.nextToken !== undefined) reply.header('X-Nomad-NextToken', tokenForHeader(answer.nextToken));
    if (answer.status === 200) {
      reply.headers({
        ETag: found.tag,
        // What a token may see can change: then it is asked each time.
        'Cache-Control': isFinal && !access.isEnforced ? `private, max-age=${DAY_S}, immutable` : 'private, no-cache',
        Vary: 'Accept-Encoding, X-Nomad-Token, Authorization',
      });
      if (isHeld(request, found.tag)) return void reply.code(304).send();
    }
    sendBody(request, reply, answer.status, answer.body);
  }

  /** From the replica, if there is one that serves; else from what this instance knows. */
  private async staleAnswer(
    request: FastifyRequest,
    reply: FastifyReply,
    options: ReadOptions,
    given: Asked,
  ): Promise<AgedAnswer<Answer>> {
    const begun = performance.now();
    const found = await this.replica?.read((reader) => this.answer(request, reply, options, given, reader));
    if (found !== undefined) return found;
    // Who waited for the replica until it went away has waited that long.
    const waitMs = Math.max(1, (options.waitMs || MAX_WAIT_MS) - (performance.now() - begun));
    const answer = await this.answer(request, reply, { ...options, waitMs }, given);
    return { answer, ageMs: this.tail.lastContactMs };
  }

  private async answer(
    request: FastifyRequest,
    reply: FastifyReply,
    options: ReadOptions,
    given: Asked,
    { tail, cache }: SideReader = this,
  ): Promise<Answer> {
    let access = accessOf(request);
    let query = typeof given === 'function' ? await given(access) : given;
    if (options.index === 0) return seen(access, request, await cache.read(query));
    if (this.waiting >= this.maxWaiting)
      throw new Busy('too many queries are waiting for a change; try again', RETRY_SECONDS);
    const renew = async (): Promise<DataQuery> => {
      access = await access.renewed();
      access.beforeQuery(options.namespace);
      if (typeof given === 'function') query = await given(access);
      return query;
    };
    this.waiting++;
    const answer = await blockingQuery(tail, cache, query, {
      minIndex: options.index,
      waitMs: Math.min(options.waitMs, access.leftMs()),
      signal: abortSignal(reply),
      random: Math.random,
      ...(access.isEnforced && { right: { topics: access.topics, renew } }),
    }).finally(() => this.waiting--);
    return seen(access, request, answer);
  }
}

/** Characters that are fewer bytes than what is worth to be compressed, whatever they are. */
const MAX_SHORT_TEXT = MIN_COMPRESSED_BYTES / 4;

/** A query, or what makes it for an access. */
type Asked = DataQuery | ((access: Access) => DataQuery | Promise<DataQuery>);

/** A release may show the same state otherwise, so that answers are not kept for ever. */
const DAY_S = 86_400;

/** The past does not move: nobody can wait for it. @throws NomadError (400) */
function refuseWaiting(request: FastifyRequest): void {
  const query = queryOf(request);
  if (query.has('index') || query.has('wait'))
    throw new NomadError('as_of reads the past, which does not change: it cannot be combined with index or wait', 400);
}

/** Whether the client has this answer already. */
const isHeld = (request: FastifyRequest, tag: string): boolean =>
  (request.headers['if-none-match'] ?? '').split(',').some((one) => one.trim() === tag);

/** The answer, or the refusal if it is about a namespace that the request may not see. */
function seen(access: Access, request: FastifyRequest, answer: Answer): Answer {
  if (answer.namespace === undefined || answer.status !== 200) return answer;
  const refusal = access.refusalOf(answer.namespace, idOf(request));
  if (refusal !== undefined) throw refusal;
  return answer;
}

const NO_PARAMETERS: ReadOptions = Object.freeze(orThrow(readOptions(new Map())));

/** A JSON body, or the bare text of an error; compressed if the client takes that. */
function sendBody(request: FastifyRequest, reply: FastifyReply, status: number, body: Body): void {
  if (status !== 200) {
    sendBytes(reply.code(status).type('text/plain; charset=utf-8'), body);
    return;
  }
  // Bytes, not text: to a text a charset would be added, and Nomad names none.
  reply.header('Content-Type', 'application/json');
  const indented = request.raw.url!.includes('pretty') && pretty(queryOf(request));
  const bytes = indented ? Buffer.from(prettyJson(body.toString())) : body;
  if (bytes.length < MIN_COMPRESSED_BYTES || !takesGzip(request)) sendBytes(reply, bytes);
  else void sendCompressed(reply, bytes);
}

/** The chunks of a JSON text as the answer. */
export const sendChunks = (request: FastifyRequest, reply: FastifyReply, text: Body): void =>
  sendBody(request, reply, 200, text);

/** A JSON text as the answer. */
export function sendText(request: FastifyRequest, reply: FastifyReply, text: string): void {
  if (text.length <= MAX_SHORT_TEXT && !request.raw.url!.includes('pretty')) sendShortText(reply, text);
  else sendBody(request, reply, 200, Buffer.from(text));
}

/** A value as the answer. */
export const sendJson = (request: FastifyRequest, reply: FastifyReply, value: unknown): void =>
  sendText(request, reply, JSON.stringify(value));

/** @param namespace whose the object is, where it is found by an id */
export const jsonAnswer = (text: string, index: number, nextToken?: string, namespace?: string): Answer => ({
  status: 200,
  index,
  body: Buffer.from(text),
  ...(namespace !== undefined && { namespace }),
  ...(nextToken ? { nextToken } : {}),
});

export const notFound = (text: string, index: number): Answer => ({ status: 404, index, body: Buffer.from(text) });
