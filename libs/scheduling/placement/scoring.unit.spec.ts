import type { NodeDescription, Spread, Task } from '@app/domain';
import { group, task } from '../testing/specs.js';
import { node } from '../testing/specs.js';
import { computedClass } from './computed-class.js';
import { resourcesOf, usageOf } from './resources.js';
import { spreadScore } from './spread.js';

describe('the room an allocation takes (spec/lifecycle §8.4)', () => {
  const sized = (Name: string, CPU: number, lifecycle: Task['Lifecycle'] = null): Task =>
    task({ Name, Lifecycle: lifecycle, Resources: { ...task().Resources, CPU, MemoryMB: CPU } });

  it('is the largest of what runs at the same time', () => {
    const Tasks = [
      sized('main', 100),
      sized('sidecar', 10, { Hook: 'prestart', Sidecar: true }),
      sized('after', 5, { Hook: 'poststart', Sidecar: false }),
      sized('init', 80, { Hook: 'prestart', Sidecar: false }),
      sized('cleanup', 200, { Hook: 'poststop', Sidecar: false }),
    ];
    expect(usageOf(resourcesOf(group({ Tasks })))).toEqual({ cpu: 200, memory: 200, disk: 10, cores: 0 });
    expect(usageOf(resourcesOf(group({ Tasks: Tasks.slice(0, 4) })))).toEqual({
      cpu: 115,
      memory: 115,
      disk: 10,
      cores: 0,
    });
  });
});

describe('spread (spec/lifecycle §8.3)', () => {
  const inDatacenter = (Datacenter: string): NodeDescription => node('n', { Datacenter });
  const score = (
    SpreadTarget: Spread['SpreadTarget'],
    used: Record<string, number>,
    datacenter: string,
    count = 10,
  ): number => {
    const spread = { Attribute: '${node.datacenter}', Weight: 50, SpreadTarget };
    const counts = {
      group: 'web',
      valueOf: (n: NodeDescription) => n.Datacenter || undefined,
      counts: new Map(Object.entries(used)),
    };
    return spreadScore([{ spread, counts }], inDatacenter(datacenter), count);
  };
  const seventy = [{ Value: 'dc1', Percent: 70 }];

  it.each<[string, number, Spread['SpreadTarget'], Record<string, number>, string]>([
    ['the first of seven', 6 / 7, seventy, {}, 'dc1'],
    ['the seventh of seven', 0, seventy, { dc1: 6 }, 'dc1'],
    ['one too many', -1 / 7, seventy, { dc1: 7 }, 'dc1'],
    ['the rest is for the others', 2 / 3, seventy, { dc1: 7 }, 'dc2'],
    ['not wanted', -1, [{ Value: 'dc1', Percent: 100 }], {}, 'dc2'],
    ['wanted nowhere', -1, [{ Value: 'dc1', Percent: 0 }], {}, 'dc1'],
    ['the property is missing', -1, seventy, {}, ''],
    ['evenly: nothing yet', 0, null, {}, 'dc1'],
    ['evenly: a value nobody uses', 1, null, { dc1: 2 }, 'dc2'],
    ['evenly: the most used', -1, null, { dc1: 2, dc2: 1 }, 'dc1'],
    ['evenly: the least used', 1, null, { dc1: 2, dc2: 1 }, 'dc2'],
    ['evenly: all alike', -1, null, { dc1: 2, dc2: 2 }, 'dc2'],
  ])('%s: %d', (_name, expected, target, used, datacenter) => {
    expect(score(target, used, datacenter)).toBeCloseTo(expected, 10);
  });
});

describe('the class of a node', () => {
  it('is the same for nodes that are alike in all but what is unique', () => {
    const attributes = (host: string) => ({ Attributes: { 'kernel.name': 'linux', 'unique.hostname': host } });
    expect(computedClass(node('a', attributes('a')))).toBe(computedClass(node('b', attributes('b'))));
    expect(computedClass(node('a'))).toMatch(/^v1:\d+$/);
  });

  it.each<[string, Partial<NodeDescription>]>([
    ['an attribute', { Attributes: { 'kernel.name': 'plan9' } }],
    ['meta', { Meta: { rack: 'r1' } }],
    ['its class', { NodeClass: 'large' }],
    ['its datacenter', { Datacenter: 'dc2' }],
    ['its pool', { NodePool: 'gpu' }],
    ['a driver', { Drivers: {} }],
  ])('changes with %s', (_name, change) => {
    expect(computedClass(node('a', change))).not.toBe(computedClass(node('a')));
  });

  it('does not depend on the order of attributes', () => {
    const one = node('a', { Attributes: { a: '1', b: '2' } });
    const other = node('a', { Attributes: { b: '2', a: '1' } });
    expect(computedClass(one)).toBe(computedClass(other));
  });
});
