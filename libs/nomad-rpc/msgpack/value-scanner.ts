import { DecodeError } from './decode-error.js';

/** Bytes that follow the descriptor byte of a scalar, by descriptor; -1: not a scalar of fixed size. */
const FIXED = new Map<number, number>([
  [0xc0, 0],
  [0xc2, 0],
  [0xc3, 0],
  [0xca, 4],
  [0xcb, 8],
  [0xcc, 1],
  [0xcd, 2],
  [0xce, 4],
  [0xcf, 8],
  [0xd0, 1],
  [0xd1, 2],
  [0xd2, 4],
  [0xd3, 8],
]);
/** Descriptors whose length follows, in this many bytes: raw and bin, arrays, maps. */
const SIZED = new Map<number, { readonly width: 1 | 2 | 4; readonly holds: 'bytes' | 'items' | 'pairs' }>([
  [0xc4, { width: 1, holds: 'bytes' }],
  [0xc5, { width: 2, holds: 'bytes' }],
  [0xc6, { width: 4, holds: 'bytes' }],
  [0xd9, { width: 1, holds: 'bytes' }],
  [0xda, { width: 2, holds: 'bytes' }],
  [0xdb, { width: 4, holds: 'bytes' }],
  [0xdc, { width: 2, holds: 'items' }],
  [0xdd, { width: 4, holds: 'items' }],
  [0xde, { width: 2, holds: 'pairs' }],
  [0xdf, { width: 4, holds: 'pairs' }],
]);

/**
 * Finds where a msgpack value ends while its bytes arrive in pieces: nothing on the wire says how long a message is. Each byte is looked
 * at once, nothing is kept but counters, so neither nesting nor a length that is a lie costs memory.
 */
export class ValueScanner {
  /** Values that are still to come before the whole one is complete. */
  private values = 1;
  /** Bytes of the present scalar that are still to come. */
  private body = 0;
  /** Bytes of a length that are still to come, and what has come of it. */
  private lengthBytes = 0;
  private length = 0;
  private holds: 'bytes' | 'items' | 'pairs' = 'bytes';
  private seen = 0;

  /** @param maxBytes of the whole value */
  constructor(private readonly maxBytes: number) {}

  /**
   * Goes on with the next piece. Returns how many of its bytes belong to the value, or -1 if all of them do and more is needed.
   * @throws DecodeError for an extension type, or a value that is (or says it is) longer than allowed.
   */
  scan(chunk: Buffer): number {
    let at = 0;
    while (at < chunk.length) {
      if (this.body > 0) {
        const taken = Math.min(this.body, chunk.length - at);
        at += taken;
        this.body -= taken;
      } else if (this.lengthBytes > 0) {
        this.length = this.length * 256 + chunk[at++]!;
        if (--this.lengthBytes === 0) this.begin(this.holds, this.length);
      } else {
        this.descriptor(chunk[at++]!);
      }
      if (this.values === 0 && this.body === 0 && this.lengthBytes === 0) return at;
    }
    this.seen += chunk.length;
    this.bound(0);
    return -1;
  }

  private descriptor(head: number): void {
    this.values--;
    if (head < 0x80 || head >= 0xe0) return;
    if (head < 0x90) return this.begin('pairs', head & 0x0f);
    if (head < 0xa0) return this.begin('items', head & 0x0f);
    if (head < 0xc0) return this.begin('bytes', head & 0x1f);
    const fixed = FIXED.get(head);
    if (fixed !== undefined) {
      this.body = fixed;
      return;
    }
    const sized = SIZED.get(head);
    if (sized === undefined) throw new DecodeError(`: unrecognized descriptor byte: ${head.toString(16)}`);
    this.lengthBytes = sized.width;
    this.length = 0;
    this.holds = sized.holds;
  }

  private begin(holds: 'bytes' | 'items' | 'pairs', length: number): void {
    if (holds === 'bytes') this.body = length;
    else this.values += holds === 'items' ? length : 2 * length;
    this.bound(this.body + this.values);
  }

  /** Every value that is to come takes a byte at least. */
  private bound(toCome: number): void {
    if (this.seen + toCome > this.maxBytes) throw new DecodeError(`: a message of more than ${this.maxBytes} bytes`);
  }
}
