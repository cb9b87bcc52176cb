import { changed, group, node, rolling, service, spec } from './testing/specs.js';
import type { ToyCluster } from './testing/toy-cluster.js';
import { toyCluster } from './testing/toy-cluster.js';
import { at, tellAllocations, tellDeployment, only } from './testing/views.js';

/** A first version with everything healthy and its deployment done. */
function established(job = service()): ToyCluster {
  const cluster = toyCluster();
  cluster.register(job);
  cluster.evaluate();
  cluster.settle();
  cluster.evaluate({ trigger: 'deployment-watcher' });
  return cluster;
}

const live = (cluster: ToyCluster): string[] => tellAllocations(cluster.live());

describe('the worked traces of spec/lifecycle §10', () => {
  it('a first registration places everything at once, within a deployment that completes when all are healthy', () => {
    const cluster = toyCluster();
    const job = cluster.register(service());
    const { plan, outcome } = cluster.evaluate();
    expect(plan?.deployment).toMatchObject({
      isNew: true,
      jobVersion: 0,
      jobModifyIndex: job.modifyIndex,
      jobSpecModifyIndex: job.jobModifyIndex,
      jobCreateIndex: job.createIndex,
      evalPriority: 50,
    });
    expect(tellDeployment(cluster)).toBe('running "Deployment is running" 3/0/3/0/0');
    expect(live(cluster)).toEqual(['web[0] v0 run', 'web[1] v0 run', 'web[2] v0 run']);
    expect(outcome).toMatchObject({
      status: 'complete',
      queuedAllocations: { web: 0 },
      failedGroups: null,
      blocked: [],
    });
    expect(outcome.deploymentId).toBe(cluster.deployment()?.id);
    expect(outcome.annotations['web']).toMatchObject({ Place: 3, Stop: 0, Ignore: 0 });

    cluster.settle();
    cluster.evaluate();
    expect(tellDeployment(cluster)).toBe('successful "Deployment completed successfully" 3/0/3/3/0');
  });

  it('a canary runs beside the old version, takes over the place of its namesake when promoted, and the rest follows one by one', () => {
    const cluster = established(service({ Update: rolling({ Canary: 1 }) }));
    cluster.register(changed(service({ Update: rolling({ Canary: 1 }) }), 'v1'));
    const { outcome } = cluster.evaluate();
    expect(outcome.annotations['web']).toMatchObject({ Canary: 1, Ignore: 3, Place: 0, DestructiveUpdate: 0 });
    expect(tellDeployment(cluster)).toBe('running "Deployment is running but requires manual promotion" 3/1/1/0/0');
    expect(live(cluster)).toEqual(['web[0] v0 run', 'web[0] v1 canary run', 'web[1] v0 run', 'web[2] v0 run']);
    expect(at(cluster, 0).previousAllocation).toBe('');

    cluster.settle();
    expect(cluster.plan().plan).toBeNull();
    cluster.promote();
    cluster.evaluate();
    expect(tellDeployment(cluster)).toBe('running "Deployment is running" 3/1/2/1/0');
    expect(tellAllocations(cluster.allocations())).toEqual([
      'web[0] v0 stop: alloc not needed due to job update',
      'web[0] v1 run',
      'web[1] v0 stop: alloc is being updated due to job update',
      'web[1] v1 run',
      'web[2] v0 run',
    ]);
    expect(
      cluster.view.allocationsOfJob('default', 'shop').find(({ id }) => id === at(cluster, 1).previousAllocation)
        ?.nextAllocation,
    ).toBe(at(cluster, 1).id);

    cluster.settle();
    cluster.evaluate();
    expect(tellDeployment(cluster)).toBe('running "Deployment is running" 3/1/3/2/0');
    cluster.settle();
    cluster.evaluate();
    expect(tellDeployment(cluster)).toBe('successful "Deployment completed successfully" 3/1/3/3/0');
    expect(live(cluster)).toEqual(['web[0] v1 run', 'web[1] v1 run', 'web[2] v1 run']);
  });

  it('scaling up updates the survivors in place, forgets their health and adds the rest, in a new deployment', () => {
    const cluster = established();
    cluster.register(service({ Count: 5 }));
    const { outcome } = cluster.evaluate();
    expect(outcome.annotations['web']).toMatchObject({ InPlaceUpdate: 3, Place: 2 });
    expect(tellDeployment(cluster)).toBe('running "Deployment is running" 5/0/5/0/0');
    expect(live(cluster)).toEqual([
      'web[0] v1 run',
      'web[1] v1 run',
      'web[2] v1 run',
      'web[3] v1 run',
      'web[4] v1 run',
    ]);
    expect(at(cluster, 0).deploymentStatus).toBeNull();
  });

  it('scaling down stops the highest indexes', () => {
    const cluster = established(service({ Count: 5 }));
    cluster.register(service({ Count: 2 }));
    const { outcome } = cluster.evaluate();
    expect(outcome.annotations['web']).toMatchObject({ InPlaceUpdate: 2, Stop: 3 });
    expect(tellDeployment(cluster)).toBe('running "Deployment is running" 2/0/2/0/0');
    expect(live(cluster)).toEqual(['web[0] v1 run', 'web[1] v1 run']);
  });

  it('a stop cancels the deployment and stops everything', () => {
    const cluster = toyCluster();
    cluster.register(service());
    cluster.evaluate();
    cluster.stopJob();
    const { outcome } = cluster.evaluate({ trigger: 'job-deregister', type: 'service' });
    expect(tellDeployment(cluster)).toMatch(/^cancelled "Cancelled because job is stopped"/);
    expect(tellAllocations(cluster.allocations())).toEqual(
      [0, 1, 2].map((i) => `web[${i}] v0 stop: alloc not needed due to job update`),
    );
    expect(outcome.queuedAllocations).toEqual({ web: 0 });
  });

  it('a failure within a deployment waits for permission, then for its delay, then is replaced with a tracker', () => {
    const cluster = toyCluster();
    cluster.register(service());
    cluster.evaluate();
    const failed = at(cluster, 1);
    cluster.tell(failed.id, { clientStatus: 'failed', healthy: false });
    expect(cluster.plan({ trigger: 'alloc-failure' }).plan).toBeNull();

    cluster.transition(failed.id, { Reschedule: true });
    const { plan, outcome } = cluster.evaluate({ trigger: 'deployment-watcher' });
    const [followup] = plan?.followups ?? [];
    expect(followup).toMatchObject({
      triggeredBy: 'alloc-reschedule',
      statusDescription: 'created for delayed rescheduling',
      status: 'pending',
      waitUntil: cluster.now() + 30_000_000,
      previousEval: plan?.evalId,
    });
    expect(outcome.nextEval).toBe(followup?.id);
    expect(cluster.view.allocationsOfJob('default', 'shop')[1]?.followupEvalId).toBe(followup?.id);
    expect(cluster.plan().plan).toBeNull();

    cluster.advance(30);
    cluster.runDue();
    expect(tellDeployment(cluster)).toBe('running "Deployment is running" 3/0/4/0/1');
    const replacement = at(cluster, 1);
    expect(replacement.previousAllocation).toBe(failed.id);
    expect(replacement.rescheduleTracker).toEqual({
      events: [
        { rescheduleTime: cluster.now(), prevAllocId: failed.id, prevNodeId: failed.nodeId, delay: 30_000_000_000 },
      ],
      lastReschedule: 'ok',
    });
    // The description stays empty, as Nomad leaves it (§5.6).
    expect(tellAllocations(cluster.allocations())[1]).toBe('web[1] v0 failed stop');
  });
});

