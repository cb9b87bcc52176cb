import { quoted } from '@app/kernel';
import { fail, ok, type Result } from '../result.js';
import {
  BACKSLASH,
  CLOSE_ARRAY,
  CLOSE_OBJECT,
  COLON,
  COMMA,
  DOT,
  isDigit,
  isHex,
  isSpace,
  LOWER_E,
  LOWER_F,
  LOWER_N,
  LOWER_T,
  LOWER_U,
  MINUS,
  OPEN_ARRAY,
  OPEN_OBJECT,
  PLUS,
  QUOTE,
  UPPER_E,
  ZERO,
} from './ascii.js';

/** Nomad's decoder gives up at 10000; nothing that nests deeper than this is a request, and what we accept must fit our own stack. */
export const MAX_DEPTH = 1000;

const ESCAPED = new Set(Array.from('bfnrt\\/"', (char) => char.charCodeAt(0)));
const LITERALS: Readonly<Record<number, string>> = { [LOWER_T]: 'true', [LOWER_F]: 'false', [LOWER_N]: 'null' };

/** A byte in single quotes, as the decoder names it: each byte stands for the character of that number. */
function quoteByte(byte: number): string {
  if (byte === 0x27) return `'\\''`;
  if (byte === QUOTE) return `'"'`;
  return `'${quoted(String.fromCharCode(byte)).slice(1, -1)}'`;
}

/** Why the scan stopped: thrown within this file only. */
class ScanFault {
  constructor(readonly text: string) {}
}

/** Finds the end of a JSON value by one pass over the bytes, with an explicit stack; faults are those of Go's scanner. */
class Scanner {
  private pos = 0;
  /** The kind of each open container. */
  private readonly open: number[] = [];

  constructor(private readonly bytes: Uint8Array) {}

  /** The offsets of the first value; what follows it is not looked at. */
  firstValue(): readonly [start: number, end: number] {
    this.skipSpaces();
    if (this.pos === this.bytes.length) throw new ScanFault('EOF');
    const start = this.pos;
    do {
      this.beginValue();
    } while (!this.endValue());
    return [start, this.pos];
  }

  /** Reads a scalar, or the brackets and keys up to the first scalar or empty container within. */
  private beginValue(): void {
    for (;;) {
      const byte = this.peekToken();
      if (byte === OPEN_OBJECT) {
        this.push(byte);
        if (this.peekToken() === CLOSE_OBJECT) return this.pop();
        this.key();
      } else if (byte === OPEN_ARRAY) {
        this.push(byte);
        if (this.peekToken() === CLOSE_ARRAY) return this.pop();
      } else {
        return this.scalar(byte);
      }
    }
  }

  /** Closes containers and steps over a comma. True when the outermost value is complete. */
  private endValue(): boolean {
    while (this.open.length > 0) {
      const byte = this.peekToken();
      const inObject = this.open.at(-1) === OPEN_OBJECT;
      if (byte === COMMA) {
        this.pos++;
        if (inObject) this.key();
        return false;
      }
      if (byte !== (inObject ? CLOSE_OBJECT : CLOSE_ARRAY)) {
        throw this.invalid(inObject ? 'after object key:value pair' : 'after array element');
      }
      this.pop();
    }
    return true;
  }

  private push(byte: number): void {
    this.open.push(byte);
    if (this.open.length > MAX_DEPTH) throw this.invalid('exceeded max depth');
    this.pos++;
  }

  private pop(): void {
    this.open.pop();
    this.pos++;
  }

  private key(): void {
    if (this.peekToken() !== QUOTE) throw this.invalid('looking for beginning of object key string');
    this.string();
    if (this.peekToken() !== COLON) throw this.invalid('after object key');
    this.pos++;
  }

  private scalar(byte: number): void {
    const literal = LITERALS[byte];
    if (byte === QUOTE) this.string();
    else if (byte === MINUS || isDigit(byte)) this.number();
    else if (literal !== undefined) this.literal(literal);
    else throw this.invalid('looking for beginning of value');
  }

  private string(): void {
    this.pos++;
    for (;;) {
      const byte = this.peek();
      if (byte === BACKSLASH) this.escape();
      else if (byte < 0x20) throw this.invalid('in string literal');
      else this.pos++;
      if (byte === QUOTE) return;
    }
  }

  private escape(): void {
    this.pos++;
    const byte = this.peek();
    if (byte !== LOWER_U && !ESCAPED.has(byte)) throw this.invalid('in string escape code');
    this.pos++;
    if (byte !== LOWER_U) return;
    for (let i = 0; i < 4; i++) {
      if (!isHex(this.peek())) throw this.invalid('in \\u hexadecimal character escape');
      this.pos++;
    }
  }

  private number(): void {
    if (this.peek() === MINUS) {
      this.pos++;
      if (!isDigit(this.peek())) throw this.invalid('in numeric literal');
    }
    if (this.peek() === ZERO) this.pos++;
    else this.digits();
    if (this.bytes[this.pos] === DOT) {
      this.pos++;
      if (!isDigit(this.peek())) throw this.invalid('after decimal point in numeric literal');
      this.digits();
    }
    if (this.bytes[this.pos] === LOWER_E || this.bytes[this.pos] === UPPER_E) {
      this.pos++;
      if (this.peek() === PLUS || this.peek() === MINUS) this.pos++;
      if (!isDigit(this.peek())) throw this.invalid('in exponent of numeric literal');
      this.digits();
    }
  }

  private digits(): void {
    while (isDigit(this.bytes[this.pos])) this.pos++;
  }

  private literal(word: string): void {
    this.pos++;
    for (const expected of word.slice(1)) {
      if (this.peek() !== expected.charCodeAt(0)) throw this.invalid(`in literal ${word} (expecting '${expected}')`);
      this.pos++;
    }
  }

  private skipSpaces(): void {
    while (this.pos < this.bytes.length && isSpace(this.peek())) this.pos++;
  }

  private peekToken(): number {
    this.skipSpaces();
    return this.peek();
  }

  private peek(): number {
    const byte = this.bytes[this.pos];
    if (byte === undefined) throw new ScanFault('unexpected EOF');
    return byte;
  }

  private invalid(context: string): ScanFault {
    return new ScanFault(`invalid character ${quoteByte(this.peek())} ${context}`);
  }
}

/** The offsets of the first JSON value in a body, or the decoder's words for why there is none. Never throws. */
export function scanFirstValue(bytes: Uint8Array): Result<readonly [start: number, end: number]> {
  try {
    return ok(new Scanner(bytes).firstValue());
  } catch (fault) {
    if (fault instanceof ScanFault) return fail(fault.text);
    throw fault;
  }
}
