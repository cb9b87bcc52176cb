import type { Place, RollbookEvent } from './event.js';

/** The latest event that was applied for a key. */
export interface Applied extends Place {
  readonly storeEpoch: string;
}

/** What an event is to somebody who has applied the ones before. */
export type Verdict =
  /** The next one of its key. */
  | { readonly kind: 'new' }
  /** Applied before: delivered again, or published again after a rewind. */
  | { readonly kind: 'duplicate' }
  /** Events between the last one applied and `missing` have not been seen: the table cannot be right without them. */
  | { readonly kind: 'gap'; readonly applied: Place; readonly missing: Place }
  /** The first one of another log, after a restore: everything that came from the log before is void. */
  | { readonly kind: 'new-epoch'; readonly storeEpoch: string };

const NOTHING: Place = { index: 0, seq: 0 };

export const comesAfter = (a: Place, b: Place): boolean => a.index > b.index || (a.index === b.index && a.seq > b.seq);

/** Judges an event by the last one that was applied for its key (undefined: none). Pure: keep what was applied with your table. */
export function judge(applied: Applied | undefined, event: RollbookEvent): Verdict {
  if (applied !== undefined && applied.storeEpoch !== event.storeEpoch)
    return { kind: 'new-epoch', storeEpoch: event.storeEpoch };
  const last: Place = applied ?? NOTHING;
  // Index 0 is never used, so that a place of index 0 is "nothing"; seq counts from 0.
  if (applied !== undefined && !comesAfter(event, last)) return { kind: 'duplicate' };
  if (event.previous.index > 0 && (applied === undefined || comesAfter(event.previous, last)))
    return { kind: 'gap', applied: { index: last.index, seq: last.seq }, missing: event.previous };
  return { kind: 'new' };
}

/** What an {@link EventTracker} knows, as JSON. */
export interface TrackerState {
  readonly storeEpoch: string | undefined;
  readonly retiredEpochs: readonly string[];
  readonly applied: Readonly<Record<string, Place>>;
}

/**
 * Remembers what was applied, of all keys. Store its state in one transaction with what you make of the events (and with the offsets of the
 * partitions), and the table is exact whatever is killed when.
 */
export class EventTracker {
  private storeEpoch: string | undefined;
  private readonly retired: Set<string>;
  private readonly applied: Map<string, Place>;

  constructor(state?: TrackerState) {
    this.storeEpoch = state?.storeEpoch;
    this.retired = new Set(state?.retiredEpochs);
    this.applied = new Map(Object.entries(state?.applied ?? {}));
  }

  /** Events of a log that has been replaced are duplicates: partitions are read at different speeds. */
  judge(event: RollbookEvent): Verdict {
    if (this.retired.has(event.storeEpoch)) return { kind: 'duplicate' };
    const { storeEpoch } = this;
    if (storeEpoch !== undefined && storeEpoch !== event.storeEpoch)
      return { kind: 'new-epoch', storeEpoch: event.storeEpoch };
    const place = this.applied.get(event.key);
    return judge(place && { ...place, storeEpoch: event.storeEpoch }, event);
  }

  /** Notes that the event was applied. The first one of a new log makes it forget the log before. */
  accept(event: RollbookEvent): void {
    if (this.storeEpoch !== event.storeEpoch) {
      if (this.storeEpoch !== undefined) this.retired.add(this.storeEpoch);
      this.storeEpoch = event.storeEpoch;
      this.applied.clear();
    }
    this.applied.set(event.key, { index: event.index, seq: event.seq });
  }

  state(): TrackerState {
    return { storeEpoch: this.storeEpoch, retiredEpochs: [...this.retired], applied: Object.fromEntries(this.applied) };
  }
}
