import { streamType, type Index, type StreamName, type TimeUs } from '@app/kernel';
import { commitDigest, nextLink } from '../chain.js';
import { numberEvents } from '../numbered.js';
import { withIndex } from '../pending-index.js';
import type { Append } from '../port.js';

/** A copy of a state is kept with each multiple of this that a stream's version comes to or passes; as the triggers of the tables do. */
const KEPT_EACH = 16;
/** After each so many commits it is noted how far every kind of stream is; as the triggers of the tables do. */
const MOMENT_EACH = 256;

/** Where the log ends. */
export interface LogEnd {
  readonly index: Index;
  readonly chain: string;
  /** The latest time of a commit so far, and the last commit of each type of stream: null, none yet. */
  readonly time: TimeUs | null;
  readonly types: ReadonlyMap<string, Index>;
}

export interface GatheredEvent {
  readonly index: Index;
  readonly seq: number;
  readonly stream: StreamName;
  readonly version: number;
  readonly type: string;
  readonly schema: number;
  readonly data: string;
  readonly meta: string;
  readonly time: TimeUs;
  /** With the first event of a commit. */
  readonly chain: string | null;
}

export interface GatheredState {
  readonly version: number;
  readonly index: Index;
  readonly state: string;
}

export interface GatheredRow {
  columns: string;
  document: string;
}

/** What many commands in a row have written, as the append would have written each: what a later one replaces is left out. */
export class Gathered {
  readonly events: GatheredEvent[] = [];
  /** The version that a stream must have before the first of these commands. */
  readonly expected = new Map<StreamName, number>();
  readonly states = new Map<StreamName, GatheredState>();
  readonly keptStates: (GatheredState & { readonly stream: StreamName })[] = [];
  readonly moments: { readonly index: Index; readonly time: TimeUs; readonly types: string }[] = [];
  /** table → key → row */
  readonly rows = new Map<string, Map<string, GatheredRow>>();
  readonly removed: { readonly table: string; readonly key: string }[] = [];
  readonly tableIndexes = new Map<string, Index>();
  private readonly types: Map<string, Index>;
  private last: { index: Index; chain: string; time: TimeUs | null };

  /** `frozen`: columns of a table that keep the value of a row's first write. */
  constructor(
    readonly begin: LogEnd,
    private readonly frozen: ReadonlyMap<string, readonly string[]>,
  ) {
    this.types = new Map(begin.types);
    this.last = begin;
  }

  get end(): LogEnd {
    return { ...this.last, types: new Map(this.types) };
  }

  /** @throws RangeError for a command that is not whole. */
  add(append: Append): Index {
    const { eventVersions, written } = numberEvents(append);
    const index = this.last.index + 1;
    const meta = JSON.stringify(append.meta);
    const versioned = append.events.map((event, seq) => ({ ...event, version: eventVersions[seq]! }));
    const digest = commitDigest({ time: append.time, meta, events: versioned });
    const chain = nextLink(this.last.chain, index, digest);
    const { time } = append;
    for (const [stream, version] of append.expect)
      if (!this.states.has(stream) && !this.expected.has(stream)) this.expected.set(stream, version);
    for (const [seq, event] of versioned.entries()) {
      this.events.push({ ...event, index, seq, meta, time, chain: seq === 0 ? chain : null });
      this.types.set(streamType(event.stream), index);
    }
    for (const { stream, state } of append.snapshots)
      this.keep(stream, append.expect.get(stream)!, {
        version: written.get(stream)!,
        index,
        state: withIndex(state, index),
      });
    for (const { table, key, columns, document } of append.rows) {
      this.tableIndexes.set(table, index);
      if (columns === null) this.removed.push({ table, key });
      else
        this.write(
          table,
          withIndex(key, index),
          withIndex(JSON.stringify(columns), index),
          withIndex(document ?? '', index),
        );
    }
    this.last = { index, chain, time: Math.max(this.last.time ?? time, time) };
    if (index % MOMENT_EACH === 0)
      this.moments.push({ index, time: this.last.time!, types: JSON.stringify(Object.fromEntries(this.types)) });
    return index;
  }

  private keep(stream: StreamName, before: number, after: GatheredState): void {
    this.states.set(stream, after);
    if (Math.floor(after.version / KEPT_EACH) > Math.floor(before / KEPT_EACH))
      this.keptStates.push({ stream, ...after });
  }

  private write(table: string, key: string, columns: string, document: string): void {
    let rows = this.rows.get(table);
    if (rows === undefined) this.rows.set(table, (rows = new Map()));
    const known = rows.get(key);
    if (known === undefined) rows.set(key, { columns, document });
    else {
      known.columns = withFrozen(this.frozen.get(table), known.columns, columns);
      known.document = document;
    }
  }
}

function withFrozen(frozen: readonly string[] | undefined, first: string, columns: string): string {
  if (frozen === undefined) return columns;
  const kept = Object.entries(JSON.parse(first) as object).filter(([name]) => frozen.includes(name));
  return JSON.stringify({ ...(JSON.parse(columns) as object), ...Object.fromEntries(kept) });
}
