import { setImmediate } from 'node:timers/promises';
import { jobSpec, registered } from '@app/testing';
import { Relay } from './relay.js';
import type { Publication, RecordSink } from './sink.js';
import { until } from './testing/topics.js';
import { WorldLog } from './testing/world-log.js';

/** A sink whose publications wait until they are let through. */
class HeldSink implements RecordSink {
  readonly begun: Publication[] = [];
  private release: (() => void) | undefined;

  constructor(private readonly onPublish: (nth: number) => void) {}

  async open() {
    return {
      position: undefined,
      heads: new Map(),
      maxValueBytes: 1_000_000,
      publish: (publication: Publication): Promise<void> => {
        this.begun.push(publication);
        this.onPublish(this.begun.length);
        return new Promise((resolve) => (this.release = resolve));
      },
      close: async () => undefined,
    };
  }

  let(): void {
    this.release?.();
  }
}

test('At the end of the log a transaction takes along all that was committed while the one before was under way', async () => {
  const log = new WorldLog();
  const commit = (tag: string): void => log.run(registered(jobSpec({ tag })));
  const sink = new HeldSink((nth) => {
    if (nth === 1) commit('as the first transaction begins');
  });
  const relay = new Relay({
    store: log,
    sink,
    onCommit: log.onCommit,
    metrics: { published: () => undefined, failed: () => undefined },
    onError: (error) => expect(error).toBeUndefined(),
  });
  commit('first');
  relay.start();
  await until('the first transaction is under way', () => sink.begun.length === 1);
  await setImmediate();
  commit('a moment later');
  const head = log.world.index;
  sink.let();
  await until('the second transaction is under way', () => sink.begun.length === 2);
  expect(sink.begun.map(({ position }) => position.index)).toEqual([1, head]);
  sink.let();
  await relay.stop();
});

describe('While Kafka is away', () => {
  /** A Kafka that can be taken away, between transactions and within. */
  class MortalSink implements RecordSink {
    isAway = false;
    position: Publication['position'] | undefined;

    private check(): void {
      if (this.isAway) throw new Error('no broker answers');
    }

    async open() {
      this.check();
      return {
        position: this.position,
        heads: new Map(),
        maxValueBytes: 1_000_000,
        publish: async ({ position }: Publication): Promise<void> => {
          this.check();
          this.position = position;
        },
        close: async () => undefined,
      };
    }
  }

  const relayOf = (log: WorldLog, sink: RecordSink): Relay =>
    new Relay({
      store: log,
      sink,
      onCommit: log.onCommit,
      metrics: { published: () => undefined, failed: () => undefined },
      onError: () => undefined,
    });

  test('the relay knows since when the oldest commit waits, from its first failure to the last publication', async () => {
    const log = new WorldLog();
    const sink = new MortalSink();
    log.run(registered(jobSpec({ tag: 'published' })));
    const relay = relayOf(log, sink);
    relay.start();
    await until('all is published', () => relay.progress.published === 1);
    await until('nothing waits', () => relay.progress.oldestPending === undefined);

    sink.isAway = true;
    log.run(registered(jobSpec({ tag: 'waits' })));
    const waitsSince = log.log.at(-1)!.time;
    await until('it has failed', () => relay.progress.failingSinceMs !== undefined);
    expect(relay.progress.oldestPending).toBe(waitsSince);
    log.run(registered(jobSpec({ tag: 'waits, too' })));
    await until('it has failed again', () => relay.progress.failingSinceMs !== undefined);
    expect(relay.progress.oldestPending).toBe(waitsSince);

    sink.isAway = false;
    await until('all is published', () => relay.progress.published === log.world.index);
    await until('nothing waits', () => relay.progress.oldestPending === undefined);
    expect(relay.progress.failingSinceMs).toBeUndefined();
    await relay.stop();
  });

  test('a relay that has never reached it says for how long it has tried, and since when commits wait that came meanwhile', async () => {
    const log = new WorldLog();
    const sink = new MortalSink();
    sink.isAway = true;
    const relay = relayOf(log, sink);
    relay.start();
    await until('it has failed', () => relay.progress.failingSinceMs !== undefined);
    expect(relay.progress).toMatchObject({ published: undefined, oldestPending: undefined });
    log.run(registered(jobSpec()));
    expect(relay.progress.oldestPending).toBe(log.log.at(-1)!.time);
    await relay.stop();
  });
});
