import type { AllocationState, EvaluationState, JobType } from '@app/domain';
import type { Outcome } from '@app/event-store';
import { US_PER_MS } from '@app/kernel';
import { commitsOf } from '@app/streaming';
import { jobSpec, nodeIsReady, nodeRegistered, registered, START, World, type Decide } from '@app/testing';
import { ClusterState } from './cluster-state.js';
import { Scheduler } from './scheduler.js';

const ATTEMPTS = 5;
const MINUTE_MS = 60_000;

describe('A plan that is refused again and again', () => {
  let world: World;
  let cluster: ClusterState;
  let scheduler: Scheduler;
  let stalePlans: number;

  const say = <A>(decide: Decide<A>): Outcome<A> => {
    const before = world.index;
    const written = world.log.length;
    const decision = world.run(decide);
    if (decision.kind === 'rejected') return { kind: 'rejected', rejection: decision.rejection };
    for (const commit of commitsOf(world.log.slice(written))) scheduler.react(cluster.apply(commit));
    return { kind: 'accepted', index: world.index === before ? 0 : world.index, answer: decision.answer };
  };
  const all = <S>(type: string): S[] =>
    world
      .streams()
      .filter((stream) => stream.startsWith(`${type}/`))
      .map((stream) => world.read<S>(stream)!);
  const evaluations = () => all<EvaluationState>('evaluation');
  const register = async (type: JobType): Promise<void> => {
    say(registered(jobSpec({ type, count: 1 })));
    await pass(1);
  };
  const pass = (ms: number): Promise<void> => jest.advanceTimersByTimeAsync(ms);

  beforeEach(() => {
    jest.useFakeTimers({ now: START / US_PER_MS });
    world = new World();
    cluster = new ClusterState();
    stalePlans = ATTEMPTS;
    const execute = async <A>(name: string, decide: Decide<A>): Promise<Outcome<A>> => {
      if (name === 'SubmitPlan' && stalePlans > 0) {
        stalePlans--;
        return { kind: 'rejected', rejection: { code: 'plan-is-stale' } };
      }
      return say(decide);
    };
    const onError = (error: unknown): never => {
      throw error;
    };
    const reached = () => Promise.resolve();
    const now = () => Date.now() * US_PER_MS;
    scheduler = new Scheduler(
      { cluster, execute, reached, now, newId: () => world.newId(), onError },
      { signingKeyId: 'a key', elapsed: () => 0 },
    );
    scheduler.start();
    say(nodeRegistered());
    say(nodeIsReady());
  });

  afterEach(async () => {
    await scheduler.stop();
    jest.useRealTimers();
  });

  test.each(['service', 'batch'] as const)('of a %s is given up, and tried again within a minute', async (type) => {
    await register(type);
    const [first, retry] = evaluations();
    expect(first).toMatchObject({ status: 'failed', statusDescription: 'maximum attempts reached (5)' });
    expect(retry).toMatchObject({
      ...{ status: 'blocked', triggeredBy: 'max-plan-attempts', previousEval: first!.id },
      statusDescription: 'created due to placement conflicts',
    });
    await pass(MINUTE_MS);
    expect(evaluations().map(({ status }) => status)).toEqual(['failed', 'complete']);
    expect(all<AllocationState>('allocation')).toHaveLength(1);
  });

  test('of a system job is given up for good: its scheduler takes no such retry', async () => {
    await register('system');
    expect(evaluations().map(({ status }) => status)).toEqual(['failed']);
  });

  test('is tried again every minute, for as long as it takes', async () => {
    stalePlans = 3 * ATTEMPTS;
    await register('service');
    await pass(2 * MINUTE_MS);
    expect(evaluations().map(({ status }) => status)).toEqual(['failed', 'failed', 'failed', 'blocked']);
    await pass(MINUTE_MS);
    expect(evaluations().map(({ status }) => status)).toEqual(['failed', 'failed', 'failed', 'complete']);
  });

  test('says nothing of those that wait for room: they are not woken by time', async () => {
    stalePlans = 0;
    say(registered(jobSpec({ count: 1000 })));
    await pass(1);
    const [, before] = evaluations();
    expect(before).toMatchObject({ status: 'blocked', triggeredBy: 'queued-allocs' });
    await pass(5 * MINUTE_MS);
    expect(evaluations()[1]).toEqual(before);
  });
});
