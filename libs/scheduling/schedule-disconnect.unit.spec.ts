import type { AllocationState } from '@app/domain';
import { batch, changed, rolling, service } from './testing/specs.js';
import type { ToyCluster } from './testing/toy-cluster.js';
import { toyCluster } from './testing/toy-cluster.js';
import { at, only, tellAllocations } from './testing/views.js';
import { restoreNode } from './testing/story.js';

const MINUTE = 60_000_000_000;

function established(
  Reconcile = 'best_score',
  Replace = true,
  StopOnClientAfter: number | null = null,
  Count = 1,
): ToyCluster {
  const cluster = toyCluster();
  const LostAfter = StopOnClientAfter === null ? 5 * MINUTE : 0;
  cluster.register(service({ Count, Disconnect: { LostAfter, StopOnClientAfter, Replace, Reconcile } }));
  cluster.evaluate();
  cluster.settle();
  cluster.evaluate();
  return cluster;
}

/** Out of reach for long enough to have been replaced. */
function replaced(reconcile: string): ToyCluster {
  const cluster = established(reconcile);
  cluster.setNode(at(cluster, 0).nodeId, { status: 'disconnected' });
  cluster.evaluate({ trigger: 'node-update' });
  cluster.advance(30);
  cluster.runDue();
  cluster.settle();
  return cluster;
}

describe('a disconnected allocation', () => {
  it('becomes unknown, keeps its place for now, and is given up after lost_after', () => {
    const cluster = established('best_score', false);
    const { id, nodeId } = at(cluster, 0);
    cluster.setNode(nodeId, { status: 'disconnected' });
    const { plan, outcome } = cluster.evaluate({ trigger: 'node-update' });
    expect(plan?.followups).toEqual([
      expect.objectContaining({
        triggeredBy: 'max-disconnect-timeout',
        statusDescription: 'created for delayed disconnect timeout',
        waitUntil: cluster.now() + 300_000_000,
      }),
    ]);
    expect(plan?.updates).toEqual([
      {
        allocationId: id,
        clientStatus: 'unknown',
        clientDescription: 'alloc is unknown since its node is disconnected',
        followupEvalId: plan?.followups[0]?.id,
      },
    ]);
    expect(outcome.annotations['web']).toMatchObject({ Disconnect: 1 });
    cluster.advance(299);
    expect(cluster.plan().plan).toBeNull();
    cluster.advance(1);
    cluster.runDue();
    expect(tellAllocations(cluster.allocations())).toEqual([
      'web[0] v0 lost stop: alloc is lost since its node is down',
      'web[0] v0 run',
    ]);
  });

  it('is left alone when its node is back, until its client has told of it (simulator, seed 25)', () => {
    const cluster = established();
    const { id, nodeId } = at(cluster, 0);
    cluster.setNode(nodeId, { status: 'disconnected' });
    cluster.evaluate({ trigger: 'node-update' });
    cluster.setNode(nodeId, { status: 'initializing' });
    // A plan that noted `unknown` again could be committed after the client's report, and undo it.
    expect(cluster.plan({ trigger: 'node-update' }).plan?.updates ?? []).toEqual([]);
    cluster.tell(id, { clientStatus: 'running' });
    expect(cluster.plan({ trigger: 'reconnect' }).plan?.updates).toEqual([
      { allocationId: id, clientStatus: 'running', followupEvalId: '' },
    ]);
  });

  it('is replaced meanwhile as if it had failed', () => {
    const cluster = replaced('best_score');
    expect(tellAllocations(cluster.live())).toEqual(['web[0] v0 unknown run', 'web[0] v0 run']);
    expect(cluster.plan().plan).toBeNull();
  });

  it('is replaced meanwhile where it is of a batch job, too', () => {
    const cluster = toyCluster();
    cluster.register(
      batch({ Disconnect: { LostAfter: 5 * MINUTE, StopOnClientAfter: null, Replace: true, Reconcile: 'best_score' } }),
    );
    cluster.evaluate();
    cluster.settle();
    cluster.setNode(at(cluster, 0).nodeId, { status: 'disconnected' });
    cluster.evaluate({ trigger: 'node-update' });
    expect(tellAllocations(cluster.live())).toEqual(['web[0] v0 unknown run']);
    cluster.advance(5);
    cluster.runDue();
    expect(tellAllocations(cluster.live())).toEqual(['web[0] v0 unknown run', 'web[0] v0 run']);
    expect(cluster.plan().plan).toBeNull();
  });

  it('does not stand in for its replacement when that is lost', () => {
    const cluster = replaced('best_score');
    cluster.setNode(cluster.live()[1]?.nodeId ?? '', { status: 'down' });
    cluster.evaluate({ trigger: 'node-update' });
    expect(tellAllocations(cluster.live())).toEqual(['web[0] v0 unknown run', 'web[0] v0 run']);
    expect(cluster.plan().plan).toBeNull();
  });

  it('is lost at once without a disconnect block', () => {
    const cluster = toyCluster();
    cluster.register(service({ Count: 1 }));
    cluster.evaluate();
    cluster.settle();
    cluster.setNode(at(cluster, 0).nodeId, { status: 'disconnected' });
    cluster.evaluate({ trigger: 'node-update' });
    expect(tellAllocations(cluster.allocations())).toEqual([
      'web[0] v0 lost stop: alloc is lost since its node is down',
      'web[0] v0 run',
    ]);
  });

  it('is not replaced before its client has stopped it, where that takes a while', () => {
    const cluster = established('best_score', true, MINUTE);
    cluster.setNode(at(cluster, 0).nodeId, { status: 'down' });
    const { plan } = cluster.evaluate({ trigger: 'node-update' });
    expect(plan?.stops).toEqual([
      expect.objectContaining({ clientStatus: 'lost', followupEvalId: plan?.followups[0]?.id }),
    ]);
    expect(plan?.followups).toEqual([
      expect.objectContaining({ triggeredBy: 'alloc-failure', waitUntil: cluster.now() + 65_000_000 }),
    ]);
    expect(plan?.placements).toEqual([]);
    expect(cluster.plan().plan).toBeNull();
    cluster.advance(65);
    cluster.runDue();
    expect(tellAllocations(cluster.live())).toEqual(['web[0] v0 run']);
  });
});