describe('a rolling update', () => {
  it('lets max_parallel through, and one more for each that is healthy', () => {
    const job = service({ Count: 4, Update: rolling({ MaxParallel: 2 }) });
    const cluster = established(job);
    cluster.register(changed(job, 'v1'));
    const { outcome } = cluster.evaluate();
    expect(outcome.annotations['web']).toMatchObject({ DestructiveUpdate: 2, Ignore: 2 });
    expect(live(cluster)).toEqual(['web[0] v1 run', 'web[1] v1 run', 'web[2] v0 run', 'web[3] v0 run']);
    expect(tellDeployment(cluster)).toBe('running "Deployment is running" 4/0/2/0/0');
    cluster.tell(at(cluster, 0).id, { clientStatus: 'running', healthy: true });
    cluster.evaluate();
    expect(live(cluster)).toEqual(['web[0] v1 run', 'web[1] v1 run', 'web[2] v1 run', 'web[3] v0 run']);
  });

  it('stands still while an allocation of its own is unhealthy', () => {
    const job = service({ Update: rolling({ MaxParallel: 2 }) });
    const cluster = established(job);
    cluster.register(changed(job, 'v1'));
    cluster.evaluate();
    cluster.tell(at(cluster, 0).id, { clientStatus: 'running', healthy: false });
    cluster.tell(at(cluster, 1).id, { clientStatus: 'running', healthy: true });
    expect(cluster.plan().plan).toBeNull();
  });

  it('is superseded by a newer version, which goes on from the mixture it finds', () => {
    const cluster = established();
    cluster.register(changed(service(), 'one'));
    cluster.evaluate();
    cluster.register(changed(service(), 'two'));
    cluster.evaluate();
    expect(cluster.deployments().map(({ status }) => status)).toEqual(['successful', 'cancelled', 'running']);
    expect(live(cluster)).toEqual(['web[0] v2 run', 'web[1] v0 run', 'web[2] v0 run']);
  });

  it('replaces everything at once when max_parallel is 0, without a deployment', () => {
    const job = service({ Update: rolling({ MaxParallel: 0 }) });
    const cluster = established(job);
    expect(cluster.deployment()).toBeUndefined();
    cluster.register(changed(job, 'v1'));
    expect(cluster.evaluate().outcome.deploymentId).toBe('');
    expect(live(cluster)).toEqual(['web[0] v1 run', 'web[1] v1 run', 'web[2] v1 run']);
  });

  it('concerns the groups that have an update strategy', () => {
    const cluster = toyCluster();
    const groups = [group(), group({ Name: 'zero', Update: rolling({ MaxParallel: 0 }) })];
    cluster.register(spec('service', groups));
    cluster.evaluate();
    expect(Object.keys(cluster.deployment()?.groups ?? {})).toEqual(['web']);
    expect(cluster.live()).toHaveLength(6);
  });

  it('ends a group that was removed, and starts the one that replaces it', () => {
    const cluster = established(service({ Count: 2 }));
    cluster.register(spec('service', [group({ Name: 'api', Count: 1 })]));
    const { outcome } = cluster.evaluate();
    expect(outcome.annotations).toMatchObject({ web: { Stop: 2, Place: 0 }, api: { Place: 1, Stop: 0 } });
    expect(live(cluster)).toEqual(['api[0] v1 run']);
  });
});

