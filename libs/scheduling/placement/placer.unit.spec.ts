import { LACKING_ATTRIBUTE, type JobSpec, type PlannedPlacement, type TaskGroup } from '@app/domain';
import { batch, changed, group, node, rolling, service, spec, task } from '../testing/specs.js';
import type { ToyOptions } from '../testing/toy-cluster.js';
import { toyCluster } from '../testing/toy-cluster.js';
import { at } from '../testing/views.js';

/** What a first evaluation of the job places. */
function placed(job: JobSpec, options: ToyOptions = {}): readonly PlannedPlacement[] {
  const cluster = toyCluster(options);
  cluster.register(job);
  return cluster.plan().plan?.placements ?? [];
}
const why = (job: JobSpec, options: ToyOptions = {}) => {
  const cluster = toyCluster(options);
  cluster.register(job);
  return cluster.plan().outcome.failedGroups?.['web'];
};
const sized = (CPU: number, MemoryMB: number, Cores = 0) => ({
  Tasks: [task({ Resources: { ...task().Resources, CPU, MemoryMB, Cores } })],
});
const nodesOf = (placements: readonly PlannedPlacement[]): string[] => placements.map(({ nodeId }) => nodeId);

describe('which nodes are looked at', () => {
  it.each<[string, number, JobSpec]>([
    ['two for batch', 2, batch()],
    ['the logarithm for a service', 7, service({ Count: 1 })],
    [
      'up to a hundred with an affinity',
      100,
      service({ Count: 1, Affinities: [{ LTarget: '${node.class}', Operand: '=', RTarget: 'x', Weight: 50 }] }),
    ],
  ])('%s', (_name, expected, job) => {
    expect(placed(job, { nodes: 128 })[0]?.metrics.NodesEvaluated).toBe(expected);
  });

  it('are ready, eligible, without drain, in the pool and in a datacenter of the job', () => {
    const cluster = toyCluster({
      nodes: [
        node('a'),
        node('b', { Datacenter: 'dc2' }),
        node('c', { NodePool: 'gpu' }),
        node('d'),
        node('e'),
        node('f'),
      ],
    });
    cluster.setNode('d', { status: 'down' });
    cluster.setNode('e', { eligibility: 'ineligible' });
    cluster.register(service({ Count: 1 }, { Datacenters: ['dc1', 'dc3'] }));
    cluster.setNode('f', { drain: { deadline: 0, ignoreSystemJobs: false, forceDeadline: 0, startedAt: 0 } });
    const [placement] = cluster.plan().plan?.placements ?? [];
    expect(placement?.nodeId).toBe('a');
    expect(placement?.metrics).toMatchObject({ NodesInPool: 1, NodesAvailable: { dc1: 1 }, NodePool: 'default' });
  });

  it('are none when there are none, and the metrics say so', () => {
    expect(why(service(), { nodes: 0 })).toMatchObject({ NodesEvaluated: 0, NodesAvailable: {}, CoalescedFailures: 2 });
  });
});

