import type { Duplex } from 'node:stream';
import { MAX_HEADER_BYTES, MAX_MESSAGE_BYTES } from '../limits.js';
import { decode, DecodeError, encode, type Schema } from '../msgpack/index.js';
import { ValueStream } from './value-stream.js';
import {
  EMPTY_MAP,
  requestHeader,
  responseHeader,
  RpcError,
  streamAnswer,
  streamFrame,
  streamHeader,
  write,
  type StreamFrame,
} from './wire.js';

/** A method of net/rpc: decoded arguments in, the reply out. `C` is what is known of the connection. */
export interface Method<C> {
  readonly name: string;
  /** Decodes the arguments, does the work and encodes the reply. @throws RpcError for the caller, DecodeError */
  readonly answer: (args: Buffer, connection: C, signal: AbortSignal) => Promise<Buffer>;
}

/** A method with types. */
export const method = <C, A, R>(
  name: string,
  args: Schema<A>,
  reply: Schema<R>,
  answer: (args: A, connection: C, signal: AbortSignal) => Promise<R> | R,
): Method<C> => ({
  name,
  answer: async (bytes, connection, signal) => encode(reply, await answer(decode(args, bytes), connection, signal)),
});

/** A method that streams: arguments and input values in, frames out. */
export interface StreamingMethod<C> {
  readonly name: string;
  readonly answer: (call: {
    readonly args: Buffer;
    /** Further values of the caller, such as exec's input. */
    readonly input: () => Promise<Buffer | undefined>;
    readonly send: (frame: StreamFrame) => Promise<void>;
    readonly connection: C;
    /** Aborted when the caller goes. */
    readonly signal: AbortSignal;
  }) => Promise<void>;
}

export interface Methods<C> {
  readonly plain: ReadonlyMap<string, Method<C>>;
  readonly streaming: ReadonlyMap<string, StreamingMethod<C>>;
  /** What is no RpcError is our fault: it is told, and the caller reads `internal error`. */
  readonly onFault: (error: unknown, method: string) => void;
}

/** Answers the calls of one stream, one after another, until the caller ends it. spec/rpc §4. */
export async function serveNetRpc<C>(
  stream: Duplex,
  values: ValueStream,
  methods: Methods<C>,
  connection: C,
): Promise<void> {
  const gone = new AbortController();
  stream.once('close', () => gone.abort(new Error('the caller has gone')));
  for (;;) {
    const head = await values.value(MAX_HEADER_BYTES);
    if (head === undefined) break;
    const { ServiceMethod, Seq } = decode(requestHeader, head);
    const args = await values.value(MAX_MESSAGE_BYTES);
    if (args === undefined) break;
    const { text, reply } = await outcome(methods, ServiceMethod, args, connection, gone.signal);
    await write(stream, Buffer.concat([encode(responseHeader, { ServiceMethod, Seq, Error: text }), reply]));
  }
  stream.end();
}

async function outcome<C>(
  methods: Methods<C>,
  name: string,
  args: Buffer,
  connection: C,
  signal: AbortSignal,
): Promise<{ readonly text: string; readonly reply: Buffer }> {
  const found = methods.plain.get(name);
  if (found === undefined) return { text: unknownMethod(methods, name), reply: EMPTY_MAP };
  try {
    return { text: '', reply: await found.answer(args, connection, signal) };
  } catch (error) {
    return { text: textOf(error, name, methods), reply: EMPTY_MAP };
  }
}

/** Go's texts: the service is the part before the dot. */
function unknownMethod<C>(methods: Methods<C>, name: string): string {
  const service = name.slice(0, name.indexOf('.') + 1);
  const known = service !== '' && [...methods.plain.keys()].some((one) => one.startsWith(service));
  return `rpc: can't find ${known ? 'method' : 'service'} ${name}`;
}

/** Answers one streaming call. spec/rpc §6. */
export async function serveStreaming<C>(
  stream: Duplex,
  values: ValueStream,
  methods: Methods<C>,
  connection: C,
): Promise<void> {
  const head = await values.value(MAX_HEADER_BYTES);
  if (head === undefined) return;
  const { Method: name } = decode(streamHeader, head);
  const found = methods.streaming.get(name);
  const refusal = found === undefined ? `Unknown rpc method: "${name}"` : '';
  await write(stream, encode(streamAnswer, { Error: refusal }));
  const args = found && (await values.value(MAX_MESSAGE_BYTES));
  if (found === undefined || args === undefined) return void stream.end();
  const gone = new AbortController();
  stream.once('close', () => gone.abort(new Error('the caller has gone')));
  const send = (frame: StreamFrame): Promise<void> => write(stream, encode(streamFrame, frame));
  const input = (): Promise<Buffer | undefined> => values.value(MAX_MESSAGE_BYTES);
  try {
    await found.answer({ args, input, send, connection, signal: gone.signal });
  } catch (error) {
    if (!gone.signal.aborted)
      await send({
        Error: { Message: textOf(error, name, methods), Code: error instanceof RpcError ? (error.code ?? null) : 500 },
        Payload: null,
      });
  }
  stream.end();
}

function textOf<C>(error: unknown, name: string, methods: Methods<C>): string {
  if (error instanceof RpcError || error instanceof DecodeError) return error.message;
  methods.onFault(error, name);
  return 'internal error';
}
