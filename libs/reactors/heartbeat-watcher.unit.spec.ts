import type { NodeState } from '@app/domain';
import { jobStream, nodeStream, type StreamName } from '@app/kernel';
import { commitsOf } from '@app/streaming';
import {
  allocationId,
  jobSpec,
  idOf,
  NODE,
  nodeIsReady,
  nodeRegistered,
  planned,
  registered,
  SECOND_NS,
  World,
  type Decide,
} from '@app/testing';
import { ClusterState } from './cluster-state.js';
import { GRACE_MS, HeartbeatWatcher, heartbeatTtlMs, MIN_TTL_MS } from './heartbeat-watcher.js';
import type { ReactorContext } from './reactor.js';

const SECOND_NODE = '00000000-0000-4000-8000-000000009002';
const ALLOWED_MS = 2 * MIN_TTL_MS + GRACE_MS;

describe('The heartbeat watcher', () => {
  let world: World;
  let heardAt: Map<string, number>;
  let watcher: HeartbeatWatcher;
  let commands: string[];
  let loaded: readonly StreamName[];
  let errors: unknown[];
  /** A node that no command can be about. */
  let bad: string | undefined;
  /** Settled unless the store stands still. */
  let store: Promise<void>;
  const cluster = { present: new ClusterState() };

  /** Commits, and lets the cluster follow. */
  const run = (decide: Decide) => {
    const from = world.log.length;
    const decision = world.run(decide);
    for (const commit of commitsOf(world.log.slice(from))) cluster.present.apply(commit);
    return decision;
  };
  const status = (): string => world.read<NodeState>(nodeStream(NODE))!.status;
  const pass = (ms: number): Promise<void> => jest.advanceTimersByTimeAsync(ms);
  const begin = (...steps: Decide[]): void => {
    for (const step of [nodeRegistered(), nodeIsReady(), ...steps]) run(step);
    const context: ReactorContext = {
      cluster: cluster.present,
      execute: ((name: string, decide: Decide, _causation: string, reads: readonly StreamName[]) => {
        commands.push(name);
        loaded = reads;
        if (bad !== undefined && reads.includes(nodeStream(bad))) return Promise.reject(new Error('a bad node'));
        run(decide);
        return Promise.resolve({ kind: 'accepted', index: world.index, answer: undefined });
      }) as ReactorContext['execute'],
      reached: () => Promise.resolve(),
      caughtUp: () => Promise.resolve(),
      now: () => Date.now() * 1000,
      newId: () => world.newId(),
      onError: (error) => errors.push(error),
    };
    const ages = async () => {
      await store;
      return new Map([...heardAt].map(([id, at]) => [id, performance.now() - at]));
    };
    watcher = new HeartbeatWatcher(context, ages);
    watcher.start();
  };

  beforeEach(() => {
    jest.useFakeTimers();
    world = new World();
    heardAt = new Map();
    commands = [];
    errors = [];
    bad = undefined;
    store = Promise.resolve();
    cluster.present = new ClusterState();
  });
  afterEach(async () => {
    await watcher.stop();
    if (bad === undefined && errors.length > 0) throw errors[0] as Error;
    jest.useRealTimers();
  });

  test('takes a node down that was not heard of for two times its TTL and the grace', async () => {
    begin();
    heardAt.set(NODE, performance.now());
    await pass(ALLOWED_MS - 2_000);
    expect(status()).toBe('ready');
    await pass(4_000);
    expect([status(), commands]).toEqual(['down', ['MissHeartbeat']]);
  });

  test('has all that a lost node concerns loaded at once', async () => {
    begin(registered(jobSpec()), planned({ evaluation: idOf(1), place: [{ id: allocationId(1) }] }));
    await pass(ALLOWED_MS + 2_000);
    expect([status(), loaded]).toEqual(['down', [nodeStream(NODE), jobStream('default', 'web')]]);
  });

  const crowd = (count: number): string[] => Array.from({ length: count }, (_, i) => idOf(8000 + i));
  const statusOf = (id: string): string => world.read<NodeState>(nodeStream(id))!.status;

  test('notes nodes that are lost together in one command, and many of them in few', async () => {
    const ids = crowd(2_500);
    begin(...ids.flatMap((id) => [nodeRegistered(id), nodeIsReady(id)]));
    await pass(2 * heartbeatTtlMs(ids.length + 1) + GRACE_MS + 2_000);
    expect(commands).toEqual(['MissHeartbeats', 'MissHeartbeats', 'MissHeartbeats']);
    expect(new Set([...ids, NODE].map(statusOf))).toEqual(new Set(['down']));
  });

  test('notes the others all the same when one node cannot be noted', async () => {
    const ids = crowd(3);
    bad = ids[1]!;
    begin(...ids.flatMap((id) => [nodeRegistered(id), nodeIsReady(id)]));
    await pass(ALLOWED_MS + 1_000);
    expect(ids.map(statusOf)).toEqual(['down', 'ready', 'down']);
    expect(status()).toBe('down');
    expect(errors).not.toEqual([]);
  });

  test('leaves a node alone that is heard of', async () => {
    begin();
    for (let beat = 0; beat < 10; beat++) {
      heardAt.set(NODE, performance.now());
      await pass(ALLOWED_MS / 2);
    }
    expect([status(), commands]).toEqual(['ready', []]);
  });

  test('counts silence from when it began to listen, whatever came before', async () => {
    heardAt.set(NODE, performance.now() - 10 * ALLOWED_MS);
    begin();
    await pass(ALLOWED_MS - 2_000);
    expect(status()).toBe('ready');
  });

  test('holds nothing against nodes that they could not say while the store was away', async () => {
    begin();
    heardAt.set(NODE, performance.now());
    await pass(2_000);
    const { promise, resolve } = Promise.withResolvers<void>();
    store = promise;
    await pass(2 * ALLOWED_MS);
    resolve();
    await pass(ALLOWED_MS - 3_000);
    expect(status()).toBe('ready');
    await pass(5_000);
    expect(status()).toBe('down');
  });

  test('forgets nothing when a crash of the database empties its table', async () => {
    begin();
    for (let beat = 0; beat < 5; beat++) {
      heardAt.set(NODE, performance.now());
      await pass(ALLOWED_MS / 2);
    }
    heardAt.clear();
    await pass(2_000);
    expect(status()).toBe('ready');
    await pass(ALLOWED_MS / 2 + 1_000);
    expect(status()).toBe('down');
  });

  test('gives a node that has just been registered the time to be heard of', async () => {
    begin();
    for (let second = 0; second < 2 * ALLOWED_MS; second += 1_000) {
      heardAt.set(NODE, performance.now());
      await pass(1_000);
    }
    run(nodeRegistered(SECOND_NODE));
    await pass(2_000);
    expect(commands).toEqual([]);
    await pass(ALLOWED_MS);
    expect(world.read<NodeState>(nodeStream(SECOND_NODE))!.status).toBe('down');
  });

  test('calls a node disconnected whose allocations may stay unknown for a while, and down when that is over', async () => {
    const spec = jobSpec({ count: 1 });
    spec.TaskGroups[0]!.Disconnect = {
      LostAfter: 3600 * SECOND_NS,
      StopOnClientAfter: null,
      Replace: true,
      Reconcile: 'best_score',
    };
    begin(registered(spec), planned({ evaluation: idOf(1), place: [{ id: allocationId(1) }] }));
    await pass(ALLOWED_MS + 2_000);
    expect(status()).toBe('disconnected');
    run(() => ({
      kind: 'accepted',
      answer: undefined,
      events: [
        {
          stream: `allocation/${allocationId(1)}`,
          event: {
            type: 'AllocationStopDesired',
            data: { description: 'over', clientStatus: 'lost', followupEvalId: '' },
          },
        },
      ],
    }));
    await pass(3_000);
    expect(status()).toBe('down');
  });

  test('is silent once it has stopped', async () => {
    begin();
    await watcher.stop();
    await pass(3 * ALLOWED_MS);
    expect(commands).toEqual([]);
  });

  test('the TTL grows with the number of nodes, so that heartbeats stay few', () => {
    expect([heartbeatTtlMs(1), heartbeatTtlMs(500), heartbeatTtlMs(5_000)]).toEqual([10_000, 10_000, 100_000]);
  });
});