describe('what does not fit', () => {
  it.each<[string, Partial<TaskGroup>]>([
    ['cpu', sized(5000, 10)],
    ['memory', sized(10, 9000)],
    ['disk', { EphemeralDisk: { Sticky: false, SizeMB: 200_000, Migrate: false } }],
    ['cores', sized(0, 10, 5)],
    ['network: no addresses available for default network', { Networks: [{ DynamicPorts: [{ Label: 'x' }] }] }],
  ])('%s is exhausted', (dimension, change) => {
    const bare = node('bare', {
      NodeClass: 'small',
      NodeResources: { ...node('bare').NodeResources, NodeNetworks: null },
    });
    const metric = why(service({ Count: 1, ...change }), { nodes: [bare] });
    expect(metric).toMatchObject({
      NodesExhausted: 1,
      DimensionExhausted: { [dimension]: 1 },
      ClassExhausted: { small: 1 },
    });
    const { CPU = 0, MemoryMB = 0, Cores = 0 } = metric?.ResourcesExhausted?.['main'] ?? {};
    const told = { cpu: CPU, memory: MemoryMB, cores: Cores };
    expect(Object.keys(told).filter((name) => told[name as keyof typeof told] > 0)).toEqual(
      ['cpu', 'memory', 'cores'].filter((name) => name === dimension),
    );
  });

  it('are passed over by what their agents do not do, and not by what they do', () => {
    const job = service({
      Count: 1,
      Tasks: [task({ Templates: [{ EmbeddedTmpl: 'x', DestPath: 'local/x' }] })],
    });
    const filtered = (Attributes: Record<string, string>) =>
      why(job, { nodes: [node('n1', { Attributes })] })?.ConstraintFiltered;
    expect(filtered({ [LACKING_ATTRIBUTE]: 'secret,template' })).toEqual({ 'missing capability: template': 1 });
    expect(filtered({ [LACKING_ATTRIBUTE]: 'secret' })).toBeUndefined();
    expect(filtered({})).toBeUndefined();
  });

  it.each([
    ['cni_args', { CNI: { Args: { a: 'b' } } }],
    ['dns', { DNS: { Servers: ['10.0.0.1'], Searches: null, Options: null } }],
    ['hostname', { Hostname: 'web' }],
  ])('are passed over if their agents do not give a network its %s', (capability, network) => {
    const job = service({ Count: 1, Networks: [{ Mode: 'host', ...network }] });
    const lacking = node('n1', { Attributes: { [LACKING_ATTRIBUTE]: capability } });
    expect(why(job, { nodes: [lacking] })?.ConstraintFiltered).toEqual({ [`missing capability: ${capability}`]: 1 });
    expect(why(job, { nodes: [node('n1')] })).toBeUndefined();
  });

  it.each<[string, Partial<TaskGroup>]>([
    ['missing drivers', { Tasks: [task({ Driver: 'docker' })] }],
    [
      'missing devices',
      { Tasks: [task({ Resources: { ...task().Resources, Devices: [{ Name: 'gpu', Count: 1 }] } })] },
    ],
    ['missing network', { Networks: [{ Mode: 'bridge' }] }],
    [
      'missing host network "private" for port "x"',
      { Networks: [{ DynamicPorts: [{ Label: 'x', HostNetwork: 'private' }] }] },
    ],
    ['missing compatible host volumes', { Volumes: { data: { Type: 'host', Source: 'data' } } }],
    [
      'missing property "${meta.rack}"',
      { Constraints: [{ LTarget: '${meta.rack}', Operand: 'distinct_property', RTarget: '' }] },
    ],
  ])('%s', (reason, change) => {
    expect(why(service({ Count: 1, ...change }), { nodes: 1 })).toMatchObject({
      NodesFiltered: 1,
      ConstraintFiltered: { [reason]: 1 },
    });
  });

  it('is asked once for each class of nodes', () => {
    const job = service({ Count: 1 }, { Constraints: [{ LTarget: '${node.class}', Operand: '=', RTarget: 'x' }] });
    expect(why(job, { nodes: 3 })?.ConstraintFiltered).toEqual({
      '${node.class} = x': 1,
      'computed class ineligible': 2,
    });
    const unique = service(
      { Count: 1 },
      { Constraints: [{ LTarget: '${node.unique.name}', Operand: '=', RTarget: 'x' }] },
    );
    expect(why(unique, { nodes: 3 })?.ConstraintFiltered).toEqual({ '${node.unique.name} = x': 3 });
  });
});

describe('the choice among nodes', () => {
  it('keeps the allocations of a group apart, and tells how each node scored', () => {
    const nodes = { nodes: 2 };
    expect(new Set(nodesOf(placed(service({ Count: 2 }), nodes))).size).toBe(2);
    expect(
      placed(service({ Count: 1 }), nodes)[0]?.metrics.ScoreMetaData?.map(({ Scores }) => Object.keys(Scores)),
    ).toEqual(
      Array.from({ length: 2 }, () => ['binpack', 'job-anti-affinity', 'node-reschedule-penalty', 'node-affinity']),
    );
  });

  it.each([
    ['binpack', 'busy'],
    ['spread', 'idle'],
  ] as const)('%s takes the %s node', (algorithm, expected) => {
    const cluster = toyCluster({ nodes: [node('busy')], configuration: { algorithm } });
    cluster.register(service({ Count: 1, ...sized(1000, 2000) }, { ID: 'other', Name: 'other' }));
    cluster.evaluate({ jobId: 'other' });
    cluster.addNode(node('idle'));
    cluster.register(service({ Count: 1 }));
    expect(nodesOf(cluster.plan().plan?.placements ?? [])).toEqual([expected]);
  });

  it('follows affinities, also those that repel', () => {
    const affinity = (Weight: number) => [{ LTarget: '${node.class}', Operand: '=', RTarget: 'fast', Weight }];
    const nodes = { nodes: [node('slow'), node('fast', { NodeClass: 'fast' })] };
    expect(nodesOf(placed(service({ Count: 1, Affinities: affinity(100) }), nodes))).toEqual(['fast']);
    expect(nodesOf(placed(service({ Count: 1, Affinities: affinity(-100) }), nodes))).toEqual(['slow']);
  });

  it('spreads over datacenters as told', () => {
    const nodes = Array.from({ length: 6 }, (_, i) => node(`n${i}`, { Datacenter: i < 3 ? 'dc1' : 'dc2' }));
    const SpreadTarget = [
      { Value: 'dc1', Percent: 75 },
      { Value: 'dc2', Percent: 25 },
    ];
    const job = service({ Count: 8, Spreads: [{ Attribute: '${node.datacenter}', Weight: 100, SpreadTarget }] });
    const inFirst = nodesOf(placed(job, { nodes })).filter((id) => ['n0', 'n1', 'n2'].includes(id));
    expect(inFirst).toHaveLength(6);
  });

  it('avoids the node where the predecessor failed', () => {
    const cluster = toyCluster({ nodes: 2 });
    cluster.register(service({ Count: 1 }));
    cluster.evaluate();
    const failed = at(cluster, 0);
    cluster.tell(failed.id, { clientStatus: 'failed' });
    cluster.transition(failed.id, { ForceReschedule: true, Reschedule: true });
    const [placement] = cluster.plan().plan?.placements ?? [];
    expect(placement?.nodeId).not.toBe(failed.nodeId);
    expect(placement?.metrics.ScoreMetaData?.at(-1)?.Scores['node-reschedule-penalty']).toBe(-1);
  });

  it('stays on the node of a sticky disk', () => {
    const sticky = service({ Count: 1, EphemeralDisk: { Sticky: true, SizeMB: 10, Migrate: false } });
    const cluster = toyCluster({ nodes: 20 });
    cluster.register(sticky);
    cluster.evaluate();
    const { nodeId } = at(cluster, 0);
    cluster.register(changed(sticky, 'v1'));
    cluster.evaluate();
    expect(at(cluster, 0)).toMatchObject({ nodeId, jobVersion: 1 });
  });

  it('tells the best five scores, best first', () => {
    const scores =
      placed(service({ Count: 1 }), { nodes: 1000 })[0]?.metrics.ScoreMetaData?.map(({ NormScore }) => NormScore) ?? [];
    expect(scores).toHaveLength(5);
    expect(scores).toEqual(scores.toSorted((a, b) => b - a));
  });
});

