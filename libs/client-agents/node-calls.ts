import { timingSafeEqual } from 'node:crypto';
import type { ServerDirectory } from '@app/read-models';
import {
  any,
  call,
  dial,
  encode,
  openCall,
  openStream,
  openTunnel,
  RpcError,
  type YamuxSession,
  type Any,
  type DialOptions,
  type OpenCall,
  type OpenStream,
  type Schema,
  type StreamFrame,
} from '@app/nomad-rpc';
import { MAX_NODE_STREAMS } from './limits.js';
import type { NodeSessions } from './node-sessions.js';

const NO_PATH = 'No path to node';

/** What {@link NodeCalls} works with. */
export interface NodeCallsOptions {
  /** This instance: its name, and the secret that others show to it. */
  readonly instance: string;
  readonly secret: string;
  readonly sessions: NodeSessions;
  readonly directory: Pick<ServerDirectory, 'sessionOf'>;
  /** How other instances are reached. */
  readonly tls?: DialOptions['tls'];
}

/**
 * Calls of servers to the nodes: over the node's session where this instance has it, else through the instance that has. Without either:
 * `No path to node`. Streams are bounded in number; each ends with its reader.
 */
export class NodeCalls {
  private readonly peers = new Map<string, Promise<YamuxSession>>();
  private readonly ended = new AbortController();
  private open = 0;

  constructor(private readonly options: NodeCallsOptions) {}

  /** Calls a method of a node and gives its reply. @throws RpcError with the node's text, or ours where there is no way to it */
  async call<R>(nodeId: string, method: string, args: Any, reply: Schema<R>, signal: AbortSignal): Promise<R> {
    const leave = this.enter();
    try {
      return await call(await this.streamTo(nodeId), { method, arguments: any, reply }, args, signal);
    } finally {
      leave();
    }
  }

  /** Opens a streaming call to a node; it counts until its frames are left. @throws RpcError as {@link call} */
  async stream(nodeId: string, method: string, args: Any, signal: AbortSignal): Promise<OpenCall> {
    const leave = this.enter();
    try {
      const opened = await openCall(await this.streamTo(nodeId), method, encode(any, args), signal);
      return { ...opened, frames: endingWith(opened.frames, leave) };
    } catch (error) {
      leave();
      throw error;
    }
  }

  /** The stream to a node of this instance, for another instance that knows our secret. @throws RpcError */
  tunnelTo(secret: string, nodeId: string) {
    const [given, own] = [Buffer.from(secret), Buffer.from(this.options.secret)];
    if (given.length !== own.length || !timingSafeEqual(given, own)) throw new RpcError('Permission denied');
    const session = this.options.sessions.of(nodeId);
    if (session === undefined) throw new RpcError(NO_PATH);
    return session.open();
  }

  async close(): Promise<void> {
    this.ended.abort(new Error('the server is stopping'));
    for (const peer of this.peers.values()) (await peer.catch(() => undefined))?.close();
  }

  private async streamTo(nodeId: string): Promise<OpenStream> {
    const session = this.options.sessions.of(nodeId);
    if (session !== undefined && !session.isClosed) return openStream(session);
    const entry = await this.options.directory.sessionOf(nodeId);
    if (entry === undefined || entry.instance === this.options.instance) throw new RpcError(NO_PATH);
    const peer = await this.peer(entry.rpcAddress).catch((error: unknown) => {
      throw new RpcError(`${NO_PATH}: ${(error as Error).message}`);
    });
    return openTunnel(peer, entry.secret, nodeId);
  }

  /** A session with another instance, kept for further calls. */
  private async peer(address: string): Promise<YamuxSession> {
    const kept = this.peers.get(address);
    if (kept !== undefined && !(await kept).isClosed) return kept;
    const colon = address.lastIndexOf(':');
    const fresh = dial({
      host: address.slice(0, colon),
      port: Number(address.slice(colon + 1)),
      signal: this.ended.signal,
      onStream: (stream) => stream.destroy(),
      onClose: () => this.peers.delete(address),
      ...(this.options.tls && { tls: this.options.tls }),
    });
    this.peers.set(address, fresh);
    fresh.catch(() => this.peers.delete(address));
    return fresh;
  }

  private enter(): () => void {
    if (this.open >= MAX_NODE_STREAMS) throw new RpcError('too many calls to nodes are under way; try again', 429);
    this.open++;
    return () => void this.open--;
  }
}

async function* endingWith(frames: OpenCall['frames'], end: () => void): AsyncGenerator<StreamFrame> {
  try {
    yield* frames;
  } finally {
    end();
  }
}