describe('the deployment states of spec/lifecycle §3.11', () => {
  const half = (status: 'paused' | 'failed'): ToyCluster => {
    const cluster = established();
    cluster.register(changed(service(), 'v1'));
    cluster.evaluate();
    cluster.settle();
    cluster.setDeployment({ status });
    return cluster;
  };

  it.each(['paused', 'failed'] as const)('%s: nothing is updated', (status) => {
    expect(half(status).plan().plan).toBeNull();
  });

  it.each(['paused', 'failed'] as const)('%s: what is lost is replaced', (status) => {
    const cluster = half(status);
    const { nodeId, name } = at(cluster, 2);
    cluster.setNode(nodeId, { status: 'down' });
    const { plan } = cluster.evaluate({ trigger: 'node-update' });
    expect(plan?.stops.find(({ clientStatus }) => clientStatus === 'lost')?.description).toBe(
      'alloc is lost since its node is down',
    );
    expect(plan?.placements.map((placement) => placement.name)).toContain(name);
    for (const { previousAllocation } of plan?.placements ?? []) expect(previousAllocation).not.toBe('');
  });

  it.each(['paused', 'failed'] as const)('%s: what completed is not filled up', (status) => {
    const cluster = half(status);
    cluster.tell(at(cluster, 2).id, { clientStatus: 'complete' });
    expect(cluster.plan().plan).toBeNull();
  });

  it.each(['paused', 'failed'] as const)('%s: migrations go on', (status) => {
    const cluster = half(status);
    cluster.transition(at(cluster, 1).id, { Migrate: true });
    const { plan } = cluster.evaluate({ trigger: 'alloc-stop' });
    expect(plan?.stops).toEqual([expect.objectContaining({ description: 'alloc is being migrated' })]);
    expect(plan?.placements).toEqual([expect.objectContaining({ name: 'shop.web[1]' })]);
  });

  it('resumed: the update goes on', () => {
    const cluster = half('paused');
    cluster.setDeployment({ status: 'running' });
    cluster.evaluate();
    expect(live(cluster)).toEqual(['web[0] v1 run', 'web[1] v1 run', 'web[2] v0 run']);
  });

  it('failed: allocations of the failed deployment are not rescheduled, older ones are', () => {
    const cluster = half('failed');
    cluster.tell(at(cluster, 0).id, { clientStatus: 'failed' });
    cluster.tell(at(cluster, 2).id, { clientStatus: 'failed' });
    cluster.advance(31);
    const { plan } = cluster.evaluate({ trigger: 'alloc-failure' });
    expect(plan?.placements.map(({ name }) => name)).toEqual(['shop.web[2]']);
  });

  it('failed while canarying: the canaries are stopped, the old version stays', () => {
    const job = service({ Count: 2, Update: rolling({ Canary: 1 }) });
    const cluster = established(job);
    cluster.register(changed(job, 'v1'));
    cluster.evaluate();
    cluster.settle();
    cluster.setDeployment({ status: 'failed' });
    cluster.evaluate({ trigger: 'deployment-watcher' });
    expect(live(cluster)).toEqual(['web[0] v0 run', 'web[1] v0 run']);
    expect(tellAllocations(cluster.allocations())).toContain(
      'web[0] v1 canary stop: alloc not needed due to job update',
    );
  });

  it('all healthy while paused: the deployment completes all the same', () => {
    const cluster = toyCluster();
    cluster.register(service());
    cluster.evaluate();
    cluster.setDeployment({ status: 'paused' });
    cluster.settle(false);
    for (const alloc of cluster.live()) cluster.tell(alloc.id, { healthy: true });
    cluster.evaluate();
    expect(cluster.deployment()?.status).toBe('successful');
  });
});

