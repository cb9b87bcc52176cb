import { DecodeError } from './decode-error.js';

/** Where `any` values may nest at most; a driver's configuration has a handful of levels. */
export const MAX_DEPTH = 64;

/**
 * Reads msgpack values one after another from a buffer that holds them whole (see {@link ValueScanner}). Takes every form that Go's
 * decoder takes: raw, str and bin alike, any integer form. spec/rpc §5.
 *
 * Every method throws {@link DecodeError} for what does not fit; none reads beyond the end.
 */
export class Reader {
  private at = 0;

  constructor(private readonly bytes: Buffer) {}

  get position(): number {
    return this.at;
  }

  /** The next value is nil, and is now read. */
  takeNil(): boolean {
    if (this.peek() !== 0xc0) return false;
    this.at++;
    return true;
  }

  bool(): boolean {
    const head = this.peek();
    if (head === 0xc2 || head === 0xc3) {
      this.at++;
      return head === 0xc3;
    }
    const value = this.integer();
    if (value === 0 || value === 1) return value === 1;
    throw this.error('a bool');
  }

  /** A number where a double holds it exactly, else a bigint. */
  integer(): number | bigint {
    const head = this.byte();
    if (head < 0x80) return head;
    if (head >= 0xe0) return head - 0x100;
    switch (head) {
      case 0xcc:
        return this.bytes[this.move(1)]!;
      case 0xcd:
        return this.bytes.readUInt16BE(this.move(2));
      case 0xce:
        return this.bytes.readUInt32BE(this.move(4));
      case 0xcf:
        return exact(this.bytes.readBigUInt64BE(this.move(8)));
      case 0xd0:
        return this.bytes.readInt8(this.move(1));
      case 0xd1:
        return this.bytes.readInt16BE(this.move(2));
      case 0xd2:
        return this.bytes.readInt32BE(this.move(4));
      case 0xd3:
        return exact(this.bytes.readBigInt64BE(this.move(8)));
    }
    this.at--;
    throw this.error('an integer');
  }

  float(): number {
    switch (this.peek()) {
      case 0xca:
        return this.bytes.readFloatBE((this.at++, this.move(4)));
      case 0xcb:
        return this.bytes.readDoubleBE((this.at++, this.move(8)));
    }
    return Number(this.integer());
  }

  /** Bytes or text, as a view of the buffer. */
  raw(): Buffer {
    const length = this.rawLength();
    if (length === undefined) throw this.error('bytes or text');
    const from = this.move(length);
    return this.bytes.subarray(from, from + length);
  }

  /** The number of items of an array; they follow. */
  listLength(): number {
    const head = this.byte();
    if (head >= 0x90 && head <= 0x9f) return this.counted(head & 0x0f);
    if (head === 0xdc) return this.counted(this.bytes.readUInt16BE(this.move(2)));
    if (head === 0xdd) return this.counted(this.bytes.readUInt32BE(this.move(4)));
    this.at--;
    throw this.error('an array');
  }

  /** The number of entries of a map; a key and a value follow for each. */
  mapLength(): number {
    const head = this.byte();
    if (head >= 0x80 && head <= 0x8f) return this.counted(head & 0x0f);
    if (head === 0xde) return this.counted(this.bytes.readUInt16BE(this.move(2)));
    if (head === 0xdf) return this.counted(this.bytes.readUInt32BE(this.move(4)));
    this.at--;
    throw this.error('a map');
  }

  /** What kind of value comes next. */
  kind(): 'nil' | 'bool' | 'integer' | 'float' | 'raw' | 'list' | 'map' {
    const head = this.peek();
    if (head < 0x80 || head >= 0xe0 || (head >= 0xcc && head <= 0xd3)) return 'integer';
    if (head < 0x90 || head === 0xde || head === 0xdf) return 'map';
    if (head < 0xa0 || head === 0xdc || head === 0xdd) return 'list';
    if (head === 0xc0) return 'nil';
    if (head === 0xc2 || head === 0xc3) return 'bool';
    if (head === 0xca || head === 0xcb) return 'float';
    if (head < 0xc0 || (head >= 0xc4 && head <= 0xc6) || (head >= 0xd9 && head <= 0xdb)) return 'raw';
    throw this.error('a value without extension types');
  }

  /** Steps over the next value, whatever it holds; without recursion. */
  skip(): void {
    for (let left = 1; left > 0; left--) {
      switch (this.kind()) {
        case 'nil':
        case 'bool':
          this.at++;
          break;
        case 'integer':
          this.integer();
          break;
        case 'float':
          this.float();
          break;
        case 'raw':
          this.raw();
          break;
        case 'list':
          left += this.listLength();
          break;
        case 'map':
          left += 2 * this.mapLength();
      }
    }
  }

  error(wanted: string): DecodeError {
    const head = this.bytes[this.at];
    return new DecodeError(
      `[pos ${this.at}]: cannot decode ${wanted}: ${head === undefined ? 'end of the message' : `descriptor byte ${head.toString(16)}`}`,
    );
  }

  private rawLength(): number | undefined {
    const head = this.byte();
    if (head >= 0xa0 && head <= 0xbf) return head & 0x1f;
    switch (head) {
      case 0xd9:
      case 0xc4:
        return this.bytes[this.move(1)];
      case 0xda:
      case 0xc5:
        return this.bytes.readUInt16BE(this.move(2));
      case 0xdb:
      case 0xc6:
        return this.bytes.readUInt32BE(this.move(4));
    }
    this.at--;
    return undefined;
  }

  /** More items than there are bytes left cannot be: a length is not believed before it is seen. */
  private counted(length: number): number {
    if (length > this.bytes.length - this.at) throw this.error(`${length} items`);
    return length;
  }

  private peek(): number {
    const head = this.bytes[this.at];
    if (head === undefined) throw this.error('a value');
    return head;
  }

  private byte(): number {
    const head = this.peek();
    this.at++;
    return head;
  }

  private move(count: number): number {
    const from = this.at;
    if (from + count > this.bytes.length) throw this.error(`${count} bytes`);
    this.at += count;
    return from;
  }
}

const exact = (value: bigint): number | bigint => {
  const number = Number(value);
  return Number.isSafeInteger(number) ? number : value;
};
