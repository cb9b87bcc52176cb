import { MemoryEventStore, StoreUnavailable, type EventStore } from '@app/event-store';
import { jobSpec, registered, startInstance, until, type TestInstance } from '@app/testing';

/** Its log cannot be read for a while. */
class AwayStore extends MemoryEventStore {
  isAway = false;
  failures = 0;

  override async readAfter(index: number, limit: number): ReturnType<EventStore['readAfter']> {
    if (!this.isAway) return super.readAfter(index, limit);
    this.failures++;
    throw new Error('the store is away');
  }
}

describe('A log tail', () => {
  let store: AwayStore;
  let writer: TestInstance;
  let reader: TestInstance;

  beforeEach(async () => {
    store = new AwayStore();
    writer = await startInstance(store);
    reader = await startInstance(store);
  });
  afterEach(() => Promise.all([writer.close(), reader.close()]));

  test('that could not read what was announced to it catches up by itself: the same head is announced once only', async () => {
    store.isAway = true;
    await writer.execute(registered(jobSpec({ id: 'web' })));
    await until('a failure', () => store.failures > 0);
    store.isAway = false;
    await until('the reader to have caught up', () => reader.tail.applied === 1);
  });

  test('lets those go who wait for a change when the process ends, and still answers reads', async () => {
    const woken = new Promise<void>((resolve) => reader.tail.watch(['table:job'], resolve));
    reader.tail.answerWaiting();
    await woken;
    expect(reader.tail.isEnding).toBe(true);
    expect(await reader.tail.readIndex()).toBe(0);
  });

  test('that is closed keeps nobody waiting for what it will not apply any more', async () => {
    await reader.tail.close();
    await writer.execute(registered(jobSpec({ id: 'web' })));
    await expect(reader.tail.readIndex()).rejects.toThrow(StoreUnavailable);
  });
});
