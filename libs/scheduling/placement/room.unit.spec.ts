import { batch, node, service } from '../testing/specs.js';
import { toyCluster } from '../testing/toy-cluster.js';
import { fieldsOf } from './candidates.js';
import { randomFrom } from './random.js';
import { roomOf } from './room.js';
import { siblingsOn, usedBy } from './slot.js';

const SHOP = { namespace: 'default', id: 'shop' };

function twoOnOneNode(keepsUsage: boolean) {
  const cluster = toyCluster({ nodes: 1, keepsUsage });
  cluster.register(service({ Count: 2 }));
  cluster.evaluate();
  return cluster;
}

describe('the room on a node', () => {
  it.each([true, false])('is what a plan has released of it, until it is restored (sums kept: %s)', (keepsUsage) => {
    const cluster = twoOnOneNode(keepsUsage);
    const room = roomOf(cluster.view, SHOP);
    const slot = room.slotFor(cluster.view.node('node-0')!);
    const used = (): number => usedBy(slot, room.occupancyOf(slot)).cpu;
    const [first, second] = cluster.live();
    const before = used();
    room.release(first!);
    room.release(first!);
    expect(used()).toBe(before / 2);
    room.restore(second!);
    expect(used()).toBe(before / 2);
    room.restore(first!);
    expect(used()).toBe(before);
  });

  it('is the same whether the node is looked at before the release or after it', () => {
    const cluster = twoOnOneNode(true);
    const room = roomOf(cluster.view, SHOP);
    room.release(cluster.live()[0]!);
    const slot = room.slotFor(cluster.view.node('node-0')!);
    expect(usedBy(slot, room.occupancyOf(slot)).cpu).toBe(100);
  });

  it('counts the siblings of a group, and the values of a property with them', () => {
    const cluster = twoOnOneNode(false);
    const room = roomOf(cluster.view, SHOP);
    room.countJob();
    const slot = room.slotFor(cluster.view.node('node-0')!);
    const datacenters = room.newProperty('${node.datacenter}', 'web');
    const told = () => [siblingsOn(slot, 'web'), datacenters.counts.get('dc1')];
    expect(told()).toEqual([2, 2]);
    room.count(slot, 'web');
    expect(told()).toEqual([3, 3]);
    room.release(cluster.live()[0]!);
    expect(told()).toEqual([2, 2]);
  });
});

describe('the candidates of a version', () => {
  it('come in one order for a seed, each once', () => {
    const cluster = toyCluster({
      nodes: ['a', 'b', 'c', 'd', 'e', 'f'].map((id) => node(id, id === 'f' ? { Datacenter: 'dc2' } : {})),
    });
    const version = cluster.register(batch({}, { Datacenters: ['dc1'] }));
    const order = (seed: string): string[] => {
      const { size, nodeAt } = fieldsOf(cluster.view.nodes, randomFrom(seed))(version);
      return Array.from({ length: size }, (_, position) => nodeAt(position).id);
    };
    expect(order('one')).toEqual(order('one'));
    expect(order('one').toSorted((a, b) => (a < b ? -1 : 1))).toEqual(['a', 'b', 'c', 'd', 'e']);
  });
});
