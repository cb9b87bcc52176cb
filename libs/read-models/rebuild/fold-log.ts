import type { Aggregates } from '@app/event-store';
import type { Index, StreamName } from '@app/kernel';
import type { ClientBase } from 'pg';
import { CHUNK_EVENTS, CHUNK_STREAMS, PAGE_EVENTS } from './limits.js';
import { readNewEvents, readStreamPage } from './log.sql.js';
import { StreamFold } from './stream-fold.js';

/** Some whole streams of the log, one after another in order of their names. */
export interface Chunk {
  readonly folds: readonly StreamFold[];
  /** Streams whose events make no sense, and why. */
  readonly failures: ReadonlyMap<StreamName, Error>;
  /** The last stream of the chunk: the next one starts behind it. */
  readonly last: string;
  /** No stream comes after. */
  readonly isLast: boolean;
}

/** Folds the streams that come after a name, and up to another if one is said, as of an index. Bounded: a page of events and a chunk of folds are in memory. */
export async function foldChunk(
  client: ClientBase,
  aggregates: Aggregates,
  after: string,
  upTo: Index,
  through?: string,
): Promise<Chunk> {
  const folds: StreamFold[] = [];
  const failures = new Map<StreamName, Error>();
  let at = { stream: after, version: Number.MAX_SAFE_INTEGER };
  let events = 0;
  for (;;) {
    const page = await readStreamPage(client, at.stream, Math.min(at.version, 2 ** 31 - 1), upTo, through);
    for (const event of page) {
      if (folds.at(-1)?.stream !== event.stream) folds.push(new StreamFold(event.stream, aggregates));
      attempt(failures, folds.at(-1)!, (fold) => fold.add(event));
    }
    events += page.length;
    at = page.at(-1) ?? at;
    const isLast = page.length < PAGE_EVENTS;
    const isFull = folds.length > CHUNK_STREAMS || events > CHUNK_EVENTS;
    if (!isLast && (!isFull || folds.length < 2)) continue;
    // More of the last stream may be on the next page: it opens the next chunk.
    if (!isLast) failures.delete(folds.pop()!.stream);
    for (const fold of folds) attempt(failures, fold, () => fold.settle());
    return { folds, failures, last: folds.at(-1)?.stream ?? after, isLast };
  }
}

/** Brings folds up to an index; those that have been so far are not read again. @throws Unfoldable */
export async function advance(client: ClientBase, folds: readonly StreamFold[], upTo: Index): Promise<void> {
  const byStream = new Map(folds.map((fold) => [fold.stream, fold]));
  for (const event of await readNewEvents(client, folds, upTo)) {
    failingFor(event.stream, () => byStream.get(event.stream)!.add(event));
  }
  for (const fold of folds) failingFor(fold.stream, () => fold.settle());
}

/** The events of a stream make no sense to this release: nothing can be made of them. */
export class Unfoldable extends Error {
  constructor(stream: StreamName, cause: Error) {
    super(`${stream} cannot be folded: ${cause.message}`, { cause });
  }
}

function failingFor(stream: StreamName, work: () => void): void {
  try {
    work();
  } catch (error) {
    throw new Unfoldable(stream, error as Error);
  }
}

function attempt(failures: Map<StreamName, Error>, fold: StreamFold, work: (fold: StreamFold) => void): void {
  if (failures.has(fold.stream)) return;
  try {
    work(fold);
  } catch (error) {
    failures.set(fold.stream, error as Error);
  }
}
