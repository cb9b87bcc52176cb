export const DAY_MS = 86_400_000;

/** Of the Gregorian calendar; months from 1 to 12. */
const isLeap = (year: number): boolean => year % 4 === 0 && (year % 100 !== 0 || year % 400 === 0);
export const monthLength = (year: number, month: number): number =>
  month === 2 ? (isLeap(year) ? 29 : 28) : [4, 6, 9, 11].includes(month) ? 30 : 31;

/** Midnight of a day from 1970 on, in milliseconds since 1970-01-01; month 13 is the next January. */
export function midnightOf(year: number, month: number, day: number): number {
  const before = year - 1;
  let days = before * 365 + Math.floor(before / 4) - Math.floor(before / 100) + Math.floor(before / 400) - 719_162;
  for (let earlier = 1; earlier < month; earlier++) days += monthLength(year, earlier);
  return (days + day - 1) * DAY_MS;
}

/** 0 is Sunday; 1970 began with a Thursday. */
export const weekdayAt = (midnight: number): number => (midnight / DAY_MS + 4) % 7;
