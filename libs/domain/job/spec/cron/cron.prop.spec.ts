import fc from 'fast-check';
import { nextMatch, parseCron, zoneOf } from './index.js';

/* Against an implementation that knows nothing of calendars: it looks at the clock of the zone, minute by minute. */

interface FieldModel {
  readonly text: string;
  readonly has: (value: number) => boolean;
}
const either = (parts: readonly FieldModel[]): FieldModel => ({
  text: parts.map(({ text }) => text).join(','),
  has: (value) => parts.some(({ has }) => has(value)),
});
const part = (min: number, max: number): fc.Arbitrary<FieldModel> => {
  const value = fc.integer({ min, max });
  const step = fc.integer({ min: 1, max: Math.min(max, 30) });
  return fc.oneof(
    value.map((v) => ({ text: String(v), has: (x: number) => x === v })),
    fc.tuple(value, value).map(([a, b]) => ({ text: `${a}-${b}`, has: (x: number) => a <= x && x <= b })),
    step.map((s) => ({ text: `*/${s}`, has: (x: number) => (x - min) % s === 0 })),
    fc.tuple(value, step).map(([a, s]) => ({ text: `${a}/${s}`, has: (x: number) => x >= a && (x - a) % s === 0 })),
    fc.tuple(value, value, step).map(([a, b, s]) => ({
      text: `${a}-${b}/${s}`,
      has: (x: number) => a <= x && x <= b && (x - a) % s === 0,
    })),
  );
};
const ANY: FieldModel = { text: '*', has: () => true };
const field = (min: number, max: number): fc.Arbitrary<FieldModel> =>
  fc.oneof(
    { weight: 2, arbitrary: fc.constant(ANY) },
    fc.array(part(min, max), { minLength: 1, maxLength: 3 }).map(either),
  );

const MINUTE = 60_000;
const ZONES = [
  'UTC',
  'America/New_York',
  'Europe/Berlin',
  'Africa/Cairo',
  'Australia/Lord_Howe',
  'America/Santiago',
  'America/St_Johns',
  'Asia/Kolkata',
  'Africa/Casablanca',
];
/** Days on which clocks change in one of the zones, and some others. */
const DAYS = [
  '2027-03-14',
  '2027-11-07',
  '2027-03-28',
  '2027-10-31',
  '2027-04-30',
  '2027-10-28',
  '2027-04-04',
  '2027-10-03',
  '2027-09-05',
  '2028-02-28',
  '2027-12-31',
];
const HORIZON_MINUTES = 2 * 24 * 60;

function wallClock(zone: string): (instant: number) => { readonly text: string; readonly parts: readonly number[] } {
  const format = new Intl.DateTimeFormat('en-GB', {
    timeZone: zone,
    year: 'numeric',
    month: '2-digit',
    day: '2-digit',
    hour: '2-digit',
    minute: '2-digit',
    hourCycle: 'h23',
  });
  return (instant) => {
    const text = format.format(instant);
    const [, day = 0, month = 0, year = 0, hour = 0, minute = 0] = (
      /(\d+)\/(\d+)\/(\d+), (\d+):(\d+)/.exec(text) ?? []
    ).map(Number);
    return { text, parts: [minute, hour, day, month, new Date(Date.UTC(year, month - 1, day)).getUTCDay()] };
  };
}

describe('the next match of a cron expression', () => {
  it('is what a watch of the clocks finds, for any expression, zone and time', () => {
    const expression = fc.tuple(field(0, 59), field(0, 23), field(1, 31), field(1, 12), field(0, 6));
    const start = fc
      .tuple(fc.constantFrom(...DAYS), fc.integer({ min: -12 * 60, max: 24 * 60 }))
      .map(([day, minutes]) => Date.parse(`${day}T00:00:00Z`) + minutes * MINUTE);
    fc.assert(
      fc.property(expression, fc.constantFrom(...ZONES), start, (fields, name, after) => {
        const [minute, hour, day, month, weekday] = fields;
        const look = wallClock(name);
        const isShownAgain = (instant: number, text: string) =>
          [30, 60, 90, 120].some((minutes) => look(instant - minutes * MINUTE).text === text);
        let expected: number | null = null;
        for (let passed = 1; passed <= HORIZON_MINUTES && expected === null; passed++) {
          const instant = after + passed * MINUTE;
          const { text, parts } = look(instant);
          const [m = 0, h = 0, d = 0, mo = 0, w = 0] = parts;
          const dayHits = day === ANY ? weekday.has(w) : weekday === ANY ? day.has(d) : day.has(d) || weekday.has(w);
          if (minute.has(m) && hour.has(h) && month.has(mo) && dayHits && !isShownAgain(instant, text))
            expected = instant;
        }
        const found = nextMatch(parseCron(fields.map(({ text }) => text).join(' ')), after, zoneOf(name)!);
        if (expected === null) expect(found === null || found > after + HORIZON_MINUTES * MINUTE).toBe(true);
        else expect(found).toBe(expected);
      }),
      { numRuns: 300 },
    );
  });

  it('never makes the parser do anything but read or refuse', () => {
    const junk = fc.stringMatching(/^[0-9*/,?LlWw#@ jansu-]{0,40}$/);
    fc.assert(
      fc.property(junk, (text) => {
        try {
          parseCron(text);
        } catch (error) {
          expect((error as Error).message).toMatch(
            /^(missing field|invalid interval|syntax error in|[a-z-]+ field: missing)/,
          );
        }
      }),
    );
  });
});
