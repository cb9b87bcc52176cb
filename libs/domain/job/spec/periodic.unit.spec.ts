import { usFromRfc3339 } from '@app/kernel';
import type { PeriodicConfig } from '../../nomad.js';
import { nextLaunch, periodicErrors } from './periodic.js';

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
  ])('of %j after %s is at %s', (extra, after, expected) => {
    expect(next(extra, after)).toBe(usFromRfc3339(expected));
  });

  it('is never when the job is disabled, is not valid or has no future', () => {
    expect(next({ Spec: '@daily', Enabled: false }, '2025-01-01T00:00:00Z')).toBeNull();
    expect(next({ Spec: 'nope' }, '2025-01-01T00:00:00Z')).toBeNull();
    expect(next({ Spec: '0 0 1 1 * 2020' }, '2025-01-01T00:00:00Z')).toBeNull();
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
    [{ Spec: '@daily', Specs: ['@daily'] }, ['Only cron or crons may be used']],
    [{ Spec: '@daily', TimeZone: 'Nope/Where' }, ['Invalid time zone "Nope/Where": unknown time zone Nope/Where']],
    [{ Spec: '@daily', SpecType: 'sundial' }, ['Unknown periodic specification type "sundial"']],
  ])('%j: %j', (extra, errors) => {
    expect(periodicErrors(periodic(extra))).toEqual(errors);
  });
});
