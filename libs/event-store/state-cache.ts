import { parseExact, type Index, type StreamName } from '@app/kernel';
import { LRUCache } from 'lru-cache';
import { coalesce } from './coalesce.js';
import { MAX_CACHED_STATES, MAX_CACHED_TEXT } from './limits.js';
import type { EventStore } from './port.js';

/** A stream as this process last saw it; version 0 and undefined: it has no events. */
export interface CachedState {
  readonly version: number;
  /** The index of its last event. */
  readonly lastIndex: Index;
  readonly state: unknown;
}

/** What an entry costs beside the text of its state. */
const ENTRY_OVERHEAD = 200;

export const NO_EVENTS: CachedState = { version: 0, lastIndex: 0, state: undefined };

/** The newest known states, bounded by number and size. An entry may be behind the store, never ahead of it. */
export class StateCache {
  private readonly entries: LRUCache<StreamName, CachedState>;
  private readonly fetch: (streams: Iterable<StreamName>) => Promise<ReadonlyMap<StreamName, CachedState>>;

  constructor(store: Pick<EventStore, 'load'>, maxStates = MAX_CACHED_STATES, maxText = MAX_CACHED_TEXT) {
    this.entries = new LRUCache({ max: maxStates, maxSize: maxText });
    this.fetch = coalesce(async (streams) => {
      const stored = await store.load(streams);
      return new Map(
        streams.map((stream) => {
          const found = stored.get(stream);
          const entry =
            found === undefined
              ? NO_EVENTS
              : { version: found.version, lastIndex: found.lastIndex, state: parseExact(found.state) };
          this.put(stream, entry, found?.state.length ?? 0);
          return [stream, entry];
        }),
      );
    });
  }

  get(stream: StreamName): CachedState | undefined {
    return this.entries.get(stream);
  }

  /** Keeps a state unless a newer one is known already: a slow load must not undo a commit. */
  put(stream: StreamName, entry: CachedState, textLength: number): void {
    const known = this.entries.peek(stream);
    if (known !== undefined && known.version > entry.version) return;
    this.entries.set(stream, entry, { size: textLength + stream.length + ENTRY_OVERHEAD });
  }

  drop(streams: Iterable<StreamName>): void {
    for (const stream of streams) this.entries.delete(stream);
  }

  /** Reads streams from the store; what was read is also returned, because the cache may not have room for all of it. */
  load(streams: Iterable<StreamName>): Promise<ReadonlyMap<StreamName, CachedState>> {
    return this.fetch(streams);
  }
}
