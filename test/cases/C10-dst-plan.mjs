// nomad#7894 / #5410 / #7289 / #3392, terraform-provider-nomad#154: next launch around daylight saving; 6 and 7 field crons; several crons
import { testCase, batch, group, id, check, put } from './lib.mjs';
const at = (x) => (x && /^\d{4}-/.test(x) ? new Date(x).toISOString() : x);
const want = (x) => (typeof x === 'string' ? new Date(x).toISOString() : x);
const plan = async (spec, tz, extra = {}) => {
  const J = id('c10');
  const job = batch(J, [group('g', 1, { run_for: '1s' })], {
    Periodic: { Enabled: true, SpecType: 'cron', Spec: spec, TimeZone: tz, ...extra },
  });
  const r = await put(`/v1/job/${J}/plan`, { Job: job, Diff: false });
  return r.status === 200 ? r.json.NextPeriodicLaunch : `${r.status} ${r.text}`;
};
testCase('C10 next periodic launch (nomad#7894, terraform-provider-nomad#154)', async () => {
  // 2027-03-14 is the day New York springs forward (02:30 does not exist), 2027-11-07 falls back (01:30 twice)
  check(
    '02:30 on the day it does not exist is skipped: next year',
    at(await plan('30 2 14 3 *', 'America/New_York')),
    want('2028-03-14T02:30:00-04:00'),
  );
  check(
    '01:30 on the day it happens twice: first the summer one',
    at(await plan('30 1 7 11 *', 'America/New_York')),
    want('2027-11-07T01:30:00-04:00'),
  );
  check(
    'Berlin 2027-03-28 02:30 does not exist',
    at(await plan('30 2 28 3 *', 'Europe/Berlin')),
    want('2028-03-28T02:30:00+02:00'),
  );
  check('7 fields: seconds and year', at(await plan('0 30 4 1 1 * 2031', 'UTC')), want('2031-01-01T04:30:00Z'));
  check('6 fields: the last is the year', at(await plan('30 4 1 1 * 2031', 'UTC')), want('2031-01-01T04:30:00Z'));
  check('last day of the month', at(await plan('0 0 L 2 *', 'UTC')), want('2027-02-28T00:00:00Z'));
  check('weekday near the 15th', at(await plan('0 12 15W 5 *', 'UTC')), want('2027-05-14T12:00:00Z'));
  check('second monday', at(await plan('0 12 * 6 1#2', 'UTC')), want('2027-06-14T12:00:00Z'));
  check('named', at(await plan('@yearly', 'UTC')), want('2027-01-01T00:00:00Z'));
  check('a day that never comes', at(await plan('0 0 30 2 *', 'UTC')), want(null));
  check(
    'several crons: the nearest',
    at(await plan('', 'UTC', { Spec: undefined, Specs: ['0 0 1 6 *', '0 0 1 2 *'] })),
    want('2027-02-01T00:00:00Z'),
  );
  check('0/20: from 0 every 20 minutes', at(await plan('0/20 0 1 1 * 2031', 'UTC')), want('2031-01-01T00:00:00Z'));
  check('1/5 days', at(await plan('0 0 1/5 1 * 2031', 'UTC')), want('2031-01-01T00:00:00Z'));
  check(
    'Cairo: 2027-04-30 00:30 does not exist (clocks leap at midnight)',
    at(await plan('30 0 30 4 *', 'Africa/Cairo')),
    want('2028-04-30T00:30:00+03:00'),
  );
  check(
    'a time is told in the zone of the job',
    await plan('0 12 1 1 * 2031', 'Asia/Kolkata'),
    '2031-01-01T12:00:00+05:30',
  );
  check(
    'unknown zone is refused',
    await plan('0 0 * * *', 'Mars/Olympus'),
    (x) => /^500 .*[Tt]ime ?zone/s.test(x),
    '500 with a text about the time zone',
  );
});
