import { collectJob, NO_THRESHOLDS, type JobState } from '@app/domain';
import { evaluationStream, jobStream } from '@app/kernel';
import { commitsOf } from '@app/streaming';
import {
  allocationId,
  idOf,
  jobSpec,
  nodeIsReady,
  nodeRegistered,
  planned,
  registered,
  report,
  reported,
  World,
  type Decide,
} from '@app/testing';
import { ClusterState } from './cluster-state.js';

describe('The cluster in memory', () => {
  let world: World;
  let cluster: ClusterState;
  const run = (...decisions: Decide[]): void => {
    for (const decide of decisions) {
      const from = world.log.length;
      world.run(decide);
      for (const commit of commitsOf(world.log.slice(from))) cluster.apply(commit);
    }
  };
  const createIndex = (): number => world.read<JobState>(jobStream('default', 'web'))!.versions[0]!.createIndex;
  const version = (n: number, created: number) => cluster.jobVersion('default', 'web', created, n)?.version;

  beforeEach(() => {
    world = new World();
    cluster = new ClusterState();
    run(nodeRegistered(), nodeIsReady());
  });

  test('refuses a commit when those before it are missing, and events when others of their stream are', () => {
    const [first, second] = [0, 1].map(() => {
      const from = world.log.length;
      world.run(registered(jobSpec({ id: `job-${world.index}` })));
      return commitsOf(world.log.slice(from))[0]!;
    });
    expect(() => cluster.apply(second!)).toThrow('between 2 and 4 commits are missing');
    cluster.apply(first!);
    cluster.apply(second!);
    const [change] = first!.changes;
    const skipping = { ...first!, index: 5, changes: [{ ...change!, version: change!.version + 2 }] };
    expect(() => cluster.apply(skipping)).toThrow(
      `events of ${change!.stream} are missing between versions ${change!.version} and ${change!.version + 2}`,
    );
  });

  test('remembers nothing of a job that has gone with all that it had', () => {
    run(
      registered(jobSpec({ type: 'batch', count: 1 })),
      planned({ evaluation: idOf(1), place: [{ id: allocationId(1) }] }),
    );
    const created = createIndex();
    expect([cluster.latestEvaluationIndex('default', 'web'), version(0, created)]).toEqual([created, 0]);
    run(reported([report(allocationId(1), { clientStatus: 'complete' })]), (view, context) =>
      collectJob(view, context, {
        ...{ namespace: 'default', jobId: 'web', thresholds: NO_THRESHOLDS },
        ...{ evaluationIds: [idOf(1)], allocationIds: [allocationId(1)], deploymentIds: [] },
      }),
    );
    expect(world.read(evaluationStream(idOf(1)))).toMatchObject({ purged: true });
    expect(cluster.job('default', 'web')).toBeUndefined();
    expect([cluster.latestEvaluationIndex('default', 'web'), version(0, created)]).toEqual([0, undefined]);
  });

  test('remembers the versions that are retained or run, and no others', () => {
    run(registered(jobSpec()), planned({ evaluation: idOf(1), place: [{ id: allocationId(1) }] }));
    const created = createIndex();
    run(...['a', 'b', 'c', 'd', 'e', 'f', 'g', 'h'].map((tag) => registered(jobSpec({ tag }))));
    const known = Array.from({ length: 9 }, (_, n) => n).filter((n) => version(n, created) !== undefined);
    expect(known).toEqual([0, 3, 4, 5, 6, 7, 8]);
  });
});