describe('canaries', () => {
  const job = (change: Parameters<typeof rolling>[0]) => service({ Update: rolling({ Canary: 1, ...change }) });

  it('promote themselves when every group that has some says so', () => {
    const cluster = established(job({ AutoPromote: true }));
    cluster.register(changed(job({ AutoPromote: true }), 'v1'));
    cluster.evaluate();
    expect(cluster.deployment()?.statusDescription).toBe('Deployment is running pending automatic promotion');
  });

  it('are not made for a first version, nor for what can be updated in place', () => {
    const cluster = established(job({}));
    cluster.register(service({ Update: rolling({ Canary: 2 }), Count: 4 }));
    cluster.evaluate();
    expect(tellDeployment(cluster)).toBe('running "Deployment is running" 4/0/4/0/0');
  });

  it('are as many as asked for, under the names of those they stand in for', () => {
    const cluster = established(service());
    cluster.register(changed(job({ Canary: 3, MaxParallel: 3 }), 'v1'));
    cluster.evaluate();
    expect(live(cluster).filter((text) => text.includes('canary'))).toEqual([
      'web[0] v1 canary run',
      'web[1] v1 canary run',
      'web[2] v1 canary run',
    ]);
  });

  it('keep the old version in charge: what is lost meanwhile is replaced by the version before, in its deployment', () => {
    const cluster = established(job({}));
    const first = cluster.deployment();
    cluster.register(changed(job({}), 'v1'));
    cluster.evaluate();
    cluster.settle();
    const lost = cluster.live().find((alloc) => alloc.jobVersion === 0);
    cluster.setNode(lost?.nodeId ?? '', { status: 'down' });
    const { plan } = cluster.evaluate({ trigger: 'node-update' });
    const replacement = plan?.placements.find(({ previousAllocation }) => previousAllocation === lost?.id);
    expect(replacement).toMatchObject({ jobVersion: 0, deploymentId: first?.id, canary: false });
  });

  it('are replaced when they are lost', () => {
    const cluster = established(job({}));
    cluster.register(changed(job({}), 'v1'));
    cluster.evaluate();
    cluster.settle();
    const canary = cluster.live().find((alloc) => alloc.deploymentStatus?.canary);
    cluster.setNode(canary?.nodeId ?? '', { status: 'down' });
    cluster.evaluate({ trigger: 'node-update' });
    expect(live(cluster).filter((text) => text.includes('canary'))).toHaveLength(1);
    expect(cluster.deployment()?.groups['web']?.placedCanaries).toHaveLength(2);
  });

  it('are replaced when they move while all that they stand in for is lost, which is replaced beside them', () => {
    const alone = (change: Parameters<typeof rolling>[0]) => service({ Count: 1, Update: rolling(change) });
    const cluster = established(alone({ Canary: 1 }));
    cluster.register(changed(alone({ Canary: 1 }), 'v1'));
    cluster.evaluate();
    const [old, canary] = cluster.live();
    cluster.transition(canary?.id ?? '', { Migrate: true });
    cluster.setNode(old?.nodeId ?? '', { status: 'down' });
    cluster.evaluate({ trigger: 'node-update' });
    expect(live(cluster)).toEqual(['web[0] v1 canary run', 'web[0] v0 run']);
    expect(cluster.evaluate().plan).toBeNull();
  });

  it('are replaced when they move together with all that they stand in for', () => {
    const alone = (change: Parameters<typeof rolling>[0]) => service({ Count: 1, Update: rolling(change) });
    const cluster = established(alone({ Canary: 1 }));
    cluster.register(changed(alone({ Canary: 1 }), 'v1'));
    cluster.evaluate();
    for (const { id } of cluster.live()) cluster.transition(id, { Migrate: true });
    cluster.evaluate({ trigger: 'node-drain' });
    expect(live(cluster)).toEqual(['web[0] v1 canary run', 'web[0] v0 run']);
    expect(cluster.evaluate().plan).toBeNull();
  });

  it('do not take the place of what is lost, as many as they are', () => {
    const pair = (change: Parameters<typeof rolling>[0]) => service({ Count: 2, Update: rolling(change) });
    const cluster = established(pair({}));
    cluster.register(changed(pair({ Canary: 2 }), 'v1'));
    cluster.setNode(at(cluster, 1).nodeId, { status: 'down' });
    cluster.evaluate();
    expect(live(cluster)).toEqual(['web[0] v0 run', 'web[0] v1 canary run', 'web[1] v0 run', 'web[2] v1 canary run']);
  });

  it('keep their name when promoted: what replaces the namesake of one that is still needed gets a free name', () => {
    const cluster = toyCluster();
    const alone = service({ Count: 1, Update: rolling({ Canary: 1 }) });
    cluster.register(alone);
    cluster.evaluate();
    cluster.register(changed(service({ Count: 2, Update: rolling({ Canary: 1 }) }), 'v1'));
    cluster.evaluate();
    cluster.settle();
    cluster.promote();
    cluster.evaluate();
    expect(live(cluster)).toEqual(['web[0] v1 run', 'web[1] v1 run']);
  });

  it('avoid the name of one that is brought to their version where it runs (simulator, seeds 1, 6 and 13)', () => {
    const cluster = established(job({}));
    cluster.register(changed(job({}), 'v1'));
    cluster.evaluate();
    cluster.settle();
    cluster.promote();
    // As before, and one more: nothing is superfluous, so the promoted one and its namesake both stay.
    cluster.register(service({ Count: 4, Update: rolling({ Canary: 1 }) }));
    cluster.evaluate();
    expect(live(cluster)).toEqual([
      'web[0] v2 run',
      'web[0] v1 run',
      'web[1] v2 run',
      'web[2] v2 run',
      'web[3] v2 canary run',
    ]);
  });

  it('promoted, keep their name from what is replaced by their version while the next is on trial (simulator, seed 14)', () => {
    const cluster = established(job({}));
    const namesake = at(cluster, 0);
    cluster.tell(namesake.id, { clientStatus: 'failed' });
    cluster.evaluate({ trigger: 'alloc-failure' });
    cluster.register(changed(job({}), 'v1'));
    cluster.evaluate();
    cluster.settle();
    cluster.promote();
    const larger = service({ Count: 4, Update: rolling({ Canary: 1 }) });
    cluster.register(changed(larger, 'v2'));
    cluster.evaluate();
    cluster.advance(30);
    cluster.runDue();
    const replacement = cluster.live().find((alloc) => alloc.previousAllocation === namesake.id);
    expect(replacement).toMatchObject({ jobVersion: 1, name: 'shop.web[3]' });
    expect(live(cluster)).toEqual([
      'web[0] v1 run',
      'web[0] v2 canary run',
      'web[1] v0 run',
      'web[2] v0 run',
      'web[3] v1 run',
    ]);
  });

  it('of a superseded version are stopped', () => {
    const cluster = established(job({}));
    cluster.register(changed(job({}), 'v1'));
    cluster.evaluate();
    cluster.register(changed(job({}), 'v2'));
    cluster.evaluate();
    expect(live(cluster)).toEqual(['web[0] v0 run', 'web[0] v2 canary run', 'web[1] v0 run', 'web[2] v0 run']);
  });
});

