import {
  NAMESPACED_TYPES,
  parseExact,
  streamKey,
  streamType,
  type Index,
  type RecordedEvent,
  type StreamName,
  type TimeUs,
} from '@app/kernel';
import { randomUUID } from 'node:crypto';
import { CHAIN_BEGIN, commitDigest, nextLink, type ChainedCommit } from '../chain.js';
import { numberEvents } from '../numbered.js';
import { pendingDigits, withIndex } from '../pending-index.js';
import type { EventMatch, Found, FoundEvent, LogSearch, Span, Tallies } from '../search.js';
import { countIn, searchIn } from './search-in-memory.js';
import type {
  Append,
  AppendResult,
  ChainPart,
  EventStore,
  Head,
  Lease as LeaseNow,
  Leases,
  PastLog,
  PastStream,
  RowWrite,
  StoredState,
} from '../port.js';

/** A projected row: JSON text, as the database would hold it. */
export interface MemoryRow {
  readonly columns: Readonly<Record<string, unknown>>;
  readonly document: string | null;
}

interface Lease {
  readonly holder: string;
  readonly epoch: number;
  readonly expiresAt: number;
}

/** The store without a database, for tests: the same answers as Postgres, kept for as long as the object lives. */
export class MemoryEventStore implements EventStore, Leases, PastLog, LogSearch {
  /** The projected rows by table and key. */
  readonly tables = new Map<string, Map<string, MemoryRow>>();
  private readonly log: RecordedEvent[] = [];
  private readonly streams = new Map<StreamName, StoredState>();
  private readonly indexes = new Map<string, Index>();
  private readonly keys = new Map<string, { fingerprint: string; index: Index; answer: string }>();
  private readonly leases = new Map<string, Lease>();
  private readonly listeners = new Set<(head: Index) => void>();
  private readonly storeEpoch = randomUUID();
  private head: Index = 0;
  private readonly commits: ChainedCommit[] = [];

  /** `checkRow` plays the part of a table's constraints: what it throws fails the command. */
  constructor(private readonly checkRow: (row: RowWrite) => void = () => undefined) {}

  async appendBatch(commands: readonly Append[]): Promise<AppendResult[]> {
    const before = this.head;
    const results = commands.map((command) => this.append(command));
    if (this.head > before) {
      const { head } = this;
      queueMicrotask(() => this.listeners.forEach((listener) => listener(head)));
    }
    return results;
  }

  async load(streams: readonly StreamName[]): Promise<Map<StreamName, StoredState>> {
    return this.pick(streams, (stored) => stored);
  }

  async versions(streams: readonly StreamName[]): Promise<Map<StreamName, number>> {
    return this.pick(streams, ({ version }) => version);
  }

  async findKey(key: string): Promise<{ fingerprint: string; index: Index; answer: string } | undefined> {
    return this.keys.get(key);
  }

  async readHead(): Promise<Head> {
    return { index: this.head, chain: this.commits.at(-1)?.chain ?? CHAIN_BEGIN, storeEpoch: this.storeEpoch };
  }

  async readAfter(index: Index, limit: number): Promise<RecordedEvent[]> {
    const start = this.log.findIndex((event) => event.index > index);
    if (start < 0) return [];
    const last = this.log[Math.min(start + limit, this.log.length) - 1];
    const end = this.log.findIndex((event) => last !== undefined && event.index > last.index);
    return this.log
      .slice(start, end < 0 ? undefined : end)
      .map((event) => ({ ...event, chain: event.seq === 0 ? this.commits[event.index - 1]!.chain : null }));
  }

  async readChain(index: Index, limit: number): Promise<ChainPart> {
    const last = (await this.readAfter(index, limit)).at(-1)?.index ?? index;
    const previous = index === 0 ? CHAIN_BEGIN : (this.commits[index - 1]?.chain ?? null);
    return { from: 1, previous, commits: this.commits.slice(index, last) };
  }

  async readBeginnings(
    parts: ReadonlyMap<StreamName, { readonly from: number; readonly below: number }>,
  ): Promise<RecordedEvent[]> {
    return this.log.filter(({ stream, version }) => {
      const part = parts.get(stream);
      return part !== undefined && version >= part.from && version < part.below;
    });
  }

  async readStream(stream: StreamName, fromVersion: number): Promise<RecordedEvent[]> {
    return this.log.filter((event) => event.stream === stream && event.version >= fromVersion);
  }

  async loadAt(streams: readonly StreamName[], index: Index): Promise<Map<StreamName, PastStream>> {
    const found = new Map<StreamName, PastStream>();
    for (const stream of streams) {
      const events = this.log.filter((event) => event.stream === stream && event.index <= index);
      if (events.length > 0) found.set(stream, { base: undefined, events });
    }
    return found;
  }

  async lastOfTypes(index: Index): Promise<Map<string, Index>> {
    return new Map(
      this.log.filter((event) => event.index <= index).map((event) => [streamType(event.stream), event.index]),
    );
  }

  async indexAt(time: TimeUs): Promise<{ index: Index; isFinal: boolean }> {
    const later = this.log.find((event) => event.time > time);
    return later === undefined ? { index: this.head, isFinal: false } : { index: later.index - 1, isFinal: true };
  }

  async search(match: EventMatch, span: Span, limit: number): Promise<Found> {
    return searchIn(this.found(), match, span, limit);
  }

  async count(match: EventMatch, edges: readonly Index[], byNamespace: boolean): Promise<Tallies> {
    return countIn(this.found(), match, edges, byNamespace);
  }

  async timesOf(indexes: readonly Index[]): Promise<Map<Index, TimeUs>> {
    return new Map(this.log.filter(({ index }) => indexes.includes(index)).map(({ index, time }) => [index, time]));
  }

