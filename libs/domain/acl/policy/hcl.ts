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

const HCL_FAULT = 'HclFault';
/** What is wrong, and where: `At 1:13: object expected closing RBRACE got: EOF`. */
export function hclFault(text: string): Error {
  const error = new Error(text);
  error.name = HCL_FAULT;
  return error;
}
export const isHclFault = (error: unknown): error is Error => error instanceof Error && error.name === HCL_FAULT;

const MAX_DEPTH = 32;

export const isObject = (value: HclValue): value is HclObject =>
  typeof value === 'object' && !Array.isArray(value) && 'items' in value;

/** Reads HCL, or JSON if the text begins with a brace. @throws Error that is an `isHclFault` */
export function parseHcl(text: string): HclObject {
  return /^\s*\{/.test(text) ? fromJson(text) : readFile(text);
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

function readFile(source: string): HclObject {
  let position = 0;
  let line = 1;
  let lineStart = 0;
  let token = scan();
  return { items: readItems('EOF', 0) };

  function readItems(end: 'EOF' | 'RBRACE', depth: number): HclItem[] {
    if (depth > MAX_DEPTH) throw fault('nested too deeply');
    const items: HclItem[] = [];
    while (token.kind !== end) {
      if (token.kind === 'EOF') throw fault('object expected closing RBRACE got: EOF');
      items.push(readItem(depth));
      if (token.kind === 'COMMA') next();
    }
    return items;
  }

  function readItem(depth: number): HclItem {
    const keys: string[] = [];
    for (;;) {
      const { kind, text } = token;
      if (kind === 'IDENT' || kind === 'STRING' || kind === 'BOOL') {
        keys.push(text);
        next();
        continue;
      }
      if (keys.length === 0) throw fault(`expected: IDENT | STRING got: ${kind}`);
      if (kind === 'ASSIGN') {
        if (keys.length > 1) throw fault(`nested object expected: LBRACE got: ${kind}`);
        next();
        return { keys, value: readValue(depth) };
      }
      if (kind === 'LBRACE') return { keys, value: readObject(depth) };
      if (kind === 'EOF' || keys.length === 1)
        throw fault(`key '${keys.join(' ')}' expected start of object ('{') or assignment ('=')`);
      throw fault(`nested object expected: LBRACE got: ${kind}`);
    }
  }

  function readObject(depth: number): HclObject {
    next();
    const items = readItems('RBRACE', depth + 1);
    next();
    return { items };
  }

  function readValue(depth: number): HclValue {
    const { kind, text } = token;
    if (kind === 'LBRACE') return readObject(depth);
    if (kind === 'LBRACK') return readList(depth);
    if (kind !== 'STRING' && kind !== 'NUMBER' && kind !== 'BOOL') throw fault(`Unknown token: ${kind} ${text}`);
    next();
    return kind === 'STRING' ? text : kind === 'NUMBER' ? Number(text) : text === 'true';
  }

  function readList(depth: number): HclValue[] {
    if (depth > MAX_DEPTH) throw fault('nested too deeply');
    next();
    const values: HclValue[] = [];
    while (token.kind !== 'RBRACK') {
      if (token.kind === 'EOF') throw fault('error parsing list, expected comma or list end, got: EOF');
      values.push(readValue(depth + 1));
      if (token.kind === 'COMMA') next();
      else if ((token.kind as Kind) !== 'RBRACK')
        throw fault(`error parsing list, expected comma or list end, got: ${token.kind}`);
    }
    next();
    return values;
  }

  function next(): void {
    token = scan();
  }

  function scan(): Token {
    skip(BLANK);
    const at = placeOf(position);
    const char = source[position];
    if (char === undefined) return { kind: 'EOF', text: '', at: placeOf(position + 1) };
    const symbol = SYMBOLS.get(char);
    if (symbol !== undefined) {
      position++;
      return { kind: symbol, text: char, at };
    }
    if (char === '"') return { kind: 'STRING', text: readQuoted(at), at };
    const heredoc = skip(HEREDOC);
    if (heredoc !== undefined) return { kind: 'STRING', text: readHeredoc(heredoc, at), at };
    const number = skip(NUMBER);
    if (number !== undefined) return { kind: 'NUMBER', text: number[0], at };
    const ident = skip(IDENT)?.[0];
    if (ident === undefined) throw hclFault(`At ${at}: illegal character`);
    return { kind: ident === 'true' || ident === 'false' ? 'BOOL' : 'IDENT', text: ident, at };
  }

  function readQuoted(at: string): string {
    let text = '';
    for (let i = position + 1; i < source.length; i++) {
      const char = source[i]!;
      if (char === '"') {
        position = i + 1;
        return text;
      }
      if (char === '\n') break;
      if (char !== '\\') {
        text += char;
        continue;
      }
      const escaped = ESCAPES.get(source[++i] ?? '');
      if (escaped === undefined) throw hclFault(`At ${at}: illegal char escape`);
      text += escaped;
    }
    throw hclFault(`At ${at}: literal not terminated`);
  }

  function readHeredoc([, dash, word]: RegExpExecArray, at: string): string {
    const lines: string[] = [];
    for (let start = position; start < source.length;) {
      const end = source.indexOf('\n', start);
      const read = source.slice(start, end < 0 ? source.length : end);
      advance(start + read.length + 1);
      if ((dash === '-' ? read.trim() : read.trimEnd()) === word) {
        const indent =
          dash === '-' ? Math.min(...lines.map((one) => one.length - one.trimStart().length), Infinity) : 0;
        return lines.map((one) => `${one.slice(indent)}\n`).join('');
      }
      lines.push(read);
      start = position;
    }
    throw hclFault(`At ${at}: heredoc not terminated`);
  }

  function skip(pattern: RegExp): RegExpExecArray | undefined {
    pattern.lastIndex = position;
    const found = pattern.exec(source);
    if (found === null) return undefined;
    advance(position + found[0].length);
    return found;
  }

  function advance(to: number): void {
    for (let i = source.indexOf('\n', position); i >= 0 && i < to; i = source.indexOf('\n', i + 1)) {
      line++;
      lineStart = i + 1;
    }
    position = to;
  }

  function placeOf(at: number): string {
    return `${line}:${at - lineStart + 1}`;
  }

  function fault(what: string): Error {
    return hclFault(`At ${token.at}: ${what}`);
  }
}

/** JSON: an object of objects stands for blocks with labels, a list of objects for several blocks. */
function fromJson(text: string): HclObject {
  let json: unknown;
  try {
    json = JSON.parse(text);
  } catch (error) {
    throw hclFault(`At 1:1: ${(error as Error).message}`);
  }
  return jsonObject(json as object, 0);
}

function jsonObject(json: object, depth: number): HclObject {
  if (depth > MAX_DEPTH) throw hclFault('At 1:1: nested too deeply');
  return { items: Object.entries(json).flatMap(([key, value]) => jsonItems([key], value, depth)) };
}

const isJsonObject = (json: unknown): json is object =>
  typeof json === 'object' && json !== null && !Array.isArray(json);

function jsonItems(keys: readonly string[], json: unknown, depth: number): HclItem[] {
  if (depth > MAX_DEPTH) throw hclFault('At 1:1: nested too deeply');
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
  if (depth > MAX_DEPTH) throw hclFault('At 1:1: nested too deeply');
  if (Array.isArray(json))
    return json.map((one) => (isJsonObject(one) ? jsonObject(one, depth + 1) : jsonValue(one, depth + 1)));
  return typeof json === 'string' || typeof json === 'number' || typeof json === 'boolean' ? json : '';
}
