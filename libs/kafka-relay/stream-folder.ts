import { evolve, upcast, type AggregateState } from '@app/domain';
import type { EventStore } from '@app/event-store';
import type { RecordedEvent, StreamName } from '@app/kernel';
import { LRUCache } from 'lru-cache';
import { CACHED_TEXT, FOLDS_AT_ONCE } from './limits.js';

/** An event with its object before and after. */
export interface Folded {
  readonly event: RecordedEvent;
  /** Not known where the state after the event was at hand and nothing needs the one before. */
  readonly before: AggregateState | undefined;
  readonly after: AggregateState | undefined;
}

interface Standing {
  readonly version: number;
  readonly state: AggregateState | undefined;
}

/**
 * Gives every event of the log its object after that event. States follow the log as it is read; one that is not at hand comes from the
 * stored snapshot where this is the state after the only event of the stream in question, else from folding the stream.
 */
export class StreamFolder {
  private readonly states = new LRUCache<StreamName, Standing>({ maxSize: CACHED_TEXT });

  constructor(private readonly store: Pick<EventStore, 'load' | 'readStream'>) {}

  /**
   * `visit` is called for every event, in order, and returns about how much room its object takes.
   * @throws Error for an event that this release does not know.
   */
  async fold(events: readonly RecordedEvent[], visit: (folded: Folded) => number): Promise<void> {
    const standing = await this.standingBefore(events);
    const sizes = new Map<StreamName, number>();
    for (const event of events) {
      const known = standing.get(event.stream);
      const at = known?.version === event.version ? known : undefined;
      const before = at === undefined ? known?.state : undefined;
      const after = at === undefined ? evolve(event.stream, before, upcast(event), event) : at.state;
      standing.set(event.stream, { version: event.version, state: after });
      sizes.set(event.stream, visit({ event, before, after }));
    }
    for (const [stream, state] of standing) this.states.set(stream, state, { size: (sizes.get(stream) ?? 0) + 1 });
  }

  /** The state of each stream before its first event, or (from its snapshot) after its only one. */
  private async standingBefore(events: readonly RecordedEvent[]): Promise<Map<StreamName, Standing>> {
    const firsts = new Map<StreamName, RecordedEvent>();
    const repeated = new Set<StreamName>();
    for (const event of events) {
      if (firsts.has(event.stream)) repeated.add(event.stream);
      else firsts.set(event.stream, event);
    }
    const standing = new Map<StreamName, Standing>();
    const cold: RecordedEvent[] = [];
    for (const [stream, first] of firsts) {
      const kept = this.states.get(stream);
      if (first.version === 1) standing.set(stream, { version: 0, state: undefined });
      else if (kept?.version === first.version - 1) standing.set(stream, kept);
      else cold.push(first);
    }
    if (cold.length === 0) return standing;
    const snapshots = await this.store.load(cold.map(({ stream }) => stream));
    const toFold = cold.filter((first) => {
      const snapshot = snapshots.get(first.stream);
      // A purged job is shown as it was before.
      if (snapshot?.version !== first.version || repeated.has(first.stream) || first.type === 'JobPurged') return true;
      standing.set(first.stream, { version: first.version, state: JSON.parse(snapshot.state) as AggregateState });
      return false;
    });
    const foldNext = async (): Promise<void> => {
      for (let first = toFold.pop(); first !== undefined; first = toFold.pop()) {
        standing.set(first.stream, await this.foldBefore(first));
      }
    };
    await Promise.all(Array.from({ length: FOLDS_AT_ONCE }, foldNext));
    return standing;
  }

  private async foldBefore({ stream, version }: RecordedEvent): Promise<Standing> {
    const kept = this.states.get(stream);
    const from: Standing = kept !== undefined && kept.version < version ? kept : { version: 0, state: undefined };
    let { state } = from;
    for (const event of await this.store.readStream(stream, from.version + 1)) {
      if (event.version >= version) break;
      state = evolve(stream, state, upcast(event), event);
    }
    return { version: version - 1, state };
  }
}
