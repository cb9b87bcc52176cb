import type { Duplex } from 'node:stream';
import type { Any, OpenCall, Schema } from '@app/nomad-rpc';

/** Calls to nodes, wherever their sessions are. Given by the app. spec/rpc §10. */
export abstract class NodeCalls {
  /** Calls a method of a node. @throws RpcError with the node's text, or `No path to node` */
  abstract call<R>(nodeId: string, method: string, args: Any, reply: Schema<R>, signal: AbortSignal): Promise<R>;
  /** Opens a streaming call; leaving its frames ends it. @throws RpcError as {@link NodeCalls.call} */
  abstract stream(nodeId: string, method: string, args: Any, signal: AbortSignal): Promise<OpenCall>;
  /** A node's agent has opened a connection on which it can be called. */
  abstract adopt(nodeId: string, socket: Duplex, remoteAddress: string): void;
}
