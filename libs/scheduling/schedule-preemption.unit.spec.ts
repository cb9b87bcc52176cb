import type { JobType, TaskGroup } from '@app/domain';
import { batch, node, service, spec, system, group, task } from './testing/specs.js';
import type { ToyCluster } from './testing/toy-cluster.js';
import { toyCluster } from './testing/toy-cluster.js';
import { only, tellAllocations } from './testing/views.js';

const NONE = { service: false, batch: false, system: false, sysbatch: false };
const ALL = { service: true, batch: true, system: true, sysbatch: true };

const sized = (MemoryMB: number, more: Partial<TaskGroup> = {}): Partial<TaskGroup> => ({
  Tasks: [task({ Resources: { ...task().Resources, MemoryMB } })],
  ...more,
});
/** A service that fills the nodes: one allocation of 6,000 of the 8,192 MB of each. */
function full(nodes = 1, options: Parameters<typeof toyCluster>[0] = {}): ToyCluster {
  const cluster = toyCluster({ nodes, ...options });
  cluster.register(service({ Count: nodes, ...sized(6000) }, { ID: 'filler', Name: 'filler', Priority: 20 }));
  cluster.evaluate({ jobId: 'filler' });
  cluster.settle();
  return cluster;
}
const wants = (type: JobType, Priority = 50) => spec(type, [group({ Count: 1, ...sized(4000) })], { Priority });

