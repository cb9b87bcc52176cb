import { deregisterJob } from '@app/domain';
import type { Outcome } from '@app/event-store';
import { US_PER_MS, US_PER_S } from '@app/kernel';
import { commitsOf } from '@app/streaming';
import { jobSpec, registered, START, World, type Decide } from '@app/testing';
import { ClusterState } from './cluster-state.js';
import { PeriodicLauncher } from './periodic-launcher.js';
import type { Reactor, ReactorContext } from './reactor.js';

const HOUR_MS = 3_600_000;
const now = (): number => Date.now() * US_PER_MS;

/** A log, the cluster that follows it, and whoever leads. The clock is that of the fake timers. */
class Stage {
  readonly cluster = new ClusterState();
  private readonly world = new World();
  private leader: Reactor | undefined;
  /** Commands that fail before the next one succeeds. */
  failures = 0;
  readonly errors: unknown[] = [];

  private readonly context: ReactorContext = {
    cluster: this.cluster,
    execute: <A>(_name: string, decide: Decide<A>): Promise<Outcome<A>> => {
      if (this.failures-- > 0) return Promise.resolve({ kind: 'overloaded', retryAfterMs: 1 });
      const before = this.world.index;
      const answer = this.say(decide);
      const index = this.world.index === before ? 0 : this.world.index;
      return Promise.resolve({ kind: 'accepted', index, answer });
    },
    reached: () => Promise.resolve(),
    caughtUp: () => Promise.resolve(),
    now,
    newId: () => this.world.newId(),
    onError: (error) => this.errors.push(error),
  };

  lead(): void {
    this.leader = new PeriodicLauncher(this.context);
    this.leader.start();
  }

  async resign(): Promise<void> {
    await this.leader?.stop();
    this.leader = undefined;
  }

  say<A>(decide: Decide<A>): A {
    this.world.now = now();
    const written = this.world.log.length;
    const decision = this.world.run(decide);
    if (decision.kind === 'rejected') throw new Error(decision.rejection.code);
    for (const commit of commitsOf(this.world.log.slice(written))) {
      const movements = this.cluster.apply(commit);
      this.leader?.react(movements);
    }
    return decision.answer;
  }

  /** Hours after the start at which children were launched. */
  launches(): number[] {
    return this.world
      .streams()
      .flatMap((stream) => /^job\/default\/cron\/periodic-(\d+)$/.exec(stream)?.[1] ?? [])
      .map((seconds) => (Number(seconds) - START / US_PER_S) / 3600);
  }
}

const hourly = registered(
  jobSpec({ id: 'cron', type: 'batch', more: { Periodic: { Enabled: true, Specs: ['0 * * * *'], SpecType: 'cron' } } }),
);
const stop: Decide = (view, context) =>
  deregisterJob(view, context, {
    namespace: 'default',
    jobId: 'cron',
    purge: false,
    evalPriority: 0,
    noShutdownDelay: false,
    allocationIds: [],
    deploymentIds: [],
    evaluationIds: [],
  });

describe('the periodic launcher', () => {
  let stage: Stage;
  beforeEach(() => {
    jest.useFakeTimers({ now: START / US_PER_MS });
    stage = new Stage();
  });
  afterEach(async () => {
    await stage.resign();
    jest.useRealTimers();
  });
  const pass = (hours: number): Promise<void> => jest.advanceTimersByTimeAsync(hours * HOUR_MS);

  it('launches a job at every time of its schedule', async () => {
    stage.lead();
    stage.say(hourly);
    await pass(3.5);
    expect(stage.launches()).toEqual([1, 2, 3]);
  });

  it('knows the jobs that were there before it led', async () => {
    stage.say(hourly);
    stage.lead();
    await pass(1);
    expect(stage.launches()).toEqual([1]);
  });

  it('makes up once for what was missed while nobody led, and goes on in time', async () => {
    stage.say(hourly);
    await pass(5.5);
    stage.lead();
    await pass(0.1);
    expect(stage.launches()).toEqual([1]);
    await pass(1);
    expect(stage.launches()).toEqual([1, 6]);
  });

  it('launches nothing twice when another takes over', async () => {
    stage.lead();
    stage.say(hourly);
    await pass(1);
    await stage.resign();
    stage.lead();
    await pass(0.5);
    expect(stage.launches()).toEqual([1]);
  });

  it('ends with the job, and while it does not lead', async () => {
    stage.lead();
    stage.say(hourly);
    await pass(1);
    stage.say(stop);
    await pass(2);
    expect(stage.launches()).toEqual([1]);
  });

  it('tries again when a launch was not taken', async () => {
    stage.lead();
    stage.say(hourly);
    stage.failures = 2;
    await pass(1.5);
    expect(stage.launches()).toEqual([1]);
    expect(stage.errors).toHaveLength(2);
  });
});
