import { All, Controller, Req, Res } from '@nestjs/common';
import type { AllocationState } from '@app/domain';
import { safeContentType, SAFE_HEADERS, type Any, type Schema } from '@app/nomad-rpc';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { accessOf } from '../acl/access.js';
import { abortSignal, idOf, orThrow, queryOf } from '../edge/exchange.js';
import { sendText } from '../edge/reads.js';
import { NomadError, param, parseBool, parseInt64, type Query } from '../http/index.js';
import { fileInfo, Forwarding, listReply, statReply } from './forwarding.js';
import { refuse, sendFrames } from './frame-stream.js';
import { jsonText } from './json-text.js';

const TEXT = 'text/plain; charset=utf-8';
const SNIFFED_BYTES = 512;

/** Nomad: /v1/client/fs; spec/http-api-client §2. */
@Controller('v1/client/fs')
export class ClientFsController {
  constructor(private readonly forwarding: Forwarding) {}

  @All('ls/:id')
  async list(@Req() request: FastifyRequest, @Res() reply: FastifyReply): Promise<void> {
    const alloc = await this.allocation(request);
    const args = { AllocID: alloc.id, Path: param(queryOf(request), 'path') || '/' };
    const { Files } = await this.ask(request, reply, alloc, 'FileSystem.List', args, listReply);
    sendText(request, reply, jsonText(Files ?? []));
  }

  @All('stat/:id')
  async stat(@Req() request: FastifyRequest, @Res() reply: FastifyReply): Promise<void> {
    const id = allocationId(request);
    const path = param(queryOf(request), 'path');
    if (path === '') throw new NomadError('must provide a file name', 400);
    const alloc = await this.forwarding.allocation(request, id);
    const { Info } = await this.ask(
      request,
      reply,
      alloc,
      'FileSystem.Stat',
      { AllocID: alloc.id, Path: path },
      statReply,
    );
    sendText(request, reply, jsonText(Info ?? fileInfo.zero()));
  }

  @All('logs/:id')
  async logs(@Req() request: FastifyRequest, @Res() reply: FastifyReply): Promise<void> {
    const id = allocationId(request);
    const query = queryOf(request);
    const task = param(query, 'task');
    if (task === '') throw new NomadError('must provide task name', 400);
    const follow = flag(query, 'follow', false, 400);
    const plain = flag(query, 'plain', false, 400);
    const type = param(query, 'type');
    if (type !== 'stdout' && type !== 'stderr') throw new NomadError('must provide log type (stdout/stderr)', 400);
    const offset = numberOf(query, 'offset', 400) ?? 0n;
    const origin = originOf(query);
    const alloc = await this.forwarding.allocation(request, id, 500);
    const args = {
      AllocID: alloc.id,
      Task: task,
      LogType: type,
      Offset: offset,
      Origin: origin,
      PlainText: plain,
      Follow: follow,
    };
    const opened = await this.forwarding.stream(request, alloc.nodeId, 'FileSystem.Logs', args, abortSignal(reply));
    await sendFrames(request, reply, opened, plain ? 'text/plain' : 'application/json');
  }

  @All('stream/:id')
  async stream(@Req() request: FastifyRequest, @Res() reply: FastifyReply): Promise<void> {
    const id = allocationId(request);
    const query = queryOf(request);
    const path = param(query, 'path');
    if (path === '') throw new NomadError('must provide a file name', 400);
    const follow = flag(query, 'follow', true, 500);
    const offset = numberOf(query, 'offset', 500) ?? 0n;
    const origin = originOf(query);
    const alloc = await this.forwarding.allocation(request, id, 403);
    const args = {
      AllocID: alloc.id,
      Path: path,
      Offset: offset,
      Origin: origin,
      PlainText: false,
      Limit: 0,
      Follow: follow,
    };
    const opened = await this.forwarding.stream(request, alloc.nodeId, 'FileSystem.Stream', args, abortSignal(reply));
    await sendFrames(request, reply, opened, undefined);
  }

