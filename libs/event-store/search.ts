import type { Index, RecordedEvent, StreamName, TimeUs } from '@app/kernel';

/** Which events are looked for; what is absent holds back none. */
export interface EventMatch {
  /** Of one of these streams. */
  readonly streams?: readonly StreamName[];
  /** Of streams of one of these kinds. */
  readonly kinds?: readonly string[];
  /** Of one of these types. */
  readonly types?: readonly string[];
  readonly actor?: string;
  /** Words, each the beginning of one in the reason; upper and lower case are one. Without any word nothing is found. */
  readonly reason?: string;
}

/** How far a search has come: behind an event, or, without `seq`, behind a whole commit. */
export interface Position {
  readonly index: Index;
  readonly seq?: number;
}

/** The commits from `low` to `high`, both included, from the oldest on or from the newest; `from`: where to go on. */
export interface Span {
  readonly low: Index;
  readonly high: Index;
  readonly descending: boolean;
  readonly from?: Position | undefined;
}

/** An event, and whose namespace its object is in; empty: in none. */
export interface FoundEvent extends RecordedEvent {
  readonly namespace: string;
}

export interface Found {
  /** In the order of the log, or against it. */
  readonly events: readonly FoundEvent[];
  /** Where to go on; undefined: this was all. There may be more although few were found, or none. */
  readonly reached: Position | undefined;
}

/** How many events of a kind and a namespace there are between two edges. */
export interface Tally {
  /** Which two: from 0. */
  readonly bucket: number;
  readonly kind: string;
  readonly namespace: string;
  readonly events: number;
}

export interface Tallies {
  readonly tallies: readonly Tally[];
  /** False: the oldest are not counted, as more commits fit the reason, or may be of one node or allocation, than one call goes through. */
  readonly isComplete: boolean;
}

/** The log by what is in it. Whatever is asked, a call does a bounded amount of work. Throws StoreUnavailable as the store does. */
export interface LogSearch {
  /** Up to `limit` of the events that match. */
  search(match: EventMatch, span: Span, limit: number): Promise<Found>;
  /**
   * Counts the events that match between each two neighbours of `edges`: those after the one and up to the other. Edges that end a part of the log
   * ({@link endsPart}) cost nothing.
   *
   * @param byNamespace false: kind and namespace are not needed, and empty
   */
  count(match: EventMatch, edges: readonly Index[], byNamespace: boolean): Promise<Tallies>;
  /** When these commits were made; those that there are not are absent. */
  timesOf(indexes: readonly Index[]): Promise<Map<Index, TimeUs>>;
}

/** Indexes that are tallied together. */
export const PART = 256;
export const partOf = (index: Index): number => Math.floor(index / PART);
export const endsPart = (index: Index): boolean => index === 0 || index % PART === PART - 1;

/** The part of a span that is left, and, where it begins within a commit, behind which event of it. */
export function left({ low, high, descending, from }: Span): { low: Index; high: Index; cut: Position | undefined } {
  if (from === undefined) return { low, high, cut: undefined };
  const whole = from.seq === undefined;
  const cut = whole ? undefined : from;
  return descending
    ? { low, high: Math.min(high, whole ? from.index - 1 : from.index), cut }
    : { low: Math.max(low, whole ? from.index + 1 : from.index), high, cut };
}
