import { parseDuration, quoted, type DurationNs } from '@app/kernel';
import { fail, ok, type Result } from './result.js';

/*
 * Go's parsers of numbers, booleans and durations: they decide what Nomad takes from a query string or a filter, and what it says about the rest.
 */

const TRUE = new Set(['1', 't', 'T', 'TRUE', 'true', 'True']);
const FALSE = new Set(['0', 'f', 'F', 'FALSE', 'false', 'False']);

const MAX_INT64 = 2n ** 63n - 1n;
const MIN_INT64 = -(2n ** 63n);
const MAX_UINT64 = 2n ** 64n - 1n;

const syntaxError = (fn: string, text: string) => fail(`strconv.${fn}: parsing ${quoted(text)}: invalid syntax`);
const rangeError = (fn: string, text: string) => fail(`strconv.${fn}: parsing ${quoted(text)}: value out of range`);

/** strconv.ParseBool: `1 t T TRUE true True` and their opposites, nothing else. */
export function parseBool(text: string): Result<boolean> {
  if (TRUE.has(text)) return ok(true);
  return FALSE.has(text) ? ok(false) : syntaxError('ParseBool', text);
}

const DECIMAL = /^[0-9]+$/;
/** Base 0: prefixes choose the base, underscores separate digits. */
const PREFIXED = /^(?:0[xX](?:_?[0-9a-fA-F])+|0[oO]?(?:_?[0-7])+|0[bB](?:_?[01])+|0|[1-9](?:_?[0-9])*)$/;

function digitsToBigInt(text: string, base: 0 | 10): bigint | undefined {
  if (base === 10) return DECIMAL.test(text) ? BigInt(text) : undefined;
  if (!PREFIXED.test(text)) return undefined;
  const digits = text.replaceAll('_', '').toLowerCase();
  return BigInt(/^0[0-7]/.test(digits) ? `0o${digits.slice(1)}` : digits);
}

function parseSigned(fn: string, text: string, base: 0 | 10, min: bigint, max: bigint): Result<bigint> {
  const magnitude = digitsToBigInt(text.replace(/^[+-]/, ''), base);
  if (magnitude === undefined) return syntaxError(fn, text);
  const value = text.startsWith('-') ? -magnitude : magnitude;
  return value < min || value > max ? rangeError(fn, text) : ok(value);
}

/** strconv.ParseInt for 64 bits; base 0 reads `0x1F`, `0o17`, `0b1`, `1_000`. */
export const parseInt64 = (text: string, base: 0 | 10 = 10): Result<bigint> =>
  parseSigned('ParseInt', text, base, MIN_INT64, MAX_INT64);

/** strconv.ParseInt for 32 bits. */
export const parseInt32 = (text: string): Result<bigint> =>
  parseSigned('ParseInt', text, 10, -(2n ** 31n), 2n ** 31n - 1n);

/** strconv.Atoi on a 64-bit machine. */
export const parseAtoi = (text: string): Result<bigint> => parseSigned('Atoi', text, 10, MIN_INT64, MAX_INT64);

/** strconv.ParseUint for 64 bits: no sign. */
export function parseUint64(text: string, base: 0 | 10 = 10): Result<bigint> {
  const value = digitsToBigInt(text, base);
  if (value === undefined) return syntaxError('ParseUint', text);
  return value > MAX_UINT64 ? rangeError('ParseUint', text) : ok(value);
}

const FLOAT = /^[+-]?(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:[eE][+-]?[0-9]+)?$/;

/** strconv.ParseFloat for 64 bits, without hexadecimal floats. */
export function parseFloat64(text: string): Result<number> {
  if (/^[+-]?inf(?:inity)?$/i.test(text)) return ok(text.startsWith('-') ? -Infinity : Infinity);
  if (/^nan$/i.test(text)) return ok(Number.NaN);
  const plain = text.replace(/(?<=[0-9])_(?=[0-9])/g, '');
  if (!FLOAT.test(plain)) return syntaxError('ParseFloat', text);
  const value = Number(plain);
  return Number.isFinite(value) ? ok(value) : rangeError('ParseFloat', text);
}

/** time.ParseDuration in nanoseconds: `1m30s`, `1.5h`, `-5ms`, a bare `0`. Undefined when it is none, or beyond 292 years. */
export function parseGoDuration(text: string): DurationNs | undefined {
  const parsed = parseDuration(text);
  return parsed.ok ? Number(parsed.ns) : undefined;
}
