import { batch, changed, task } from './testing/specs.js';
import type { ToyCluster } from './testing/toy-cluster.js';
import { toyCluster } from './testing/toy-cluster.js';
import { at, tellAllocations } from './testing/views.js';

function started(job = batch()): ToyCluster {
  const cluster = toyCluster();
  cluster.register(job);
  cluster.evaluate();
  cluster.settle();
  return cluster;
}

describe('memory_max', () => {
  const { Resources, ...main } = task();
  const Tasks = [{ ...main, Resources: { ...Resources, MemoryMaxMB: 256 } }];
  const placedMemory = (memoryOversubscription: boolean) => {
    const cluster = toyCluster({ configuration: { memoryOversubscription } });
    cluster.register(batch({ Tasks }));
    cluster.evaluate();
    return Object.values(at(cluster, 0).allocatedResources.Tasks)[0]?.Memory;
  };

  it('reaches the allocation only where memory may be oversubscribed', () => {
    expect(placedMemory(false)).toEqual({ MemoryMB: 64, MemoryMaxMB: 0 });
    expect(placedMemory(true)).toEqual({ MemoryMB: 64, MemoryMaxMB: 256 });
  });
});

describe('a batch job', () => {
  it('has no deployment', () => {
    const cluster = started();
    expect(cluster.deployment()).toBeUndefined();
    expect(cluster.evaluate().outcome.deploymentId).toBe('');
  });

  it('is done when its allocation has completed', () => {
    const cluster = started();
    cluster.tell(at(cluster, 0).id, { clientStatus: 'complete' });
    expect(cluster.plan().plan).toBeNull();
  });

  it('tries again once, five seconds after the end, and then no more', () => {
    const cluster = started();
    const first = at(cluster, 0);
    cluster.tell(first.id, { clientStatus: 'failed' });
    const { plan } = cluster.evaluate({ trigger: 'alloc-failure' });
    expect(plan?.followups).toEqual([expect.objectContaining({ type: 'batch', waitUntil: cluster.now() + 5_000_000 })]);
    cluster.advance(5);
    cluster.runDue();
    const second = at(cluster, 0);
    expect(second).toMatchObject({
      previousAllocation: first.id,
      rescheduleTracker: { events: [{ delay: 5_000_000_000, prevAllocId: first.id }], lastReschedule: 'ok' },
    });
    cluster.tell(second.id, { clientStatus: 'failed' });
    cluster.advance(60);
    expect(cluster.plan({ trigger: 'alloc-failure' }).plan).toBeNull();
    expect(tellAllocations(cluster.allocations())).toEqual(['web[0] v0 failed stop', 'web[0] v0 failed run']);
  });

  it('is done when it has completed while its client was disconnected, though its replacement is still being stopped (simulator, seed 15)', () => {
    const LostAfter = 300_000_000_000;
    const cluster = started(
      batch({ Disconnect: { LostAfter, StopOnClientAfter: null, Replace: true, Reconcile: 'keep_original' } }),
    );
    const { id, nodeId } = at(cluster, 0);
    cluster.setNode(nodeId, { status: 'disconnected' });
    cluster.evaluate({ trigger: 'node-update' });
    cluster.advance(5);
    cluster.runDue();
    cluster.settle();
    cluster.setNode(nodeId, { status: 'initializing' });
    cluster.evaluate({ trigger: 'node-update' });
    expect(tellAllocations(cluster.allocations())).toEqual([
      'web[0] v0 unknown run',
      'web[0] v0 stop: alloc not needed due to disconnected client reconnect',
    ]);
    cluster.tell(id, { clientStatus: 'complete' });
    expect(cluster.plan({ trigger: 'reconnect' }).plan).toBeNull();
  });

  it('gives a new allocation the name of a disconnected one whose replacement is done (simulator, seed 20102)', () => {
    const LostAfter = 300_000_000_000;
    const job = batch({
      Count: 2,
      Disconnect: { LostAfter, StopOnClientAfter: null, Replace: true, Reconcile: 'best_score' },
    });
    const cluster = started(job);
    const { id, nodeId } = at(cluster, 1);
    cluster.setNode(nodeId, { status: 'disconnected' });
    cluster.evaluate({ trigger: 'node-update' });
    cluster.advance(5);
    cluster.runDue();
    const replacement = cluster.live().find((alloc) => alloc.previousAllocation === id);
    cluster.tell(replacement!.id, { clientStatus: 'complete' });
    cluster.register({ ...job, Priority: 51 });
    expect(cluster.evaluate().plan?.placements.map(({ name }) => name)).toEqual(['shop.web[1]']);
  });

  it('runs again what has completed when it is changed', () => {
    const cluster = started();
    cluster.tell(at(cluster, 0).id, { clientStatus: 'complete' });
    cluster.register(changed(batch(), 'v1'));
    expect(cluster.evaluate().plan?.placements).toEqual([
      expect.objectContaining({ jobVersion: 1, previousAllocation: '' }),
    ]);
  });

  it('replaces an allocation that was stopped by hand', () => {
    const cluster = started();
    const { id } = at(cluster, 0);
    cluster.transition(id, { Migrate: true, Reschedule: false, NoShutdownDelay: false });
    cluster.evaluate({ trigger: 'alloc-stop' });
    cluster.settle();
    expect(tellAllocations(cluster.allocations())).toEqual([
      'web[0] v0 stop: alloc is being migrated',
      'web[0] v0 run',
    ]);
    expect(at(cluster, 0).previousAllocation).toBe(id);
  });

  it('stops without a successor what is not to be moved at the end of a drain', () => {
    const cluster = started();
    cluster.transition(at(cluster, 0).id, { Migrate: true, MigrateDisablePlacement: true });
    const { plan } = cluster.evaluate({ trigger: 'node-drain' });
    expect(plan?.stops).toHaveLength(1);
    expect(plan?.placements).toEqual([]);
  });
});