describe('what must be distinct', () => {
  it('hosts, for the whole job or for a group', () => {
    const distinct = [{ LTarget: '', Operand: 'distinct_hosts', RTarget: '' }];
    expect(new Set(nodesOf(placed(service({ Count: 3 }, { Constraints: distinct }), { nodes: 3 }))).size).toBe(3);
    expect(why(service({ Count: 3, Constraints: distinct }), { nodes: 2 })?.ConstraintFiltered).toEqual({
      distinct_hosts: 2,
    });
    const two = spec('service', [
      group({ Count: 1, Constraints: distinct }),
      group({ Name: 'api', Count: 1, Constraints: distinct }),
    ]);
    expect(placed(two, { nodes: 1 })).toHaveLength(2);
  });

  it('values of a property, up to a number', () => {
    const inRack = (id: string, rack: string) => node(id, { Meta: { rack } });
    const nodes = [inRack('a', 'r1'), inRack('b', 'r1'), inRack('c', 'r2')];
    const job = (RTarget: string) =>
      service({ Count: 3, Constraints: [{ LTarget: '${meta.rack}', Operand: 'distinct_property', RTarget }] });
    expect(placed(job(''), { nodes })).toHaveLength(2);
    expect(placed(job('2'), { nodes })).toHaveLength(3);
    expect(why(job(''), { nodes })?.ConstraintFiltered).toEqual({
      'distinct_property: ${meta.rack}=r1 used by 1 allocs': 2,
      'distinct_property: ${meta.rack}=r2 used by 1 allocs': 1,
    });
  });
});

describe('what an allocation gets', () => {
  it('whole cores, with the speed of the node', () => {
    const [first, second] = placed(service({ Count: 2, ...sized(0, 10, 2) }), { nodes: 1 });
    expect(first?.allocatedResources.Tasks['main']?.Cpu).toEqual({ CpuShares: 2000, ReservedCores: [0, 1] });
    expect(second?.allocatedResources.Tasks['main']?.Cpu).toEqual({ CpuShares: 2000, ReservedCores: [2, 3] });
  });

  it('ports of its own, which an update in place keeps', () => {
    const web = { Count: 2, Networks: [{ Mode: 'host', DynamicPorts: [{ Label: 'http' }] }] };
    const cluster = toyCluster({ nodes: 1 });
    cluster.register(service(web));
    cluster.evaluate();
    const ports = cluster.live().map((alloc) => alloc.allocatedResources.Shared.Ports?.[0]?.Value);
    expect(new Set(ports).size).toBe(2);
    cluster.register(service(web, { Priority: 70 }));
    cluster.evaluate();
    expect(
      cluster.live().map((alloc) => [alloc.jobVersion, alloc.allocatedResources.Shared.Ports?.[0]?.Value]),
    ).toEqual(ports.map((port) => [1, port]));
  });

  it('the room and the static port of the one it replaces', () => {
    const web = {
      Count: 1,
      Update: rolling(),
      Networks: [{ ReservedPorts: [{ Label: 'http', Value: 80 }] }],
      ...sized(3000, 5000),
    };
    const cluster = toyCluster({ nodes: 1 });
    cluster.register(service(web));
    cluster.evaluate();
    cluster.register(changed(service(web), 'v1'));
    expect(cluster.evaluate().plan?.placements).toHaveLength(1);
    expect(why(service({ ...web, Count: 2 }), { nodes: 1 })?.DimensionExhausted).toEqual({
      'network: reserved port collision http=80': 1,
    });
  });
});

it('the same evaluation of the same cluster always places alike', () => {
  expect(nodesOf(placed(service({ Count: 5 }), { nodes: 50 }))).toEqual(
    nodesOf(placed(service({ Count: 5 }), { nodes: 50 })),
  );
});

it('sums that the view keeps change nothing', () => {
  const tell = (keepsUsage: boolean): string[] => nodesOf(placed(service({ Count: 20 }), { nodes: 10, keepsUsage }));
  expect(tell(true)).toEqual(tell(false));
});