describe('when the client is back', () => {
  it.each([
    ['keep_original', ['web[0] v0 run', 'web[0] v0 stop: alloc not needed due to disconnected client reconnect']],
    ['keep_replacement', ['web[0] v0 stop: alloc not needed due to job update', 'web[0] v0 run']],
  ])('%s decides', (reconcile, expected) => {
    const cluster = replaced(reconcile);
    const original = cluster.live().find((alloc) => alloc.clientStatus === 'unknown');
    restoreNode(cluster, original?.nodeId ?? '');
    cluster.evaluate({ trigger: 'reconnect' });
    expect(tellAllocations(cluster.allocations())).toEqual(expected);
    expect(cluster.plan().plan).toBeNull();
  });

  it.each([
    ['keep_original', 0],
    ['keep_replacement', 1],
  ])('%s decides too where the replacement was disconnected itself', (reconcile, kept) => {
    const cluster = replaced(reconcile);
    const away = cluster.live();
    cluster.setNode(away[1]?.nodeId ?? '', { status: 'disconnected' });
    cluster.evaluate({ trigger: 'node-update' });
    for (const { nodeId } of away) restoreNode(cluster, nodeId);
    cluster.evaluate({ trigger: 'reconnect' });
    expect(cluster.live().map(({ id }) => id)).toEqual([away[kept]?.id]);
    expect(cluster.plan().plan).toBeNull();
  });

  it('one that has got the better of its replacement is replaced again when it is disconnected again', () => {
    const cluster = replaced('keep_original');
    const [original] = cluster.live();
    const leave = (): void => {
      cluster.setNode(original?.nodeId ?? '', { status: 'disconnected' });
      cluster.evaluate({ trigger: 'node-update' });
    };
    restoreNode(cluster, original?.nodeId ?? '');
    cluster.evaluate({ trigger: 'reconnect' });
    leave();
    cluster.advance(30);
    cluster.runDue();
    expect(tellAllocations(cluster.live())).toEqual(['web[0] v0 unknown run', 'web[0] v0 run']);
    expect(cluster.plan().plan).toBeNull();
  });

  it('longest_running prefers the earlier start', () => {
    const cluster = replaced('longest_running');
    const [original, replacement] = cluster.live();
    const running = (StartedAt: string) => ({
      main: {
        State: 'running' as const,
        Failed: false,
        Restarts: 0,
        LastRestart: null,
        StartedAt,
        FinishedAt: null,
        Events: [],
      },
    });
    cluster.tell(replacement?.id ?? '', { taskStates: running('2024-01-01T00:01:00Z') });
    restoreNode(cluster, original?.nodeId ?? '');
    cluster.tell(original?.id ?? '', { taskStates: running('2024-01-01T00:00:00Z') });
    cluster.evaluate({ trigger: 'reconnect' });
    expect(cluster.live().map(({ id }) => id)).toEqual([original?.id]);
  });

  it('one whose client has not told of it yet fills its place: nothing more is placed (simulator, seed 15)', () => {
    const cluster = replaced('keep_original');
    const [original, replacement] = cluster.live();
    cluster.setNode(original!.nodeId, { status: 'ready' });
    const { plan } = cluster.plan({ trigger: 'node-update' });
    expect(plan?.stops.map(({ allocationId }) => allocationId)).toEqual([replacement!.id]);
    expect(plan?.placements ?? []).toEqual([]);
  });

  it('one whose client has not told of it yet fills its place: no other that is disconnected is replaced for it (simulator, seed 40012)', () => {
    const cluster = established('keep_original', true, null, 2);
    const [first, second] = cluster.live();
    cluster.setNode(first!.nodeId, { status: 'disconnected' });
    cluster.evaluate({ trigger: 'node-update' });
    cluster.advance(30);
    cluster.runDue();
    cluster.settle();
    cluster.setNode(second!.nodeId, { status: 'disconnected' });
    cluster.evaluate({ trigger: 'node-update' });
    const [job] = cluster.view.job('default', 'shop')?.versions ?? [];
    cluster.register({ ...job!.spec, TaskGroups: job!.spec.TaskGroups.map((group) => ({ ...group, Count: 1 })) });
    cluster.setNode(first!.nodeId, { status: 'initializing' });
    cluster.advance(30);
    expect(cluster.runDue().flatMap(({ plan }) => plan?.placements ?? [])).toEqual([]);
  });

  it('a survivor without a replacement just goes on', () => {
    const cluster = established();
    const { id, nodeId } = at(cluster, 0);
    cluster.setNode(nodeId, { status: 'disconnected' });
    cluster.evaluate({ trigger: 'node-update' });
    restoreNode(cluster, nodeId);
    const { plan } = cluster.evaluate({ trigger: 'reconnect' });
    expect(plan?.updates).toEqual([{ allocationId: id, clientStatus: 'running', followupEvalId: '' }]);
    expect(plan?.stops).toEqual([]);
    expect(cluster.plan().plan).toBeNull();
  });

  it('the evaluation that would have given it up is canceled, once nothing else waits for it', () => {
    const cluster = established('best_score', false, null, 3);
    for (const { id } of cluster.view.nodes()) cluster.setNode(id, { status: 'disconnected' });
    cluster.evaluate({ trigger: 'node-update' });
    const [first, ...others] = cluster.live();
    const [followup] = cluster.delayed;
    expect(cluster.live().every(({ followupEvalId }) => followupEvalId === followup?.id)).toBe(true);
    restoreNode(cluster, first?.nodeId ?? '');
    expect(cluster.evaluate({ trigger: 'reconnect' }).plan?.needlessEvals).toEqual([]);
    for (const { nodeId } of others) restoreNode(cluster, nodeId);
    expect(cluster.evaluate({ trigger: 'reconnect' }).plan?.needlessEvals).toEqual([followup?.id]);
    expect(cluster.delayed).toEqual([]);
    expect(cluster.live().map(({ followupEvalId }) => followupEvalId)).toEqual(['', '', '']);
  });

  it('one that failed meanwhile is not kept', () => {
    const cluster = replaced('keep_original');
    const original = cluster.live().find((alloc) => alloc.clientStatus === 'unknown');
    cluster.setNode(original?.nodeId ?? '', { status: 'ready' });
    cluster.tell(original?.id ?? '', { clientStatus: 'failed' });
    cluster.evaluate({ trigger: 'reconnect' });
    expect(tellAllocations(cluster.allocations())).toEqual([
      'web[0] v0 failed stop: alloc was rescheduled because it failed',
      'web[0] v0 run',
    ]);
  });
});

