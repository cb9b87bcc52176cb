import { TemplateError } from './template-error.js';

export interface Piece {
  readonly kind: 'text' | 'action';
  readonly text: string;
}

export type Token =
  | { readonly kind: 'number'; readonly text: string; readonly value: bigint | number }
  | {
      readonly kind: 'string' | 'symbol' | 'variable' | 'field' | 'word';
      readonly text: string;
      /** Nothing stands between it and what is before it. */
      readonly isAttached: boolean;
    };

/** What Go trims around actions, and what may stand between operands. */
const SPACES = ' \t\r\n';
const trimmedEnd = (text: string): string => {
  let end = text.length;
  while (end > 0 && SPACES.includes(text.charAt(end - 1))) end--;
  return text.slice(0, end);
};
const trimmedStart = (text: string): string => {
  let start = 0;
  while (start < text.length && SPACES.includes(text.charAt(start))) start++;
  return text.slice(start);
};

/** The texts and actions of a template, trimmed as `{{-` and `-}}` say. Comments are left out. @throws TemplateError */
export function split(source: string, [left, right]: readonly [string, string]): Piece[] {
  const pieces: Piece[] = [];
  let trimsNext = false;
  for (let at = 0; at < source.length;) {
    const open = source.indexOf(left, at);
    let text = source.slice(at, open < 0 ? source.length : open);
    if (trimsNext) text = trimmedStart(text);
    if (open < 0) {
      pieces.push({ kind: 'text', text });
      break;
    }
    let begin = open + left.length;
    if (source[begin] === '-' && SPACES.includes(source[begin + 1] ?? '-')) {
      text = trimmedEnd(text);
      begin++;
    }
    if (text !== '') pieces.push({ kind: 'text', text });
    const { inner, end, isComment, trims } = actionAt(source, begin, right);
    if (!isComment) pieces.push({ kind: 'action', text: trimmedStart(trimmedEnd(inner)) });
    trimsNext = trims;
    at = end;
  }
  return pieces;
}

interface Found {
  readonly inner: string;
  readonly end: number;
  readonly isComment: boolean;
  readonly trims: boolean;
}

function actionAt(source: string, begin: number, right: string): Found {
  const start = begin + /^[ \t\r\n]{0,1000}/.exec(source.slice(begin, begin + 1000))![0].length;
  const isComment = source.startsWith('/*', start);
  let from = begin;
  if (isComment) {
    const close = source.indexOf('*/', start + 2);
    if (close < 0) throw new TemplateError('unclosed comment');
    from = close + 2;
  }
  const close = closeOf(source, from, right);
  const whole = source.slice(begin, close);
  const trims = /[ \t\r\n]-$/.test(whole);
  const inner = trims ? whole.slice(0, -1) : whole;
  if (isComment && trimmedStart(trimmedEnd(source.slice(from, trims ? close - 1 : close))) !== '')
    throw new TemplateError('comment ends before closing delimiter');
  return { inner, end: close + right.length, isComment, trims };
}

/** Where an action ends: delimiters within quotes do not count. */
function closeOf(source: string, from: number, right: string): number {
  for (let at = from; at < source.length; at++) {
    if (source.startsWith(right, at)) return at;
    const quote = source[at];
    if (quote !== '"' && quote !== '`' && quote !== "'") continue;
    for (at++; at < source.length && source[at] !== quote; at++) {
      if (quote !== '`' && source[at] === '\\') at++;
      if (quote !== '`' && source[at] === '\n') throw new TemplateError('unterminated quoted string');
    }
  }
  throw new TemplateError('unclosed action');
}

const TOKEN =
  /([ \t\r\n]*)(?:("(?:[^"\\\n]|\\.)*"|`[^`]*`)|('(?:[^'\\\n]|\\.)+')|([+-]?(?:0[xX][0-9a-fA-F_]+|(?:\d[\d_]*\.?\d*|\.\d+)(?:[eE][+-]?\d+)?))|(:=|[=|(),])|(\$[A-Za-z0-9_]*(?:\.[\p{L}_][\p{L}\p{Nd}_]*)*)|((?:\.[\p{L}_][\p{L}\p{Nd}_]*)+|\.)|([\p{L}_][\p{L}\p{Nd}_]*))/uy;

