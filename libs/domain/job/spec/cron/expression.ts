import { DAY_MS, midnightOf, monthLength, weekdayAt } from './calendar.js';
import type { DaysOfMonth, DaysOfWeek } from './fields.js';
import { cronSyntaxError, daysOfMonth, daysOfWeek, HOUR, MINUTE, MONTH, numbersOf, SECOND, YEAR } from './fields.js';
import type { Zone } from './zone.js';

/** A cron expression: five fields, a sixth for the year, a seventh in front for the seconds. */
export interface CronExpression {
  readonly seconds: readonly number[];
  readonly minutes: readonly number[];
  readonly hours: readonly number[];
  readonly days: DaysOfMonth;
  readonly months: readonly number[];
  readonly weekdays: DaysOfWeek;
  readonly years: readonly number[];
}

const NAMED: readonly (readonly [string, string])[] = [
  ['@yearly', '0 0 0 1 1 * *'],
  ['@annually', '0 0 0 1 1 * *'],
  ['@monthly', '0 0 0 1 * * *'],
  ['@weekly', '0 0 0 * * 0 *'],
  ['@daily', '0 0 0 * * * *'],
  ['@hourly', '0 0 * * * * *'],
];

/** @throws Error (`isCronSyntaxError`) with Nomad's text. What follows the seventh field is not looked at. */
export function parseCron(text: string): CronExpression {
  const spec = NAMED.reduce((rest, [name, fields]) => rest.replaceAll(name, fields), text);
  const fields = spec.split(/[\t\n\f\r ]+/).filter((field) => field !== '');
  if (fields.length < 5) throw cronSyntaxError('missing field(s)');
  const [second = '0', minute = '', hour = '', day = '', month = '', weekday = '', year = '*'] =
    fields.length >= 7 ? fields : ['0', ...fields];
  return {
    seconds: numbersOf(SECOND, second),
    minutes: numbersOf(MINUTE, minute),
    hours: numbersOf(HOUR, hour),
    days: daysOfMonth(day),
    months: numbersOf(MONTH, month),
    weekdays: daysOfWeek(weekday),
    years: numbersOf(YEAR, year),
  };
}

const SATURDAY = 6;

/** The working day nearest to a day, within its month. */
function workdayNear(day: number, weekday: number, length: number): number {
  if (weekday === SATURDAY) return day > 1 ? day - 1 : day + 2;
  if (weekday === 0) return day < length ? day + 1 : day - 2;
  return day;
}

/** The days of a month that match, ascending. Where both fields of days are restricted either is enough. */
function matchingDays({ days, weekdays }: CronExpression, year: number, month: number): readonly number[] {
  const length = monthLength(year, month);
  const firstWeekday = weekdayAt(midnightOf(year, month, 1));
  const weekdayOf = (day: number): number => (firstWeekday + day - 1) % 7;
  const workday = (day: number): number => workdayNear(day, weekdayOf(day), length);
  const all = Array.from({ length }, (_, position) => position + 1);
  if (!days.restricted && !weekdays.restricted) return all;
  const byDate = new Set(days.days);
  if (days.last) byDate.add(length);
  if (days.lastWorkday) byDate.add(workday(length));
  for (const day of days.workdays) if (day <= length) byDate.add(workday(day));
  return all.filter((day) => {
    const weekday = weekdayOf(day);
    return (
      (days.restricted && byDate.has(day)) ||
      (weekdays.restricted &&
        (weekdays.days.has(weekday) ||
          (weekdays.last.has(weekday) && day > length - 7) ||
          weekdays.nth.some((nth) => nth.day === weekday && nth.week === Math.ceil(day / 7))))
    );
  });
}

/** Local midnights of the matching days from a local time on, in milliseconds as if they were UTC. */
function* midnights(expression: CronExpression, from: number): Generator<number> {
  for (const year of expression.years) {
    if (midnightOf(year + 1, 1, 1) <= from) continue;
    for (const month of expression.months) {
      if (midnightOf(year, month + 1, 1) <= from) continue;
      for (const day of matchingDays(expression, year, month)) {
        const midnight = midnightOf(year, month, day);
        if (midnight + DAY_MS > from) yield midnight;
      }
    }
  }
}

/**
 * The first time after `after` (milliseconds since 1970) that matches on the clocks of a zone, or null if there is none up to 2099. Times that
 * the clocks leap over are left out; of times that they show twice the first counts.
 */
export function nextMatch(expression: CronExpression, after: number, zone: Zone): number | null {
  const { hours, minutes, seconds } = expression;
  if (hours.length === 0 || minutes.length === 0 || seconds.length === 0) return null;
  const from = after + zone.offsetAt(after);
  for (const midnight of midnights(expression, from)) {
    for (const hour of hours) {
      const hourStart = midnight + hour * 3_600_000;
      if (hourStart + 3_600_000 <= from) continue;
      for (const minute of minutes) {
        const minuteStart = hourStart + minute * 60_000;
        if (minuteStart + 60_000 <= from) continue;
        for (const second of seconds) {
          const instant = zone.firstAt(minuteStart + second * 1000);
          if (instant !== null && instant > after) return instant;
        }
      }
    }
  }
  return null;
}
