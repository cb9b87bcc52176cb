import { createHash, createHmac } from 'node:crypto';
import { RE2JS } from 're2js';
import { TemplateError } from './template-error.js';
import { countOfValue, Dict, listOfValue, textOfValue as text, type TemplateFunction } from './value.js';

/** Characters that one function may make: what would be longer is refused before it is made. */
const MAX_MADE = 8 * 1024 * 1024;
const MAX_PATTERN = 1_000;
const MAX_INDENT = 1_000;

function room(characters: number): void {
  if (characters > MAX_MADE) throw new TemplateError('a function makes too much text');
}

function replaced(from: string, to: string, whole: string): string {
  const parts = whole.split(from);
  room(whole.length + parts.length * to.length);
  return parts.join(to);
}

function joined(separator: string, list: readonly string[]): string {
  room(list.reduce((sum, one) => sum + one.length + separator.length, 0));
  return list.join(separator);
}

function indented(count: number, whole: string): string {
  if (count < 0 || count > MAX_INDENT) throw new TemplateError(`indent by ${count}`);
  const lines = whole.split('\n');
  room(whole.length + lines.length * count);
  return lines.map((line) => (line === '' ? '' : ' '.repeat(count) + line)).join('\n');
}

function pattern(given: string): RE2JS {
  if (given.length > MAX_PATTERN) throw new TemplateError('the regular expression is too long');
  try {
    return RE2JS.compile(given);
  } catch (error) {
    throw new TemplateError(`error parsing regexp: ${(error as Error).message}`);
  }
}

/** As Go expands it: the longest name after `$` counts, `$$` is one dollar, a group that is not there is nothing. */
function expanded(template: string, group: (name: number | string) => string | null): string {
  return template.replace(/\$(?:(\$)|\{(\w+)\}|(\w+))/g, (_, dollar?: string, braced?: string, bare = '') => {
    if (dollar !== undefined) return '$';
    const name = braced ?? bare;
    try {
      return group(/^\d+$/.test(name) ? Number(name) : name) ?? '';
    } catch {
      return '';
    }
  });
}

function regexReplaced(expression: string, to: string, whole: string): string {
  const matcher = pattern(expression).matcher(whole);
  const parts: string[] = [];
  let length = 0;
  let at = 0;
  while (matcher.find()) {
    const piece = whole.slice(at, matcher.start()) + expanded(to, (name) => matcher.group(name));
    room((length += piece.length));
    parts.push(piece);
    at = matcher.end();
  }
  return parts.join('') + whole.slice(at);
}

const trimmed = (set: string, whole: string): string => {
  const characters = Array.from(whole);
  const cut = new Set(set);
  const first = characters.findIndex((one) => !cut.has(one));
  if (first < 0) return '';
  return characters.slice(first, characters.findLastIndex((one) => !cut.has(one)) + 1).join('');
};

const decoded = (given: string, encoding: 'base64' | 'base64url'): string => {
  const alphabet = encoding === 'base64' ? /^[A-Za-z0-9+/\r\n]*={0,2}[\r\n]*$/ : /^[A-Za-z0-9_\r\n-]*={0,2}[\r\n]*$/;
  if (!alphabet.test(given)) throw new TemplateError('illegal base64 data');
  return Buffer.from(given, encoding).toString();
};

/** Padded, as Go's encoders do. */
const urlEncoded = (given: string): string => {
  const made = Buffer.from(given).toString('base64url');
  return made + '='.repeat((4 - (made.length % 4)) % 4);
};

const HTML = new Map([
  ['&', '&amp;'],
  ['<', '&lt;'],
  ['>', '&gt;'],
  ['"', '&#34;'],
  ["'", '&#39;'],
]);

function mapOf(pairs: string, separator: string, between: string): Dict {
  const entries = pairs.split(separator).map((pair): readonly [string, string] => {
    const at = pair.indexOf(between);
    return at < 0 ? [pair, ''] : [pair.slice(0, at), pair.slice(at + between.length)];
  });
  return new Dict(new Map(entries));
}

export const TEXT_FUNCTIONS: readonly (readonly [string, TemplateFunction])[] = [
  ['toLower', ([a]) => text(a).toLowerCase()],
  ['toUpper', ([a]) => text(a).toUpperCase()],
  ['toTitle', ([a]) => text(a).replace(/(?<![\p{L}\p{Nd}_'])\p{L}/gu, (first) => first.toUpperCase())],
  ['trim', ([set, a]) => trimmed(text(set), text(a))],
  ['trimSpace', ([a]) => text(a).trim()],
  ['trimPrefix', ([prefix, a]) => (text(a).startsWith(text(prefix)) ? text(a).slice(text(prefix).length) : text(a))],
  [
    'trimSuffix',
    ([suffix, a]) =>
      text(a).endsWith(text(suffix)) ? text(a).slice(0, text(a).length - text(suffix).length) : text(a),
  ],
  ['split', ([separator, a]) => (text(a) === '' ? [] : text(a).trim().split(text(separator)))],
  ['join', ([separator, list]) => joined(text(separator), listOfValue(list).map(text))],
  ['splitToMap', ([separator, between, a]) => mapOf(text(a), text(separator), text(between))],
  ['replaceAll', ([from, to, a]) => replaced(text(from), text(to), text(a))],
  ['regexMatch', ([expression, a]) => pattern(text(expression)).matcher(text(a)).find()],
  ['regexReplaceAll', ([expression, to, a]) => regexReplaced(text(expression), text(to), text(a))],
  ['indent', ([count, a]) => indented(countOfValue(count), text(a))],
  ['base64Encode', ([a]) => Buffer.from(text(a)).toString('base64')],
  ['base64Decode', ([a]) => decoded(text(a), 'base64')],
  ['base64URLEncode', ([a]) => urlEncoded(text(a))],
  ['base64URLDecode', ([a]) => decoded(text(a), 'base64url')],
  ['sha256Hex', ([a]) => createHash('sha256').update(text(a)).digest('hex')],
  ['md5sum', ([a]) => createHash('md5').update(text(a)).digest('hex')],
  ['hmacSHA256Hex', ([message, key]) => createHmac('sha256', text(key)).update(text(message)).digest('hex')],
  ['html', ([a]) => text(a).replace(/[&<>"']/g, (one) => HTML.get(one) ?? one)],
  ['urlquery', ([a]) => encodeURIComponent(text(a)).replaceAll('%20', '+')],
];
