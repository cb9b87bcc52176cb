import { setTimeout as delay } from 'node:timers/promises';
import type { Random } from './random.js';
import type { Instance, Stack } from './stack.js';
import type { TcpProxy } from './tcp-proxy.js';

/** Longer than a lease lasts. */
const PAST_LEASE_MS = 4_500;
const QUIET_MS = [100, 900] as const;
/** How often a fault is over only when the instance that was killed is ready again; else the next one comes while it starts. */
const WAITS_FOR_INSTANCE = 0.6;

const COMMITS_CUT = 4;

/** How often each fault comes, relative to the others. */
const FAULTS = {
  'kill -9 an instance': 14,
  'kill -9 the leader': 8,
  'end an instance in order': 8,
  'pause an instance': 10,
  'pause the leader past its lease': 7,
  'cut an instance off Postgres': 10,
  'refuse an instance Postgres': 7,
  'half-open connections to Postgres': 8,
  'slow connections to Postgres': 6,
  'cut after COMMITs were sent': 16,
  'kill -9 Postgres': 6,
  'restart Postgres in order': 3,
  'pause Postgres': 4,
  'kill -9 an agent': 4,
  'kill -9 the broker': 4,
  'pause the broker': 3,
  'kill -9 the relay’s leader': 4,
  'cut all off the broker': 4,
  'refuse all the broker': 4,
  'half-open connections to the broker': 5,
  'slow connections to the broker': 3,
  'cut after commits of publications were sent': 8,
  'kill -9 the consumer': 8,
} as const;
export type Fault = keyof typeof FAULTS;

/** Which faults need a Kafka, a Kafka of our own, a Postgres of our own, proxies. */
const impossible = ({ kafka, kafkaProxy, consumer }: Stack): ReadonlySet<Fault> =>
  new Set<Fault>([
    ...(kafka === undefined ? (['kill -9 the relay’s leader'] as const) : []),
    ...(kafka?.own === true ? [] : (['kill -9 the broker', 'pause the broker'] as const)),
    ...(kafkaProxy === undefined
      ? ([
          'cut all off the broker',
          'refuse all the broker',
          'half-open connections to the broker',
          'slow connections to the broker',
          'cut after commits of publications were sent',
        ] as const)
      : []),
    ...(consumer === undefined ? (['kill -9 the consumer'] as const) : []),
  ]);

/** Breaks one thing after the other and mends it again: every kind of fault once, in random order, then at random. */
export class Nemesis {
  readonly done = new Map<Fault, number>();
  /** Faults that found nothing to break: no commit came by the proxy in time. */
  readonly missed = new Map<Fault, number>();
  private readonly weights: Readonly<Record<string, number>>;
  private readonly first: Fault[];
  /** The broker takes longest to start: other things break meanwhile. */
  private broker: Promise<void> = Promise.resolve();

  constructor(
    private readonly stack: Stack,
    private readonly random: Random,
    private readonly say: (line: string) => void,
  ) {
    const without = impossible(stack);
    this.weights = Object.fromEntries(Object.entries(FAULTS).filter(([fault]) => !without.has(fault as Fault)));
    this.first = random.shuffled(Object.keys(this.weights) as Fault[]);
  }

  /** Stops early when there is no time left. Returns the number of faults that were injected. */
  async run(faults: number, deadline: number): Promise<number> {
    let n = 0;
    for (; n < faults && performance.now() < deadline; n++) {
      const fault = this.first.pop() ?? (this.random.weighted(this.weights) as Fault);
      const begun = performance.now();
      const missed = (await this.inject(fault)) === false;
      count(this.done, fault);
      if (missed) count(this.missed, fault);
      const seconds = ((performance.now() - begun) / 1000).toFixed(1);
      this.say(`${String(n + 1).padStart(4)}  ${fault} (${seconds} s${missed ? ', missed' : ''})`);
      // As whoever looks after a program would do that ends while Kafka is away.
      this.stack.consumer?.start();
      await delay(this.random.between(...QUIET_MS));
    }
    await this.broker;
    return n;
  }

