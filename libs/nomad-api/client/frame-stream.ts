import { Readable } from 'node:stream';
import { constants, createGzip } from 'node:zlib';
import type { OpenCall, StreamFrame } from '@app/nomad-rpc';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { takesGzip } from '../edge/compression.js';
import { NomadError } from '../http/index.js';
import { statusOf } from './forwarding.js';

/**
 * Sends what a node streams as it comes, and ends the node's call when the reader goes. What the node refuses at once is an error with a
 * status; later on nothing is left but to end.
 *
 * @param type of the content; undefined: none where there is nothing, and text otherwise
 */
export async function sendFrames(
  request: FastifyRequest,
  reply: FastifyReply,
  { frames }: OpenCall,
  type: string | undefined,
): Promise<void> {
  const iterator = frames[Symbol.asyncIterator]();
  const first = await iterator.next();
  if (first.done === true) {
    if (type !== undefined) reply.type(type);
    else reply.removeHeader('content-type');
    return void reply.send(type === undefined ? undefined : Buffer.alloc(0));
  }
  refuse(first.value);
  reply.type(type ?? 'text/plain; charset=utf-8');
  const body = Readable.from(payloads(first.value, iterator), { objectMode: false });
  if (!takesGzip(request)) return void reply.send(body);
  reply.header('Content-Encoding', 'gzip');
  const packed = createGzip({ level: constants.Z_BEST_SPEED, flush: constants.Z_SYNC_FLUSH });
  // Broken off is not ended: whoever reads must notice.
  body.once('error', (error) => packed.destroy(error));
  packed.once('close', () => body.destroy());
  reply.send(body.pipe(packed));
}

/** @throws NomadError for an error frame */
export function refuse({ Error: error }: StreamFrame): void {
  if (error !== null) throw new NomadError(error.Message, error.Code ?? statusOf(error.Message));
}

async function* payloads(first: StreamFrame, rest: AsyncIterator<StreamFrame>): AsyncGenerator<Buffer> {
  try {
    for (let frame = first; ;) {
      if (frame.Error !== null) return;
      if (frame.Payload !== null && frame.Payload.length > 0) yield frame.Payload;
      const next = await rest.next();
      if (next.done === true) return;
      frame = next.value;
    }
  } finally {
    await rest.return?.();
  }
}
