import { setTimeout as delay } from 'node:timers/promises';
import type { Random } from './random.js';
import type { Instance, Stack } from './stack.js';

/** Longer than a lease lasts. */
const PAST_LEASE_MS = 4_500;
const QUIET_MS = [200, 1_200] as const;

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
  'cut after COMMIT was sent': 16,
  'kill -9 Postgres': 6,
  'restart Postgres in order': 3,
  'pause Postgres': 4,
  'kill -9 an agent': 4,
  'kill -9 the broker': 4,
  'pause the broker': 3,
  'kill -9 the relay’s leader': 4,
} as const;
export type Fault = keyof typeof FAULTS;
const OF_THE_BROKER: readonly Fault[] = ['kill -9 the broker', 'pause the broker', 'kill -9 the relay’s leader'];

/** Breaks one thing after the other and mends it again. */
export class Nemesis {
  readonly done = new Map<Fault, number>();
  private readonly weights: Readonly<Record<string, number>>;

  constructor(
    private readonly stack: Stack,
    private readonly random: Random,
    private readonly say: (line: string) => void,
  ) {
    const without = stack.kafka?.own === true ? [] : OF_THE_BROKER;
    this.weights = Object.fromEntries(Object.entries(FAULTS).filter(([fault]) => !without.includes(fault as Fault)));
  }

  /** Stops early when there is no time left. Returns the number of faults that were injected. */
  async run(faults: number, deadline: number): Promise<number> {
    for (let n = 0; n < faults; n++) {
      if (performance.now() > deadline) return n;
      const fault = this.random.weighted(this.weights) as Fault;
      this.done.set(fault, (this.done.get(fault) ?? 0) + 1);
      const begun = performance.now();
      await this.inject(fault);
      this.say(`${String(n + 1).padStart(4)}  ${fault} (${((performance.now() - begun) / 1000).toFixed(1)} s)`);
      await delay(this.random.between(...QUIET_MS));
    }
    return faults;
  }

  private async inject(fault: Fault): Promise<void> {
    const { random, stack } = this;
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
      case 'cut after COMMIT was sent':
        return void (await proxy?.cutAfterCommit());
      case 'kill -9 Postgres':
        stack.postgres?.kill();
        await delay(random.between(0, 1_500));
        return stack.postgres?.restart();
      case 'restart Postgres in order':
        return stack.postgres?.restart();
      case 'pause Postgres':
        stack.postgres?.pause();
        await delay(random.between(300, 3_000));
        return stack.postgres?.resume();
      case 'kill -9 an agent': {
        const agent = random.pick(stack.agents);
        await agent.end('SIGKILL');
        return agent.start();
      }
      case 'kill -9 the broker':
        await stack.kafka?.kill();
        await delay(random.between(0, 1_000));
        return stack.kafka?.restart();
      case 'pause the broker':
        stack.kafka?.pause();
        await delay(random.between(300, 3_000));
        return stack.kafka?.resume();
    }
  }

  private async killAndStart({ child, ready }: Instance): Promise<void> {
    await child.end('SIGKILL');
    await delay(this.random.between(0, 800));
    child.start();
    // Now and then the next fault comes while this one is still starting.
    if (this.random.next() < 0.8) await ready();
  }

  private async pause({ child }: Instance, ms: number): Promise<void> {
    child.signal('SIGSTOP');
    await delay(ms);
    child.signal('SIGCONT');
  }
}
