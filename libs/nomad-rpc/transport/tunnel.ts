import type { Duplex } from 'node:stream';
import { MAX_HEADER_BYTES } from '../limits.js';
import { decode, encode } from '../msgpack/index.js';
import { openStream, type OpenStream } from './calls.js';
import { ValueStream } from './value-stream.js';
import { MODE_TUNNEL, RpcError, streamAnswer, tunnelRequest, write } from './wire.js';

/**
 * Opens a stream to a node whose session another server has. What is written and read afterwards is the node's.
 * @throws RpcError with the other server's text
 */
export async function openTunnel(
  session: { readonly open: () => Duplex },
  secret: string,
  nodeId: string,
): Promise<OpenStream> {
  const opened = openStream(session);
  try {
    const request = encode(tunnelRequest, { Secret: secret, NodeID: nodeId });
    await write(opened.stream, Buffer.concat([Buffer.from([MODE_TUNNEL]), request]));
    const answer = await opened.values.value(MAX_HEADER_BYTES);
    if (answer === undefined) throw new Error('EOF');
    const { Error: text } = decode(streamAnswer, answer);
    if (text !== '') throw new RpcError(text);
    return opened;
  } catch (error) {
    opened.stream.destroy();
    throw error;
  }
}

/** Answers the other side of {@link openTunnel}: `find` gives the node's stream. Bytes pass as they come, each side slowed by the other. */
export async function serveTunnel(
  stream: Duplex,
  values: ValueStream,
  find: (secret: string, nodeId: string) => Duplex,
): Promise<void> {
  const request = await values.value(MAX_HEADER_BYTES);
  if (request === undefined) return;
  const { Secret, NodeID } = decode(tunnelRequest, request);
  let far: Duplex;
  try {
    far = find(Secret, NodeID);
  } catch (error) {
    if (!(error instanceof RpcError)) throw error;
    await write(stream, encode(streamAnswer, { Error: error.message }));
    return void stream.end();
  }
  stream.once('close', () => far.destroy());
  far.once('close', () => stream.destroy());
  await write(stream, encode(streamAnswer, { Error: '' }));
  await Promise.all([pass(values, far), pass(new ValueStream(far), stream)]);
}

async function pass(from: ValueStream, to: Duplex): Promise<void> {
  for await (const chunk of from.remaining()) await write(to, chunk);
  to.end();
}
