import type { DeploymentState } from '@app/domain';
import { StoreUnavailable, type Outcome } from '@app/event-store';
import { deploymentStream, US_PER_MS } from '@app/kernel';
import { commitsOf } from '@app/streaming';
import {
  allocationId,
  DEPLOYMENT,
  healthReported,
  idOf,
  jobSpec,
  nodeIsReady,
  nodeRegistered,
  planned,
  registered,
  SECOND_NS,
  START,
  World,
  type Decide,
} from '@app/testing';
import { ClusterState } from './cluster-state.js';
import { DeploymentWatcher } from './deployment-watcher.js';

const DEADLINE_S = 60;

describe('The deployment watcher', () => {
  let world: World;
  let cluster: ClusterState;
  let watcher: DeploymentWatcher;
  /** What becomes of the next commands, before one is taken. */
  let troubles: (() => Promise<Outcome<never>>)[];
  let errors: unknown[];

  const say = <A>(decide: Decide<A>): Outcome<A> => {
    world.now = Date.now() * US_PER_MS;
    const written = world.log.length;
    const decision = world.run(decide);
    if (decision.kind === 'rejected') return { kind: 'rejected', rejection: decision.rejection };
    for (const commit of commitsOf(world.log.slice(written))) watcher.react(cluster.apply(commit));
    return { kind: 'accepted', index: world.index, answer: decision.answer };
  };
  const deployment = () => world.read<DeploymentState>(deploymentStream(DEPLOYMENT))!;
  const pass = (ms: number): Promise<void> => jest.advanceTimersByTimeAsync(ms);

  beforeEach(() => {
    jest.useFakeTimers({ now: START / US_PER_MS });
    [world, cluster, troubles, errors] = [new World(), new ClusterState(), [], []];
    watcher = new DeploymentWatcher({
      cluster,
      execute: async (_name, decide) => (await troubles.shift()?.()) ?? say(decide),
      reached: () => Promise.resolve(),
      caughtUp: () => Promise.resolve(),
      now: () => Date.now() * US_PER_MS,
      newId: () => world.newId(),
      onError: (error) => errors.push(error),
    });
    watcher.start();
    for (const decide of [nodeRegistered(), nodeIsReady(), registered(jobSpec({ count: 1 }))]) say(decide);
    const groups = { app: { progressDeadline: DEADLINE_S * SECOND_NS, desiredTotal: 1 } };
    say(planned({ evaluation: idOf(1), deployment: { groups }, place: [{ id: allocationId(1) }] }));
  });
  afterEach(async () => {
    await watcher.stop();
    jest.useRealTimers();
  });

  test.each<[string, () => Promise<Outcome<never>>]>([
    ['the store was away', () => Promise.reject(new StoreUnavailable('nothing-written'))],
    ['too many commands waited', () => Promise.resolve({ kind: 'overloaded', retryAfterMs: 1_000 })],
  ])('fails a deployment that is late, also where %s at its deadline', async (_, trouble) => {
    troubles = [trouble, trouble];
    await pass((DEADLINE_S + 1) * 1_000);
    expect(deployment().status).toBe('running');
    await pass(3_000);
    expect(deployment()).toMatchObject({ status: 'failed', statusDescription: expect.stringMatching(/deadline/) });
    expect(errors).toHaveLength(2);
  });

  test('asks again for what found no turn', async () => {
    troubles = [() => Promise.resolve({ kind: 'conflict', streams: [] })];
    const before = world.index;
    say(healthReported(true, allocationId(1)));
    await pass(500);
    expect(world.index).toBe(before + 1);
    await pass(1_000);
    expect(world.log.at(-1)).toMatchObject({ type: 'EvaluationCreated', data: { triggeredBy: 'deployment-watcher' } });
  });
});
