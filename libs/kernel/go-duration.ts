import { quoted } from './go-format.js';

const UNITS: ReadonlyMap<string, bigint> = new Map([
  ['ns', 1n],
  ['us', 1_000n],
  ['µs', 1_000n],
  ['μs', 1_000n],
  ['ms', 1_000_000n],
  ['s', 1_000_000_000n],
  ['m', 60_000_000_000n],
  ['h', 3_600_000_000_000n],
]);
const MAX = 2n ** 63n - 1n;
/** More digits are beyond 64 bits (before the point), or beyond a nanosecond (after it). */
const MAX_DIGITS = 19;
const MAX_FRACTION = 18;

export type ParsedDuration =
  { readonly ok: true; readonly ns: bigint } | { readonly ok: false; readonly problem: string };

/**
 * Reads a duration as Go's `time.ParseDuration` does: `10s`, `1m30s`, `-1.5h`, `0`.
 * @returns nanoseconds, within 64 bits; or the problem in Go's words: `time: unknown unit "x" in duration "10x"`.
 */
export function parseDuration(written: string): ParsedDuration {
  const refused = (problem: string) => ({ ok: false, problem: `time: ${problem}` }) as const;
  const invalid = refused(`invalid duration ${quoted(written)}`);
  const negative = written.startsWith('-');
  const unsigned = negative || written.startsWith('+') ? written.slice(1) : written;
  if (unsigned === '0') return { ok: true, ns: 0n };
  if (unsigned === '') return invalid;
  const limit = negative ? MAX + 1n : MAX;
  let ns = 0n;
  for (let rest = unsigned; rest !== '';) {
    const [, whole = '', dot = '', fraction = '', unit = ''] = /^(\d*)(\.?)(\d*)([^.\d]*)/.exec(rest) ?? [];
    if (whole === '' && fraction === '') return invalid;
    if (unit === '') return refused(`missing unit in duration ${quoted(written)}`);
    const scale = UNITS.get(unit);
    if (scale === undefined) return refused(`unknown unit ${quoted(unit)} in duration ${quoted(written)}`);
    const digits = whole.replace(/^0+/, '');
    if (digits.length > MAX_DIGITS) return invalid;
    const part = fraction.slice(0, MAX_FRACTION);
    ns += BigInt(digits || '0') * scale + (BigInt(part || '0') * scale) / 10n ** BigInt(part.length);
    if (ns > limit) return invalid;
    rest = rest.slice(whole.length + dot.length + fraction.length + unit.length);
  }
  return { ok: true, ns: negative ? -ns : ns };
}
