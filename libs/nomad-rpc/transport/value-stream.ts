import type { Readable } from 'node:stream';
import { DecodeError, ValueScanner } from '../msgpack/index.js';
import { MAX_RECEIVING_BYTES, MESSAGE_TIMEOUT_MS } from '../limits.js';

/** Bytes of unfinished messages, of all streams of the process. */
let receiving = 0;
/** So much of a message is not counted: what every stream may hold. */
const UNCOUNTED_BYTES = 64 * 1024;

/** Cuts a stream of bytes into msgpack values. One reader at a time. */
export class ValueStream {
  private readonly chunks: AsyncIterator<Buffer>;
  private rest: Buffer | undefined;

  constructor(private readonly source: Readable) {
    // The end of what comes is not the end of what goes.
    this.chunks = source.iterator({ destroyOnReturn: false }) as AsyncIterator<Buffer>;
  }

  /** A single byte, or undefined at the end. */
  async byte(): Promise<number | undefined> {
    const chunk = await this.chunk();
    if (chunk === undefined) return undefined;
    this.rest = chunk.length > 1 ? chunk.subarray(1) : undefined;
    return chunk[0];
  }

  /**
   * The next whole value, or undefined where the stream ends between two.
   * @throws DecodeError when it is none, is longer than allowed, comes too slowly or ends in the middle.
   */
  async value(maxBytes: number): Promise<Buffer | undefined> {
    const scanner = new ValueScanner(maxBytes);
    const parts: Buffer[] = [];
    let counted = 0;
    let size = 0;
    let timer: NodeJS.Timeout | undefined;
    try {
      for (;;) {
        const chunk = await this.chunk();
        if (chunk === undefined) {
          if (parts.length === 0) return undefined;
          throw new DecodeError(': the stream ends within a message');
        }
        const end = scanner.scan(chunk);
        if (end >= 0) {
          this.rest = end < chunk.length ? chunk.subarray(end) : undefined;
          parts.push(chunk.subarray(0, end));
          return parts.length === 1 ? parts[0]! : Buffer.concat(parts);
        }
        parts.push(chunk);
        size += chunk.length;
        timer ??= setTimeout(
          () => this.source.destroy(new DecodeError(': the rest of a message does not come')),
          MESSAGE_TIMEOUT_MS,
        ).unref();
        const toCount = Math.max(0, size - UNCOUNTED_BYTES) - counted;
        counted += toCount;
        receiving += toCount;
        if (receiving > MAX_RECEIVING_BYTES) throw new DecodeError(': too many large messages at once; try again');
      }
    } finally {
      receiving -= counted;
      clearTimeout(timer);
    }
  }

  /** What else comes, as it comes: for who passes it on without looking. */
  async *remaining(): AsyncGenerator<Buffer> {
    for (let chunk = await this.chunk(); chunk !== undefined; chunk = await this.chunk()) yield chunk;
  }

  private async chunk(): Promise<Buffer | undefined> {
    const { rest } = this;
    if (rest !== undefined) {
      this.rest = undefined;
      return rest;
    }
    for (;;) {
      const next = await this.chunks.next();
      if (next.done === true) return undefined;
      if (next.value.length > 0) return next.value;
    }
  }
}
