import { choose, parseChoice, type Chosen } from './choose.js';

const service = (n: number): Chosen => ({
  ID: `id-${n}`,
  ServiceName: 'web',
  Namespace: 'default',
  AllocID: `alloc-${n}`,
  Address: '10.0.0.1',
  Port: 20000 + n,
  Tags: ['a'],
});
const services = Array.from({ length: 20 }, (_, n) => service(n));
const ids = (chosen: readonly Chosen[]) => chosen.map(({ ID }) => ID);

describe('choosing among registrations', () => {
  test('gives the same ones for a key, whatever their order, and others for other keys', () => {
    const chosen = ids(choose(services, { count: 3, key: 'me' }));
    expect(ids(choose(services.toReversed(), { count: 3, key: 'me' }))).toEqual(chosen);
    const sets = new Set(['a', 'b', 'c', 'd', 'e'].map((key) => ids(choose(services, { count: 3, key })).join()));
    expect(sets.size).toBeGreaterThan(1);
  });

  test('keeps its choice when others come and go', () => {
    const [first] = choose(services, { count: 1, key: 'me' });
    const rest = services.filter(({ ID }, n) => ID === first!.ID || n % 2 === 0);
    expect(choose(rest, { count: 1, key: 'me' })).toEqual([first]);
  });

  test('gives all when more are wanted than there are, and none when none is', () => {
    expect(choose(services, { count: 50, key: 'me' })).toHaveLength(20);
    expect(choose(services, { count: 0, key: 'me' })).toEqual([]);
  });

  test.each(['1', '1|', '|abc', 'x|abc', '-1|abc', '1|a|b', ''])('%j is no choice', (text) => {
    expect(parseChoice(text)).toBeUndefined();
  });
});
