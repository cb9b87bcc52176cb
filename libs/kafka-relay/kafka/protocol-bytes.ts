const FIRST_CAPACITY = 64 * 1024;
/** Longer texts are left to Node; shorter ones are written faster here, where they are ASCII. */
const SHORT_TEXT = 64;
const LAST_ASCII = 0x7f;
const LONGEST_VARINT = 10;
const UTF8_PER_UNIT = 3;

/**
 * A request in the making, in the forms of Kafka's protocol. The buffer is kept from one request to the next: buffers that are thrown away make
 * V8 collect its whole heap again and again, which holds up everything else.
 */
export class ProtocolBytes {
  private buffer: Buffer;
  private end = 0;

  constructor(capacity = FIRST_CAPACITY) {
    this.buffer = Buffer.allocUnsafe(capacity);
  }

  get length(): number {
    return this.end;
  }

  /** Forgets what was written after the first bytes. */
  cut(length: number): void {
    this.end = length;
  }

  /** What was written, valid until something is written. */
  written(from = 0): Buffer {
    return this.buffer.subarray(from, this.end);
  }

  /** Leaves room for bytes that {@link written} is to fill. */
  skip(length: number): void {
    this.ensure(length);
    this.end += length;
  }

  raw(bytes: Uint8Array): void {
    this.ensure(bytes.length);
    this.buffer.set(bytes, this.end);
    this.end += bytes.length;
  }

  int16(value: number): void {
    this.ensure(Int16Array.BYTES_PER_ELEMENT);
    this.end = this.buffer.writeInt16BE(value, this.end);
  }

  int32(value: number): void {
    this.ensure(Int32Array.BYTES_PER_ELEMENT);
    this.end = this.buffer.writeInt32BE(value, this.end);
  }

  /** UTF-8 after two bytes of length. */
  string(value: string): void {
    this.int16(Buffer.byteLength(value));
    this.raw(Buffer.from(value));
  }

  /** A whole number, zig-zag; exact up to 2^52. */
  varint(value: number): void {
    this.ensure(LONGEST_VARINT);
    const { buffer } = this;
    let { end } = this;
    let rest = value < 0 ? -2 * value - 1 : 2 * value;
    for (; rest > LAST_ASCII; rest = Math.floor(rest / 128)) buffer[end++] = (rest % 128) | 0x80;
    buffer[end++] = rest;
    this.end = end;
  }

  /** UTF-8 after its length as a varint. */
  text(value: string): void {
    if (value.length <= SHORT_TEXT && this.ascii(value)) return;
    this.varint(Buffer.byteLength(value));
    this.ensure(UTF8_PER_UNIT * value.length);
    this.end += this.buffer.write(value, this.end);
  }

  /** What `write` writes, after its length as a varint. */
  sized(write: () => void): void {
    this.ensure(LONGEST_VARINT);
    const start = this.end;
    this.end += LONGEST_VARINT;
    write();
    const [from, to] = [start + LONGEST_VARINT, this.end];
    this.end = start;
    this.varint(to - from);
    this.buffer.copyWithin(this.end, from, to);
    this.end += to - from;
  }

  /** Writes the text, or nothing if it is not ASCII. */
  private ascii(value: string): boolean {
    const { length } = value;
    const start = this.end;
    this.varint(length);
    this.ensure(length);
    const { buffer, end } = this;
    for (let at = 0; at < length; at++) {
      const code = value.charCodeAt(at);
      if (code > LAST_ASCII) {
        this.end = start;
        return false;
      }
      buffer[end + at] = code;
    }
    this.end += length;
    return true;
  }

  private ensure(room: number): void {
    if (this.end + room <= this.buffer.length) return;
    const larger = Buffer.allocUnsafe(2 * (this.end + room));
    larger.set(this.written());
    this.buffer = larger;
  }
}
