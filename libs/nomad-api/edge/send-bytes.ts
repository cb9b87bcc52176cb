import { Readable, type Writable } from 'node:stream';
import { Chunks, type Body } from '@app/streaming';
import type { FastifyReply } from 'fastify';

/** What is handed to the socket at a time, in one system call: as references to what all readers share. */
const CORKED_CHUNKS = 16;

/** Sends a body as it is: several chunks one after the other as fast as the client takes them, with their length in all. */
export function sendBytes(reply: FastifyReply, body: Body): void {
  if (body instanceof Chunks) reply.header('Content-Length', body.length).send(new ChunkSource(body));
  else reply.send(body);
}

/** Sends a JSON text: text joins the headers in one write, where bytes would be another one. */
export function sendShortText(reply: FastifyReply, text: string): void {
  // With a serializer of its own the answer names no charset; nor does Nomad's.
  reply.header('Content-Type', 'application/json').serializer(asItIs).send(text);
}

const asItIs = (text: string): string => text;

/** Chunks that go into a socket several at a time; a stream's own way writes each by itself, at half the pace. */
class ChunkSource extends Readable {
  private next = 0;

  constructor(private readonly chunks: Chunks) {
    super();
  }

  override _read(): void {
    const { parts } = this.chunks;
    while (this.next < parts.length) if (!this.push(parts[this.next++])) return;
    this.push(null);
  }

  override pipe<T extends NodeJS.WritableStream>(destination: T): T {
    this.writeTo(destination as unknown as Writable);
    return destination;
  }

  private writeTo(socket: Writable): void {
    const { parts } = this.chunks;
    while (this.next < parts.length) {
      if (socket.destroyed) return;
      socket.cork();
      let hasRoom = true;
      const end = Math.min(this.next + CORKED_CHUNKS, parts.length);
      while (this.next < end) hasRoom = socket.write(parts[this.next++]);
      socket.uncork();
      if (!hasRoom && this.next < parts.length) return void socket.once('drain', () => this.writeTo(socket));
    }
    socket.end();
  }
}
