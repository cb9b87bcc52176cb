import * as fc from 'fast-check';
import { isTerminal } from '@app/domain';
import { service, task } from '../testing/specs.js';
import { toyCluster } from '../testing/toy-cluster.js';
import { chooseVictims, mayEvict } from './preemption.js';
import type { Usage } from './resources.js';
import { usageOf } from './resources.js';

const RUNS = Number(process.env['PROPERTY_RUNS'] ?? 300);
const DIMENSIONS = ['cpu', 'memory', 'disk', 'cores'] as const;

const amount = (max: number) => fc.integer({ min: 0, max });
const usage = fc.record({ cpu: amount(2000), memory: amount(2000), disk: amount(500), cores: amount(2) });
const candidate = fc.record({
  priority: fc.integer({ min: 1, max: 90 }),
  usage,
  group: fc.constantFrom('a/web', 'b/web', 'c/web'),
  maxParallel: fc.constantFrom(1, 2, Infinity),
});
const freed = (victims: readonly { readonly usage: Usage }[], dimension: keyof Usage): number =>
  victims.reduce((sum, one) => sum + one.usage[dimension], 0);
const suffice = (victims: readonly { readonly usage: Usage }[], missing: Usage): boolean =>
  DIMENSIONS.every((dimension) => freed(victims, dimension) >= missing[dimension]);

describe('Whatever runs on a node, and whatever is missing,', () => {
  test('what the victims free is enough, none of them could have stayed, and they are found if there are any', () => {
    fc.assert(
      fc.property(fc.array(candidate, { maxLength: 12 }), usage, (candidates, missing) => {
        const victims = chooseVictims({ ask: missing, missing, gone: () => 0 }, candidates);
        if (victims === null) return expect(suffice(candidates, missing)).toBe(false);
        expect(suffice(victims, missing)).toBe(true);
        expect(new Set(victims).size).toBe(victims.length);
        for (const spared of victims)
          expect(
            suffice(
              victims.filter((victim) => victim !== spared),
              missing,
            ),
          ).toBe(false);
      }),
      { numRuns: RUNS * 10 },
    );
  });
});

const sized = (CPU: number, MemoryMB: number) => ({
  Tasks: [task({ Resources: { ...task().Resources, CPU, MemoryMB } })],
});
const job = fc.record({
  priority: fc.integer({ min: 1, max: 100 }),
  cpu: fc.integer({ min: 100, max: 2000 }),
  memory: fc.integer({ min: 100, max: 4000 }),
  count: fc.integer({ min: 1, max: 5 }),
});

describe('Whatever jobs fill a cluster,', () => {
  test('nobody is evicted who is not less important by ten, and the newcomer fits where it is put', () => {
    fc.assert(fc.property(fc.array(job, { minLength: 1, maxLength: 8 }), job, fc.integer({ min: 1, max: 3 }), evicts), {
      numRuns: RUNS,
    });
  });
});

function evicts(
  residents: readonly { priority: number; cpu: number; memory: number; count: number }[],
  newcomer: (typeof residents)[number],
  nodes: number,
): void {
  const preemption = { service: true, batch: true, system: true, sysbatch: true };
  const cluster = toyCluster({ nodes, configuration: { preemption } });
  const add = (ID: string, { priority, cpu, memory, count }: typeof newcomer) => {
    const group = { Count: count, ...sized(cpu, memory) };
    cluster.register(service(group, { ID, Name: ID, Priority: priority }));
    return cluster.evaluate({ jobId: ID });
  };
  for (const [i, resident] of residents.entries()) add(`resident-${i}`, resident);
  const { plan } = add('newcomer', newcomer);
  for (const { preemptedAllocations = [], nodeId } of plan?.placements ?? []) {
    for (const id of preemptedAllocations) {
      const victim = residents
        .map((_, i) => cluster.allocations(`resident-${i}`))
        .flat()
        .find((alloc) => alloc.id === id);
      expect(victim).toMatchObject({ nodeId, desiredStatus: 'evict' });
      const [, index] = victim!.jobId.split('-');
      expect(mayEvict(newcomer.priority, residents[Number(index)]!.priority)).toBe(true);
    }
  }
  for (const { id, description } of cluster.view.nodes()) {
    const live = cluster.view.liveAllocationsOnNode(id).filter((alloc) => !isTerminal(alloc));
    const sum = (of: (one: Usage) => number) =>
      live.reduce((total, alloc) => total + of(usageOf(alloc.allocatedResources)), 0);
    expect(sum((one) => one.cpu)).toBeLessThanOrEqual(description.NodeResources.Cpu.CpuShares);
    expect(sum((one) => one.memory)).toBeLessThanOrEqual(description.NodeResources.Memory.MemoryMB);
  }
}
