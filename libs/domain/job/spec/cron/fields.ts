/* The fields of a cron expression in Nomad's language. Source: README of github.com/hashicorp/cronexpr, and answers of Nomad. */

/** What a field is called in error texts, its bounds, and its words. */
interface Field {
  readonly name: string;
  readonly min: number;
  readonly max: number;
  readonly value: RegExp;
  readonly words?: readonly string[];
}

const MONTHS = ['january', 'february', 'march', 'april', 'may', 'june', 'july', 'august'];
MONTHS.push('september', 'october', 'november', 'december');
const DAYS = ['sunday', 'monday', 'tuesday', 'wednesday', 'thursday', 'friday', 'saturday'];
const anyOf = (words: readonly string[]): string => words.flatMap((word) => [word.slice(0, 3), word]).join('|');

const SIXTY = /0?[0-9]|[1-5][0-9]/;
export const SECOND: Field = { name: 'second', min: 0, max: 59, value: SIXTY };
export const MINUTE: Field = { name: 'minute', min: 0, max: 59, value: SIXTY };
export const HOUR: Field = { name: 'hour', min: 0, max: 23, value: /0?[0-9]|1[0-9]|2[0-3]/ };
const DAY: Field = { name: 'day-of-month', min: 1, max: 31, value: /0?[1-9]|[12][0-9]|3[01]/ };
export const MONTH: Field = {
  name: 'month',
  min: 1,
  max: 12,
  value: new RegExp(`0?[1-9]|1[012]|${anyOf(MONTHS)}`),
  words: MONTHS,
};
const WEEKDAY: Field = {
  name: 'day-of-week',
  min: 0,
  max: 6,
  value: new RegExp(`0?[0-7]|${anyOf(DAYS)}`),
  words: DAYS,
};
export const YEAR: Field = { name: 'year', min: 1970, max: 2099, value: /19[789][0-9]|20[0-9]{2}/ };

const SYNTAX = 'CronSyntaxError';
/** A cron expression that cannot be read; the message is Nomad's. */
export function cronSyntaxError(text: string): Error {
  const error = new Error(text);
  error.name = SYNTAX;
  return error;
}
export const isCronSyntaxError = (error: unknown): error is Error => error instanceof Error && error.name === SYNTAX;

/** One entry of a field's list. `text` is as it was written. */
type Entry =
  | { readonly kind: 'all'; readonly text: string }
  | { readonly kind: 'other'; readonly text: string }
  | { readonly kind: 'one'; readonly text: string; readonly at: number }
  | { readonly kind: 'span'; readonly text: string; readonly from: number; readonly to: number; readonly step: number };

/** Of days of the week 7 stays 7 here. */
function numberOf({ words, min }: Field, text: string): number {
  if (/^\d+$/.test(text)) return Number(text);
  return min + (words ?? []).findIndex((word) => word.startsWith(text));
}

/** Steps have two digits at most and are not greater than the field; of years they may also be one. */
function stepOf(field: Field, entry: string, digits: string): number {
  const step = /^(?:\d\d?|19[789]\d|20\d\d)$/.test(digits) ? Number(digits) : 0;
  if (step < 1 || step > field.max || (step > 59 && step < YEAR.min))
    throw cronSyntaxError(`invalid interval ${entry}`);
  return step;
}

function entryOf(field: Field, text: string): Entry {
  const entry = text.toLowerCase();
  if (entry === '*' || entry === '?') return { kind: 'all', text };
  const value = `(${field.value.source})`;
  const match = new RegExp(`^(?:(\\*)|${value}(?:-${value})?)(?:/(\\d+))?$`).exec(entry);
  if (match === null) return { kind: 'other', text };
  const [, star, first = '', last, digits] = match;
  const from = star === undefined ? numberOf(field, first) : field.min;
  if (star === undefined && last === undefined && digits === undefined) return { kind: 'one', text, at: from };
  const to = last === undefined ? field.max : numberOf(field, last);
  return { kind: 'span', text, from, to, step: digits === undefined ? 1 : stepOf(field, entry, digits) };
}