  async tableIndexes(): Promise<Record<string, Index>> {
    return Object.fromEntries(this.indexes);
  }

  async listen(onWake: (head: Index) => void): Promise<() => Promise<void>> {
    this.listeners.add(onWake);
    return async () => void this.listeners.delete(onWake);
  }

  async acquireLease(name: string, holder: string, ttlMs: number): Promise<number | undefined> {
    const known = this.leases.get(name);
    if (known !== undefined && known.holder !== holder && known.expiresAt > Date.now()) return undefined;
    const epoch = (known?.epoch ?? 0) + 1;
    this.leases.set(name, { holder, epoch, expiresAt: Date.now() + ttlMs });
    return epoch;
  }

  async renewLease(name: string, epoch: number, ttlMs: number): Promise<boolean> {
    const known = this.leases.get(name);
    if (known?.epoch !== epoch) return false;
    this.leases.set(name, { ...known, expiresAt: Date.now() + ttlMs });
    return true;
  }

  async listLeases(): Promise<LeaseNow[]> {
    return Array.from(this.leases, ([name, { holder, epoch, expiresAt }]) => ({
      name,
      holder,
      epoch,
      expiresAt: expiresAt * 1000,
      expired: expiresAt <= Date.now(),
    })).sort((a, b) => (a.name < b.name ? -1 : 1));
  }

  async releaseLease(name: string, epoch: number): Promise<void> {
    await this.renewLease(name, epoch, 0);
  }

  async close(): Promise<void> {
    this.listeners.clear();
  }

  /** All events, each with the namespace of its object. */
  private found(): FoundEvent[] {
    const namespaceOf = (stream: StreamName): string => {
      if (NAMESPACED_TYPES.has(streamType(stream))) return streamKey(stream).split('/')[0]!;
      return (JSON.parse(this.streams.get(stream)!.state) as { namespace?: string }).namespace ?? '';
    };
    return this.log.map((event) => ({ ...event, namespace: namespaceOf(event.stream) }));
  }

  private pick<T>(streams: readonly StreamName[], value: (stored: StoredState) => T): Map<StreamName, T> {
    const found = new Map<StreamName, T>();
    for (const stream of streams) {
      const stored = this.streams.get(stream);
      if (stored !== undefined) found.set(stream, value(stored));
    }
    return found;
  }

  private append(command: Append): AppendResult {
    const used = command.idempotency && this.keys.get(command.idempotency.key);
    if (used !== undefined)
      return used.fingerprint === command.idempotency?.fingerprint
        ? { kind: 'duplicate', index: used.index, answer: used.answer }
        : { kind: 'key-reused' };
    if (command.fence !== undefined && this.leases.get(command.fence.lease)?.epoch !== command.fence.epoch)
      return { kind: 'fenced' };
    const moved = Array.from(command.expect).flatMap(([stream, version]) =>
      (this.streams.get(stream)?.version ?? 0) === version ? [] : [stream],
    );
    if (moved.length > 0) return { kind: 'conflict', streams: moved };
    try {
      return { kind: 'appended', index: this.write(command) };
    } catch (error) {
      return { kind: 'failed', error: error as Error };
    }
  }

  /** Everything that can fail comes first: a failed command leaves nothing behind. */
  private write(command: Append): Index {
    const { eventVersions, written } = numberEvents(command);
    const index = command.events.length === 0 ? 0 : this.head + 1;
    const rows = command.rows.map((row) => this.rowWithIndex(row, index));
    if (new Set(rows.map(({ table, key }) => `${table}\0${key}`)).size < rows.length)
      throw new Error('a command writes a row at most once');
    const events = command.events.map((event, seq): RecordedEvent => ({
      index,
      seq,
      stream: event.stream,
      version: eventVersions[seq] ?? 0,
      type: event.type,
      schema: event.schema,
      data: parseExact(event.data) as object,
      meta: command.meta,
      time: command.time,
    }));

    if (command.idempotency !== undefined) {
      const { key, fingerprint, answer } = command.idempotency;
      this.keys.set(key, { fingerprint, index, answer: withIndex(answer, index) });
    }
    if (index === 0) return 0;
    const meta = JSON.stringify(command.meta);
    const chained = command.events.map((event, seq) => ({ ...event, version: eventVersions[seq] ?? 0 }));
    const digest = commitDigest({ time: command.time, meta, events: chained });
    const chain = nextLink(this.commits.at(-1)?.chain ?? CHAIN_BEGIN, index, digest);
    this.commits.push({ index, digest, chain });
    this.head = index;
    this.log.push(...events);
    for (const { stream, state } of command.snapshots)
      this.streams.set(stream, { version: written.get(stream) ?? 0, lastIndex: index, state: withIndex(state, index) });
    for (const { table, key, columns, document } of rows) {
      const keyed = this.tables.get(table) ?? new Map<string, MemoryRow>();
      this.tables.set(table, keyed);
      if (columns === null) keyed.delete(key);
      else keyed.set(key, { columns, document });
      this.indexes.set(table, index);
    }
    return index;
  }

  private rowWithIndex(row: RowWrite, index: Index): RowWrite {
    if (row.key.includes('\0') || row.document?.includes('\0')) throw new Error('text must not hold a zero byte');
    this.checkRow(row);
    const columns = JSON.stringify(row.columns);
    return {
      ...row,
      key: withIndex(row.key, index),
      columns: (columns.includes(pendingDigits)
        ? JSON.parse(withIndex(columns, index))
        : JSON.parse(columns)) as RowWrite['columns'],
      document: row.document === null ? null : withIndex(row.document, index),
    };
  }
}
