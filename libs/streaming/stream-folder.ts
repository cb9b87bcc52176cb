import { evolve, upcast, type AggregateState } from '@app/domain';
import type { EventStore } from '@app/event-store';
import { parseExact, type RecordedEvent, type StreamName } from '@app/kernel';
import { LRUCache } from 'lru-cache';

/** Characters of JSON of the states that are kept between batches (the objects take some three times that in bytes). */
const CACHED_TEXT = 64_000_000;
/** Streams whose beginnings are read in one query. */
const FOLDED_AT_ONCE = 200;
/** What is shown as it was before, or beside it. */
const NEEDS_BEFORE: ReadonlySet<string> = new Set([
  'JobPurged',
  'EvaluationCompleted',
  'EvaluationFailed',
  'EvaluationBlocked',
]);

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
 * stored snapshot where this is the state after the only event of the stream in question, else from folding the streams, many in one query.
 */
export class StreamFolder {
  private readonly states: LRUCache<StreamName, Standing>;

  /** @param maxText how many characters of JSON of states are kept between batches */
  constructor(
    private readonly store: Pick<EventStore, 'load' | 'readBeginnings'>,
    maxText = CACHED_TEXT,
  ) {
    this.states = new LRUCache<StreamName, Standing>({ maxSize: maxText });
  }

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
      const from = known?.version ?? 0;
      if (at === undefined && from !== event.version - 1)
        throw new Error(`events of ${event.stream} are missing between versions ${from} and ${event.version}`);
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
      if (snapshot?.version !== first.version || repeated.has(first.stream) || NEEDS_BEFORE.has(first.type))
        return true;
      standing.set(first.stream, { version: first.version, state: parseExact(snapshot.state) as AggregateState });
      return false;
    });
    for (let i = 0; i < toFold.length; i += FOLDED_AT_ONCE)
      await this.foldBefore(toFold.slice(i, i + FOLDED_AT_ONCE), standing);
    return standing;
  }

  /** The states of streams before these events, from their beginnings or from what is kept of them, in one query. */
  private async foldBefore(firsts: readonly RecordedEvent[], standing: Map<StreamName, Standing>): Promise<void> {
    const parts = new Map<StreamName, { readonly from: number; readonly below: number }>();
    for (const { stream, version } of firsts) {
      const kept = this.states.get(stream);
      const from = kept !== undefined && kept.version < version ? kept : { version: 0, state: undefined };
      standing.set(stream, from);
      parts.set(stream, { from: from.version + 1, below: version });
    }
    for (const event of await this.store.readBeginnings(parts)) {
      const { stream, version } = event;
      const state = evolve(stream, standing.get(stream)?.state, upcast(event), event);
      standing.set(stream, { version, state });
    }
    for (const { stream, version } of firsts) {
      const reached = standing.get(stream)?.version;
      if (reached !== version - 1)
        throw new Error(`${stream} has no event ${(reached ?? 0) + 1}, but event ${version}`);
    }
  }
}
