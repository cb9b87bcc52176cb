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
