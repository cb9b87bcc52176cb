import { DAY_MS } from './calendar.js';

/** A time zone: how far its clocks are from UTC. Times are milliseconds since 1970; local ones as if they were UTC. */
export interface Zone {
  /** Milliseconds that are added to UTC. */
  offsetAt(instant: number): number;
  /** When the clocks show a local time first; null if they leap over it. */
  firstAt(local: number): number | null;
}

/** More than there are zones: names in other cases count as well. */
const MAX_REMEMBERED = 1000;
const remembered = new Map<string, Zone>();

/** A zone of the IANA database, or undefined. Names are told apart by case as far as that: they begin with a capital. */
export function zoneOf(name: string): Zone | undefined {
  if (!/^[A-Z]/.test(name)) return undefined;
  const known = remembered.get(name);
  if (known !== undefined) return known;
  const made = makeZone(name);
  if (made === undefined) return undefined;
  if (remembered.size >= MAX_REMEMBERED) remembered.clear();
  remembered.set(name, made);
  return made;
}

function makeZone(timeZone: string): Zone | undefined {
  let format: Intl.DateTimeFormat;
  try {
    format = new Intl.DateTimeFormat('en', { timeZone, timeZoneName: 'longOffset' });
  } catch {
    return undefined;
  }
  const offsetAt = (instant: number): number => {
    const [, sign, hours, minutes, seconds = '0'] =
      /GMT([+-])(\d\d):(\d\d)(?::(\d\d))?$/.exec(format.format(instant)) ?? [];
    if (sign === undefined) return 0;
    const ms = (Number(hours) * 3600 + Number(minutes) * 60 + Number(seconds)) * 1000;
    return sign === '-' ? -ms : ms;
  };
  const firstAt = (local: number): number | null => {
    const offsets = [offsetAt(local - DAY_MS), offsetAt(local + DAY_MS)];
    const instants = offsets.map((offset) => local - offset).filter((at) => at + offsetAt(at) === local);
    return instants.length === 0 ? null : Math.min(...instants);
  };
  return { offsetAt, firstAt };
}
