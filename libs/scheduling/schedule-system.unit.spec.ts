import { changed, node, rolling, spec, group, system } from './testing/specs.js';
import type { ToyCluster } from './testing/toy-cluster.js';
import { toyCluster } from './testing/toy-cluster.js';
import { tellAllocations, tellDeployment } from './testing/views.js';

function established(job = system()): ToyCluster {
  const cluster = toyCluster();
  cluster.register(job);
  cluster.evaluate();
  cluster.settle();
  cluster.evaluate({ trigger: 'deployment-watcher' });
  return cluster;
}

const nodesOf = (cluster: ToyCluster): string[] =>
  cluster
    .live()
    .map((alloc) => alloc.nodeId)
    .sort();

describe('a system job', () => {
  it('runs once on every node, within a deployment', () => {
    const cluster = toyCluster();
    cluster.register(system());
    const { outcome } = cluster.evaluate();
    expect(nodesOf(cluster)).toEqual(['node-0', 'node-1', 'node-2']);
    expect(tellDeployment(cluster)).toBe('running "Deployment is running" 3/0/3/0/0');
    expect(outcome).toMatchObject({
      status: 'complete',
      queuedAllocations: { web: 0 },
      deploymentId: cluster.deployment()?.id,
    });
    cluster.settle();
    cluster.evaluate({ trigger: 'deployment-watcher' });
    expect(tellDeployment(cluster)).toBe('successful "Deployment completed successfully" 3/0/3/3/0');
  });

  it('needs no promotion when every node got the new version as it came back, and no canary lives (simulator, seed 3174)', () => {
    const cluster = established();
    cluster.register(changed(system({ Update: rolling({ Canary: 30 }) }), 'v1'));
    cluster.evaluate();
    expect(tellDeployment(cluster)).toMatch(/requires manual promotion" 3\/1\/1/);
    const nodes = nodesOf(cluster);
    for (const status of ['down', 'ready'] as const) {
      for (const id of nodes) cluster.setNode(id, { status });
      cluster.evaluate({ trigger: 'node-update' });
    }
    cluster.settle();
    cluster.evaluate({ trigger: 'deployment-watcher' });
    expect(tellAllocations(cluster.live())).toEqual(Array.from({ length: 3 }, () => 'web[0] v1 run'));
    expect(cluster.deployment()?.status).toBe('successful');
  });

  it('takes in nodes that join later, without another deployment', () => {
    const cluster = established();
    cluster.addNode(node('late'));
    cluster.evaluate({ trigger: 'node-update' });
    expect(nodesOf(cluster)).toContain('late');
    expect(cluster.deployments()).toHaveLength(1);
  });

  it('is updated node by node, max_parallel at a time', () => {
    const cluster = established();
    cluster.register(changed(system(), 'v1'));
    cluster.evaluate();
    expect(tellDeployment(cluster)).toBe('running "Deployment is running" 3/0/1/0/0');
    expect(cluster.plan().plan).toBeNull();
    for (let i = 0; i < 3; i++) {
      cluster.settle();
      cluster.evaluate({ trigger: 'deployment-watcher' });
    }
    expect(tellDeployment(cluster)).toBe('successful "Deployment completed successfully" 3/0/3/3/0');
    expect(tellAllocations(cluster.live())).toEqual(Array.from({ length: 3 }, () => 'web[0] v1 run'));
    expect(tellAllocations(cluster.allocations())).toContain(
      'web[0] v0 stop: alloc is being updated due to job update',
    );
  });

  it('is updated in place where that is possible', () => {
    const cluster = established();
    cluster.register(system({}, { Priority: 60 }));
    const { plan } = cluster.evaluate();
    expect(plan?.updates).toHaveLength(3);
    expect(plan?.placements).toEqual([]);
    expect(tellDeployment(cluster)).toBe('running "Deployment is running" 3/0/3/0/0');
  });

  it('tries a new version on a share of the nodes first, in place of the old one there', () => {
    const job = system({ Update: rolling({ Canary: 50, MaxParallel: 2 }) });
    const cluster = established(job);
    cluster.register(changed(job, 'v1'));
    cluster.evaluate();
    expect(tellDeployment(cluster)).toBe('running "Deployment is running but requires manual promotion" 3/2/2/0/0');
    cluster.settle();
    expect(cluster.plan().plan).toBeNull();
    cluster.promote();
    cluster.evaluate({ trigger: 'deployment-watcher' });
    expect(tellAllocations(cluster.live())).toEqual(Array.from({ length: 3 }, () => 'web[0] v1 run'));
  });

  it('leaves nodes alone that do not suit, and says so only if none does', () => {
    const linux = { LTarget: '${attr.kernel.name}', Operand: '=', RTarget: 'linux' };
    const other = node('other', { Attributes: { 'kernel.name': 'plan9' } });
    const cluster = toyCluster({ nodes: [node('one'), other] });
    cluster.register(system({}, { Constraints: [linux] }));
    const { outcome } = cluster.evaluate();
    expect(nodesOf(cluster)).toEqual(['one']);
    expect(outcome).toMatchObject({ failedGroups: null, queuedAllocations: { web: 0 }, blocked: [] });

    cluster.settle();
    cluster.register(changed(system({}, { Constraints: [linux] }), 'v1'));
    expect(cluster.evaluate().outcome).toMatchObject({ failedGroups: null, queuedAllocations: { web: 0 } });
    expect(tellDeployment(cluster)).toBe('running "Deployment is running" 1/0/1/0/0');

    const none = toyCluster({ nodes: [other, { ...other, ID: 'another' }] });
    none.register(system({}, { Constraints: [linux] }));
    const { outcome: nowhere, plan } = none.evaluate();
    expect(nowhere).toMatchObject({ queuedAllocations: { web: 0 }, annotations: { web: { Place: 0 } } });
    expect(nowhere.failedGroups?.['web']).toMatchObject({
      NodesFiltered: 2,
      ConstraintFiltered: { '${attr.kernel.name} = linux': 2 },
      CoalescedFailures: 0,
    });
    expect(plan?.placements).toEqual([]);
    expect(tellDeployment(none)).toBe('successful "Deployment completed successfully" 0/0/0/0/0');
    expect(none.plan().plan).toBeNull();
  });

  it('is stopped on nodes that no longer suit it, and nothing fails', () => {
    const plan9 = node('other', { Attributes: { 'kernel.name': 'plan9' } });
    const cluster = toyCluster({ nodes: [node('one'), plan9] });
    cluster.register(system());
    cluster.evaluate();
    cluster.settle();
    const linux = { LTarget: '${attr.kernel.name}', Operand: '=', RTarget: 'linux' };
    cluster.register(system({}, { Constraints: [linux] }));
    const { outcome } = cluster.evaluate();
    expect(outcome).toMatchObject({
      failedGroups: null,
      queuedAllocations: { web: 0 },
      annotations: { web: { Stop: 1, InPlaceUpdate: 1, DestructiveUpdate: 0 } },
    });
    expect(nodesOf(cluster)).toEqual(['one']);
    expect(tellDeployment(cluster)).toBe('running "Deployment is running" 1/0/1/0/0');
  });

  it('waits for room on the one node that is full', () => {
    const cluster = toyCluster({ nodes: 1 });
    const hungry = system();
    const [web] = hungry.TaskGroups;
    const [task] = web?.Tasks ?? [];
    if (web === undefined || task === undefined) throw new Error('a system job has a group and a task');
    const Tasks = [{ ...task, Resources: { ...task.Resources, MemoryMB: 100_000 } }];
    cluster.register(spec('system', [group({ ...web, Tasks })]));
    const { outcome } = cluster.evaluate();
    expect(outcome.failedGroups?.['web']).toMatchObject({ NodesExhausted: 1, DimensionExhausted: { memory: 1 } });
    expect(outcome.blocked).toMatchObject([{ nodeId: 'node-0', status: 'blocked' }]);
    expect(outcome).toMatchObject({ queuedAllocations: { web: 1 }, annotations: { web: { Place: 0 } } });
  });

  it('waits for each full node by itself, and goes on waiting for it', () => {
    const small = { ...node('small').NodeResources, Memory: { MemoryMB: 10 } };
    const cluster = toyCluster({
      nodes: [node('a', { NodeResources: small }), node('b', { NodeResources: small }), node('c')],
    });
    cluster.register(system());
    const { outcome } = cluster.evaluate();
    expect(nodesOf(cluster)).toEqual(['c']);
    expect(outcome.status).toBe('complete');
    const waiting = outcome.blocked.toSorted((one, other) => (one.nodeId < other.nodeId ? -1 : 1));
    expect(waiting.map(({ nodeId, status }) => [nodeId, status])).toEqual([
      ['a', 'blocked'],
      ['b', 'blocked'],
    ]);
    const [forA] = waiting;
    const again = cluster.evaluate({ of: { ...forA!, status: 'pending' } });
    expect(again.outcome.status).toBe('blocked');
    expect(again.outcome.blocked.map(({ nodeId }) => nodeId)).toEqual(['b']);

    cluster.setNode('a', { description: node('a') });
    const placed = cluster.evaluate({ of: { ...forA!, status: 'pending' } });
    expect(placed.plan?.placements.map(({ nodeId }) => nodeId)).toEqual(['a']);
    expect(placed.outcome).toMatchObject({ status: 'complete', blocked: [{ nodeId: 'b' }] });
  });

  it('ignores what waits on a draining node until it is to be migrated', () => {
    const cluster = established();
    const drain = { deadline: 0, ignoreSystemJobs: false, forceDeadline: 0, startedAt: 0 };
    cluster.setNode('node-1', { drain, eligibility: 'ineligible' });
    expect(cluster.plan({ trigger: 'node-drain' }).plan).toBeNull();
    const moved = cluster.live().find((alloc) => alloc.nodeId === 'node-1');
    cluster.transition(moved?.id ?? '', { Migrate: true });
    const { plan } = cluster.evaluate({ trigger: 'node-drain' });
    expect(plan?.stops).toEqual([{ allocationId: moved?.id, description: 'alloc not needed as node is tainted' }]);
    expect(plan?.placements).toEqual([]);
  });

  it('loses what was on a node that is down, and comes back with it', () => {
    const cluster = established();
    cluster.setNode('node-1', { status: 'down' });
    const { plan } = cluster.evaluate({ trigger: 'node-update' });
    expect(plan?.stops).toEqual([expect.objectContaining({ clientStatus: 'lost' })]);
    cluster.setNode('node-1', { status: 'ready' });
    cluster.evaluate({ trigger: 'node-update' });
    expect(nodesOf(cluster)).toEqual(['node-0', 'node-1', 'node-2']);
  });

  it('is refused for reasons that do not concern it', () => {
    const cluster = established();
    expect(cluster.plan({ trigger: 'alloc-failure' }).outcome).toMatchObject({
      status: 'failed',
      statusDescription: "scheduler cannot handle 'alloc-failure' evaluation reason",
    });
  });

  it('stops everywhere', () => {
    const cluster = established();
    cluster.stopJob();
    cluster.evaluate({ trigger: 'job-deregister', type: 'service' });
    expect(cluster.live()).toEqual([]);
  });
});

describe('a sysbatch job', () => {
  const job = spec('sysbatch', [group({ Count: 1, Update: null, ReschedulePolicy: null })]);

  it('runs once on every node, and not again, even if it failed', () => {
    const cluster = toyCluster();
    cluster.register(job);
    cluster.evaluate();
    const [first, second, third] = cluster.live();
    cluster.tell(first?.id ?? '', { clientStatus: 'complete' });
    cluster.tell(second?.id ?? '', { clientStatus: 'failed' });
    cluster.tell(third?.id ?? '', { clientStatus: 'running' });
    expect(cluster.plan({ trigger: 'node-update' }).plan).toBeNull();
    expect(cluster.deployment()).toBeUndefined();
  });

  it('runs again when it is changed', () => {
    const cluster = toyCluster();
    cluster.register(job);
    cluster.evaluate();
    for (const { id } of cluster.live()) cluster.tell(id, { clientStatus: 'complete' });
    cluster.register(changed(job, 'v1'));
    cluster.evaluate();
    expect(nodesOf(cluster)).toEqual(['node-0', 'node-1', 'node-2']);
  });
});
