const FIRST_CAPACITY = 64 * 1024;
/** Longer texts are left to Node; shorter ones are written faster here, where they are ASCII. */
const SHORT_TEXT = 64;
const LAST_ASCII = 0x7f;
const LONGEST_VARINT = 10;
const UTF8_PER_UNIT = 3;

/** Bytes in the making, in the forms that a Kafka record consists of. Its buffer is kept from one use to the next. */
export class RecordBytes {
  private buffer = Buffer.allocUnsafe(FIRST_CAPACITY);
  private end = 0;

  clear(): void {
    this.end = 0;
  }

  /** What was written, valid until the next write. */
  written(): Buffer {
    return this.buffer.subarray(0, this.end);
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

  /** UTF-8 after its length. */
  text(value: string): void {
    if (value.length <= SHORT_TEXT && this.ascii(value)) return;
    this.varint(Buffer.byteLength(value));
    this.ensure(UTF8_PER_UNIT * value.length);
    this.end += this.buffer.write(value, this.end);
  }

  /** What `write` writes, after its length. */
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
