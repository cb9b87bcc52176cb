import type { DurationNs } from '@app/kernel';

const ESCAPES: Readonly<Record<string, string>> = {
  '\\': '\\\\',
  '"': '\\"',
  '\x07': '\\a',
  '\b': '\\b',
  '\f': '\\f',
  '\n': '\\n',
  '\r': '\\r',
  '\t': '\\t',
  '\v': '\\v',
};

const hex = (char: string, digits: number) => (char.codePointAt(0) ?? 0).toString(16).padStart(digits, '0');

/** Text in double quotes as Go prints it by `%q`. */
export const quoted = (text: string): string =>
  `"${text
    .replace(/[\\"\x07\b\f\n\r\t\v]/g, (char) => ESCAPES[char] ?? char)
    .replace(/[\0-\x1f\x7f]/g, (char) => `\\x${hex(char, 2)}`)
    .replace(/[\u0080-\u00a0\u00ad\u2028\u2029\ufeff]/g, (char) => `\\u${hex(char, 4)}`)}"`;

const withFraction = (value: number, digits: number): string => {
  const unit = 10 ** digits;
  const fraction = String(value % unit)
    .padStart(digits, '0')
    .replace(/0+$/, '');
  const whole = String(Math.floor(value / unit));
  return fraction === '' ? whole : `${whole}.${fraction}`;
};

/** A duration as Go prints it: `10m0s`, `1h0m0s`, `500ms`, `1.5s`. */
export function goDuration(duration: DurationNs): string {
  const ns = Math.abs(duration);
  const sign = duration < 0 ? '-' : '';
  if (ns === 0) return '0s';
  if (ns < 1e3) return `${sign}${ns}ns`;
  if (ns < 1e6) return `${sign}${withFraction(ns, 3)}µs`;
  if (ns < 1e9) return `${sign}${withFraction(ns, 6)}ms`;
  const minutes = Math.floor(ns / 60e9);
  const seconds = `${withFraction(ns % 60e9, 9)}s`;
  if (minutes === 0) return `${sign}${seconds}`;
  const hours = Math.floor(minutes / 60);
  return hours === 0 ? `${sign}${minutes}m${seconds}` : `${sign}${hours}h${minutes % 60}m${seconds}`;
}

/** A list as Go prints it by `%v`. */
export const goList = (items: readonly string[]): string => `[${items.join(' ')}]`;

/** Several errors as one text; a nested one is embedded as it is, with its trailing lines. Empty for no errors. spec/http-api §1.2. */
export const multiError = (errors: readonly string[]): string =>
  errors.length === 0
    ? ''
    : `${errors.length === 1 ? '1 error' : `${errors.length} errors`} occurred:\n\t${errors.map((error) => `* ${error}`).join('\n\t')}\n\n`;

/** The `Warnings` text of answers; empty for no warnings. spec/http-api §1.2. */
export const warningsText = (warnings: readonly string[]): string =>
  warnings.length === 0
    ? ''
    : `${warnings.length === 1 ? '1 warning' : `${warnings.length} warnings`}:\n${warnings.map((text) => `\n* ${text}`).join('')}`;