  /** False: there was nothing to break. */
  private async inject(fault: Fault): Promise<boolean | void> {
    const { random, stack } = this;
    const { kafka, kafkaProxy, postgres } = stack;
    const victim = random.pick(stack.instances);
    const { proxy } = victim;
    switch (fault) {
      case 'kill -9 an instance':
        return this.killAndStart(victim);
      case 'kill -9 the leader':
        return this.killAndStart((await stack.leader()) ?? victim);
      case 'kill -9 the relay’s leader':
        return this.killAndStart((await stack.leader('relay')) ?? victim);
      case 'end an instance in order':
        await victim.child.end('SIGTERM');
        return victim.ready();
      case 'pause an instance':
        return this.pause(victim, random.between(300, 2_000));
      case 'pause the leader past its lease':
        return this.pause((await stack.leader()) ?? victim, PAST_LEASE_MS);
      case 'cut an instance off Postgres':
        return proxy?.cut();
      case 'refuse an instance Postgres':
        return proxy?.refuse(random.between(300, 3_000));
      case 'half-open connections to Postgres':
        return proxy?.halfOpen(random.between(300, 4_000));
      case 'slow connections to Postgres':
        return proxy?.slow(random.between(20, 150), random.between(500, 2_000));
      case 'cut after COMMITs were sent':
        return proxy && this.cutsAfterCommits(proxy);
      case 'kill -9 Postgres':
        postgres?.kill();
        await delay(random.between(0, 1_500));
        return postgres?.restart();
      case 'restart Postgres in order':
        return postgres?.restart();
      case 'pause Postgres':
        postgres?.pause();
        await delay(random.between(300, 3_000));
        return postgres?.resume();
      case 'kill -9 an agent': {
        const agent = random.pick(stack.agents);
        await agent.end('SIGKILL');
        return agent.start();
      }
      case 'kill -9 the broker':
        await this.broker;
        await kafka?.kill();
        this.broker = delay(random.between(0, 1_000)).then(() => kafka?.restart());
        // Told by whoever waits for it next.
        this.broker.catch(() => undefined);
        return;
      case 'pause the broker':
        await this.broker;
        kafka?.pause();
        await delay(random.between(300, 3_000));
        return kafka?.resume();
      case 'cut all off the broker':
        return kafkaProxy?.cut();
      case 'refuse all the broker':
        return kafkaProxy?.refuse(random.between(300, 3_000));
      case 'half-open connections to the broker':
        return kafkaProxy?.halfOpen(random.between(300, 4_000));
      case 'slow connections to the broker':
        return kafkaProxy?.slow(random.between(20, 150), random.between(500, 2_000));
      case 'cut after commits of publications were sent':
        await this.broker;
        return kafkaProxy && this.cutsAfterCommits(kafkaProxy);
      case 'kill -9 the consumer':
        await stack.consumer?.end('SIGKILL');
        return stack.consumer?.start();
    }
  }

  /** Several in a row: of those who wait for an answer then, some repeat what they asked for. */
  private async cutsAfterCommits(proxy: TcpProxy): Promise<boolean> {
    for (let cut = 0; cut < COMMITS_CUT; cut++) if (!(await proxy.cutAfterCommit())) return cut > 0;
    return true;
  }

  private async killAndStart({ child, ready }: Instance): Promise<void> {
    await child.end('SIGKILL');
    await delay(this.random.between(0, 800));
    child.start();
    if (this.random.next() < WAITS_FOR_INSTANCE) await ready();
  }

  private async pause({ child }: Instance, ms: number): Promise<void> {
    child.signal('SIGSTOP');
    await delay(ms);
    child.signal('SIGCONT');
  }
}

const count = (counts: Map<Fault, number>, fault: Fault): void => void counts.set(fault, (counts.get(fault) ?? 0) + 1);
