import { evaluate, parseExposition, type Scrape } from './promql.js';

const scrape = (at: number, text: string): Scrape => ({ at, samples: parseExposition(text, {}) });
const values = (expression: string, ...scrapes: Scrape[]): number[] =>
  evaluate(expression, scrapes).map(({ value }) => value);

describe('Expressions of alert rules', () => {
  const now = scrape(0, 'index{instance="a"} 7\nindex{instance="b"} 4\nup{instance="b"} 0\n');

  test.each([
    ['index > 5', [7]],
    ['index{instance="b"}', [4]],
    ['index{instance=~"a|b", instance!="a"}', [4]],
    ['sum(index)', [11]],
    ['max by (instance) (index)', [7, 4]],
    ['scalar(max(index)) - index', [0, 3]],
    ['absent(nothing)', [1]],
    ['absent(index)', []],
    ['nothing == 0 or up == 0', [0]],
    ['index * 2 - 1', [13, 7]],
  ])('%s gives %j', (expression, expected) => {
    expect(values(expression, now)).toEqual(expected);
  });

  test('vectors whose labels differ do not meet, as in Prometheus: without scalar there is no difference to a maximum', () => {
    expect(values('max(index) - index', now)).toEqual([]);
  });

  test('what was seen once has not grown, and what is gone is not there', () => {
    const before = scrape(0, 'a_total 1\ngone_total 5\n');
    const after = scrape(10, 'a_total 6\nfresh_total 3\n');
    expect(values('rate(a_total[5m])', before, after)).toEqual([0.5]);
    expect(values('increase(fresh_total[5m])', before, after)).toEqual([]);
    expect(values('gone_total', before, after)).toEqual([]);
  });

  test('what is not understood is refused', () => {
    expect(() => values('index and up', now)).toThrow('unexpected and');
    expect(() => values('index > 5 ?', now)).toThrow('not understood');
  });
});