  @All('cat/:id')
  cat(@Req() request: FastifyRequest, @Res() reply: FastifyReply): Promise<void> {
    return this.read(request, reply, () => ({ Offset: 0n, Limit: 0n }));
  }

  @All('readat/:id')
  readAt(@Req() request: FastifyRequest, @Res() reply: FastifyReply): Promise<void> {
    return this.read(request, reply, (query) => {
      const Offset = orThrow(parseInt64(param(query, 'offset')), 'error parsing offset: ', 400);
      const Limit = numberOf(query, 'limit', 400) ?? 0n;
      return { Offset, Limit };
    });
  }

  @All(':kind/:id')
  unknownKind(): void {
    throw new NomadError('Invalid method', 404);
  }

  /** Clients look at nothing but the status, which is 200 whatever happens: the text of an error is the body. */
  private async read(
    request: FastifyRequest,
    reply: FastifyReply,
    range: (query: Query) => { readonly Offset: bigint; readonly Limit: bigint },
  ): Promise<void> {
    try {
      const id = allocationId(request);
      const query = queryOf(request);
      const path = param(query, 'path');
      if (path === '') throw new NomadError('must provide a file name', 400);
      const args = { Path: path, Origin: 'start', PlainText: true, Follow: false, ...range(query) };
      const alloc = await this.forwarding.allocation(request, id, 403);
      const all = { ...args, AllocID: alloc.id };
      const opened = await this.forwarding.stream(request, alloc.nodeId, 'FileSystem.Stream', all, abortSignal(reply));
      const iterator = opened.frames[Symbol.asyncIterator]();
      const first = await iterator.next();
      if (first.done !== true) refuse(first.value);
      const head = first.done === true ? Buffer.alloc(0) : (first.value.Payload ?? Buffer.alloc(0));
      const type = safeContentType(path, head.subarray(0, SNIFFED_BYTES));
      reply.headers(SAFE_HEADERS);
      const frames = { [Symbol.asyncIterator]: () => resumed(first, iterator) };
      await sendFrames(request, reply, { ...opened, frames }, type);
    } catch (error) {
      if (!(error instanceof NomadError)) throw error;
      accessOf(request).refused();
      reply.code(200).type(TEXT).send(error.text);
    }
  }

  private async allocation(request: FastifyRequest): Promise<AllocationState> {
    return this.forwarding.allocation(request, allocationId(request));
  }

  private ask<R>(
    request: FastifyRequest,
    reply: FastifyReply,
    alloc: AllocationState,
    method: string,
    args: Readonly<Record<string, Any>>,
    schema: Schema<R>,
  ): Promise<R> {
    return this.forwarding.call(request, reply, alloc.nodeId, method, args, schema);
  }
}

/** An iterator that begins with what was taken from it already. */
function resumed<T>(first: IteratorResult<T>, rest: AsyncIterator<T>): AsyncIterator<T> {
  let given = false;
  return {
    next: () => {
      if (given) return rest.next();
      given = true;
      return Promise.resolve(first);
    },
    return: async () => (await rest.return?.()) ?? { done: true, value: undefined },
  };
}

function allocationId(request: FastifyRequest): string {
  const id = idOf(request);
  if (id === '') throw new NomadError('must provide a valid alloc id', 400);
  return id;
}

function flag(query: Query, name: string, absent: boolean, status: number): boolean {
  const given = param(query, name);
  return given === '' ? absent : orThrow(parseBool(given), `failed to parse ${name} field to boolean: `, status);
}

function numberOf(query: Query, name: string, status: number): bigint | undefined {
  const given = param(query, name);
  return given === '' ? undefined : orThrow(parseInt64(given), `error parsing ${name}: `, status);
}

function originOf(query: Query): string {
  const origin = param(query, 'origin') || 'start';
  if (origin !== 'start' && origin !== 'end') throw new NomadError('origin must be start or end', 400);
  return origin;
}
