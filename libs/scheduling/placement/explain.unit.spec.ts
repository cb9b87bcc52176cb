import type { Constraint, NodeDescription, NodeState, TaskGroup } from '@app/domain';
import { needs } from '@app/testing';
import * as fc from 'fast-check';
import { group, node, service, task } from '../testing/specs.js';
import { toyCluster, type ToyCluster } from '../testing/toy-cluster.js';
import { explainPlacement } from './explain.js';
import { createPlacer } from './placer.js';

const SHOP = { namespace: 'default', id: 'shop' };

const constraint = (LTarget: string, Operand: string, RTarget: string): Constraint => ({ LTarget, Operand, RTarget });

const withMemory = (id: string, MemoryMB: number, change: Partial<NodeDescription> = {}): NodeDescription => {
  const described = node(id, change);
  return {
    ...described,
    NodeResources: { ...described.NodeResources, Memory: { ...described.NodeResources.Memory, MemoryMB } },
  };
};

const explained = (cluster: ToyCluster) => explainPlacement(cluster.view, SHOP)!;
const verdictOf = (cluster: ToyCluster, id: string) =>
  explained(cluster).groups[0]!.verdicts.find((verdict) => verdict.node.id === id)!;

it('every rule that a node fails is told, not only the first', () => {
  const cluster = toyCluster({ nodes: [withMemory('n1', 32, { Datacenter: 'dc2' }), withMemory('n2', 8000)] });
  cluster.setNode('n1', { eligibility: 'ineligible' });
  cluster.register(
    service(
      { Constraints: [constraint('${attr.kernel.name}', '=', 'plan9'), constraint('${meta.rack}', 'is_set', '')] },
      { Datacenters: ['dc1'] },
    ),
  );
  expect(verdictOf(cluster, 'n1')).toMatchObject({
    reasons: [
      'node is not eligible',
      'datacenter is dc2',
      '${attr.kernel.name} = plan9',
      '${meta.rack} is_set ',
      'memory',
    ],
    lacks: { cpu: 0, memory: 32 },
    fits: 0,
  });
  const [web] = explained(cluster).groups;
  expect(Object.fromEntries(web!.reasons)).toMatchObject({ memory: 1, '${attr.kernel.name} = plan9': 2 });
  expect(web).toMatchObject({ fitting: 0, wouldFit: null });
});

it('what is free on the emptiest node that suits tells what would fit', () => {
  const cluster = toyCluster({
    nodes: [withMemory('n1', 300), withMemory('n2', 700), withMemory('n3', 9000, { Datacenter: 'dc9' })],
  });
  cluster.register(service({ Tasks: [task({ Resources: needs(100, 1000) })] }, { Datacenters: ['dc1'] }));
  expect(explained(cluster).groups[0]).toMatchObject({
    asks: { cpu: 100, memory: 1000 },
    fitting: 0,
    wouldFit: { memory: 700 },
  });
});

it('tells how many more fit, counting what runs already', () => {
  const cluster = toyCluster({ nodes: [withMemory('n1', 64 * 5)] });
  cluster.register(service({ Count: 3 }));
  expect(verdictOf(cluster, 'n1').fits).toBe(5);
  cluster.evaluate();
  cluster.settle();
  expect(verdictOf(cluster, 'n1').fits).toBe(2);
});

it('a job that is not there has nothing to explain', () => {
  expect(explainPlacement(toyCluster().view, SHOP)).toBeUndefined();
});

it('on a large cluster as many nodes are looked at as the bound allows, and the number says so', () => {
  const cluster = toyCluster({ nodes: 11_000 });
  cluster.register(service({}, { TaskGroups: [group(), group({ Name: 'db' })] }));
  const { nodes, judged, groups } = explained(cluster);
  expect([nodes, judged, groups.length]).toEqual([11_000, 10_000, 2]);
  expect(groups[0]!.verdicts).toHaveLength(500);
  expect(groups[0]!.fitting).toBe(10_000);
});

const anyNode = fc.record({
  Datacenter: fc.constantFrom('dc1', 'dc2'),
  NodePool: fc.constantFrom('default', 'gpu'),
  rack: fc.constantFrom('a', 'b', undefined),
  memory: fc.constantFrom(32, 64, 130, 8000),
  eligibility: fc.constantFrom<NodeState['eligibility']>('eligible', 'ineligible'),
});
const anyGroup = fc.record({
  memory: fc.constantFrom(16, 64, 100),
  constraints: fc.subarray([
    constraint('${meta.rack}', '=', 'a'),
    constraint('${meta.rack}', 'is_set', ''),
    constraint('${attr.kernel.name}', 'regexp', '^lin'),
    constraint('', 'distinct_hosts', 'true'),
    constraint('${meta.rack}', 'distinct_property', '1'),
  ]),
  port: fc.boolean(),
});

test('a node is said to take one more exactly if a scheduler would take it, and what a scheduler says is among the reasons', () => {
  fc.assert(
    fc.property(fc.array(anyNode, { minLength: 1, maxLength: 6 }), anyGroup, (nodes, asked) => {
      const cluster = toyCluster({
        nodes: nodes.map(({ Datacenter, NodePool, rack, memory }, n) =>
          withMemory(`n${n}`, memory, { Datacenter, NodePool, Meta: rack === undefined ? {} : { rack } }),
        ),
      });
      nodes.forEach(({ eligibility }, n) => cluster.setNode(`n${n}`, { eligibility }));
      const change: Partial<TaskGroup> = {
        Count: 2,
        Tasks: [task({ Resources: needs(100, asked.memory) })],
        Constraints: asked.constraints,
        ...(asked.port && { Networks: [{ ReservedPorts: [{ Label: 'http', Value: 80 }] }] }),
      };
      cluster.register(service(change, { Datacenters: ['dc1'] }));
      cluster.evaluate();
      cluster.settle();
      const { version, groups } = explained(cluster);
      for (const { node: one, reasons, fits } of groups[0]!.verdicts) {
        const placer = createPlacer(cluster.view, { ...SHOP, seed: 's' }, () => 0);
        const ask = placer.ask(version, 'web')!;
        const { placed, metrics } = placer.select(ask, { previous: null, penalised: new Set(), nodeId: one.id });
        expect(placed !== null).toBe(fits > 0);
        expect(reasons.length === 0).toBe(fits > 0);
        const told = [
          ...Object.keys(metrics.ConstraintFiltered ?? {}),
          ...Object.keys(metrics.DimensionExhausted ?? {}),
        ];
        for (const reason of told) expect(reasons).toContain(reason);
      }
    }),
    { numRuns: 300 },
  );
});
