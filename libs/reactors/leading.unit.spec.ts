import {
  chooseSchedulerConfiguration,
  DEFAULT_SCHEDULER_CONFIGURATION,
  deregisterJob,
  missHeartbeat,
  type AllocationState,
  type DeploymentState,
  type EvaluationState,
  type JobState,
  type JobType,
  type JobVersion,
} from '@app/domain';
import { MemoryEventStore, type MemoryRow } from '@app/event-store';
import { jobStream, type StreamName } from '@app/kernel';
import type { ReadModels } from '@app/read-models';
import {
  jobSpec,
  NODE,
  nodeIsReady,
  nodeRegistered,
  registered,
  report,
  reported,
  SECOND_NS,
  startInstance,
  until,
  type Decide,
  type SpecOptions,
  type TestInstance,
} from '@app/testing';
import { ClusterState } from './cluster-state.js';
import { DeploymentWatcher } from './deployment-watcher.js';
import { HeartbeatWatcher } from './heartbeat-watcher.js';
import { Leader, SCHEDULER_LEASE } from './leader.js';
import type { ReactorContext } from './reactor.js';
import { restoreCluster } from './restore-cluster.js';
import { Scheduler } from './scheduler.js';

const SECOND_NODE = '00000000-0000-4000-8000-000000009002';

/** A job whose allocations ask for so many of the 8,192 MB that a node has. */
const sized = (
  id: string,
  type: JobType,
  { memory, count, priority }: { readonly memory: number; readonly count?: number; readonly priority?: number },
): Decide => {
  const spec = jobSpec({ id, type, ...(count && { count }), ...(priority && { priority }) });
  const TaskGroups = spec.TaskGroups.map((group) => ({
    ...group,
    Tasks: group.Tasks.map((task) => ({ ...task, Resources: { ...task.Resources, MemoryMB: memory } })),
  }));
  return registered({ ...spec, TaskGroups });
};

interface Contender {
  readonly instance: TestInstance;
  readonly cluster: ClusterState;
  readonly leader: Leader;
  readonly contexts: ReactorContext[];
  readonly errors: unknown[];
}

