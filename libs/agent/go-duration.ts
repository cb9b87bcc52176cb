import { ownProperty, type DurationNs } from '@app/kernel';

const UNITS: Readonly<Record<string, number>> = {
  ns: 1,
  us: 1e3,
  µs: 1e3,
  μs: 1e3,
  ms: 1e6,
  s: 1e9,
  m: 60e9,
  h: 3600e9,
};
const LARGEST_NS = 2 ** 63;

export type ParsedDuration = { readonly ns: DurationNs } | { readonly error: string };

/**
 * Reads a duration as Go's `time.ParseDuration` does: `10s`, `1m30s`, `-1.5h`, `0`.
 * @returns nanoseconds, or the error in Go's words (`time: unknown unit "x" in duration "10x"`).
 */
export function parseGoDuration(text: string): ParsedDuration {
  const quoted = JSON.stringify(text);
  const invalid = { error: `time: invalid duration ${quoted}` };
  const negative = text.startsWith('-');
  let rest = negative || text.startsWith('+') ? text.slice(1) : text;
  if (rest === '0') return { ns: 0 };
  if (rest === '') return invalid;
  let total = 0;
  while (rest !== '') {
    const [digits = '', whole = '', fraction = ''] = /^(\d*)(?:\.(\d*))?/.exec(rest) ?? [];
    if (whole === '' && fraction === '') return invalid;
    rest = rest.slice(digits.length);
    const unit = /^[^.\d]*/.exec(rest)?.[0] ?? '';
    if (unit === '') return { error: `time: missing unit in duration ${quoted}` };
    const factor = ownProperty(UNITS, unit);
    if (factor === undefined) return { error: `time: unknown unit ${JSON.stringify(unit)} in duration ${quoted}` };
    // As Go does it: the fraction by itself, so that no digit of it is lost in a large whole.
    total += Number(whole) * factor + Math.trunc(Number(fraction) * (factor / 10 ** fraction.length));
    if (total >= LARGEST_NS) return invalid;
    rest = rest.slice(unit.length);
  }
  return { ns: negative && total !== 0 ? -total : total };
}

/** Prints nanoseconds as Go prints a `time.Duration`: `10m0s`, `1h0m0s`, `500ms`, `1.5s`, `0s`. */
export function formatGoDuration(ns: DurationNs): string {
  if (ns === 0) return '0s';
  const size = Math.abs(ns);
  const sign = ns < 0 ? '-' : '';
  if (size < 1e3) return `${sign}${size}ns`;
  if (size < 1e6) return `${sign}${decimal(size, 1e3)}µs`;
  if (size < 1e9) return `${sign}${decimal(size, 1e6)}ms`;
  const minutes = Math.floor(size / 60e9);
  const seconds = `${decimal(size - minutes * 60e9, 1e9)}s`;
  if (minutes === 0) return `${sign}${seconds}`;
  const hours = Math.floor(minutes / 60);
  return hours === 0 ? `${sign}${minutes}m${seconds}` : `${sign}${hours}h${minutes % 60}m${seconds}`;
}

/** `size / unit` with as many digits after the point as it has, and no more. */
function decimal(size: number, unit: number): string {
  const whole = Math.floor(size / unit);
  const fraction = String(Math.round(size - whole * unit))
    .padStart(Math.log10(unit), '0')
    .replace(/0+$/, '');
  return fraction ? `${whole}.${fraction}` : String(whole);
}
