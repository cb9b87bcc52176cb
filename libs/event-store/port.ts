import type { ChainedCommit } from './chain.js';
import type { EventMeta, Index, RecordedEvent, StreamName, TimeUs } from '@app/kernel';

/** An event to be written; `data` is its JSON text. */
export interface AppendEvent {
  readonly stream: StreamName;
  readonly type: string;
  readonly schema: number;
  readonly data: string;
}

/**
 * One row of an inline projection; its key, too, may hold the pending index. `columns` null deletes the row. A command writes a row (table, key) at most once.
 * `table` selects the functions `project_<table>(keys text[], columns jsonb[], documents text[])` and `unproject_<table>(keys text[])`.
 */
export interface RowWrite {
  readonly table: string;
  readonly key: string;
  readonly columns: Readonly<Record<string, unknown>> | null;
  readonly document: string | null;
}

/** Holds a write back unless the lease still has this epoch. */
export interface Fence {
  readonly lease: string;
  readonly epoch: number;
}

/** What one accepted command wants written; all or nothing. Snapshots, rows and the answer may hold the pending index. */
export interface Append {
  /** The version that each read or written stream must have now; 0: no events yet. Holds every stream of `events`. */
  readonly expect: ReadonlyMap<StreamName, number>;
  /** In order; versions follow from `expect`. May be empty to remember an idempotency key: no index is given out then. */
  readonly events: readonly AppendEvent[];
  /** JSON text of the state after the events: one for each stream of `events`. */
  readonly snapshots: readonly { readonly stream: StreamName; readonly state: string }[];
  readonly rows: readonly RowWrite[];
  readonly meta: EventMeta;
  readonly time: TimeUs;
  readonly fence?: Fence;
  /** The same key with the same fingerprint is answered as before; with another fingerprint it is refused. */
  readonly idempotency?: { readonly key: string; readonly fingerprint: string; readonly answer: string };
}

/** What became of one command of a batch. The checks are made in this order: key, fence, expectations. */
export type AppendResult =
  /** Durable. `index` is 0 for a command without events. */
  | { readonly kind: 'appended'; readonly index: Index }
  | { readonly kind: 'conflict'; readonly streams: readonly StreamName[] }
  | { readonly kind: 'fenced' }
  | { readonly kind: 'duplicate'; readonly index: Index; readonly answer: string }
  | { readonly kind: 'key-reused' }
  /** The command itself cannot be written (text that the database refuses, a failing projection …). Its neighbours are not touched. */
  | { readonly kind: 'failed'; readonly error: Error };

/** The fold of a stream as it was stored with its latest event. `state` is JSON text. */
export interface StoredState {
  readonly version: number;
  readonly lastIndex: Index;
  readonly state: string;
}

export interface Head {
  /** The index of the latest commit; 0: none yet. */
  readonly index: Index;
  /** The hash of the log up to it, 64 hexadecimal digits: chain.ts. */
  readonly chain: string;
  /** A UUID, new after a restore. */
  readonly storeEpoch: string;
}

/** A part of the chain of hashes. */
export interface ChainPart {
  /** The first index that is chained: commits of an earlier release are not. */
  readonly from: Index;
  /** The hash that the commit after `after` follows, as it is stored; null: that is not part of the chain. */
  readonly previous: string | null;
  /** Whole commits, in order. */
  readonly commits: readonly ChainedCommit[];
}

/** The durable log. Every method throws StoreUnavailable when the store does not answer within its deadline. */
export interface EventStore {
  /**
   * Appends commands in one transaction and one round trip. Accepted ones get consecutive indexes in array order; a command is judged as
   * if those before it in the array were written already.
   */
  appendBatch(commands: readonly Append[]): Promise<AppendResult[]>;
  /** The stored states; streams without events are absent. */
  load(streams: readonly StreamName[]): Promise<Map<StreamName, StoredState>>;
  /** Only the versions; streams without events are absent. */
  versions(streams: readonly StreamName[]): Promise<Map<StreamName, number>>;
  /** What an idempotency key was used for. */
  findKey(
    key: string,
  ): Promise<{ readonly fingerprint: string; readonly index: Index; readonly answer: string } | undefined>;
  readHead(): Promise<Head>;
  /** At least `limit` events after the index if there are as many: the commit that reaches the limit is completed, never cut. */
  readAfter(index: Index, limit: number): Promise<RecordedEvent[]>;
  /** The commits after the index, with their digests as of now; as many as hold `limit` events. */
  readChain(index: Index, limit: number): Promise<ChainPart>;
  /** The events of a stream with a version of at least `fromVersion`. */
  readStream(stream: StreamName, fromVersion: number): Promise<RecordedEvent[]>;
  /** Of each stream the events with versions from `from` on and below `below`; those of one stream in their order. */
  readBeginnings(
    parts: ReadonlyMap<StreamName, { readonly from: number; readonly below: number }>,
  ): Promise<RecordedEvent[]>;
  /** The index of the last commit that touched each table. */
  tableIndexes(): Promise<Record<string, Index>>;
  /** Calls back with a head that is higher than the one before, whoever appended, and, where it is elsewhere, whenever the store has answered; the returned function ends it. */
  listen(onWake: (head: Index) => void, onHeard?: () => void): Promise<() => Promise<void>>;
  close(): Promise<void>;
}

/** An event as far as folding needs it. */
export type PastEvent = Pick<RecordedEvent, 'index' | 'stream' | 'version' | 'type' | 'schema' | 'data' | 'time'>;

/** Where folding a stream up to an index begins, and what is left to be folded: some dozen events, and those of one commit. */
export interface PastStream {
  /** Undefined: at its first event. */
  readonly base: StoredState | undefined;
  readonly events: readonly PastEvent[];
}

/** The log as it was. Nothing here goes through the log, or through a stream, from its beginning. Throws StoreUnavailable as the store does. */
export interface PastLog {
  /** Streams as of an index; those that had no event by then are absent. */
  loadAt(streams: readonly StreamName[], index: Index): Promise<Map<StreamName, PastStream>>;
  /** The index of the last commit up to this one that touched a stream of each type. */
  lastOfTypes(index: Index): Promise<Map<string, Index>>;
  /**
   * The index before the first commit that is later than a time: 0 when all are. `isFinal` false: none is later yet, so it is that of the last
   * commit, and further ones may still count as before that time.
   */
  indexAt(time: TimeUs): Promise<{ readonly index: Index; readonly isFinal: boolean }>;
}

/** A lease as it stands. */
export interface Lease {
  readonly name: string;
  readonly holder: string;
  readonly epoch: number;
  /** Microseconds since 1970, by the store's clock. */
  readonly expiresAt: TimeUs;
  /** It has run out, or was released. */
  readonly expired: boolean;
}

/** Leases by name: one holder at a time, an epoch that grows with every change of hands and that appends can be fenced by. */
export interface Leases {
  /** Takes a lease that is free, has run out or is the holder's own. The new epoch, or undefined if another one holds it. */
  acquireLease(name: string, holder: string, ttlMs: number): Promise<number | undefined>;
  /** False: another epoch has begun, the lease is lost. */
  renewLease(name: string, epoch: number, ttlMs: number): Promise<boolean>;
  /** Lets the next one take it at once. */
  releaseLease(name: string, epoch: number): Promise<void>;
  /** Every lease that was ever taken, by name. */
  listLeases(): Promise<Lease[]>;
}
