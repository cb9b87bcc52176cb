import { FREEZE_OUTCOMES, FREEZES, usFromRfc3339, US_PER_S } from '@app/kernel';
import { event, given, jobSpec, registered, type Decide, type Given } from '@app/testing';
import * as fc from 'fast-check';
import { registerJob } from '../job/decide.js';
import { defineFreeze, deleteFreeze, noteFrozen, unlessFrozen, type Change } from './decide.js';
import type { FreezeDefinition, FreezesState } from './state.js';
import { freezeProblems, frozenUntil, nextStart } from './window.js';

const HOUR_NS = 3_600e9;
const HOUR_US = 3_600 * US_PER_S;
const at = (text: string): number => usFromRfc3339(text);
const freeze = (more: Partial<FreezeDefinition> = {}): FreezeDefinition => ({
  namespaces: ['*'],
  jobs: ['*'],
  start: 0,
  end: Number.MAX_SAFE_INTEGER,
  cron: '',
  duration: 0,
  timeZone: '',
  reason: 'holidays',
  ...more,
});
const weekend = freeze({ end: 0, cron: '0 18 * * 5', duration: 60 * HOUR_NS, timeZone: 'Europe/Berlin' });
const defined =
  (id: string, definition: FreezeDefinition): Decide =>
  (view, context) =>
    defineFreeze(view, context, { id, definition });
const deleted =
  (id: string): Decide =>
  (view, context) =>
    deleteFreeze(view, context, { id });
const registering = (mayOverride?: Change['mayOverride']): Decide<unknown> =>
  unlessFrozen(
    (view, context) =>
      registerJob(view, context, { spec: jobSpec({ tag: 'new' }), enforceIndex: null, evalPriority: 0 }),
    { command: 'RegisterJob', of: () => ({ namespace: 'default', jobId: 'web' }), mayOverride },
  );

describe('A window', () => {
  test('of once freezes from its start to before its end', () => {
    const once = freeze({ start: at('2026-12-24T00:00:00Z'), end: at('2026-12-27T00:00:00Z') });
    expect(frozenUntil(once, once.start - 1)).toBeNull();
    expect(frozenUntil(once, once.start)).toBe(once.end);
    expect(frozenUntil(once, once.end - 1)).toBe(once.end);
    expect(frozenUntil(once, once.end)).toBeNull();
    expect([nextStart(once, 0), nextStart(once, once.start)]).toEqual([once.start, null]);
  });

  test('of again and again goes by the clocks of its zone, also when they change', () => {
    // Friday 18:00 in Berlin, in winter and in summer time.
    for (const [start, inside] of [
      ['2026-11-27T17:00:00Z', '2026-11-29T12:00:00Z'],
      ['2026-06-05T16:00:00Z', '2026-06-07T12:00:00Z'],
    ] as const) {
      expect(frozenUntil(weekend, at(start) - 1)).toBeNull();
      expect(frozenUntil(weekend, at(start))).toBe(at(start) + 60 * HOUR_US);
      expect(frozenUntil(weekend, at(inside))).toBe(at(start) + 60 * HOUR_US);
      expect(frozenUntil(weekend, at(start) + 60 * HOUR_US)).toBeNull();
    }
    expect(nextStart(weekend, at('2026-11-28T00:00:00Z'))).toBe(at('2026-12-04T17:00:00Z'));
  });

  test('that overlaps with its next one is one', () => {
    const daily = freeze({ end: 0, cron: '0 22 * * *', duration: 26 * HOUR_NS, timeZone: 'UTC' });
    const now = at('2026-01-10T12:00:00Z');
    expect(frozenUntil(daily, now)!).toBeGreaterThan(now + 24 * HOUR_US);
  });

  test('freezes at a moment exactly if some start is not longer ago than its duration', () => {
    const hourly = freeze({ end: 0, cron: '0 */3 * * *', duration: HOUR_NS, timeZone: 'UTC' });
    fc.assert(
      fc.property(fc.integer({ min: 0, max: 86_400 * 30 }), (second) => {
        const now = at('2026-03-01T00:00:00Z') + second * US_PER_S;
        expect(frozenUntil(hourly, now) !== null).toBe(second % (3 * 3600) < 3600);
      }),
    );
  });

  test.each<[Partial<FreezeDefinition>, string]>([
    [{ namespaces: [] }, 'Namespaces must have 1 to 50 globs'],
    [{ jobs: ['x'.repeat(129)] }, 'each of Jobs must have 1 to 128 characters'],
    [{ reason: '  ' }, 'Reason must have 1 to 1024 characters'],
    [{ end: 0 }, 'End or Cron must be given'],
    [{ start: 5, end: 5 }, 'End must be after Start'],
    [{ duration: 1 }, 'Duration goes with Cron'],
    [{ ...weekend, start: 1 }, 'Start and End do not go with Cron'],
    [{ ...weekend, duration: 0 }, 'Duration must be between 1s and 744h'],
    [{ ...weekend, duration: 745 * HOUR_NS }, 'Duration must be between 1s and 744h'],
    [{ ...weekend, timeZone: 'Mars/Olympus' }, 'unknown time zone "Mars/Olympus"'],
    [{ ...weekend, cron: '* *' }, 'invalid cron "* *": missing field(s)'],
    [{ ...weekend, cron: '* '.repeat(200) }, 'Cron is longer than 256 characters'],
  ])('%j is wrong', (more, problem) => expect(freezeProblems(freeze(more))).toEqual([problem]));

  test('that is right has no problems', () => {
    expect([...freezeProblems(freeze()), ...freezeProblems(weekend)]).toEqual([]);
  });
});

