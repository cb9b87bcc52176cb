import { parseDuration, quoted } from '@app/kernel';
import { STRING } from '../values/value.js';
import { ofTexts, param, problem, type FunctionTable } from './function.js';

const MONTHS = [
  'January',
  'February',
  'March',
  'April',
  'May',
  'June',
  'July',
  'August',
  'September',
  'October',
  'November',
  'December',
];
const DAYS = ['Sunday', 'Monday', 'Tuesday', 'Wednesday', 'Thursday', 'Friday', 'Saturday'];

interface Timestamp {
  /** Nanoseconds since 1970 as a clock in UTC shows them. */
  readonly ns: bigint;
  readonly offsetMinutes: number;
}

const RFC3339 = /^(\d{4})-(\d\d)-(\d\d)[Tt](\d\d):(\d\d):(\d\d)(?:\.(\d{1,9})\d*)?(?:[Zz]|([+-])(\d\d):(\d\d))$/;

function timestamp(written: string, argument: number): Timestamp {
  const parts = RFC3339.exec(written);
  const refused = () => problem(`not a valid RFC3339 timestamp: ${quoted(written)}`, argument);
  if (!parts) return refused();
  const [year, month, day, hour, minute, second] = parts.slice(1, 7).map(Number) as [
    number,
    number,
    number,
    number,
    number,
    number,
  ];
  const ms = Date.UTC(year, month - 1, day, hour, minute, second);
  const date = new Date(year < 100 ? NaN : ms);
  if (Number.isNaN(date.getTime()) || date.getUTCDate() !== day || hour > 23 || minute > 59 || second > 59)
    return refused();
  const offsetMinutes = (parts[8] === '-' ? -1 : 1) * (Number(parts[9] ?? 0) * 60 + Number(parts[10] ?? 0));
  const fraction = BigInt((parts[7] ?? '').padEnd(9, '0'));
  return { ns: BigInt(ms) * 1_000_000n + fraction - BigInt(offsetMinutes) * 60_000_000_000n, offsetMinutes };
}

/** The date whose UTC parts are those that a clock at its offset shows. */
const local = ({ ns, offsetMinutes }: Timestamp): Date => new Date(Number(ns / 1_000_000n) + offsetMinutes * 60_000);
const two = (value: number): string => String(value).padStart(2, '0');

function offset(minutes: number, separator: string): string {
  const magnitude = Math.abs(minutes);
  return `${minutes < 0 ? '-' : '+'}${two(Math.floor(magnitude / 60))}${separator}${two(magnitude % 60)}`;
}

function rfc3339(time: Timestamp): string {
  const date = local(time);
  if (Number.isNaN(date.getTime()) || date.getUTCFullYear() < 0 || date.getUTCFullYear() > 9999)
    return problem('time out of range');
  const day = `${String(date.getUTCFullYear()).padStart(4, '0')}-${two(date.getUTCMonth() + 1)}-${two(date.getUTCDate())}`;
  const clock = `${two(date.getUTCHours())}:${two(date.getUTCMinutes())}:${two(date.getUTCSeconds())}`;
  return `${day}T${clock}${time.offsetMinutes === 0 ? 'Z' : offset(time.offsetMinutes, ':')}`;
}

export const timeFunctions: FunctionTable = {
  formatdate: ofTexts([param('format', STRING), param('time', STRING)], (format, time) =>
    formatDate(format, timestamp(time, 1)),
  ),
  timeadd: ofTexts([param('timestamp', STRING), param('duration', STRING)], (time, duration) => {
    const parsed = parseDuration(duration);
    if (!parsed.ok) return problem(parsed.problem, 1);
    const start = timestamp(time, 0);
    return rfc3339({ ...start, ns: start.ns + parsed.ns });
  }),
};

function formatDate(format: string, time: Timestamp): string {
  const date = local(time);
  const hour = date.getUTCHours();
  const [year, month, day] = [String(date.getUTCFullYear()).padStart(4, '0'), date.getUTCMonth(), date.getUTCDate()];
  const half = hour % 12 || 12;
  const zone = (written: string) => (time.offsetMinutes === 0 ? written : undefined);
  const verbs: ReadonlyMap<string, string> = new Map([
    ['YYYY', year], ['YY', year.slice(2)],
    ['MMMM', MONTHS[month]!], ['MMM', MONTHS[month]!.slice(0, 3)], ['MM', two(month + 1)], ['M', String(month + 1)],
    ['DD', two(day)], ['D', String(day)],
    ['EEEE', DAYS[date.getUTCDay()]!], ['EEE', DAYS[date.getUTCDay()]!.slice(0, 3)],
    ['hh', two(hour)], ['h', String(hour)], ['HH', two(half)], ['H', String(half)],
    ['AA', hour < 12 ? 'AM' : 'PM'], ['aa', hour < 12 ? 'am' : 'pm'],
    ['mm', two(date.getUTCMinutes())], ['m', String(date.getUTCMinutes())],
    ['ss', two(date.getUTCSeconds())], ['s', String(date.getUTCSeconds())],
    ['ZZZZZ', offset(time.offsetMinutes, ':')], ['ZZZZ', offset(time.offsetMinutes, '')],
    ['ZZZ', zone('UTC') ?? offset(time.offsetMinutes, '')], ['Z', zone('Z') ?? offset(time.offsetMinutes, ':')],
  ]); // prettier-ignore
  return format.replace(/'((?:[^']|'')*)('?)|([A-Za-z])\3*/g, (token, literal?: string, close?: string) => {
    if (literal !== undefined) {
      return close === '' ? problem("unterminated literal '", 0) : literal.replaceAll("''", "'") || "'";
    }
    return (
      verbs.get(token) ??
      problem(
        /^[YMDEhHAamsZ]/.test(token)
          ? `invalid date format verb ${quoted(token)}`
          : `invalid date format verb ${quoted(token)}: must be enclosed in single quotes to be used literally`,
        0,
      )
    );
  });
}