function entriesOf(field: Field, text: string): readonly Entry[] {
  const entries = text.split(',').filter((entry) => entry !== '');
  if (entries.length === 0) throw cronSyntaxError(`${field.name} field: missing directive`);
  return entries.map((entry) => entryOf(field, entry));
}

const syntaxError = ({ name }: Field, text: string) => cronSyntaxError(`syntax error in ${name} field: '${text}'`);

/** A range whose end is before its beginning holds nothing. */
const span = (from: number, to: number, step = 1): number[] =>
  from > to ? [] : Array.from({ length: Math.floor((to - from) / step) + 1 }, (_, position) => from + position * step);

/** The numbers of a field, ascending. What follows an asterisk in the list is not looked at. */
export function numbersOf(field: Field, text: string): readonly number[] {
  const found = new Set<number>();
  for (const entry of entriesOf(field, text)) {
    if (entry.kind === 'all') return span(field.min, field.max);
    if (entry.kind === 'other') throw syntaxError(field, entry.text);
    if (entry.kind === 'one') found.add(entry.at);
    else for (const number of span(entry.from, entry.to, entry.step)) found.add(number);
  }
  return [...found].sort((a, b) => a - b);
}

/** Days of a month: by number, the last one (L), the last working day (LW), the working day nearest to one (15W). */
export interface DaysOfMonth {
  /** False with an asterisk: then the day of the week decides alone. */
  readonly restricted: boolean;
  readonly days: ReadonlySet<number>;
  readonly workdays: ReadonlySet<number>;
  readonly last: boolean;
  readonly lastWorkday: boolean;
}

export function daysOfMonth(text: string): DaysOfMonth {
  const days = new Set<number>();
  const workdays = new Set<number>();
  let [restricted, last, lastWorkday] = [true, false, false];
  for (const entry of entriesOf(DAY, text)) {
    if (entry.kind === 'all') restricted = false;
    else if (entry.kind === 'one') days.add(entry.at);
    else if (entry.kind === 'span') for (const day of span(entry.from, entry.to, entry.step)) days.add(day);
    else {
      const special = entry.text.toLowerCase();
      const [, workday] = new RegExp(`^(${DAY.value.source})w$`).exec(special) ?? [];
      if (special === 'l') last = true;
      else if (special === 'lw') lastWorkday = true;
      else if (workday !== undefined) workdays.add(Number(workday));
      else throw syntaxError(DAY, entry.text);
    }
  }
  return { restricted, days, workdays, last, lastWorkday };
}

/** Days of the week, 0 is Sunday: every one, the last of the month (5L), the nth (5#2). */
export interface DaysOfWeek {
  /** False with an asterisk: then the day of the month decides alone. */
  readonly restricted: boolean;
  readonly days: ReadonlySet<number>;
  readonly last: ReadonlySet<number>;
  readonly nth: readonly { readonly day: number; readonly week: number }[];
}

/** Sunday may end a range: as 7, or by its name. */
function weekdays({ from, to, text }: Extract<Entry, { readonly kind: 'span' }>): readonly [number, number] {
  const [, end = ''] = text.toLowerCase().split('-');
  if (end.startsWith('sun') && from > 0) return [from, 7];
  return from === 7 && to < 7 ? [0, to] : [from, to];
}

export function daysOfWeek(text: string): DaysOfWeek {
  const days = new Set<number>();
  const last = new Set<number>();
  const nth: { day: number; week: number }[] = [];
  let restricted = true;
  for (const entry of entriesOf(WEEKDAY, text)) {
    if (entry.kind === 'all') restricted = false;
    else if (entry.kind === 'one') days.add(entry.at % 7);
    else if (entry.kind === 'span') {
      const [from, to] = weekdays(entry);
      for (const day of span(from, to, entry.step)) days.add(day % 7);
    } else {
      const match = new RegExp(`^(${WEEKDAY.value.source})(?:l|#([1-5]))$`).exec(entry.text.toLowerCase());
      if (match === null) throw syntaxError(WEEKDAY, entry.text);
      const [, day = '', week] = match;
      if (week === undefined) last.add(numberOf(WEEKDAY, day) % 7);
      else nth.push({ day: numberOf(WEEKDAY, day) % 7, week: Number(week) });
    }
  }
  return { restricted, days, last, nth };
}