describe('a disconnected allocation that is to move', () => {
  const batchReplaced = (): ToyCluster => {
    const cluster = toyCluster();
    cluster.register(
      batch({ Disconnect: { LostAfter: 5 * MINUTE, StopOnClientAfter: null, Replace: true, Reconcile: 'best_score' } }),
    );
    cluster.evaluate();
    cluster.settle();
    cluster.setNode(at(cluster, 0).nodeId, { status: 'disconnected' });
    cluster.evaluate({ trigger: 'node-update' });
    cluster.advance(5);
    cluster.runDue();
    cluster.settle();
    return cluster;
  };

  it.each([
    ['of a service job', () => replaced('best_score'), { Migrate: true }],
    ['of a batch job that is to be rescheduled', batchReplaced, { Migrate: true, Reschedule: true }],
  ])(
    '%s has been replaced already: nothing more takes its place (simulator, seed 2060)',
    (_name, story, transition) => {
      const cluster = story();
      const [original] = cluster.live();
      cluster.transition(original!.id, transition);
      expect(cluster.plan({ trigger: 'alloc-stop' }).plan?.placements ?? []).toEqual([]);
      cluster.setNode(original!.nodeId, { status: 'initializing' });
      const { plan } = cluster.plan({ trigger: 'node-update' });
      expect(plan?.placements).toEqual([]);
      expect(plan?.stops).toEqual([{ allocationId: original!.id, description: 'alloc is being migrated' }]);
    },
  );

  it('is replaced once, though it is due to be replaced as well (simulator, seed 2052)', () => {
    const cluster = established('best_score', true, null, 2);
    const { id, nodeId } = at(cluster, 0);
    cluster.setNode(nodeId, { status: 'disconnected' });
    cluster.evaluate({ trigger: 'node-update' });
    cluster.transition(id, { Migrate: true });
    cluster.setNode(nodeId, { status: 'initializing' });
    cluster.advance(30);
    cluster.runDue();
    expect(tellAllocations(cluster.live())).toEqual(['web[0] v0 run', 'web[1] v0 run']);
  });

  it('is not replaced where the count is complete, whoever else of an older version may come back (simulator, seed 1043)', () => {
    const cluster = established('best_score', false, null, 3);
    const [first, second] = cluster.live();
    for (const { nodeId } of [first!, second!]) cluster.setNode(nodeId, { status: 'disconnected' });
    cluster.evaluate({ trigger: 'node-update' });
    const [job] = cluster.view.job('default', 'shop')?.versions ?? [];
    cluster.register({
      ...changed(job!.spec, 'v1'),
      TaskGroups: changed(job!.spec, 'v1').TaskGroups.map((group) => ({ ...group, Count: 1 })),
    });
    cluster.evaluate();
    cluster.settle();
    cluster.evaluate({ trigger: 'deployment-watcher' });
    cluster.transition(first!.id, { Migrate: true });
    for (const { nodeId } of [first!, second!]) cluster.setNode(nodeId, { status: 'initializing' });
    const { plan } = cluster.plan({ trigger: 'node-update' });
    expect(plan?.stops.map(({ allocationId }) => allocationId)).toEqual([first!.id]);
    expect(plan?.placements).toEqual([]);
  });
});