describe('a job that finds no room', () => {
  it('of type system evicts what is less important, and says whom', () => {
    const cluster = full();
    const victim = only(cluster.live('filler'));
    cluster.register(wants('system'));
    const { plan, outcome } = cluster.evaluate();
    const placed = only(plan?.placements ?? []);
    expect(placed).toMatchObject({ nodeId: 'node-0', preemptedAllocations: [victim.id] });
    expect(placed.metrics.ScoreMetaData?.[0]?.Scores).toHaveProperty('preemption');
    expect(outcome).toMatchObject({
      status: 'complete',
      failedGroups: null,
      blocked: [],
      annotations: { web: { Place: 1, Preemptions: 1 } },
    });
    expect(cluster.allocations('filler')).toMatchObject([
      {
        desiredStatus: 'evict',
        desiredDescription: `Preempted by alloc ID ${placed.id}`,
        preemptedByAllocation: placed.id,
      },
    ]);
  });

  it.each<JobType>(['service', 'batch', 'sysbatch'])('of type %s does so only where it is allowed to', (type) => {
    const cluster = full();
    cluster.register(wants(type));
    const { plan, outcome } = cluster.plan();
    expect(plan?.placements ?? []).toEqual([]);
    expect(outcome.failedGroups?.['web']).toMatchObject({ NodesExhausted: 1, DimensionExhausted: { memory: 1 } });

    const allowing = full(1, { configuration: { preemption: { ...NONE, [type]: true } } });
    allowing.register(wants(type));
    expect(allowing.plan().plan?.placements).toMatchObject([{ preemptedAllocations: [expect.any(String)] }]);
  });

  it('waits if nobody is less important by ten, and is told why there is no room', () => {
    const cluster = full(1, { configuration: { preemption: ALL } });
    cluster.register(wants('service', 29));
    const { plan, outcome } = cluster.plan();
    expect(plan?.placements).toEqual([]);
    expect(outcome.failedGroups?.['web']).toMatchObject({ NodesEvaluated: 1, DimensionExhausted: { memory: 1 } });
    expect(outcome.blocked).toHaveLength(1);
  });

  it('evicts nobody as long as there is room elsewhere', () => {
    const cluster = full(3, { configuration: { preemption: ALL } });
    cluster.addNode(node('empty'));
    cluster.register(wants('service'));
    const placed = only(cluster.plan().plan?.placements ?? []);
    expect(placed.nodeId).toBe('empty');
    expect(placed).not.toHaveProperty('preemptedAllocations');
  });

  it('takes the node where the least important has to go', () => {
    const cluster = toyCluster({ nodes: [node('dear')], configuration: { preemption: ALL } });
    const fill = (ID: string, Priority: number) => {
      cluster.register(service({ Count: 1, ...sized(6000) }, { ID, Name: ID, Priority }));
      cluster.evaluate({ jobId: ID });
    };
    fill('important', 39);
    cluster.addNode(node('cheap'));
    fill('unimportant', 1);
    cluster.register(wants('service'));
    expect(cluster.plan().plan?.placements).toMatchObject([
      { nodeId: 'cheap', preemptedAllocations: cluster.live('unimportant').map(({ id }) => id) },
    ]);
  });

  it('evicts for each of its allocations somebody else, as often as there is somebody', () => {
    const cluster = full(2, { configuration: { preemption: ALL } });
    cluster.register(service({ Count: 3, ...sized(4000) }));
    const { plan, outcome } = cluster.plan();
    const victims = (plan?.placements ?? []).flatMap(({ preemptedAllocations = [] }) => preemptedAllocations);
    expect(new Set(victims)).toEqual(new Set(cluster.live('filler').map(({ id }) => id)));
    // Beside one of 4,000 MB there is room for another.
    expect(plan?.placements).toHaveLength(3);
    expect(outcome.annotations['web']?.Preemptions).toBe(2);
  });

  it('does not evict its own allocations, nor those that have to go anyway', () => {
    const cluster = full(1, { configuration: { preemption: ALL } });
    cluster.register(wants('service'));
    cluster.evaluate();
    expect(cluster.live('filler')).toEqual([]);
    // The evicted one still holds its room, as its client has not stopped it yet.
    cluster.register(service({ Count: 1, ...sized(4000) }, { ID: 'late', Name: 'late', Priority: 100 }));
    expect(cluster.plan({ jobId: 'late' }).plan?.placements).toEqual([]);
    cluster.settle();
    expect(cluster.plan({ jobId: 'late' }).plan?.placements).toMatchObject([{ nodeId: 'node-0' }]);
  });

  it('gets the static port of whoever holds it', () => {
    const port = { Networks: [{ ReservedPorts: [{ Label: 'http', Value: 80 }] }] };
    const cluster = toyCluster({ nodes: 1 });
    for (const [ID, more] of [
      ['web', port],
      ['other', {}],
    ] as const) {
      cluster.register(service({ Count: 1, ...more }, { ID, Name: ID, Priority: 20 }));
      cluster.evaluate({ jobId: ID });
    }
    cluster.register(system(port));
    const placed = only(cluster.plan().plan?.placements ?? []);
    expect(placed.preemptedAllocations).toEqual(cluster.live('web').map(({ id }) => id));
    expect(placed.allocatedResources.Shared.Ports).toMatchObject([{ Value: 80 }]);

    cluster.register(system(port, { Priority: 25 }));
    expect(cluster.plan().outcome.failedGroups?.['web']?.DimensionExhausted).toEqual({
      'network: reserved port collision http=80': 1,
    });
  });
});

describe('what was evicted', () => {
  it('is replaced once there is room, as something new', () => {
    const cluster = full();
    cluster.register(wants('system'));
    cluster.evaluate();
    const waiting = cluster.evaluate({ jobId: 'filler', trigger: 'preemption' });
    expect(waiting.outcome).toMatchObject({ queuedAllocations: { web: 1 }, blocked: [{ status: 'blocked' }] });
    cluster.addNode(node('another'));
    cluster.settle();
    const { plan } = cluster.evaluate({ jobId: 'filler', of: only(waiting.outcome.blocked) });
    expect(plan?.placements).toMatchObject([{ nodeId: 'another', previousAllocation: '' }]);
    expect(tellAllocations(cluster.live('filler'))).toEqual(['web[0] v0 run']);
  });

  it('counts as gone for a batch job, too', () => {
    const cluster = toyCluster({ nodes: 1 });
    cluster.register(batch(sized(6000), { ID: 'filler', Name: 'filler', Priority: 20 }));
    cluster.evaluate({ jobId: 'filler' });
    cluster.register(wants('system'));
    cluster.evaluate();
    cluster.settle();
    cluster.addNode(node('another'));
    const { plan } = cluster.evaluate({ jobId: 'filler', trigger: 'preemption' });
    expect(plan?.placements).toMatchObject([{ nodeId: 'another' }]);
  });
});