describe('what ends by itself or by hand', () => {
  it('a service allocation that completes leaves a hole that is filled with a new one', () => {
    const cluster = established();
    cluster.tell(at(cluster, 1).id, { clientStatus: 'complete' });
    const { plan } = cluster.evaluate();
    expect(plan?.placements).toEqual([expect.objectContaining({ name: 'shop.web[1]', previousAllocation: '' })]);
    expect(plan?.deployment).toBeNull();
  });

  it('a forced reschedule does not wait', () => {
    const cluster = established();
    const { id } = at(cluster, 1);
    cluster.tell(id, { clientStatus: 'failed' });
    cluster.transition(id, { ForceReschedule: true });
    expect(cluster.evaluate().plan?.placements).toEqual([expect.objectContaining({ previousAllocation: id })]);
  });

  it('what fails after it was healthy is rescheduled once its deployment is over (simulator, seed 7 of 100,000)', () => {
    const cluster = toyCluster();
    cluster.register(service());
    cluster.evaluate();
    cluster.settle();
    const failed = at(cluster, 1);
    cluster.tell(failed.id, { clientStatus: 'failed' });
    const { plan } = cluster.evaluate({ trigger: 'deployment-watcher' });
    expect(cluster.deployment()?.status).toBe('successful');
    expect(plan?.followups).toMatchObject([{ waitUntil: cluster.now() + 30_000_000 }]);
    cluster.advance(30);
    cluster.runDue();
    expect(at(cluster, 1).previousAllocation).toBe(failed.id);
  });

  it('a permanently failed allocation keeps its place', () => {
    const ReschedulePolicy = { Attempts: 0, Interval: 0, Delay: 0, DelayFunction: '', MaxDelay: 0, Unlimited: false };
    const cluster = established(service({ ReschedulePolicy }));
    cluster.tell(at(cluster, 1).id, { clientStatus: 'failed' });
    expect(cluster.plan().plan).toBeNull();
  });

  it('failures within five seconds of each other share an evaluation, later ones get their own', () => {
    const cluster = established();
    const [a, b, c] = cluster.live();
    cluster.tell(a?.id ?? '', { clientStatus: 'failed' });
    cluster.advance(4);
    cluster.tell(b?.id ?? '', { clientStatus: 'failed' });
    cluster.advance(6);
    cluster.tell(c?.id ?? '', { clientStatus: 'failed' });
    const { plan } = cluster.evaluate({ trigger: 'alloc-failure' });
    expect(plan?.followups.map(({ triggeredBy, statusDescription }) => [triggeredBy, statusDescription])).toEqual([
      ['alloc-reschedule', 'created for delayed rescheduling'],
      ['alloc-failure', ''],
    ]);
    expect(plan?.updates.map(({ followupEvalId }) => followupEvalId)).toEqual([
      plan?.followups[0]?.id,
      plan?.followups[0]?.id,
      plan?.followups[1]?.id,
    ]);
  });

  it('a drained node: the stop happens even when there is no room elsewhere, and the blocked evaluation waits for it', () => {
    const cluster = toyCluster({ nodes: 1 });
    cluster.register(service({ Count: 2 }));
    cluster.evaluate();
    cluster.settle();
    cluster.evaluate();
    cluster.setNode('node-0', { eligibility: 'ineligible' });
    for (const alloc of cluster.live()) cluster.transition(alloc.id, { Migrate: true });
    const { plan, outcome } = cluster.evaluate({ trigger: 'node-drain' });
    expect(plan?.stops).toHaveLength(2);
    expect(outcome.queuedAllocations).toEqual({ web: 2 });
    expect(outcome.blocked).toMatchObject([{ status: 'blocked', triggeredBy: 'queued-allocs' }]);

    cluster.settle();
    const again = cluster.evaluate({ trigger: 'node-drain' });
    expect(tellDeployment(cluster)).toBe('running "Deployment is running" 2/0/0/0/0');
    expect(again.outcome.queuedAllocations).toEqual({ web: 2 });
    cluster.setNode('node-0', { eligibility: 'eligible' });
    cluster.evaluate({ of: only(again.outcome.blocked) });
    expect(live(cluster)).toEqual(['web[0] v0 run', 'web[1] v0 run']);
  });
});

