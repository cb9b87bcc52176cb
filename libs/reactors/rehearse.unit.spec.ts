import { commitsOf } from '@app/streaming';
import { jobSpec, nodeIsReady, nodeRegistered, registered, World, type SpecOptions } from '@app/testing';
import { ClusterState } from './cluster-state.js';
import { rehearse } from './rehearse.js';

/** A cluster with one node, and whatever jobs are registered. */
function stage() {
  const world = new World();
  for (const step of [nodeRegistered(), nodeIsReady()]) world.run(step);
  const cluster = new ClusterState();
  const follow = (): ClusterState => {
    for (const commit of commitsOf(world.log)) cluster.apply(commit);
    return cluster;
  };
  const plan = (options: SpecOptions) => {
    const decision = rehearse(follow(), jobSpec(options), {
      now: world.now,
      newId: () => world.newId(),
      elapsed: () => 0,
    });
    return decision.kind === 'accepted' ? decision.answer : decision;
  };
  return { world, plan };
}
const impossible = { Constraints: [{ LTarget: '${node.class}', RTarget: 'none', Operand: '=' }] };

describe('rehearsing a registration', () => {
  it('tells what would be placed, and places nothing', () => {
    const { world, plan } = stage();
    const written = world.log.length;
    expect(plan({ count: 3 })).toMatchObject({
      current: undefined,
      desired: { app: { Place: 3, Ignore: 0 } },
      failedGroups: null,
      createdEvaluations: [],
      nextLaunch: null,
    });
    expect(world.log).toHaveLength(written);
  });

  it('tells why something would not be placed, and what would wait for room', () => {
    expect(stage().plan({ more: impossible })).toMatchObject({
      desired: { app: { Place: 2 } },
      failedGroups: { app: { NodesFiltered: 1, CoalescedFailures: 1 } },
      createdEvaluations: [{ status: 'blocked', triggeredBy: 'queued-allocs', createIndex: 0, jobModifyIndex: 3 }],
    });
  });

  it('counts what finds no room also where nothing at all would change', () => {
    expect(stage().plan({ type: 'batch', more: impossible })).toMatchObject({
      desired: { app: { Place: 2, Ignore: 0 } },
    });
  });

  it('compares with the version that is registered', () => {
    const { world, plan } = stage();
    world.run(registered(jobSpec()));
    expect(plan({ count: 5 })).toMatchObject({
      current: { version: 0, jobModifyIndex: 3 },
      desired: { app: { Place: 5 } },
    });
  });

  it('tells when a periodic job would be launched', () => {
    const Periodic = { Enabled: true, Specs: ['0 * * * *'], SpecType: 'cron' };
    expect(stage().plan({ type: 'batch', more: { Periodic } })).toMatchObject({ nextLaunch: 1_767_229_200_000_000 });
  });

  it('is refused like the registration would be', () => {
    const { world, plan } = stage();
    world.run(registered(jobSpec()));
    expect(plan({ type: 'batch' })).toMatchObject({
      kind: 'rejected',
      rejection: { code: 'job-change-refused', detail: 'cannot update job from type "service" to "batch"' },
    });
  });
});
