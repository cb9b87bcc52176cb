import type { Duplex } from 'node:stream';
import { MAX_HEADER_BYTES, MAX_MESSAGE_BYTES } from '../limits.js';
import { decode, encode, type Schema } from '../msgpack/index.js';
import { ValueStream } from './value-stream.js';
import {
  MODE_NET_RPC,
  MODE_STREAMING,
  requestHeader,
  responseHeader,
  RpcError,
  streamAnswer,
  streamFrame,
  streamHeader,
  write,
  type StreamFrame,
} from './wire.js';

/** A fresh stream to a peer, and what reads it. */
export interface OpenStream {
  readonly stream: Duplex;
  readonly values: ValueStream;
}

/** A stream of a session. @throws Error `session shutdown` */
export function openStream(session: { readonly open: () => Duplex }): OpenStream {
  const stream = session.open();
  return { stream, values: new ValueStream(stream) };
}

/** A call on a stream of its own. spec/rpc §4. */
export interface Call<A, R> {
  readonly method: string;
  readonly arguments: Schema<A>;
  readonly reply: Schema<R>;
}

/**
 * Calls the peer and waits for its reply.
 * @throws RpcError with the peer's text; Error when the session is over, the reply is malformed, or `signal` was aborted.
 */
export async function call<A, R>(
  { stream, values }: OpenStream,
  { method, arguments: schema, reply }: Call<A, R>,
  args: A,
  signal: AbortSignal,
): Promise<R> {
  const abort = (): void => void stream.destroy(signal.reason as Error);
  signal.addEventListener('abort', abort, { once: true });
  try {
    signal.throwIfAborted();
    const header = encode(requestHeader, { ServiceMethod: method, Seq: 1 });
    await write(stream, Buffer.concat([Buffer.from([MODE_NET_RPC]), header, encode(schema, args)]));
    const head = await values.value(MAX_HEADER_BYTES);
    const body = await values.value(MAX_MESSAGE_BYTES);
    if (head === undefined || body === undefined) throw new Error('EOF');
    const { Error: text } = decode(responseHeader, head);
    if (text !== '') throw new RpcError(text);
    return decode(reply, body);
  } finally {
    signal.removeEventListener('abort', abort);
    stream.end();
  }
}

/** A streaming call that the peer has taken. */
export interface OpenCall {
  /** What the peer streams, until it ends; reading it is the back-pressure. Leaving the loop ends the call. */
  readonly frames: AsyncIterable<StreamFrame>;
  /** Sends an input frame, as exec takes them. */
  send(frame: Buffer): Promise<void>;
  /** Ends the call from our side. */
  end(): void;
}

/**
 * Opens a streaming call. spec/rpc §6.
 * @throws RpcError with the peer's text when it does not take it; Error as {@link call}.
 */
export async function openCall(
  opened: OpenStream,
  method: string,
  args: Buffer,
  signal: AbortSignal,
): Promise<OpenCall> {
  const { stream } = opened;
  const abort = (): void => void stream.destroy(signal.reason as Error);
  signal.addEventListener('abort', abort, { once: true });
  stream.once('close', () => signal.removeEventListener('abort', abort));
  try {
    signal.throwIfAborted();
    return await begin(opened, method, args);
  } catch (error) {
    stream.destroy();
    throw error;
  }
}

async function begin({ stream, values }: OpenStream, method: string, args: Buffer): Promise<OpenCall> {
  const header = encode(streamHeader, { Method: method });
  await write(stream, Buffer.concat([Buffer.from([MODE_STREAMING]), header]));
  const answer = await values.value(MAX_HEADER_BYTES);
  if (answer === undefined) throw new Error('EOF');
  const { Error: text } = decode(streamAnswer, answer);
  if (text !== '') throw new RpcError(text);
  await write(stream, args);
  return {
    frames: framesOf(stream, values),
    send: (frame) => write(stream, frame),
    end: () => void stream.end(),
  };
}

async function* framesOf(stream: Duplex, values: ValueStream): AsyncGenerator<StreamFrame> {
  try {
    for (;;) {
      const value = await values.value(MAX_MESSAGE_BYTES);
      if (value === undefined) return;
      yield decode(streamFrame, value);
    }
  } finally {
    if (stream.readableEnded) stream.end();
    else stream.destroy();
  }
}
