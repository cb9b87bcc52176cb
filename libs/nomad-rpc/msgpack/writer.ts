const FIRST_BYTES = 512;

/** Writes msgpack as Nomad's Go side does: strings and bytes raw, integers in their shortest signed form. spec/rpc §5.1. */
export class Writer {
  private bytes = Buffer.allocUnsafe(FIRST_BYTES);
  private at = 0;

  /** What was written; the writer must not be used afterwards. */
  finish(): Buffer {
    return this.bytes.subarray(0, this.at);
  }

  nil(): void {
    this.byte(0xc0);
  }

  bool(value: boolean): void {
    this.byte(value ? 0xc3 : 0xc2);
  }

  /** @throws RangeError for what is no 64-bit integer */
  integer(value: number | bigint): void {
    if (typeof value === 'bigint') return this.bigInteger(value);
    if (!Number.isSafeInteger(value)) throw new RangeError(`${value} is not an integer that a double holds exactly`);
    if (value >= 0 ? value < 0x80 : value >= -32) return this.byte(value & 0xff);
    if (value >= -0x80 && value < 0x80) {
      this.byte(0xd0);
      this.at = this.room(1).writeInt8(value, this.at);
    } else if (value >= -0x8000 && value < 0x8000) {
      this.byte(0xd1);
      this.at = this.room(2).writeInt16BE(value, this.at);
    } else if (value >= -0x8000_0000 && value < 0x8000_0000) {
      this.byte(0xd2);
      this.at = this.room(4).writeInt32BE(value, this.at);
    } else {
      this.byte(0xd3);
      this.at = this.room(8).writeBigInt64BE(BigInt(value), this.at);
    }
  }

  private bigInteger(value: bigint): void {
    if (value >= -0x8000_0000n && value < 0x8000_0000n) return this.integer(Number(value));
    if (value > 0x7fff_ffff_ffff_ffffn) {
      this.byte(0xcf);
      this.at = this.room(8).writeBigUInt64BE(value, this.at);
    } else {
      this.byte(0xd3);
      this.at = this.room(8).writeBigInt64BE(value, this.at);
    }
  }

  float(value: number): void {
    this.byte(0xcb);
    this.at = this.room(8).writeDoubleBE(value, this.at);
  }

  text(value: string): void {
    const length = Buffer.byteLength(value);
    this.rawHeader(length);
    this.at += this.room(length).write(value, this.at, length, 'utf8');
  }

  raw(value: Uint8Array): void {
    this.rawHeader(value.length);
    this.room(value.length).set(value, this.at);
    this.at += value.length;
  }

  /** A value that was written before. */
  encoded(value: Buffer): void {
    this.room(value.length).set(value, this.at);
    this.at += value.length;
  }

  list(length: number): void {
    this.header(length, 0x90, 0x0f, 0xdc, 0xdd);
  }

  map(length: number): void {
    this.header(length, 0x80, 0x0f, 0xde, 0xdf);
  }

  private rawHeader(length: number): void {
    this.header(length, 0xa0, 0x1f, 0xda, 0xdb);
  }

  private header(length: number, short: number, most: number, two: number, four: number): void {
    if (length <= most) return this.byte(short | length);
    if (length <= 0xffff) {
      this.byte(two);
      this.at = this.room(2).writeUInt16BE(length, this.at);
    } else {
      this.byte(four);
      this.at = this.room(4).writeUInt32BE(length, this.at);
    }
  }

  private byte(value: number): void {
    this.room(1)[this.at++] = value;
  }

  private room(count: number): Buffer {
    if (this.at + count > this.bytes.length) {
      const larger = Buffer.allocUnsafe(Math.max(this.bytes.length * 2, this.at + count));
      this.bytes.copy(larger, 0, 0, this.at);
      this.bytes = larger;
    }
    return this.bytes;
  }
}
