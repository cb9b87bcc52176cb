import { Readable } from 'node:stream';
import { Chunks, type Body } from '@app/streaming';
import type { FastifyReply } from 'fastify';

/** A client that is slow has this much waiting for it beside the socket's own buffer, as references to what all share. */
const AHEAD_BYTES = 256 * 1024;

/** Sends a body as it is: several chunks one after the other as fast as the client takes them, with their length in all. */
export function sendBytes(reply: FastifyReply, body: Body): void {
  if (body instanceof Chunks) reply.header('Content-Length', body.length).send(readChunks(body));
  else reply.send(body);
}

function readChunks({ parts }: Chunks): Readable {
  let next = 0;
  return new Readable({
    highWaterMark: AHEAD_BYTES,
    read() {
      while (next < parts.length) if (!this.push(parts[next++])) return;
      this.push(null);
    },
  });
}