/** @throws TemplateError */
export function tokensOf(text: string): Token[] {
  const tokens: Token[] = [];
  const whole = trimmedEnd(text);
  for (let at = 0; at < whole.length; at = TOKEN.lastIndex) {
    TOKEN.lastIndex = at;
    const found = TOKEN.exec(whole);
    if (found === null) throw new TemplateError(`unexpected ${JSON.stringify(whole.slice(at, at + 20))} in an action`);
    const [, space = '', string, character, number, symbol, variable, field, word] = found;
    const isAttached = space === '';
    if (string !== undefined) tokens.push({ kind: 'string', text: string, isAttached });
    else if (character !== undefined) tokens.push(numberToken(character, BigInt(runeOf(character))));
    else if (number !== undefined) tokens.push(numberToken(number, numberOf(number)));
    else if (symbol !== undefined) tokens.push({ kind: 'symbol', text: symbol, isAttached });
    else if (variable !== undefined) tokens.push({ kind: 'variable', text: variable, isAttached });
    else if (field !== undefined) tokens.push({ kind: 'field', text: field, isAttached });
    else if (word !== undefined) tokens.push({ kind: 'word', text: word, isAttached });
  }
  return tokens;
}

const numberToken = (text: string, value: bigint | number): Token => ({ kind: 'number', text, value });

/** A character constant such as `'a'` is the number of the character. */
function runeOf(text: string): number {
  const [rune = '', ...more] = unquoted(`"${text.slice(1, -1).replaceAll('"', String.raw`\"`)}"`);
  if (rune === '' || more.length > 0) throw new TemplateError(`malformed character constant: ${text}`);
  return rune.codePointAt(0) ?? 0;
}

function numberOf(text: string): bigint | number {
  const plain = text.replaceAll('_', '');
  if (/^[+-]?0x/i.test(plain) || !/[.e]/i.test(plain)) {
    const digits = plain.replace(/^[+-]/, '');
    if (digits.length > 20) throw new TemplateError(`integer overflow: ${text.slice(0, 40)}`);
    const size = BigInt(digits);
    const value = plain.startsWith('-') ? -size : size;
    if (BigInt.asIntN(64, value) !== value) throw new TemplateError(`integer overflow: ${text}`);
    return value;
  }
  return Number(plain);
}

const ESCAPES = new Map([
  ['a', '\u0007'],
  ['b', '\b'],
  ['f', '\f'],
  ['n', '\n'],
  ['r', '\r'],
  ['t', '\t'],
  ['v', '\v'],
  ['\\', '\\'],
  ["'", "'"],
  ['"', '"'],
]);

/** A text in Go's quotes. @throws TemplateError */
export function unquoted(text: string): string {
  const inner = text.slice(1, -1);
  if (text.startsWith('`')) return inner.replaceAll('\r', '');
  return inner.replace(
    /\\(?:x([0-9a-fA-F]{2})|u([0-9a-fA-F]{4})|U([0-9a-fA-F]{8})|([0-7]{3})|([^]))/g,
    (whole, x?: string, u?: string, long?: string, octal?: string, other?: string) => {
      const code = x ?? u ?? long;
      if (code !== undefined) return character(Number.parseInt(code, 16), text);
      if (octal !== undefined) return character(Number.parseInt(octal, 8), text);
      const known = ESCAPES.get(other ?? '');
      if (known === undefined) throw new TemplateError(`malformed text ${text}: unknown escape ${whole}`);
      return known;
    },
  );
}

function character(code: number, text: string): string {
  if (code > 0x10ffff) throw new TemplateError(`malformed text ${text}`);
  return String.fromCodePoint(code);
}
