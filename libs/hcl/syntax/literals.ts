import type { Diagnostics } from '../diagnostics.js';
import { quoted } from '@app/kernel';
import type { Source } from '../source.js';
import type { Token } from './tokens.js';

const PLAIN: ReadonlyMap<string, string> = new Map(Object.entries({ n: '\n', r: '\r', t: '\t', '"': '"', '\\': '\\' }));
const SEQUENCE_ESCAPE = /([$%])\1\{/g;
const ESCAPE = /\\(?:u([0-9a-fA-F]{4})|U([0-9a-fA-F]{8})|([^]))|([$%])\4\{/gu;

/** The text of a literal token, its escapes resolved. */
export function literalText(source: Source, token: Token, diagnostics: Diagnostics): string {
  const written = source.text.slice(token.start, token.end);
  if (token.type !== 'quoted-literal') return written.replace(SEQUENCE_ESCAPE, '$1{');
  if (!/[\\$%]/.test(written)) return written;
  return written.replace(
    ESCAPE,
    (all, short?: string, long?: string, selector?: string, sigil?: string, at?: number) => {
      if (sigil !== undefined) return `${sigil}{`;
      const code = Number.parseInt(short ?? long ?? '', 16);
      if (code <= 0x10ffff) return String.fromCodePoint(code).toWellFormed();
      const plain = PLAIN.get(selector ?? '');
      if (plain !== undefined) return plain;
      const start = token.start + (at ?? 0);
      diagnostics.add('Invalid escape sequence', escapeProblem(selector), source.range(start, start + all.length));
      return all;
    },
  );
}

function escapeProblem(selector: string | undefined): string {
  if (selector === 'u') return 'The \\u escape sequence must be followed by four hexadecimal digits.';
  if (selector === 'U' || selector === undefined)
    return 'The \\U escape sequence must be followed by eight hexadecimal digits.';
  return `The symbol ${quoted(selector)} is not a valid escape sequence selector.`;
}