describe('Reactors on a store in memory', () => {
  let store: MemoryEventStore;
  let ages: Map<string, number>;
  let contenders: Contender[];

  /** One more process that wants to lead. */
  const contend = async (holder: string): Promise<Contender> => {
    const instance = await startInstance(store);
    const cluster = new ClusterState();
    const contexts: ReactorContext[] = [];
    const errors: unknown[] = [];
    const leader = new Leader({
      leases: store,
      handler: instance.handler,
      tail: instance.tail,
      cluster,
      restore: () => restoreCluster(cluster, store, readModels()),
      holder,
      clock: () => Date.now() * 1000,
      onError: (error) => errors.push(error),
      onChange: () => undefined,
      reactors: (context) => {
        contexts.push(context);
        return [
          new Scheduler(context, { signingKeyId: 'a key', elapsed: () => 0 }),
          new DeploymentWatcher(context),
          new HeartbeatWatcher(context, () => Promise.resolve(ages)),
        ];
      },
    });
    const contender = { instance, cluster, leader, contexts, errors };
    contenders.push(contender);
    await restoreCluster(cluster, store, readModels());
    await leader.start();
    return contender;
  };

  /** The rows of the store in memory, as the restoring asks for them. */
  const readModels = (): Pick<ReadModels, 'jobVersions' | 'keys' | 'schedulableAllocations'> => {
    return {
      jobVersions: (keys) =>
        Promise.resolve(
          keys.flatMap((key) => {
            const row = store.tables.get('job_version')?.get(key);
            return row === undefined ? [] : [JSON.parse(String(row.columns['state'])) as JobVersion];
          }),
        ),
      schedulableAllocations: () => Promise.resolve([...(store.tables.get('allocation')?.keys() ?? [])]),
      keys: (table: string, where: Readonly<Record<string, unknown>>) =>
        Promise.resolve(
          [...(store.tables.get(table)?.entries() ?? [])]
            .filter(([, { columns }]) =>
              Object.entries(where).every(([name, values]) => (values as string[]).includes(String(columns[name]))),
            )
            .map(([key]) => key),
        ),
    };
  };
  const rows = (table: string): MemoryRow[] => [...(store.tables.get(table)?.values() ?? [])];
  const read = async <S>(stream: StreamName): Promise<S> =>
    JSON.parse((await store.load([stream])).get(stream)!.state) as S;
  const all = async <S>(table: string): Promise<S[]> => {
    const streams = [...(store.tables.get(table)?.keys() ?? [])].map(
      (id): StreamName => `${table}/${id}` as StreamName,
    );
    const states = await store.load(streams);
    return streams.map((stream) => JSON.parse(states.get(stream)!.state) as S);
  };
  const allocations = () => all<AllocationState>('allocation');
  const deployments = () => all<DeploymentState>('deployment');
  const evaluations = () => all<EvaluationState>('evaluation');
  const jobOf = (id: string) => read<JobState>(jobStream('default', id));

  /** A leader with one ready node. */
  const lead = async (): Promise<Contender & { run: (decide: Decide) => Promise<unknown> }> => {
    const contender = await contend('one');
    const run = (decide: Decide): Promise<unknown> => contender.instance.execute(decide);
    await run(nodeRegistered());
    await run(nodeIsReady());
    return { ...contender, run };
  };
  const settled = (): Promise<void> =>
    until('every evaluation is worked off', async () =>
      (await evaluations()).every(({ status }) => status !== 'pending'),
    );
  const health = async (
    run: (decide: Decide) => Promise<unknown>,
    healthy: boolean,
    only: (alloc: AllocationState) => boolean = () => true,
  ) => {
    const live = (await allocations()).filter((alloc) => alloc.desiredStatus === 'run' && only(alloc));
    await run((view, context) =>
      reported(live.map(({ id }) => report(id, { health: { healthy, timestamp: context.now } })))(view, context),
    );
  };
  const web = (options: SpecOptions = {}) => registered(jobSpec({ update: { MinHealthyTime: 0 }, ...options }));

  beforeEach(() => {
    store = new MemoryEventStore();
    ages = new Map();
    contenders = [];
  });
  afterEach(async () => {
    for (const { leader, instance, errors } of contenders) {
      await leader.close();
      await instance.close();
      if (errors.length > 0) throw new AggregateError(errors, 'a reactor complained');
    }
  });

  describe('The scheduler', () => {
    test('places what is registered, and leaves the evaluation complete', async () => {
      const { run } = await lead();
      await run(web());
      await settled();
      expect(
        (await allocations())
          .map(({ name, nodeId, clientStatus }) => [name, nodeId, clientStatus])
          .sort((a, b) => (String(a) < String(b) ? -1 : 1)),
      ).toEqual([
        ['web.app[0]', NODE, 'pending'],
        ['web.app[1]', NODE, 'pending'],
      ]);
      expect(await evaluations()).toMatchObject([{ status: 'complete', triggeredBy: 'job-register' }]);
      expect((await jobOf('web')).versions[0]!.status).toBe('running');
    });

    test('takes up what was waiting before anybody led', async () => {
      const instance = await startInstance(store);
      for (const decide of [nodeRegistered(), nodeIsReady(), web()]) await instance.execute(decide);
      await instance.close();
      await contend('late');
      await settled();
      expect(await allocations()).toHaveLength(2);
    });

    test('tells of what it took up after a start how new the cluster was that it looked at', async () => {
      const elsewhere = await startInstance(store);
      await elsewhere.execute(nodeRegistered());
      await elsewhere.execute(nodeIsReady());
      await elsewhere.execute(web());
      const head = elsewhere.tail.applied;
      await elsewhere.close();
      await contend('one');
      await settled();
      expect((await evaluations()).map(({ snapshotIndex }) => snapshotIndex)).toEqual([head]);
    });

    test('restores the cluster in memory where a commit shows that it is not what the log says, and goes on', async () => {
      const { run, cluster, instance, errors } = await lead();
      cluster.beginRestoring();
      cluster.endRestoring(0);
      await run(web());
      await settled();
      expect((await allocations()).length).toBeGreaterThan(0);
      expect([cluster.isComplete, cluster.index]).toEqual([true, instance.tail.applied]);
      expect(errors.splice(0)).toMatchObject([{ message: 'between 0 and 3 commits are missing' }]);
    });

    test('misses nothing at which a reactor has thrown', async () => {
      const { run, contexts, errors } = await lead();
      jest.spyOn(Scheduler.prototype, 'react').mockImplementationOnce(() => {
        throw new Error('a reactor is broken');
      });
      await run(web());
      await settled();
      expect((await allocations()).length).toBeGreaterThan(0);
      expect(contexts).toHaveLength(2);
      expect(errors.splice(0)).toMatchObject([{ message: 'a reactor is broken' }]);
      jest.restoreAllMocks();
    });

    test('works on one evaluation of a job at a time, and cancels those that the next one overtakes', async () => {
      const { run } = await lead();
      await Promise.all([1, 2, 3, 4, 5, 6].map((n) => run(web({ tag: String(n) }))));
      await settled();
      const found = await evaluations();
      expect(found.filter(({ status }) => status === 'complete').length).toBeGreaterThanOrEqual(1);
      for (const { status, statusDescription } of found) {
        if (status === 'canceled') expect(statusDescription).toBe('canceled after more recent eval was processed');
      }
      expect((await allocations()).filter(({ desiredStatus }) => desiredStatus === 'run').length).toBe(2);
    });

    test('blocks what does not fit, and goes on when a node brings room', async () => {
      const { run, instance } = await contend('one').then((one) => ({
        ...one,
        run: (decide: Decide) => one.instance.execute(decide),
      }));
      await run(web());
      await settled();
      expect((await evaluations()).map(({ status }) => status).sort()).toEqual(['blocked', 'complete']);
      expect(await allocations()).toEqual([]);
      await instance.execute(nodeRegistered());
      await instance.execute(nodeIsReady());
      await until('the allocations are placed', async () => (await allocations()).length === 2);
      await settled();
      expect((await evaluations()).map(({ status }) => status).sort()).toEqual(['complete', 'complete']);
    });

    test('keeps one blocked evaluation a job: the newer', async () => {
      const { run } = await contend('one').then((one) => ({ run: (decide: Decide) => one.instance.execute(decide) }));
      await run(web());
      await settled();
      await run(web({ tag: 'new' }));
      await until('the older one is canceled', async () =>
        (await evaluations()).some(({ status }) => status === 'canceled'),
      );
      await settled();
      const found = await evaluations();
      const [blocked] = found.filter(({ status }) => status === 'blocked');
      const canceled = found.filter(({ status }) => status === 'canceled');
      expect(canceled.length).toBe(1);
      expect(canceled[0]!.createIndex).toBeLessThan(blocked!.createIndex);
      expect(canceled[0]!.statusDescription).toMatch(/existing blocked evaluation exists for job "web"|successful/);
    });

    test('waits with a reschedule until its time has come', async () => {
      const { run } = await lead();
      await run(
        registered(
          jobSpec({
            type: 'batch',
            count: 1,
            reschedule: {
              Attempts: 1,
              Interval: 3600 * SECOND_NS,
              Delay: 5 * SECOND_NS,
              DelayFunction: 'constant',
              Unlimited: false,
            },
          }),
        ),
      );
      await settled();
      const [first] = await allocations();
      await run(reported([report(first!.id, { clientStatus: 'failed' })]));
      await until('a follow-up is made', async () => (await evaluations()).some(({ waitUntil }) => waitUntil > 0));
      const followup = (await evaluations()).find(({ waitUntil }) => waitUntil > 0)!;
      expect(followup).toMatchObject({ status: 'pending', triggeredBy: 'alloc-reschedule' });
      expect(await allocations()).toHaveLength(1);
    });

    test('waits for each full node by itself, and uses the room that is on one of them', async () => {
      const { run } = await lead();
      await run(nodeRegistered(SECOND_NODE));
      await run(nodeIsReady(SECOND_NODE));
      await run(sized('filler', 'service', { memory: 6000, count: 2, priority: 90 }));
      await settled();
      await run(sized('everywhere', 'system', { memory: 4000 }));
      await settled();
      const waiting = async () =>
        (await evaluations()).filter(({ status, jobId }) => status === 'blocked' && jobId === 'everywhere');
      const before = await waiting();
      expect(before.map(({ nodeId }) => nodeId).sort()).toEqual([NODE, SECOND_NODE].sort());
      const filler = (await allocations()).find(({ nodeId }) => nodeId === NODE)!;
      await run(reported([report(filler.id, { clientStatus: 'complete' })]));
      await until('the room is used', async () =>
        (await allocations()).some(({ jobId, nodeId }) => jobId === 'everywhere' && nodeId === NODE),
      );
      await settled();
      expect((await waiting()).map(({ id }) => id)).toEqual(
        before.filter(({ nodeId }) => nodeId === SECOND_NODE).map(({ id }) => id),
      );
      const used = before.find(({ nodeId }) => nodeId === NODE)!;
      expect((await evaluations()).find(({ id }) => id === used.id)).toMatchObject({ status: 'complete' });
    });

    test('does not make another evaluation of one that goes on waiting', async () => {
      const { run } = await lead();
      await run(sized('filler', 'service', { memory: 1000, count: 8, priority: 90 }));
      await settled();
      await run(sized('large', 'service', { memory: 6000, count: 1 }));
      await settled();
      const [first] = await allocations();
      const before = (await evaluations()).find(({ status }) => status === 'blocked')!;
      await run(reported([report(first!.id, { clientStatus: 'complete' })]));
      await until('it was tried again', async () => {
        const [{ snapshotIndex }] = (await evaluations()).filter(({ id }) => id === before.id) as [EvaluationState];
        return snapshotIndex > before.snapshotIndex;
      });
      await settled();
      expect((await evaluations()).filter(({ status }) => status === 'blocked').map(({ id }) => id)).toEqual([
        before.id,
      ]);
    });

    test('lets a service evict others as soon as the configuration allows it', async () => {
      const { run } = await lead();
      await run(sized('filler', 'service', { memory: 6000, count: 1, priority: 20 }));
      await settled();
      await run(sized('greedy', 'service', { memory: 4000, count: 1 }));
      await settled();
      expect((await allocations()).map(({ jobId }) => jobId)).toEqual(['filler']);
      const preemption = { ...DEFAULT_SCHEDULER_CONFIGURATION.preemption, service: true };
      const configuration = { ...DEFAULT_SCHEDULER_CONFIGURATION, preemption };
      await run((view, context) => chooseSchedulerConfiguration(view, context, { configuration, enforceIndex: null }));
      await until('it is placed', async () => (await allocations()).some(({ jobId }) => jobId === 'greedy'));
      await settled();
      const [filler, greedy] = (await allocations()).sort((a, b) => a.createIndex - b.createIndex);
      expect(greedy).toMatchObject({ jobId: 'greedy', preemptedAllocations: [filler!.id] });
      expect(filler).toMatchObject({ desiredStatus: 'evict', preemptedByAllocation: greedy!.id });
      expect((await evaluations()).filter(({ jobId }) => jobId === 'filler')).toEqual(
        expect.arrayContaining([
          expect.objectContaining({ triggeredBy: 'preemption', status: 'complete' }),
          expect.objectContaining({ triggeredBy: 'queued-allocs', status: 'blocked' }),
        ]),
      );
    });

    test('leaves evaluations pending while an operator has paused the broker', async () => {
      const { run } = await lead();
      const chosen =
        (pauseBroker: boolean): Decide =>
        (view, context) =>
          chooseSchedulerConfiguration(view, context, {
            configuration: { ...DEFAULT_SCHEDULER_CONFIGURATION, pauseBroker },
            enforceIndex: null,
          });
      await run(chosen(true));
      await run(web());
      await run(sized('other', 'service', { memory: 10, count: 1 }));
      expect((await evaluations()).map(({ status }) => status)).toEqual(['pending', 'pending']);
      await run(chosen(false));
      await settled();
      expect((await evaluations()).every(({ status }) => status === 'complete')).toBe(true);
      expect((await allocations()).map(({ jobId }) => jobId).sort()).toEqual(['other', 'web', 'web']);
    });

    test('stops what belongs to a stopped job', async () => {
      const { run } = await lead();
      await run(web());
      await settled();
      await run((view, context) =>
        deregisterJob(view, context, {
          ...{ namespace: 'default', jobId: 'web', purge: false, evalPriority: 0, noShutdownDelay: false },
          ...{ allocationIds: [], deploymentIds: [], evaluationIds: [] },
        }),
      );
      await until('both are stopped', async () =>
        (await allocations()).every(({ desiredStatus }) => desiredStatus === 'stop'),
      );
      await settled();
      expect(await deployments()).toMatchObject([
        { status: 'cancelled', statusDescription: 'Cancelled because job is stopped' },
      ]);
      expect((await jobOf('web')).versions[0]!.status).toBe('dead');
    });
  });

  describe('The deployment watcher', () => {
    const status = async (n = 0): Promise<string> => {
      const [...list] = (await deployments()).sort((a, b) => a.createIndex - b.createIndex);
      return list.at(n)?.status ?? 'none';
    };

    test('lets a deployment succeed once all is healthy', async () => {
      const { run } = await lead();
      await run(web());
      await settled();
      await health(run, true);
      await until('it has succeeded', async () => (await status()) === 'successful');
      expect((await jobOf('web')).versions[0]!.stable).toBe(true);
    });

    test('promotes canaries by itself where the job asks for it', async () => {
      const { run } = await lead();
      const update = { MinHealthyTime: 0, Canary: 1, AutoPromote: true };
      await run(web({ tag: 'old', update }));
      await settled();
      await health(run, true);
      await until('the first has succeeded', async () => (await status()) === 'successful');
      await run(web({ tag: 'new', update }));
      await until('a canary is placed', async () =>
        (await allocations()).some(({ deploymentStatus }) => deploymentStatus?.canary === true),
      );
      await health(run, true, (alloc) => alloc.deploymentStatus?.canary === true);
      await until('it is promoted', async () => (await deployments()).some(({ groups }) => groups['app']!.promoted));
    });

    test('fails a deployment whose allocation cannot be replaced, and brings the stable version back', async () => {
      const { run } = await lead();
      const options: SpecOptions = {
        update: { MinHealthyTime: 0, AutoRevert: true },
        reschedule: { Attempts: 0, Unlimited: false },
        count: 1,
      };
      await run(web({ ...options, tag: 'good' }));
      await settled();
      await health(run, true);
      await until('the first has succeeded', async () => (await status()) === 'successful');
      await run(web({ ...options, tag: 'bad' }));
      await until('the second runs', async () => (await status(1)) === 'running');
      await settled();
      await health(run, false, (alloc) => alloc.jobVersion === 1);
      await until('it has failed', async () => (await status(1)) === 'failed');
      const failed = (await deployments()).find((one) => one.jobVersion === 1)!;
      expect(failed.statusDescription).toBe('Failed due to unhealthy allocations - rolling back to job version 0');
      expect((await jobOf('web')).versions[0]).toMatchObject({ version: 2, stable: true });
    });

    test('grants the replacement of an unhealthy allocation that may be rescheduled', async () => {
      const { run } = await lead();
      await run(web());
      await settled();
      const [one] = await allocations();
      await health(run, false, (alloc) => alloc.id === one!.id);
      await until('it is granted', async () =>
        (await allocations()).some(({ desiredTransition }) => desiredTransition.Reschedule === true),
      );
      expect(await status()).toBe('running');
    });
  });

  describe('The heartbeat watcher', () => {
    test('leaves a node alone that was heard of, or that nobody could have heard of yet', async () => {
      const { run, cluster } = await lead();
      ages.set(NODE, 500_000);
      await run(web());
      await settled();
      expect(cluster.node(NODE)?.status).toBe('ready');
    });
  });

  describe('Of several instances', () => {
    test('one leads, and the others keep up with the log', async () => {
      const one = await lead();
      const other = await contend('other');
      await one.run(web());
      await settled();
      await other.instance.tail.readIndex();
      expect([one.leader.leads, other.leader.leads]).toEqual([true, false]);
      const byId = (cluster: ClusterState) =>
        cluster
          .allocationsOfJob('default', 'web')
          .map(({ id }) => id)
          .sort();
      expect(byId(other.cluster)).toEqual(byId(one.cluster));
    });

    test('another takes over when the leader hands its lease back, with all that was left to do', async () => {
      const one = await lead();
      const other = await contend('other');
      await one.run(web());
      await settled();
      await one.leader.close();
      await other.instance.execute(web({ tag: 'after' }));
      await until('the other one leads', () => other.leader.leads);
      await settled();
      expect((await allocations()).some(({ jobVersion }) => jobVersion === 1)).toBe(true);
    });

    test('the services of a lost node go with its allocations, though the leader dies before they are called lost', async () => {
      const one = await lead();
      const other = await contend('other');
      const spec = jobSpec({ id: 'web' });
      const service = { Name: 'web', Provider: 'nomad', PortLabel: 'http' } as never;
      await one.run(
        registered({ ...spec, TaskGroups: spec.TaskGroups.map((group) => ({ ...group, Services: [service] })) }),
      );
      await settled();
      const services = (id: string) => [
        { id: `_nomad-task-${id}-group-app-web-http`, name: 'web', tags: [], address: '10.0.0.1', port: 20000 },
      ];
      const placed = await allocations();
      await one.run(reported(placed.map(({ id }) => report(id, { services: services(id) }))));
      expect(rows('service')).toHaveLength(placed.length);
      await one.leader.close();
      const affected = [{ namespace: 'default', jobId: 'web' }];
      await other.instance.execute((view, context) =>
        missHeartbeat(view, context, { nodeId: NODE, status: 'down', affected }),
      );
      await until('the other one leads', () => other.leader.leads);
      await settled();
      expect((await allocations()).map(({ clientStatus }) => clientStatus)).toEqual(placed.map(() => 'lost'));
      expect(rows('service')).toEqual([]);
    });

    test('one that starts while a rollout is under way knows what was looked at already', async () => {
      const one = await lead();
      await one.run(web());
      await settled();
      await health(one.run, true, (alloc) => alloc.name === 'web.app[0]');
      await until('the watcher has had it looked at', async () =>
        (await evaluations()).some(({ triggeredBy }) => triggeredBy === 'deployment-watcher'),
      );
      await settled();
      await one.leader.close();
      const before = await evaluations();
      const other = await contend('other');
      expect(other.leader.leads).toBe(true);
      expect(other.cluster.latestEvaluationIndex('default', 'web')).toBe(
        one.cluster.latestEvaluationIndex('default', 'web'),
      );
      expect((await deployments()).map(({ status }) => status)).toEqual(['running']);
      expect(await evaluations()).toEqual(before);
    });

    test('one that was paused past its lease writes nothing any more, and learns that it does not lead', async () => {
      const one = await lead();
      const [context] = one.contexts;
      const epoch = one.leader.heldEpoch;
      // As if its lease had run out while it stood still.
      await store.releaseLease(SCHEDULER_LEASE, epoch);
      expect(await store.acquireLease(SCHEDULER_LEASE, 'other', 60_000)).toBe(epoch + 1);
      const before = (await store.readHead()).index;
      expect(await context!.execute('Late', nodeRegistered('00000000-0000-4000-8000-00000000dead'))).toEqual({
        kind: 'fenced',
      });
      await one.run(web());
      expect((await store.readHead()).index).toBe(before + 1);
      await until('it has resigned', () => !one.leader.leads);
      expect(await allocations()).toEqual([]);
      expect(rows('evaluation')).toHaveLength(1);
    });
  });
});
