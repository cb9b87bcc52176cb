import type { Candidate } from './preemption.js';
import { chooseVictims, mayEvict, preemptionScore } from './preemption.js';
import type { Usage } from './resources.js';

const of = (cpu: number, memory: number, disk = 0): Usage => ({ cpu, memory, disk, cores: 0 });
const ASK = of(1000, 1000);

const candidate = (name: string, priority: number, usage: Usage, more: Partial<Candidate> = {}) => ({
  name,
  priority,
  usage,
  group: `${name}/web`,
  maxParallel: 1,
  ...more,
});
const victims = (
  candidates: readonly ReturnType<typeof candidate>[],
  missing: Usage = ASK,
  gone: Readonly<Record<string, number>> = {},
): readonly string[] | undefined =>
  chooseVictims({ ask: ASK, missing, gone: (group) => gone[group] ?? 0 }, candidates)?.map(({ name }) => name);

describe('whoever makes room', () => {
  it.each([
    [60, 50, true],
    [60, 51, false],
    [50, 50, false],
  ])('for a job of priority %i: %i is less important by ten at least? %s', (priority, victim, expected) => {
    expect(mayEvict(priority, victim)).toBe(expected);
  });

  it('is the least important, even if another would fit better', () => {
    expect(victims([candidate('exact', 40, ASK), candidate('lesser', 20, of(4000, 4000))])).toEqual(['lesser']);
  });

  it('is of equally important ones whoever frees most nearly what is asked for', () => {
    const huge = candidate('huge', 20, of(4000, 4000));
    expect(victims([huge, candidate('exact', 20, ASK), candidate('small', 20, of(100, 100))])).toEqual(['exact']);
  });

  it('is joined by more important ones only when all the lesser ones are not enough', () => {
    const lesser = [candidate('a', 20, of(400, 400)), candidate('b', 20, of(400, 400))];
    expect(victims([candidate('c', 30, of(400, 400)), ...lesser])).toEqual(['a', 'b', 'c']);
    expect(victims([candidate('c', 30, of(400, 400)), ...lesser], of(800, 800))).toEqual(['a', 'b']);
  });

  it('stays if the others free enough: the most important are spared first', () => {
    const small = candidate('small', 20, of(100, 100));
    expect(victims([small, candidate('enough', 30, of(1500, 1500))])).toEqual(['enough']);
  });

  it('is rather one of another group than more of a group than its migrate block lets go at once', () => {
    const twins = ['a', 'b'].map((name) => candidate(name, 20, of(500, 500), { group: 'shop/web' }));
    const other = candidate('other', 20, of(600, 600));
    expect(victims([...twins, other])).toEqual(['other', 'a']);
    const careless = twins.map((twin) => ({ ...twin, maxParallel: 2 }));
    expect(victims([...careless, candidate('other', 20, of(300, 300))])).toEqual(['a', 'b']);
    // One of the group has to go already.
    expect(victims([...twins, other], of(500, 500), { 'shop/web': 1 })).toEqual(['other']);
  });

  it('is nobody when nothing is missing, and nobody can when all together are too small', () => {
    expect(victims([candidate('a', 20, ASK)], of(0, 0))).toEqual([]);
    expect(victims([candidate('a', 20, of(999, 2000))])).toBeUndefined();
    expect(victims([])).toBeUndefined();
  });

  it('frees whole cores, too, where those are missing', () => {
    const pinned = candidate('pinned', 20, { cpu: 2000, memory: 10, disk: 0, cores: 2 });
    const missing = { cpu: 0, memory: 0, disk: 0, cores: 2 };
    expect(victims([candidate('loose', 20, ASK), pinned], missing)).toEqual(['pinned']);
  });
});

describe('the score of an eviction', () => {
  it('falls with the priorities of the jobs that lose something', () => {
    expect(preemptionScore([20])).toBeGreaterThan(preemptionScore([90]));
    expect(preemptionScore([20])).toBeGreaterThan(preemptionScore([20, 20]));
    expect(preemptionScore([40, 20])).toBeCloseTo(1 / (1 + Math.exp(0.0048 * (40 + 60 / 40 - 2048))), 12);
  });
});
