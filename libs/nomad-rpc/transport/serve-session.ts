import type { Duplex } from 'node:stream';
import { serveNetRpc, serveStreaming, type Methods } from './serve.js';
import { ValueStream } from './value-stream.js';
import { MODE_NET_RPC, MODE_STREAMING } from './wire.js';

/** Answers one stream that a peer opened, by the mode that it begins with. Whatever goes wrong ends this stream only. */
export async function serveSession<C>(
  stream: Duplex,
  methods: Methods<C>,
  connection: C,
  onBadPeer: (error: unknown) => void,
): Promise<void> {
  try {
    const values = new ValueStream(stream);
    const mode = await values.byte();
    if (mode === MODE_NET_RPC) await serveNetRpc(stream, values, methods, connection);
    else if (mode === MODE_STREAMING) await serveStreaming(stream, values, methods, connection);
    else if (mode === undefined) stream.end();
    else throw new Error(`a stream that begins with byte ${mode}`);
  } catch (error) {
    stream.destroy();
    onBadPeer(error);
  }
}