describe('Freezes', () => {
  test('are replaced by each write, keep their create index, and go', () => {
    given(defined('xmas', freeze()))
      .when(defined('xmas', weekend))
      .thenState(FREEZES, { windows: [{ id: 'xmas', cron: '0 18 * * 5', createIndex: 1, modifyIndex: 2 }] });
    given(defined('xmas', freeze())).when(deleted('xmas')).thenState(FREEZES, { windows: [] });
    given().when(deleted('__proto__')).thenRejected('freeze-not-found', '__proto__');
    given()
      .when(defined('a b', freeze({ reason: '' })))
      .thenRejected('freeze-invalid', 'an id must match ^[a-zA-Z0-9-_]{1,128}$; Reason must have 1 to 1024 characters');
  });

  test('are no more than every change can look at', () => {
    const full: Given = given(...Array.from({ length: 50 }, (_, n) => defined(`f${n}`, freeze())));
    full
      .when(defined('f50', freeze()))
      .thenRejected('freeze-invalid', 'there are 50 freezes already; delete one first');
    full.when(defined('f49', weekend)).thenState(FREEZES, {});
  });
});

describe('A change', () => {
  const DETAIL = {
    freezeId: 'xmas',
    namespace: 'default',
    jobId: 'web',
    command: 'RegisterJob',
    until: '2255-06-05T23:47:34.740991Z',
    reason: 'holidays',
  };

  test('that a freeze is about is refused, with what freezes, until when and why', () => {
    given(registered(jobSpec()), defined('xmas', freeze()))
      .when(registering())
      .thenRejected('frozen', JSON.stringify(DETAIL));
  });

  test.each<[string, Partial<FreezeDefinition>]>([
    ['another namespace', { namespaces: ['shop-*', 'defaul'] }],
    ['another job', { jobs: ['api*', '*web2'] }],
    ['a time that is over', { end: 1 }],
    ['a time to come', { start: Number.MAX_SAFE_INTEGER - 1 }],
  ])('goes on when the freeze is about %s', (_what, more) => {
    given(registered(jobSpec()), defined('xmas', freeze(more)))
      .when(registering())
      .thenState('job/default/web', {});
  });

  test('goes on when the freeze is deleted', () => {
    given(registered(jobSpec()), defined('xmas', freeze()), deleted('xmas'))
      .when(registering())
      .thenState('job/default/web', {});
  });

  test('is made all the same by whoever may, and the log says so in the same commit', () => {
    given(registered(jobSpec()), defined('xmas', freeze()))
      .when(registering((namespace) => namespace === 'default'))
      .thenAmongOthers(
        event(FREEZE_OUTCOMES, 'FreezeOverridden', {
          freezeId: 'xmas',
          namespace: 'default',
          jobId: 'web',
          command: 'RegisterJob',
        }),
      );
    given(registered(jobSpec()), defined('xmas', freeze()))
      .when(registering(() => false))
      .thenRejected('permission-denied');
  });

  test('that was refused is counted, apart from the windows', () => {
    const noted: Decide = (view, context) => noteFrozen(view, context, DETAIL);
    const { after } = given(defined('xmas', freeze()), noted).when(noted).thenState(FREEZE_OUTCOMES, { refused: 2 });
    expect(after.state<FreezesState>(FREEZES).windows).toHaveLength(1);
  });
});