describe('what cannot be placed', () => {
  const picky = service({ Count: 2 }, { Constraints: [{ LTarget: '${node.class}', Operand: '=', RTarget: 'nope' }] });

  it('is told with reasons, and waited for in a blocked evaluation', () => {
    const cluster = toyCluster({ nodes: 1 });
    cluster.register(picky);
    const { outcome } = cluster.evaluate();
    expect(outcome).toMatchObject({ status: 'complete', queuedAllocations: { web: 2 } });
    expect(outcome.failedGroups?.['web']).toEqual({
      AllocationTime: 1000,
      ClassExhausted: null,
      ClassFiltered: null,
      CoalescedFailures: 1,
      ConstraintFiltered: { '${node.class} = nope': 1 },
      DimensionExhausted: null,
      NodePool: 'default',
      NodesAvailable: { dc1: 1 },
      NodesEvaluated: 1,
      NodesExhausted: 0,
      NodesFiltered: 1,
      NodesInPool: 1,
      QuotaExhausted: null,
      ResourcesExhausted: null,
      ScoreMetaData: null,
      Scores: null,
    });
    expect(only(outcome.blocked)).toMatchObject({
      status: 'blocked',
      triggeredBy: 'queued-allocs',
      statusDescription: 'created to place remaining allocations',
      escapedComputedClass: false,
      failedGroups: outcome.failedGroups,
    });
    expect(Object.values(only(outcome.blocked).classEligibility ?? {})).toEqual([false]);
  });

  it('stays in the same evaluation when that was blocked already', () => {
    const cluster = toyCluster({ nodes: 1 });
    cluster.register(picky);
    const blocked = only(cluster.evaluate().outcome.blocked);
    cluster.addNode(node('another', { NodeClass: 'small' }));
    const { outcome } = cluster.evaluate({ of: { ...blocked, status: 'pending' } });
    expect(outcome).toMatchObject({ status: 'blocked', blocked: [], statusDescription: blocked.statusDescription });
    expect(Object.keys(outcome.classEligibility ?? {})).toHaveLength(2);
  });

  it('does not cost the old allocation: its stop is withdrawn', () => {
    const cluster = established(service({ Count: 2 }));
    cluster.register(changed(picky, 'v1'));
    const { plan, outcome } = cluster.evaluate();
    expect(plan?.stops).toEqual([]);
    expect(outcome.annotations['web']).toMatchObject({ DestructiveUpdate: 1 });
    expect(outcome.failedGroups?.['web']?.ConstraintFiltered).toEqual({
      '${node.class} = nope': 1,
      'computed class ineligible': 2,
    });
  });

  it('of a new constraint was found out where the allocation runs', () => {
    const cluster = toyCluster({ nodes: 1 });
    const job = service({ Count: 2, Update: rolling({ MaxParallel: 2 }) });
    cluster.register(job);
    cluster.evaluate();
    cluster.settle();
    cluster.evaluate();
    cluster.register({ ...job, Constraints: picky.Constraints });
    const { outcome } = cluster.evaluate();
    expect(outcome.failedGroups?.['web']).toMatchObject({
      CoalescedFailures: 1,
      ConstraintFiltered: { 'computed class ineligible': 1 },
    });
  });

  it('notes on a failed allocation that its replacement found no room', () => {
    const cluster = established(service({ Count: 1 }));
    const { id } = at(cluster, 0);
    cluster.tell(id, { clientStatus: 'failed' });
    for (const { id: nodeId } of cluster.view.nodes()) cluster.setNode(nodeId, { eligibility: 'ineligible' });
    cluster.advance(31);
    const { plan, outcome } = cluster.evaluate({ trigger: 'alloc-failure' });
    expect(plan?.stops).toEqual([]);
    expect(plan?.updates).toEqual([
      { allocationId: id, rescheduleTracker: { events: [], lastReschedule: 'no placement' } },
    ]);
    expect(cluster.plan().plan).toBeNull();

    for (const { id: nodeId } of cluster.view.nodes()) cluster.setNode(nodeId, { eligibility: 'eligible' });
    const retried = cluster.evaluate({ of: only(outcome.blocked) });
    expect(retried.plan?.placements).toEqual([expect.objectContaining({ previousAllocation: id })]);
  });
});
