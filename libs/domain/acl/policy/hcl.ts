/*
 * The part of HCL 1 that policies are written in, and JSON of the same shape. Everything is data: no expressions, no interpolation. What is
 * read is bounded in length by who calls, and in depth here.
 */

export type HclValue = string | number | boolean | readonly HclValue[] | HclObject;
export interface HclItem {
  /** The key and, for blocks, its labels. */
  readonly keys: readonly string[];
  readonly value: HclValue;
}
export interface HclObject {
  readonly items: readonly HclItem[];
}

/** What is wrong, and where: `At 1:13: object expected closing RBRACE got: EOF`. */
export class HclFault extends Error {}

const MAX_DEPTH = 32;

export const isObject = (value: HclValue): value is HclObject =>
  typeof value === 'object' && !Array.isArray(value) && 'items' in value;

/** Reads HCL, or JSON if the text begins with a brace. @throws HclFault */
export function parseHcl(text: string): HclObject {
  return /^\s*\{/.test(text) ? fromJson(text) : new Reader(text).file();
}

type Kind =
  'EOF' | 'IDENT' | 'STRING' | 'NUMBER' | 'BOOL' | 'LBRACE' | 'RBRACE' | 'LBRACK' | 'RBRACK' | 'ASSIGN' | 'COMMA';
interface Token {
  readonly kind: Kind;
  readonly text: string;
  readonly at: string;
}

const SYMBOLS: ReadonlyMap<string, Kind> = new Map([
  ['{', 'LBRACE'],
  ['}', 'RBRACE'],
  ['[', 'LBRACK'],
  [']', 'RBRACK'],
  ['=', 'ASSIGN'],
  [',', 'COMMA'],
]);
const BLANK = /(?:[ \t\r\n]+|#[^\n]*|\/\/[^\n]*|\/\*[^]*?\*\/)+/y;
const IDENT = /[\p{L}_][\p{L}\p{N}_.-]*/uy;
const NUMBER = /-?(?:0[xX][0-9a-fA-F]+|\d+(?:\.\d+)?(?:[eE][+-]?\d+)?)/y;
const HEREDOC = /<<(-?)([A-Za-z0-9_]+)\r?\n/y;
const ESCAPES: ReadonlyMap<string, string> = new Map([
  ['n', '\n'],
  ['t', '\t'],
  ['r', '\r'],
  ['"', '"'],
  ['\\', '\\'],
]);

class Reader {
  private position = 0;
  private line = 1;
  private lineStart = 0;
  private token: Token;

  constructor(private readonly text: string) {
    this.token = this.scan();
  }

  file(): HclObject {
    return { items: this.items('EOF', 0) };
  }

  private items(end: 'EOF' | 'RBRACE', depth: number): HclItem[] {
    if (depth > MAX_DEPTH) throw this.fault('nested too deeply');
    const items: HclItem[] = [];
    while (this.token.kind !== end) {
      if (this.token.kind === 'EOF') throw this.fault('object expected closing RBRACE got: EOF');
      items.push(this.item(depth));
      if (this.token.kind === 'COMMA') this.next();
    }
    return items;
  }

  private item(depth: number): HclItem {
    const keys: string[] = [];
    for (;;) {
      const { kind, text } = this.token;
      if (kind === 'IDENT' || kind === 'STRING' || kind === 'BOOL') {
        keys.push(text);
        this.next();
        continue;
      }
      if (keys.length === 0) throw this.fault(`expected: IDENT | STRING got: ${kind}`);
      if (kind === 'ASSIGN') {
        if (keys.length > 1) throw this.fault(`nested object expected: LBRACE got: ${kind}`);
        this.next();
        return { keys, value: this.value(depth) };
      }
      if (kind === 'LBRACE') return { keys, value: this.object(depth) };
      if (kind === 'EOF' || keys.length === 1)
        throw this.fault(`key '${keys.join(' ')}' expected start of object ('{') or assignment ('=')`);
      throw this.fault(`nested object expected: LBRACE got: ${kind}`);
    }
  }

  private object(depth: number): HclObject {
    this.next();
    const items = this.items('RBRACE', depth + 1);
    this.next();
    return { items };
  }

  private value(depth: number): HclValue {
    const { kind, text } = this.token;
    if (kind === 'LBRACE') return this.object(depth);
    if (kind === 'LBRACK') return this.list(depth);
    if (kind !== 'STRING' && kind !== 'NUMBER' && kind !== 'BOOL') throw this.fault(`Unknown token: ${kind} ${text}`);
    this.next();
    return kind === 'STRING' ? text : kind === 'NUMBER' ? Number(text) : text === 'true';
  }

  private list(depth: number): HclValue[] {
    if (depth > MAX_DEPTH) throw this.fault('nested too deeply');
    this.next();
    const values: HclValue[] = [];
    while (this.token.kind !== 'RBRACK') {
      if (this.token.kind === 'EOF') throw this.fault('error parsing list, expected comma or list end, got: EOF');
      values.push(this.value(depth + 1));
      if (this.token.kind === 'COMMA') this.next();
      else if ((this.token.kind as Kind) !== 'RBRACK')
        throw this.fault(`error parsing list, expected comma or list end, got: ${this.token.kind}`);
    }
    this.next();
    return values;
  }

  private next(): void {
    this.token = this.scan();
  }

  private scan(): Token {
    this.skip(BLANK);
    const at = this.place(this.position);
    const char = this.text[this.position];
    if (char === undefined) return { kind: 'EOF', text: '', at: this.place(this.position + 1) };
    const symbol = SYMBOLS.get(char);
    if (symbol !== undefined) {
      this.position++;
      return { kind: symbol, text: char, at };
    }
    if (char === '"') return { kind: 'STRING', text: this.quoted(at), at };
    const heredoc = this.skip(HEREDOC);
    if (heredoc !== undefined) return { kind: 'STRING', text: this.heredoc(heredoc, at), at };
    const number = this.skip(NUMBER);
    if (number !== undefined) return { kind: 'NUMBER', text: number[0], at };
    const ident = this.skip(IDENT)?.[0];
    if (ident === undefined) throw new HclFault(`At ${at}: illegal character`);
    return { kind: ident === 'true' || ident === 'false' ? 'BOOL' : 'IDENT', text: ident, at };
  }

  private quoted(at: string): string {
    let text = '';
    for (let i = this.position + 1; i < this.text.length; i++) {
      const char = this.text[i]!;
      if (char === '"') {
        this.position = i + 1;
        return text;
      }
      if (char === '\n') break;
      if (char !== '\\') {
        text += char;
        continue;
      }
      const escaped = ESCAPES.get(this.text[++i] ?? '');
      if (escaped === undefined) throw new HclFault(`At ${at}: illegal char escape`);
      text += escaped;
    }
    throw new HclFault(`At ${at}: literal not terminated`);
  }

  private heredoc([, dash, word]: RegExpExecArray, at: string): string {
    const lines: string[] = [];
    for (let start = this.position; start < this.text.length;) {
      const end = this.text.indexOf('\n', start);
      const line = this.text.slice(start, end < 0 ? this.text.length : end);
      this.advance(start + line.length + 1);
      if ((dash === '-' ? line.trim() : line.trimEnd()) === word) {
        const indent =
          dash === '-' ? Math.min(...lines.map((one) => one.length - one.trimStart().length), Infinity) : 0;
        return lines.map((one) => `${one.slice(indent)}\n`).join('');
      }
      lines.push(line);
      start = this.position;
    }
    throw new HclFault(`At ${at}: heredoc not terminated`);
  }

  private skip(pattern: RegExp): RegExpExecArray | undefined {
    pattern.lastIndex = this.position;
    const found = pattern.exec(this.text);
    if (found === null) return undefined;
    this.advance(this.position + found[0].length);
    return found;
  }

  private advance(to: number): void {
    for (let i = this.text.indexOf('\n', this.position); i >= 0 && i < to; i = this.text.indexOf('\n', i + 1)) {
      this.line++;
      this.lineStart = i + 1;
    }
    this.position = to;
  }

  private place(position: number): string {
    return `${this.line}:${position - this.lineStart + 1}`;
  }

  private fault(what: string): HclFault {
    return new HclFault(`At ${this.token.at}: ${what}`);
  }
}

/** JSON: an object of objects stands for blocks with labels, a list of objects for several blocks. */
function fromJson(text: string): HclObject {
  let json: unknown;
  try {
    json = JSON.parse(text);
  } catch (error) {
    throw new HclFault(`At 1:1: ${(error as Error).message}`);
  }
  return jsonObject(json as object, 0);
}

function jsonObject(json: object, depth: number): HclObject {
  if (depth > MAX_DEPTH) throw new HclFault('At 1:1: nested too deeply');
  return { items: Object.entries(json).flatMap(([key, value]) => jsonItems([key], value, depth)) };
}

const isJsonObject = (json: unknown): json is object =>
  typeof json === 'object' && json !== null && !Array.isArray(json);

function jsonItems(keys: readonly string[], json: unknown, depth: number): HclItem[] {
  if (depth > MAX_DEPTH) throw new HclFault('At 1:1: nested too deeply');
  if (Array.isArray(json) && json.length > 0 && json.every(isJsonObject))
    return json.flatMap((one) => jsonItems(keys, one, depth + 1));
  if (!isJsonObject(json)) return [{ keys, value: jsonValue(json, depth) }];
  const entries = Object.entries(json);
  const isLabelled = entries.length > 0 && entries.every(([, value]) => isJsonObject(value) || isObjects(value));
  if (isLabelled) return entries.flatMap(([key, value]) => jsonItems([...keys, key], value, depth + 1));
  return [{ keys, value: jsonObject(json, depth + 1) }];
}

const isObjects = (json: unknown): boolean => Array.isArray(json) && json.length > 0 && json.every(isJsonObject);

function jsonValue(json: unknown, depth: number): HclValue {
  if (depth > MAX_DEPTH) throw new HclFault('At 1:1: nested too deeply');
  if (Array.isArray(json))
    return json.map((one) => (isJsonObject(one) ? jsonObject(one, depth + 1) : jsonValue(one, depth + 1)));
  return typeof json === 'string' || typeof json === 'number' || typeof json === 'boolean' ? json : '';
}
