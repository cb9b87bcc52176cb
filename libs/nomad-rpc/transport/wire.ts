import type { Writable } from 'node:stream';
import { bytes, int, optional, struct, text, type Of } from '../msgpack/index.js';

/** Modes of a connection or of a stream; spec/rpc §2.1. */
export const MODE_NET_RPC = 0x01;
export const MODE_TLS = 0x04;
export const MODE_STREAMING = 0x05;
export const MODE_MULTIPLEX = 0x06;
/** Ours: a stream of another server to a node that has its session here. */
export const MODE_TUNNEL = 0x72;

export const requestHeader = struct({ ServiceMethod: text, Seq: int });
export const responseHeader = struct({ ServiceMethod: text, Seq: int, Error: text });
export const EMPTY_MAP = Buffer.from([0x80]);

/** Opens and answers a streaming call; spec/rpc §6. */
export const streamHeader = struct({ Method: text });
export const streamAnswer = struct({ Error: text });
/** Opens a tunnel; answered as a streaming call is. */
export const tunnelRequest = struct({ Secret: text, NodeID: text });
/** What a callee streams. An error is the last frame; its code is an HTTP status. */
export const streamFrame = struct({
  Error: optional(struct({ Message: text, Code: optional(int) })),
  Payload: optional(bytes),
});
export type StreamFrame = Of<typeof streamFrame>;

/** What goes back to the caller as text; a streaming call also tells an HTTP status. */
export class RpcError extends Error {
  constructor(
    text: string,
    readonly code?: number,
  ) {
    super(text);
  }
}

/** Writes, and waits where the peer reads slowly. @throws Error when the stream is over. */
export function write(to: Writable, data: Buffer): Promise<void> {
  return new Promise((resolve, reject) => {
    to.write(data, (error) => {
      if (error) reject(error);
      else resolve();
    });
  });
}
