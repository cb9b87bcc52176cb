import { AsyncLocalStorage } from 'node:async_hooks';
import type { EventStore } from '@app/event-store';
import type { ReadModels } from '@app/read-models';
import type { AnswerCache } from '../answer-cache.js';
import type { KeptLists } from '../lists/kept-lists.js';
import type { LogTail } from '../log-tail.js';

/** What answers are made of, all from one database. Caches are its own: what is kept is as old as the database that it was read from. */
export interface ReadSide {
  readonly tail: LogTail;
  readonly cache: AnswerCache;
  readonly lists: KeptLists;
  readonly readModels: ReadModels;
  readonly states: Pick<EventStore, 'load' | 'readStream'>;
}

/** It goes with the request and not with each call, as `readingAsOf` does: every read of an answer is of the same database. */
const reading = new AsyncLocalStorage<ReadSide>();

/** Does something that reads from another side than the instance's own. */
export const readingFrom = <T>(side: ReadSide, work: () => T): T => reading.run(side, work);

/** The instance's own part of a side; within `readingFrom` it is that side's. */
export function ofTheSide<T extends object>(own: T, partOf: (side: ReadSide) => T): T {
  return new Proxy(own, {
    get(target, name) {
      const side = reading.getStore();
      const part = side === undefined ? target : partOf(side);
      const value: unknown = part[name as keyof T];
      return typeof value === 'function' ? (value.bind(part) as unknown) : value;
    },
  });
}
