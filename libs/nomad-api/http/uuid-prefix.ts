import { isPrintable } from '@app/kernel';
import { fail, ok, type Result } from './result.js';

const UUID_LENGTH = 36;
const MAX_HYPHENS = 4;
/** Where the hyphens of a canonical UUID stand, counted in hexadecimal digits. */
const HYPHENS_BEFORE = new Set([8, 12, 16, 20]);

const spell = (byte: number): string => {
  const code = `U+${byte.toString(16).toUpperCase().padStart(4, '0')}`;
  const rune = String.fromCodePoint(byte);
  return isPrintable(rune) ? `${code} '${rune}'` : code;
};

const withHyphens = (digits: string): string =>
  Array.from(digits, (digit, i) => (HYPHENS_BEFORE.has(i) ? `-${digit}` : digit)).join('');

function digitsOf(text: string): Result<string> {
  const hyphens = text.split('-').length - 1;
  if (hyphens > MAX_HYPHENS) {
    return fail(`index error: UUID should have maximum of ${MAX_HYPHENS} "-"; got ${hyphens}`);
  }
  const digits = text.replaceAll('-', '');
  const bytes = Buffer.from(digits, 'utf8');
  if (bytes.length % 2 !== 0) return fail('index error: Input (without hyphens) must be even length');
  const offending = bytes.find((byte) => !/[0-9a-f]/i.test(String.fromCharCode(byte)));
  if (offending !== undefined)
    return fail(`index error: Invalid UUID: encoding/hex: invalid byte: ${spell(offending)}`);
  return ok(digits.toLowerCase());
}

const ANY_CASE = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/i;

/** Whether a text is a whole UUID with its hyphens in their places, in small letters or capitals. */
export const isUuid = (text: string): boolean => ANY_CASE.test(text);

/** What nearly every request brings. */
const CANONICAL = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/;

/** A full id in its canonical spelling (lower case, hyphens in their places), or Nomad's text for status 500 (spec/http-api §1.4). */
export function parseUuid(text: string): Result<string> {
  if (CANONICAL.test(text)) return ok(text);
  if (Buffer.byteLength(text) !== UUID_LENGTH) return fail('index error: UUID must be 36 characters');
  const digits = digitsOf(text);
  return digits.ok ? ok(withHyphens(digits.value)) : digits;
}

/** The beginning of an id in canonical spelling, to be compared with ids as a text; empty matches all. Errors as {@link parseUuid}. */
export function parseUuidPrefix(text: string): Result<string> {
  const length = Buffer.byteLength(text);
  if (length > UUID_LENGTH) {
    return fail(`index error: Invalid UUID length. UUID have ${UUID_LENGTH} characters; got ${length}`);
  }
  const digits = digitsOf(text);
  return digits.ok ? ok(withHyphens(digits.value)) : digits;
}
