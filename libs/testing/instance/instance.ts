import { CommandHandler, migrate, type Command, type EventStore, type Outcome } from '@app/event-store';
import type { TimeUs } from '@app/kernel';
import { aggregates, MIGRATIONS, tablesOf } from '@app/read-models';
import { AnswerCache, LogTail } from '@app/streaming';
import type { Decide } from '../given/world.js';
import { createTestDatabase, type TestDatabase } from '../postgres/test-database.js';

/** One server process as far as the log goes, beside others on the same store. */
export interface TestInstance {
  readonly handler: CommandHandler;
  readonly tail: LogTail;
  readonly cache: AnswerCache;
  /** What the tail has complained of. */
  readonly errors: unknown[];
  execute<A>(decide: Decide<A>, more?: Partial<Command<A>>): Promise<Outcome<A>>;
  close(): Promise<void>;
}

const CACHE_BYTES = 1_000_000;

/** Starts an instance on a store; closing it leaves the store open. */
export async function startInstance(
  store: EventStore,
  clock: () => TimeUs = () => Date.now() * 1000,
): Promise<TestInstance> {
  const handler = new CommandHandler({ store, aggregates, clock });
  const errors: unknown[] = [];
  const tail = new LogTail({ store, handler, tablesOf, onError: (error) => errors.push(error) });
  await tail.start();
  return {
    handler,
    tail,
    errors,
    cache: new AnswerCache(tail, tablesOf, CACHE_BYTES),
    execute: (decide, more) => handler.execute({ name: 'Test', meta: { actor: 'test' }, decide, ...more }),
    async close() {
      await handler.close();
      await tail.close();
    },
  };
}

/** A database of one's own with every table of the product, and nothing in it. */
export const createMigratedDatabase = (): Promise<TestDatabase> =>
  createTestDatabase({ name: 'rollbook', prepare: async (url) => await migrate(url, MIGRATIONS) });

const BOUND_MS = 10_000;
const LOOK_MS = 5;

/** Waits until something holds. @throws Error with the given words after ten seconds. */
export async function until(what: string, holds: () => boolean | Promise<boolean>, boundMs = BOUND_MS): Promise<void> {
  const deadline = Date.now() + boundMs;
  while (!(await holds())) {
    if (Date.now() > deadline) throw new Error(`not within ${boundMs} ms: ${what}`);
    await new Promise((resolve) => setTimeout(resolve, LOOK_MS));
  }
}
