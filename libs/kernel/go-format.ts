import { ownProperty } from './own-property.js';
import type { DurationNs } from './time.js';

/*
 * How Go prints texts, lists and durations: Nomad's messages are full of them.
 */

const SHORT_ESCAPES: Readonly<Record<string, string>> = {
  '\x07': '\\a',
  '\b': '\\b',
  '\f': '\\f',
  '\n': '\\n',
  '\r': '\\r',
  '\t': '\\t',
  '\v': '\\v',
  '\\': '\\\\',
  '"': '\\"',
};
const PRINTABLE = /[\p{L}\p{M}\p{N}\p{P}\p{S} ]/u;

const escapeRune = (rune: string): string => {
  const short = ownProperty(SHORT_ESCAPES, rune);
  if (short !== undefined) return short;
  if (PRINTABLE.test(rune)) return rune;
  const code = rune.codePointAt(0) ?? 0;
  if (code < 0x20 || code === 0x7f) return `\\x${code.toString(16).padStart(2, '0')}`;
  if (code < 0x10000) return `\\u${code.toString(16).padStart(4, '0')}`;
  return `\\U${code.toString(16).padStart(8, '0')}`;
};

/** Whether Go prints a character as itself within quotes. */
export const isPrintable = (rune: string): boolean => PRINTABLE.test(rune);

/** A text for a terminal, on one line: what would be done instead of shown (newlines, escapes, changes of direction) is spelt out. */
export const visible = (text: string): string =>
  Array.from(text.toWellFormed(), (rune) => (PRINTABLE.test(rune) ? rune : escapeRune(rune))).join('');

/** A text in double quotes as Go prints it by `%q`. */
export const quoted = (text: string): string => `"${Array.from(text.toWellFormed(), escapeRune).join('')}"`;

const fractional = (value: number, unit: number): string => {
  const digits = String(value % unit).padStart(String(unit).length - 1, '0');
  const fraction = digits.replace(/0+$/, '');
  return `${Math.trunc(value / unit)}${fraction && '.'}${fraction}`;
};

/** A duration as Go prints it: `0s`, `1.5µs`, `100ms`, `1m30s`, `24h0m0s`. */
export function goDuration(duration: DurationNs): string {
  if (duration < 0) return `-${goDuration(-duration)}`;
  if (duration === 0) return '0s';
  if (duration < 1e3) return `${duration}ns`;
  if (duration < 1e6) return `${fractional(duration, 1e3)}µs`;
  if (duration < 1e9) return `${fractional(duration, 1e6)}ms`;
  const minutes = Math.floor(duration / 60e9);
  const seconds = `${fractional(duration - minutes * 60e9, 1e9)}s`;
  if (minutes === 0) return seconds;
  if (minutes < 60) return `${minutes}m${seconds}`;
  return `${Math.floor(minutes / 60)}h${minutes % 60}m${seconds}`;
}

/** A list as Go prints it by `%v`. */
export const goList = (items: readonly string[]): string => `[${items.join(' ')}]`;
