import { usFromRfc3339 } from '@app/kernel';
import type { PeriodicConfig } from '../../nomad.js';
import { launchInZone, nextLaunch, periodicErrors } from './periodic.js';

const periodic = (extra: Partial<PeriodicConfig>): PeriodicConfig => ({
  Enabled: true,
  Spec: '',
  Specs: [],
  SpecType: 'cron',
  ProhibitOverlap: false,
  TimeZone: 'UTC',
  ...extra,
});
const next = (extra: Partial<PeriodicConfig>, after: string) => nextLaunch(periodic(extra), usFromRfc3339(after));

describe('the next launch', () => {
  it.each([
    [{ Spec: '*/15 * * * *' }, '2025-01-01T10:07:00.5Z', '2025-01-01T10:15:00Z'],
    [{ Spec: '0 2 * * *' }, '2025-01-01T02:00:00Z', '2025-01-02T02:00:00Z'],
    [{ Spec: '0 2 * * *' }, '2025-01-01T02:00:00.0005Z', '2025-01-02T02:00:00Z'],
    [{ Spec: '0 0 1 1 * 2030' }, '2025-01-01T00:00:00Z', '2030-01-01T00:00:00Z'],
    [{ Spec: '30 * * * * * *' }, '2025-01-01T00:00:00Z', '2025-01-01T00:00:30Z'],
    [{ Spec: '@daily' }, '2025-01-01T00:00:00Z', '2025-01-02T00:00:00Z'],
    [{ Specs: ['0 5 * * *', '0 3 * * *'] }, '2025-01-01T00:00:00Z', '2025-01-01T03:00:00Z'],
    [{ Spec: '0 2 * * *', TimeZone: 'Europe/Berlin' }, '2025-07-01T00:00:00Z', '2025-07-02T00:00:00Z'],
    [{ Spec: '0 2 * * *', TimeZone: 'America/New_York' }, '2025-01-01T00:00:00Z', '2025-01-01T07:00:00Z'],
    [{ Spec: '0 0 13 * 5' }, '2025-01-01T00:00:00Z', '2025-01-03T00:00:00Z'],
    [{ Spec: '0/20 * * * *' }, '2026-11-28T09:03:00Z', '2026-11-28T09:20:00Z'],
    [{ Spec: '0 0 1/5 * *' }, '2026-11-28T09:03:00Z', '2026-12-01T00:00:00Z'],
    [{ Spec: '0 0 * 1/3 *' }, '2026-11-28T09:03:00Z', '2027-01-01T00:00:00Z'],
    [{ Spec: '0 0 L 2 *' }, '2026-11-28T09:03:00Z', '2027-02-28T00:00:00Z'],
    [{ Spec: '0 0 LW 2 *' }, '2026-11-28T09:03:00Z', '2027-02-26T00:00:00Z'],
    [{ Spec: '0 12 15W 5 *' }, '2026-11-28T09:03:00Z', '2027-05-14T12:00:00Z'],
    [{ Spec: '0 12 * 6 1#2' }, '2026-11-28T09:03:00Z', '2027-06-14T12:00:00Z'],
    [{ Spec: '0 12 * 6 monL' }, '2026-11-28T09:03:00Z', '2027-06-28T12:00:00Z'],
    [{ Spec: '0 0 * * fri-sun' }, '2026-11-28T09:03:00Z', '2026-11-29T00:00:00Z'],
    [{ Spec: '0 0 * * 5-7' }, '2026-11-28T09:03:00Z', '2026-11-29T00:00:00Z'],
    [{ Spec: '0 0 * * 7-1' }, '2026-11-28T09:03:00Z', '2026-11-29T00:00:00Z'],
    [{ Spec: '0 0 1 jan,DECEMBER ?' }, '2026-11-28T09:03:00Z', '2026-12-01T00:00:00Z'],
    [{ Spec: '30 2 14 3 *', TimeZone: 'America/New_York' }, '2026-11-28T00:00:00Z', '2028-03-14T06:30:00Z'],
    [{ Spec: '30 2 28 3 *', TimeZone: 'Europe/Berlin' }, '2026-11-28T00:00:00Z', '2028-03-28T00:30:00Z'],
    [{ Spec: '30 0 30 4 *', TimeZone: 'Africa/Cairo' }, '2026-11-28T00:00:00Z', '2028-04-29T21:30:00Z'],
  ])('of %j after %s is at %s', (extra, after, expected) => {
    expect(next(extra, after)).toBe(usFromRfc3339(expected));
  });

  it('is never when the job is disabled, is not valid or has no future', () => {
    expect(next({ Spec: '@daily', Enabled: false }, '2025-01-01T00:00:00Z')).toBeNull();
    expect(next({ Spec: 'nope' }, '2025-01-01T00:00:00Z')).toBeNull();
    expect(next({ Spec: '0 0 1 1 * 2020' }, '2025-01-01T00:00:00Z')).toBeNull();
    expect(next({ Spec: '0 0 30 2 *' }, '2025-01-01T00:00:00Z')).toBeNull();
    expect(next({ Spec: '10-5 * * * *' }, '2025-01-01T00:00:00Z')).toBeNull();
  });

  it('is once in an hour that the clocks show twice, when they show it first', () => {
    const daily = { Spec: '30 1 * * *', TimeZone: 'America/New_York' };
    expect(next(daily, '2027-11-07T00:00:00Z')).toBe(usFromRfc3339('2027-11-07T05:30:00Z'));
    expect(next(daily, '2027-11-07T05:30:00Z')).toBe(usFromRfc3339('2027-11-08T06:30:00Z'));
    expect(next(daily, '2027-11-07T06:10:00Z')).toBe(usFromRfc3339('2027-11-08T06:30:00Z'));
  });

  it('is told on the clocks of the zone', () => {
    const launch = usFromRfc3339('2031-01-01T06:30:00Z');
    const told = (TimeZone: string) => launchInZone(periodic({ TimeZone }), launch);
    expect(told('Asia/Kolkata')).toBe('2031-01-01T12:00:00+05:30');
    expect(told('America/New_York')).toBe('2031-01-01T01:30:00-05:00');
    expect(told('Europe/London')).toBe('2031-01-01T06:30:00Z');
  });

  it('can be asked for from the beginning of time', () => {
    expect(nextLaunch(periodic({ Spec: '@yearly' }), 0)).toBe(usFromRfc3339('1971-01-01T00:00:00Z'));
  });
});