describe('a disconnected canary', () => {
  const trial = (
    Count: number,
    before: (cluster: ToyCluster) => void = () => {},
    Replace = true,
    reconcile = 'best_score',
  ): ToyCluster => {
    const cluster = established(reconcile, Replace, null, Count);
    before(cluster);
    const [job] = cluster.view.job('default', 'shop')?.versions ?? [];
    if (job === undefined) throw new Error('no job');
    const TaskGroups = job.spec.TaskGroups.map((group) => ({ ...group, Update: rolling({ Canary: 1 }) }));
    cluster.register(changed({ ...job.spec, TaskGroups }, 'v1'));
    cluster.evaluate();
    cluster.settle();
    return cluster;
  };
  const canaryOf = (cluster: ToyCluster): AllocationState =>
    only(cluster.live().filter((alloc) => alloc.deploymentStatus?.canary));

  it.each([
    ['keep_original', 0],
    ['keep_replacement', 1],
  ])(
    'is a canary still when it is back: %s says which of the two is one too many (simulator, seed 312756)',
    (reconcile, kept) => {
      const cluster = trial(1, () => {}, true, reconcile);
      const { id, nodeId } = canaryOf(cluster);
      cluster.setNode(nodeId, { status: 'disconnected' });
      cluster.evaluate({ trigger: 'node-update' });
      const standIn = only(cluster.live().filter((alloc) => alloc.deploymentStatus?.canary && alloc.id !== id));
      restoreNode(cluster, nodeId);
      cluster.evaluate({ trigger: 'reconnect' });
      expect(canaryOf(cluster).id).toBe([id, standIn.id][kept]);
      expect(tellAllocations(cluster.live().filter((alloc) => alloc.jobVersion === 0))).toEqual(['web[0] v0 run']);
      expect(cluster.plan().plan).toBeNull();
    },
  );

  it('is one again as soon as its node is back, before its client has told of it (simulator, seed 20056)', () => {
    const cluster = trial(1, () => {}, true, 'keep_original');
    const { nodeId } = canaryOf(cluster);
    cluster.setNode(nodeId, { status: 'disconnected' });
    cluster.evaluate({ trigger: 'node-update' });
    cluster.setNode(nodeId, { status: 'initializing' });
    expect(cluster.evaluate({ trigger: 'node-update' }).plan).toMatchObject({ stops: [{}], placements: [] });
    expect(cluster.plan().plan).toBeNull();
  });

  it('does not take the place of an older one that comes back before the promotion', () => {
    const cluster = trial(1);
    const { nodeId } = only(cluster.live().filter((alloc) => alloc.jobVersion === 0));
    cluster.setNode(nodeId, { status: 'disconnected' });
    cluster.evaluate({ trigger: 'node-update' });
    restoreNode(cluster, nodeId);
    cluster.evaluate({ trigger: 'reconnect' });
    expect(tellAllocations(cluster.live())).toEqual(['web[0] v0 run', 'web[0] v1 canary run']);
    expect(cluster.plan().plan).toBeNull();
  });

  it('is promoted for good: an older one that comes back after the rollout has to go', () => {
    const cluster = trial(1);
    const old = only(cluster.live().filter((alloc) => alloc.jobVersion === 0));
    cluster.setNode(old.nodeId, { status: 'disconnected' });
    cluster.evaluate({ trigger: 'node-update' });
    cluster.promote();
    cluster.evaluate();
    expect(cluster.deployment()?.status).toBe('successful');
    restoreNode(cluster, old.nodeId);
    cluster.evaluate({ trigger: 'reconnect' });
    expect(tellAllocations(cluster.live())).toEqual(['web[0] v1 run']);
    expect(cluster.plan().plan).toBeNull();
  });

  it('keeps its name when it comes back after the rollout: what was given it meanwhile goes', () => {
    const cluster = trial(2, (young) => {
      young.transition(at(young, 0).id, { Migrate: true });
      young.evaluate({ trigger: 'alloc-stop' });
      young.settle();
    });
    const { id, nodeId } = canaryOf(cluster);
    cluster.setNode(nodeId, { status: 'disconnected' });
    cluster.evaluate({ trigger: 'node-update' });
    cluster.settle();
    cluster.promote();
    for (let round = 0; round < 4; round++) {
      cluster.evaluate();
      cluster.settle();
    }
    expect(cluster.deployment()?.status).toBe('successful');
    restoreNode(cluster, nodeId);
    cluster.evaluate({ trigger: 'reconnect' });
    expect(tellAllocations(cluster.live())).toEqual(['web[0] v1 run', 'web[1] v1 run']);
    expect(cluster.live().map((alloc) => alloc.id)).toContain(id);
  });

  it('is not replaced once more when it is given up, and leaves that to one of the older version', () => {
    const cluster = trial(2, undefined, false);
    const { nodeId } = canaryOf(cluster);
    cluster.transition(at(cluster, 1).id, { Migrate: true });
    cluster.evaluate({ trigger: 'alloc-stop' });
    cluster.settle();
    // Younger than the canary.
    const young = at(cluster, 1);
    for (const id of [nodeId, young.nodeId]) cluster.setNode(id, { status: 'disconnected' });
    cluster.evaluate({ trigger: 'node-update' });
    cluster.advance(301);
    cluster.runDue();
    expect(tellAllocations(cluster.live())).toEqual(['web[0] v0 run', 'web[1] v0 run', 'web[2] v1 canary run']);
  });

  it('does not stand in for one of the older version that is lost at the same time', () => {
    const cluster = trial(2);
    const { nodeId } = canaryOf(cluster);
    const old = cluster.live().find((alloc) => alloc.jobVersion === 0 && alloc.nodeId !== nodeId);
    cluster.setNode(nodeId, { status: 'disconnected' });
    cluster.setNode(old?.nodeId ?? '', { status: 'down' });
    cluster.evaluate({ trigger: 'node-update' });
    expect(cluster.live().filter((alloc) => !alloc.deploymentStatus?.canary)).toHaveLength(2);
    expect(cluster.plan().plan).toBeNull();
  });
});
