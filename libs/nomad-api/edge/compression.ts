import { promisify } from 'node:util';
import { constants, gzip } from 'node:zlib';
import { Chunks, type Body } from '@app/streaming';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { gzipChunks } from './packed-chunks.js';
import { sendBytes } from './send-bytes.js';

const compress = promisify(gzip);
/** What is shorter gains nothing. */
export const MIN_COMPRESSED_BYTES = 1400;

/** Compressed forms of bodies that are kept: a list that many read is compressed once. */
const compressed = new WeakMap<Body, Promise<Body>>();

/** The client said that it takes gzip, and did not forbid it by `q=0`. */
export function takesGzip(request: FastifyRequest): boolean {
  const accepted = request.headers['accept-encoding'];
  return typeof accepted === 'string' && /\bgzip\b(?!\s*;\s*q=0(?:\.0*)?(?:\s*,|\s*$))/i.test(accepted);
}

/** Sends a body in gzip. The same body is compressed only once, off the main thread. Never rejects: what cannot be sent is cut off. */
export async function sendCompressed(reply: FastifyReply, body: Body): Promise<void> {
  let packed = compressed.get(body);
  if (packed === undefined) {
    packed = body instanceof Chunks ? gzipChunks(body) : compress(body, { level: constants.Z_BEST_SPEED });
    compressed.set(body, packed);
  }
  const bytes = await packed.catch(() => undefined);
  try {
    if (bytes !== undefined) reply.header('Content-Encoding', 'gzip');
    sendBytes(reply, bytes ?? body);
  } catch {
    // Nobody waits for this promise: an error here would end the process instead of the request.
    reply.raw.destroy();
  }
}
