import { batch, changed, rolling, service } from './testing/specs.js';
import type { ToyCluster } from './testing/toy-cluster.js';
import { toyCluster } from './testing/toy-cluster.js';
import { at, tellAllocations, tellDeployment } from './testing/views.js';

/* Cases in which Nomad is known to be wrong, each under the number of the report there. README lists them. */

const once = { Attempts: 1, Interval: 3600e9, Delay: 5e9, DelayFunction: 'constant', MaxDelay: 0, Unlimited: false };

describe('nomad#19643: a canary trial with a lower count', () => {
  const trial = (): ToyCluster => {
    const before = service({ Count: 5, Update: rolling({ Canary: 2, AutoRevert: true }) });
    const cluster = toyCluster();
    cluster.register(before);
    cluster.evaluate();
    cluster.settle();
    cluster.evaluate({ trigger: 'deployment-watcher' });
    cluster.register(changed(service({ Count: 3, Update: rolling({ Canary: 2, AutoRevert: true }) }), 'v1'));
    cluster.evaluate();
    return cluster;
  };
  const running = (cluster: ToyCluster, version: number) =>
    cluster.live().filter((alloc) => alloc.jobVersion === version && alloc.desiredStatus === 'run');

  it('stops no stable allocation before the promotion', () => {
    const cluster = trial();
    expect([running(cluster, 0).length, running(cluster, 1).length]).toEqual([5, 2]);
    expect(tellDeployment(cluster)).toBe('running "Deployment is running but requires manual promotion" 3/2/2/0/0');
    cluster.settle();
    cluster.evaluate({ trigger: 'deployment-watcher' });
    expect(running(cluster, 0)).toHaveLength(5);
  });

  it('replaces a stable allocation that fails meanwhile', () => {
    const cluster = trial();
    cluster.settle();
    const { id, name } = running(cluster, 0)[4]!;
    cluster.tell(id, { clientStatus: 'failed' });
    cluster.evaluate({ trigger: 'alloc-failure' });
    cluster.advance(30);
    cluster.runDue();
    expect(running(cluster, 0)).toHaveLength(5);
    expect(cluster.live().find((alloc) => alloc.previousAllocation === id)).toMatchObject({ name, jobVersion: 0 });
  });

  it('comes down to the lower count once it is promoted', () => {
    const cluster = trial();
    cluster.settle();
    cluster.promote();
    for (let i = 0; i < 4; i++) {
      cluster.evaluate({ trigger: 'deployment-watcher' });
      cluster.settle();
    }
    cluster.evaluate({ trigger: 'deployment-watcher' });
    expect([running(cluster, 0).length, running(cluster, 1).length]).toEqual([0, 3]);
    expect(tellDeployment(cluster)).toMatch(/^successful/);
  });

  it('is none where everything is moved or lost: what takes its place is of the new version, and not more than the lower count', () => {
    const cluster = toyCluster();
    cluster.register(service({ Count: 2, Update: rolling({ Canary: 1 }) }));
    cluster.evaluate();
    cluster.settle();
    cluster.evaluate({ trigger: 'deployment-watcher' });
    cluster.setNode(at(cluster, 1).nodeId, { status: 'down' });
    cluster.transition(at(cluster, 0).id, { Migrate: true });
    cluster.register(changed(service({ Count: 1, Update: rolling({ Canary: 1 }) }), 'v1'));
    cluster.evaluate();
    expect(running(cluster, 1)).toHaveLength(1);
  });
});

describe('nomad#19643: a canary trial, and a disconnected allocation of a version left behind', () => {
  it('keeps the count of the version that runs, not that of the one left behind (simulator, seeds 716502 and 2018)', () => {
    const Disconnect = { LostAfter: 300e9, StopOnClientAfter: null, Replace: false, Reconcile: 'best_score' };
    const of = (Count: number, Canary: number, tag: string) =>
      changed(service({ Count, Disconnect, Update: rolling({ Canary, MaxParallel: 4 }) }), tag);
    const cluster = toyCluster();
    const deploy = (job: ReturnType<typeof of>): void => {
      cluster.register(job);
      for (let round = 0; round < 3; round++) {
        cluster.evaluate();
        cluster.settle();
      }
    };
    deploy(of(4, 0, 'v0'));
    cluster.setNode(at(cluster, 0).nodeId, { status: 'disconnected' });
    cluster.evaluate({ trigger: 'node-update' });
    deploy(of(2, 0, 'v1'));
    deploy(of(1, 1, 'v2'));
    const steady = () =>
      cluster.live().filter((alloc) => !alloc.deploymentStatus?.canary && alloc.clientStatus !== 'unknown');
    const before = steady().length;
    cluster.advance(301);
    cluster.runDue();
    expect(before).toBe(2);
    expect(steady()).toHaveLength(before);
  });
});

describe('nomad#17563: a drain of the only node', () => {
  it('leaves the work of a batch job that moves on waiting for room', () => {
    const cluster = toyCluster({ nodes: 1 });
    cluster.register(batch({ ReschedulePolicy: once }));
    cluster.evaluate();
    const { id } = at(cluster, 0);
    cluster.setNode('node-0', { drain: { deadline: 0, forceDeadline: 0, ignoreSystemJobs: false, startedAt: 0 } });
    cluster.transition(id, { Migrate: true });
    const { outcome } = cluster.evaluate({ trigger: 'node-drain' });
    expect(outcome).toMatchObject({ queuedAllocations: { web: 1 }, blocked: [{ status: 'blocked' }] });
    cluster.setNode('node-0', { drain: null });
    cluster.evaluate({ trigger: 'queued-allocs' });
    expect(tellAllocations(cluster.live())).toEqual(['web[0] v0 run']);
  });
});

describe('nomad#18467: stopping and starting a job', () => {
  it.each([
    ['service', service({ Count: 1, Update: null, ReschedulePolicy: once })],
    ['batch', batch({ ReschedulePolicy: once })],
  ])('brings back a group of a %s job whose reschedules are used up', (_, job) => {
    const cluster = toyCluster();
    cluster.register(job);
    cluster.evaluate();
    for (let failure = 0; failure < 2; failure++) {
      cluster.tell(at(cluster, 0).id, { clientStatus: 'failed' });
      cluster.evaluate({ trigger: 'alloc-failure' });
      cluster.advance(10);
      cluster.runDue();
    }
    expect(cluster.plan().plan).toBeNull();
    cluster.register({ ...job, Stop: true });
    cluster.evaluate({ trigger: 'job-deregister' });
    cluster.register(job);
    cluster.evaluate();
    expect(tellAllocations(cluster.live())).toEqual(['web[0] v2 run']);
  });
});