describe('a periodic block', () => {
  it.each([
    [{ Spec: '@hourly' }, []],
    [{ Spec: 'nope', Enabled: false }, []],
    [{}, ['Must specify a spec']],
    [{ Spec: '1 2 3' }, ['Invalid cron spec "1 2 3": missing field(s)']],
    [{ Spec: '99 * * * *' }, [`Invalid cron spec "99 * * * *": syntax error in minute field: '99'`]],
    [{ Spec: '*/90 * * * *' }, ['Invalid cron spec "*/90 * * * *": invalid interval */90']],
    [{ Spec: '*/0 * * * *' }, ['Invalid cron spec "*/0 * * * *": invalid interval */0']],
    [{ Spec: ', * * * *' }, ['Invalid cron spec ", * * * *": minute field: missing directive']],
    [{ Spec: '* * 8X * *' }, [`Invalid cron spec "* * 8X * *": syntax error in day-of-month field: '8X'`]],
    [{ Spec: '1 2 3 4 5 6 7 8' }, [`Invalid cron spec "1 2 3 4 5 6 7 8": syntax error in year field: '7'`]],
    [{ Spec: '0 0 0 1 1 * 2100' }, [`Invalid cron spec "0 0 0 1 1 * 2100": syntax error in year field: '2100'`]],
    [{ Specs: Array.from({ length: 257 }, () => '@daily') }, ['Only 256 crons may be used']],
    [{ Spec: '@daily', TimeZone: 'utc' }, ['Invalid time zone "utc": unknown time zone utc']],
    [{ Spec: '@daily', TimeZone: '+05:30' }, ['Invalid time zone "+05:30": unknown time zone +05:30']],
    [{ Spec: '@daily', Specs: ['@daily'] }, ['Only cron or crons may be used']],
    [{ Spec: '@daily', TimeZone: 'Nope/Where' }, ['Invalid time zone "Nope/Where": unknown time zone Nope/Where']],
    [{ Spec: '@daily', SpecType: 'sundial' }, ['Unknown periodic specification type "sundial"']],
  ])('%j: %j', (extra, errors) => {
    expect(periodicErrors(periodic(extra))).toEqual(errors);
  });
});
