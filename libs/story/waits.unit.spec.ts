import { sentenceOfWait, type Wait } from './waits.js';
import { duration, many } from './words.js';

const wait = (over: Partial<Wait>): Wait => ({
  DeploymentID: 'd',
  Namespace: 'default',
  JobID: 'web',
  JobVersion: 2,
  Status: 'running',
  StatusDescription: 'Deployment is running',
  WaitingFor: null,
  By: null,
  Since: null,
  Groups: {},
  ...over,
});
const group = {
  WaitingFor: 'promotion',
  DesiredCanaries: 2,
  HealthyCanaries: ['a', 'b'],
  HealthyAllocs: 2,
  DesiredTotal: 6,
};

describe('sentences of waiting', () => {
  it('a promotion by an operator waits for a person, for ever', () => {
    const { says, otherwise, forPerson } = sentenceOfWait(
      wait({ WaitingFor: 'promotion', By: 'operator', Groups: { api: group } }),
    );
    expect([says, forPerson]).toEqual(['2 of 2 canaries healthy; waits for a promotion by an operator', true]);
    expect(otherwise).toContain('for ever');
  });
  it('its own promotion waits for nobody', () =>
    expect(sentenceOfWait(wait({ WaitingFor: 'promotion', By: 'deployment' })).forPerson).toBe(false));
  it('a pause waits for a person', () => expect(sentenceOfWait(wait({ WaitingFor: 'resume' })).forPerson).toBe(true));
  it('health names each group that lags', () =>
    expect(
      sentenceOfWait(wait({ WaitingFor: 'health', Groups: { api: { ...group, WaitingFor: 'health' } } })).says,
    ).toBe('Waits for health: api 2 of 6'));
  it('what finds no room says of which group, and waits for nobody', () =>
    expect(sentenceOfWait(wait({ WaitingFor: 'placement', By: 'room', Unplaced: { api: 3 } }))).toMatchObject({
      says: 'Waits for room: 3 of api not placed',
      otherwise: 'It waits until there is room.',
      forPerson: false,
    }));
  it.each([
    [{ What: 'revert', At: '2026-01-01T00:00:00Z', BackTo: 3 }, 'It fails, and version 3 comes back.', true],
    [{ What: 'fail', At: '2026-01-01T00:00:00Z', BackTo: null }, 'It fails, and nothing comes back.', true],
    [{ What: 'promote', At: null, BackTo: null }, 'It promotes itself.', false],
    [{ What: 'wait', At: null, BackTo: null }, 'Each allocation that becomes healthy', false],
  ] as const)('what follows by itself is told: %o', (Next, otherwise, hasTime) => {
    const told = sentenceOfWait(wait({ WaitingFor: 'health', By: 'node', Next }));
    expect(told.otherwise).toContain(otherwise);
    expect(told.at !== null).toBe(hasTime);
  });
  it('what is over says how it ended', () => expect(sentenceOfWait(wait({})).says).toBe('Deployment is running'));
});

describe('words', () => {
  it.each([
    [0, '0 s'],
    [59, '59 s'],
    [60, '1 min'],
    [3660, '1 h 1 min'],
    [90_000, '1 d 1 h'],
    [-5, '0 s'],
  ])('%d seconds are %s', (seconds, text) => expect(duration(seconds)).toBe(text));
  it.each([
    [0, 'canary', '0 canaries'],
    [1, 'canary', '1 canary'],
    [1200, 'slot', '1,200 slots'],
  ])('%d %s are "%s"', (count, noun, text) => expect(many(count, noun)).toBe(text));
});
