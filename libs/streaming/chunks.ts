/** Bytes in several buffers, one after the other: put together of what others share, without a copy. */
export class Chunks {
  readonly length: number;

  constructor(readonly parts: readonly Buffer[]) {
    this.length = parts.reduce((sum, part) => sum + part.length, 0);
  }

  /** A copy in one piece. */
  toBuffer(): Buffer {
    return Buffer.concat(this.parts, this.length);
  }

  toString(): string {
    return this.toBuffer().toString();
  }
}

/** What is sent: one buffer, or several. */
export type Body = Buffer | Chunks;
