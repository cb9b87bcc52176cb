import { AnswerCache, blockingQuery, LogTail, type Answer, type Query as DataQuery } from '@app/streaming';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { NomadError, pretty, readOptions, tokenForHeader, type ReadOptions } from '../http/index.js';
import { MIN_COMPRESSED_BYTES, sendCompressed, takesGzip } from './compression.js';
import { abortSignal, orThrow, queryOf } from './exchange.js';
import { prettyJson } from './pretty-json.js';
import { ServerIdentity } from './server-identity.js';

/** Answers reads: default reads are linearizable, `?stale` answers at once, `index` waits for a change. */
export class Reads {
  constructor(
    private readonly tail: LogTail,
    private readonly cache: AnswerCache,
    private readonly server: ServerIdentity,
  ) {}

  /** The options of a read; a bad one is refused. */
  options(request: FastifyRequest): ReadOptions {
    if (!request.raw.url?.includes('?')) return NO_PARAMETERS;
    const options = orThrow(readOptions(queryOf(request)));
    if (options.region !== '' && options.region !== this.server.region) throw new NomadError('No path to region');
    return options;
  }

  /** Sends the answer to a query, with Nomad's index headers. */
  async send(request: FastifyRequest, reply: FastifyReply, options: ReadOptions, query: DataQuery): Promise<void> {
    if (!options.stale) await this.tail.readIndex();
    const answer = await this.answer(reply, options, query);
    reply.headers({
      'X-Nomad-Index': answer.index,
      'X-Nomad-KnownLeader': 'true',
      'X-Nomad-LastContact': options.stale ? this.tail.lastContactMs : 0,
    });
    if (answer.nextToken !== undefined) reply.header('X-Nomad-NextToken', tokenForHeader(answer.nextToken));
    sendBody(request, reply, answer.status, answer.body);
  }

  private answer(reply: FastifyReply, options: ReadOptions, query: DataQuery): Promise<Answer> | Answer {
    if (options.index === 0) return this.cache.read(query);
    return blockingQuery(this.tail, this.cache, query, {
      minIndex: options.index,
      waitMs: options.waitMs,
      signal: abortSignal(reply),
      random: Math.random,
    });
  }
}

const NO_PARAMETERS: ReadOptions = Object.freeze(orThrow(readOptions(new Map())));

/** A JSON body, or the bare text of an error; compressed if the client takes that. */
function sendBody(request: FastifyRequest, reply: FastifyReply, status: number, body: Buffer): void {
  if (status !== 200) {
    reply.code(status).type('text/plain; charset=utf-8').send(body);
    return;
  }
  // Bytes, not text: to a text a charset would be added, and Nomad names none.
  reply.header('Content-Type', 'application/json');
  const indented = request.raw.url!.includes('pretty') && pretty(queryOf(request));
  const bytes = indented ? Buffer.from(prettyJson(body.toString())) : body;
  if (bytes.length < MIN_COMPRESSED_BYTES || !takesGzip(request)) reply.send(bytes);
  else void sendCompressed(reply, bytes);
}

/** A JSON text as the answer. */
export const sendText = (request: FastifyRequest, reply: FastifyReply, text: string): void =>
  sendBody(request, reply, 200, Buffer.from(text));

/** A value as the answer. */
export const sendJson = (request: FastifyRequest, reply: FastifyReply, value: unknown): void =>
  sendText(request, reply, JSON.stringify(value));

export const jsonAnswer = (text: string, index: number, nextToken?: string): Answer => ({
  status: 200,
  index,
  body: Buffer.from(text),
  ...(nextToken ? { nextToken } : {}),
});

export const notFound = (text: string, index: number): Answer => ({ status: 404, index, body: Buffer.from(text) });
