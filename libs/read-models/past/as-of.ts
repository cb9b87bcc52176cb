import { AsyncLocalStorage } from 'node:async_hooks';
import type { Index } from '@app/kernel';

/**
 * As of which index the work that is under way reads. It goes with the request and not with each call, so that whatever an answer is made of is of one
 * moment, and every read, also one that is written later, can be asked for the past.
 */
const reading = new AsyncLocalStorage<Index>();

/** Does something that reads as of an index. */
export const readingAsOf = <T>(index: Index, work: () => T): T => reading.run(index, work);

/** As of which index to read; undefined: as things are now. */
export const asOf = (): Index | undefined => reading.getStore();
