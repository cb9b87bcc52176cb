import type { AllocationState, NodeState } from '@app/domain';
import { nodeStream } from '@app/kernel';
import {
  any,
  list,
  RpcError,
  struct,
  text,
  bool,
  int,
  time,
  type Any,
  type OpenCall,
  type Schema,
  type StreamFrame,
} from '@app/nomad-rpc';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { accessOf, type Access } from '../acl/access.js';
import { watchRight, type LastingRight } from '../acl/lasting-right.js';
import { abortSignal, orThrow, queryOf, tokenOf } from '../edge/exchange.js';
import { Objects } from '../edge/objects.js';
import { ServerIdentity } from '../edge/server-identity.js';
import { NomadError, param, parseUuid } from '../http/index.js';
import { NodeCalls } from './node-calls.js';

/** A plain call, answer included; collecting an allocation waits until its directory is gone. */
const CALL_MS = 60_000;

export const fileInfo = struct({
  Name: text,
  IsDir: bool,
  Size: int,
  FileMode: text,
  ModTime: time,
  ContentType: text,
});
export const listReply = struct({ Files: list(fileInfo) });
export const statReply = struct({ Info: fileInfo });

/** Hands requests about what is on a node to that node. spec/http-api-client §1. */
export class Forwarding {
  constructor(
    private readonly objects: Objects,
    private readonly calls: NodeCalls,
    private readonly server: ServerIdentity,
  ) {}

  /**
   * The allocation of a request that may be asked about it.
   * @param strangerStatus of the refusal of an unknown token, for a stream: its text is that of the call to the node
   * @throws NomadError, 404 before anybody's capabilities are looked at
   */
  async allocation(request: FastifyRequest, id: string, strangerStatus?: number): Promise<AllocationState> {
    this.checkRegion(request);
    const access = accessOf(request);
    if (access.isEnforced) {
      if (strangerStatus !== undefined && access.isByStranger)
        throw new NomadError('rpc error: Permission denied', strangerStatus);
      access.known();
    }
    const uuid = orThrow(parseUuid(id), 'alloc lookup failed: ');
    const [alloc] = await this.objects.allocations([uuid]);
    if (alloc === undefined) throw new NomadError(`Unknown allocation "${id}"`, 404);
    access.require({ namespace: alloc.namespace });
    return alloc;
  }

  /** The driver of a task of an allocation; undefined: there is no such task. */
  driverOf(alloc: AllocationState, task: string): Promise<string | undefined> {
    return this.objects.driverOf(alloc, task);
  }

  /** The node that a request names by `node_id`. @throws NomadError; `unknownStatus` is what an unknown one is answered with */
  async node(request: FastifyRequest, named: string, unknown: { status: number; missing: string }): Promise<NodeState> {
    this.checkRegion(request);
    if (named === '') throw new NomadError(unknown.missing, 400);
    const uuid = orThrow(parseUuid(named), 'node lookup failed: ');
    const [node] = await this.objects.states<NodeState>([nodeStream(uuid)]);
    if (node === undefined || node.purged) throw new NomadError(`Unknown node ${named}`, unknown.status);
    return node;
  }

  /** Calls the node. @throws NomadError with the node's text and the status that Nomad makes of it */
  async call<R>(
    request: FastifyRequest,
    reply: FastifyReply,
    nodeId: string,
    method: string,
    args: Readonly<Record<string, Any>>,
    schema: Schema<R>,
  ): Promise<R> {
    const signal = AbortSignal.any([abortSignal(reply), AbortSignal.timeout(CALL_MS)]);
    try {
      return await this.calls.call(nodeId, method, { ...args, ...this.options(request, true) }, schema, signal);
    } catch (error) {
      throw refusalOf(error);
    }
  }

  /** Any reply, without the fields that every reply has. */
  async callAny(
    request: FastifyRequest,
    reply: FastifyReply,
    nodeId: string,
    method: string,
    args: Readonly<Record<string, Any>>,
  ): Promise<Readonly<Record<string, Any>>> {
    return (await this.call(request, reply, nodeId, method, args, any)) as Readonly<Record<string, Any>>;
  }

  /**
   * Opens a stream of the node, which goes on for as long as the request is allowed to.
   * @throws NomadError; the frames throw the refusal once the request's token is revoked, has expired or may less
   */
  async stream(
    request: FastifyRequest,
    nodeId: string,
    method: string,
    args: Readonly<Record<string, Any>>,
    signal: AbortSignal,
    isAllowed = (now: Access): boolean => now.allowsAsBefore(accessOf(request)),
  ): Promise<OpenCall> {
    const right = watchRight(accessOf(request), isAllowed);
    signal.addEventListener('abort', right.end, { once: true });
    try {
      const all = { ...args, ...this.options(request, false) };
      const opened = await this.calls.stream(nodeId, method, all, AbortSignal.any([signal, right.lost]));
      return { ...opened, frames: whileAllowed(opened.frames, right) };
    } catch (error) {
      right.end();
      throw refusalOf(error);
    }
  }

  private checkRegion(request: FastifyRequest): void {
    const region = param(queryOf(request), 'region');
    if (region !== '' && region !== this.server.region) throw new NomadError('No path to region');
  }

  private options(request: FastifyRequest, allowStale: boolean): Readonly<Record<string, Any>> {
    return {
      Region: this.server.region,
      Namespace: param(queryOf(request), 'namespace') || 'default',
      MinQueryIndex: 0,
      MaxQueryTime: 0,
      AllowStale: allowStale,
      Prefix: '',
      AuthToken: tokenOf(request) ?? '',
      Filter: '',
      PerPage: 0,
      NextToken: '',
      Reverse: false,
      Forwarded: false,
    };
  }
}

/** The frames for as long as the right is there; then its refusal. */
async function* whileAllowed(frames: AsyncIterable<StreamFrame>, right: LastingRight): AsyncGenerator<StreamFrame> {
  try {
    for await (const frame of frames) {
      right.lost.throwIfAborted();
      yield frame;
    }
  } catch (error) {
    throw right.lost.aborted ? right.lost.reason : error;
  } finally {
    right.end();
  }
  right.lost.throwIfAborted();
}

const NOT_FOUND = /^(No path to node|Unknown allocation |Unknown node )|no such file or directory/;

/** The status of a node's text. spec/rpc-server-calls §2. */
export function refusalOf(error: unknown): unknown {
  if (!(error instanceof RpcError)) {
    if (error instanceof Error && error.name === 'TimeoutError') return new NomadError('the node does not answer', 504);
    return error instanceof Error &&
      /session shutdown|EOF|connection reset|stream closed|Premature close/.test(error.message)
      ? new NomadError('No path to node', 404)
      : error;
  }
  return new NomadError(error.message, error.code ?? (NOT_FOUND.test(error.message) ? 404 : statusOf(error.message)));
}

export const statusOf = (message: string): number => (message.endsWith('Permission denied') ? 403 : 500);
