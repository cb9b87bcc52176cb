import { newEvaluation, type Constraint, type AllocationState, type EvaluationState, type JobType } from '@app/domain';
import type { Outcome } from '@app/event-store';
import { evaluationStream, US_PER_MS, type NewEvent, type StreamName } from '@app/kernel';
import { commitsOf } from '@app/streaming';
import { idOf, jobSpec, nodeIsReady, nodeRegistered, registered, START, World, type Decide } from '@app/testing';
import { ClusterState } from './cluster-state.js';
import { Scheduler } from './scheduler.js';

const ATTEMPTS = 5;
const MINUTE_MS = 60_000;

describe('The scheduler', () => {
  let world: World;
  let cluster: ClusterState;
  let scheduler: Scheduler;
  let stalePlans: number;
  /** Commands that find no turn. */
  let overloaded: string[];
  let commands: { readonly name: string; readonly reads: number }[];
  let caughtUp: () => Promise<void>;
  let errors: unknown[];
  let thrown: { passes: number; evaluations: number };

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
    overloaded = [];
    commands = [];
    caughtUp = () => Promise.resolve();
    errors = [];
    thrown = { passes: 0, evaluations: 0 };
    const execute = async <A>(
      name: string,
      decide: Decide<A>,
      _causation?: string,
      reads: readonly StreamName[] = [],
    ): Promise<Outcome<A>> => {
      commands.push({ name, reads: reads.length });
      if (overloaded[0] === name) {
        overloaded.shift();
        return { kind: 'overloaded', retryAfterMs: 1_000 };
      }
      if (name === 'SubmitPlan' && stalePlans > 0) {
        stalePlans--;
        return { kind: 'rejected', rejection: { code: 'plan-is-stale' } };
      }
      return say(decide);
    };
    const onError = (error: unknown) => errors.push(error);
    const reached = () => Promise.resolve();
    const now = () => Date.now() * US_PER_MS;
    scheduler = new Scheduler(
      { cluster, execute, reached, caughtUp: () => caughtUp(), now, newId: () => world.newId(), onError },
      {
        ...{ signingKeyId: 'a key', elapsed: () => 0 },
        metrics: { passThrew: () => thrown.passes++, evaluationFailed: () => thrown.evaluations++ },
      },
    );
    scheduler.start();
    say(nodeRegistered());
    say(nodeIsReady());
  });

  afterEach(async () => {
    await scheduler.stop();
    jest.useRealTimers();
  });

  const blocked = (count: number): NewEvent[] =>
    Array.from({ length: count }, (_, n) => {
      const about = { namespace: 'default', priority: 50, type: 'service', triggeredBy: 'queued-allocs' } as const;
      const evaluation = newEvaluation({ ...about, id: idOf(100_000 + n), jobId: `job-${n}`, status: 'blocked' });
      return {
        stream: evaluationStream(evaluation.id),
        event: { type: 'EvaluationCreated', data: { ...evaluation, snapshotIndex: world.index } },
      };
    });

  test('looks again at what was refused only when the commits of others are here', async () => {
    const { promise, resolve } = Promise.withResolvers<void>();
    caughtUp = () => promise;
    await register('service');
    expect(commands.map(({ name }) => name)).toEqual(['SubmitPlan']);
    stalePlans = 0;
    resolve();
    await pass(1);
    expect(evaluations().map(({ status }) => status)).toEqual(['complete']);
  });

  test('gives up in the end also where its first word of that finds no turn', async () => {
    overloaded = ['FailEvaluation'];
    await register('system');
    expect(evaluations().map(({ status }) => status)).toEqual(['pending']);
    stalePlans = ATTEMPTS;
    await pass(1_000);
    expect(evaluations().map(({ status }) => status)).toEqual(['failed']);
    expect(errors).toHaveLength(1);
  });

  test('unblocks what waits also where its first word of that finds no turn', async () => {
    stalePlans = 0;
    say(registered(jobSpec({ count: 1000 })));
    await pass(1);
    overloaded = ['UnblockEvaluations'];
    const second = '00000000-0000-4000-8000-000000009002';
    say(nodeRegistered(second));
    say(nodeIsReady(second));
    await pass(1_000);
    expect(all<AllocationState>('allocation').filter(({ nodeId }) => nodeId === second).length).toBeGreaterThan(0);
    expect(errors).toHaveLength(1);
  });

  test('taking over with thousands that wait, unblocks them in parts whose states are loaded together', async () => {
    await scheduler.stop();
    say(() => ({ kind: 'accepted', answer: undefined, events: blocked(1_200) }));
    scheduler.start();
    await pass(1_000);
    expect(commands.filter(({ name }) => name === 'UnblockEvaluations').map(({ reads }) => reads)).toEqual([
      500, 500, 200,
    ]);
  });

  test.each(['service', 'batch'] as const)(
    'gives up the plan of a %s that is refused again and again, and tries again within a minute',
    async (type) => {
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
    },
  );

  test('gives up that of a system job for good: its scheduler takes no such retry', async () => {
    await register('system');
    expect(evaluations().map(({ status }) => status)).toEqual(['failed']);
  });

  test('tries again every minute, for as long as it takes', async () => {
    stalePlans = 3 * ATTEMPTS;
    await register('service');
    await pass(2 * MINUTE_MS);
    expect(evaluations().map(({ status }) => status)).toEqual(['failed', 'failed', 'failed', 'blocked']);
    await pass(MINUTE_MS);
    expect(evaluations().map(({ status }) => status)).toEqual(['failed', 'failed', 'failed', 'complete']);
  });

  describe('whose passes over an evaluation throw', () => {
    /** A job whose stored form no pass can work on. */
    const poisoned = (id: string) => ({ ...jobSpec({ id, count: 1 }), Constraints: [null as unknown as Constraint] });

    test('tries again with growing pauses, then ends it as failed with a description', async () => {
      stalePlans = 0;
      say(registered(poisoned('poison')));
      await pass(1);
      expect(errors).toHaveLength(1);
      for (const [pause, so] of [
        [1_000, 2],
        [2_000, 3],
        [4_000, 4],
      ] as const) {
        await pass(pause - 500);
        expect(errors).toHaveLength(so - 1);
        await pass(500);
        expect(errors).toHaveLength(so);
      }
      await pass(8_000);
      expect(evaluations()).toMatchObject([
        {
          status: 'failed',
          statusDescription: expect.stringMatching(/^scheduling failed 5 times: a pass over/) as string,
        },
      ]);
      expect(thrown).toEqual({ passes: 5, evaluations: 1 });
      await pass(MINUTE_MS);
      expect(errors).toHaveLength(5);
    });

    test('works on others meanwhile, however many throw', async () => {
      stalePlans = 0;
      for (let n = 0; n < 100; n++) say(registered(poisoned(`poison-${n}`)));
      say(registered(jobSpec({ id: 'web', count: 1 })));
      await pass(1);
      expect(all<AllocationState>('allocation').map(({ jobId }) => jobId)).toEqual(['web']);
    });
  });

  test('does not wake by time those that wait for room', async () => {
    stalePlans = 0;
    say(registered(jobSpec({ count: 1000 })));
    await pass(1);
    const [, before] = evaluations();
    expect(before).toMatchObject({ status: 'blocked', triggeredBy: 'queued-allocs' });
    await pass(5 * MINUTE_MS);
    expect(evaluations()[1]).toEqual(before);
  });
});
