import type { Index, RecordedEvent, StreamName, TimeUs } from '@app/kernel';
import { Pool } from 'pg';
import { StoreUnavailable } from '../errors.js';
import { independentRuns } from '../independent-runs.js';
import { MAINTENANCE_MS, OUTAGE_DEADLINE_MS, STORE_DEADLINE_MS, TALLY_MS } from '../limits.js';
import { numberEvents } from '../numbered.js';
import type {
  Append,
  AppendResult,
  ChainPart,
  EventStore,
  Head,
  Lease,
  Leases,
  PastLog,
  PastStream,
  StoredState,
} from '../port.js';
import type { EventMatch, Found, LogSearch, Span, Tallies } from '../search.js';
import { AppendConnection } from './append-connection.js';
import type { NumberedAppend } from './append.sql.js';
import { connectionConfig } from './connection.js';
import { count, timesOf } from './count.sql.js';
import { Deadline } from './deadline.js';
import { failureOf, isDiskFull } from './failure.js';
import * as leases from './leases.sql.js';
import * as past from './past.sql.js';
import * as reads from './read.sql.js';
import { search } from './search.sql.js';
import { listenForHead, pollForHead } from './wake-up.js';

export interface PostgresEventStoreOptions {
  readonly url: string;
  /** Connections for reading; one more is for the append, and one for each `listen`. */
  readonly poolSize?: number;
  /** After this a call is given up as StoreUnavailable. */
  readonly deadlineMs?: number;
  /** The upkeep of the log has failed; it is tried again at its next time. */
  readonly onUpkeepFailed?: (error: unknown) => void;
  /** The database is a standby, which is only read and announces nothing. Default: it is not. */
  readonly isStandby?: boolean;
}

const DEFAULT_POOL_SIZE = 8;
/** An append inside the log's partitions looks after the next ones when the head passes a multiple of this. */
const MAINTENANCE_INDEXES = 1_000_000;
/** A refusal for want of disk space is told for this long: whoever asks must try a write to know that it is over. */
const FULL_FOR_MS = 10_000;
/** Rows that serve no longer and are deleted by one statement. */
const FORGOTTEN_AT_ONCE = 1000;

/** The log in Postgres. The database must have been migrated. */
export class PostgresEventStore implements EventStore, Leases, PastLog, LogSearch {
  private readonly deadlineMs: number;
  private readonly pool: Pool;
  private readonly writer: AppendConnection;
  private readonly upkeep: readonly NodeJS.Timeout[] = [];
  private isTallying = false;
  private maintained = 0;
  private isClosed = false;
  /** A deadline has passed without an answer, and there was none since: nobody else is made to wait as long. */
  private isAway = false;
  /** When a write was last refused for want of disk space, by `performance.now()`. */
  private fullAt = -Infinity;

  constructor(private readonly options: PostgresEventStoreOptions) {
    this.deadlineMs = options.deadlineMs ?? STORE_DEADLINE_MS;
    this.pool = new Pool({ ...connectionConfig(options.url), max: options.poolSize ?? DEFAULT_POOL_SIZE });
    // An idle connection that is lost is replaced when it is needed.
    this.pool.on('error', () => undefined);
    this.writer = new AppendConnection(options.url, () => this.presentDeadlineMs);
    // A standby is looked after where it is written.
    if (options.isStandby) return;
    this.upkeep = [
      setInterval(() => this.later(this.maintain()), MAINTENANCE_MS),
      setInterval(() => this.later(this.tally()), TALLY_MS),
    ];
    for (const timer of this.upkeep) timer.unref();
    this.later(this.maintain());
  }

  async appendBatch(commands: readonly Append[]): Promise<AppendResult[]> {
    const results: AppendResult[] = [];
    for (const run of independentRuns(commands)) results.push(...(await this.appendAfter(results, run)));
    const head = results.reduce(
      (highest, result) => (result.kind === 'appended' ? Math.max(highest, result.index) : highest),
      0,
    );
    if (head >= this.maintained + MAINTENANCE_INDEXES) {
      this.maintained = head;
      this.later(this.maintain());
    }
    return results;
  }

  /** What earlier runs have written stays so when the store goes away before a later one is. */
  private async appendAfter(earlier: readonly AppendResult[], run: readonly Append[]): Promise<AppendResult[]> {
    try {
      return await this.appendRun(run);
    } catch (error) {
      if (earlier.length === 0 || !(error instanceof StoreUnavailable)) throw error;
      return run.map(() => ({ kind: 'failed', error }));
    }
  }

  private async appendRun(commands: readonly Append[]): Promise<AppendResult[]> {
    const whole: NumberedAppend[] = [];
    const failures = new Map<number, AppendResult>();
    commands.forEach((append, position) => {
      try {
        whole.push({ append, ...numberEvents(append) });
      } catch (error) {
        failures.set(position, { kind: 'failed', error: error as Error });
      }
    });
    const written = whole.length === 0 ? [] : await this.noting(this.writer.append(whole));
    if (written.length > 0) this.fullAt = -Infinity;
    if (failures.size === 0) return written;
    return commands.flatMap((_, position) => failures.get(position) ?? written.shift() ?? []);
  }

  load(streams: readonly StreamName[]): Promise<Map<StreamName, StoredState>> {
    return this.read((pool) => reads.load(pool, streams));
  }

  versions(streams: readonly StreamName[]): Promise<Map<StreamName, number>> {
    return this.read((pool) => reads.versions(pool, streams));
  }

  findKey(key: string): Promise<{ fingerprint: string; index: Index; answer: string } | undefined> {
    return this.read((pool) => reads.findKey(pool, key));
  }

  readHead(): Promise<Head> {
    return this.read((pool) => reads.readHead(pool));
  }

  readAfter(index: Index, limit: number): Promise<RecordedEvent[]> {
    return this.read((pool) => reads.readAfter(pool, index, limit));
  }

  readChain(index: Index, limit: number): Promise<ChainPart> {
    return this.read((pool) => reads.readChain(pool, index, limit));
  }

  readBeginnings(
    parts: ReadonlyMap<StreamName, { readonly from: number; readonly below: number }>,
  ): Promise<RecordedEvent[]> {
    return this.read((pool) => reads.readBeginnings(pool, parts));
  }

  readStream(stream: StreamName, fromVersion: number): Promise<RecordedEvent[]> {
    return this.read((pool) => reads.readStream(pool, stream, fromVersion));
  }

  tableIndexes(): Promise<Record<string, Index>> {
    return this.read((pool) => reads.tableIndexes(pool));
  }

  loadAt(streams: readonly StreamName[], index: Index): Promise<Map<StreamName, PastStream>> {
    return this.read((pool) => past.loadAt(pool, streams, index));
  }

  lastOfTypes(index: Index): Promise<Map<string, Index>> {
    return this.read((pool) => past.lastOfTypes(pool, index));
  }

  indexAt(time: TimeUs): Promise<{ index: Index; isFinal: boolean }> {
    return this.read((pool) => past.indexAt(pool, time));
  }

  search(match: EventMatch, span: Span, limit: number): Promise<Found> {
    return this.read((pool) => search(pool, match, span, limit));
  }

  count(match: EventMatch, edges: readonly Index[], byNamespace: boolean): Promise<Tallies> {
    return this.read((pool) => count(pool, match, edges, byNamespace));
  }

  timesOf(indexes: readonly Index[]): Promise<Map<Index, TimeUs>> {
    return this.read((pool) => timesOf(pool, indexes));
  }

  listen(onWake: (head: Index) => void, onHeard?: () => void): Promise<() => Promise<void>> {
    const readHead = async (): Promise<Index> => (await this.readHead()).index;
    if (this.options.isStandby) return pollForHead(readHead, onWake, onHeard);
    return listenForHead(this.options.url, readHead, onWake, onHeard);
  }

  acquireLease(name: string, holder: string, ttlMs: number): Promise<number | undefined> {
    return this.read((pool) => leases.acquireLease(pool, name, holder, ttlMs));
  }

  renewLease(name: string, epoch: number, ttlMs: number): Promise<boolean> {
    return this.read((pool) => leases.renewLease(pool, name, epoch, ttlMs));
  }

  releaseLease(name: string, epoch: number): Promise<void> {
    return this.read((pool) => leases.releaseLease(pool, name, epoch));
  }

  listLeases(): Promise<Lease[]> {
    return this.read((pool) => leases.listLeases(pool));
  }

  async close(): Promise<void> {
    this.isClosed = true;
    for (const timer of this.upkeep) clearInterval(timer);
    await this.writer.close();
    await this.pool.end();
  }

  /** A write was refused for want of disk space a moment ago, and none has been taken since. */
  get isDiskFull(): boolean {
    return performance.now() - this.fullAt < FULL_FOR_MS;
  }

  private get presentDeadlineMs(): number {
    return this.isAway ? Math.min(this.deadlineMs, OUTAGE_DEADLINE_MS) : this.deadlineMs;
  }

  private async noting<T>(answer: Promise<T>): Promise<T> {
    try {
      const result = await answer;
      this.isAway = false;
      return result;
    } catch (error) {
      this.isAway = error instanceof StoreUnavailable;
      if (isDiskFull(error)) this.fullAt = performance.now();
      throw error;
    }
  }

  /** The append does without what is done here, so a failure only waits for the next time. */
  private later(upkeep: Promise<void>): void {
    upkeep.catch((error: unknown) => {
      if (!this.isClosed) this.options.onUpkeepFailed?.(error);
    });
  }

  /**
   * Lets what finds events catch up with the log; until then searches look through what is missing. A part at a time: several of large commits would
   * take longer than a statement may, and be tried again for ever.
   */
  async tally(): Promise<void> {
    if (this.isTallying) return;
    this.isTallying = true;
    try {
      for (let parts = 1; parts > 0 && !this.isClosed;) {
        const { rows } = await this.pool.query<{ parts: number }>('SELECT tally_log(1) AS parts');
        parts = rows[0]!.parts;
      }
    } finally {
      this.isTallying = false;
    }
  }

  /** Creates partitions ahead and removes rows that serve no longer. Each statement commits by itself: none holds the head of the log, or many rows, for longer than it needs. */
  private async maintain(): Promise<void> {
    await this.pool.query('SELECT maintain_event_log()');
    for (let went = FORGOTTEN_AT_ONCE; went === FORGOTTEN_AT_ONCE && !this.isClosed;) {
      const { rows } = await this.pool.query<{ went: number }>('SELECT forget_served_rows($1) AS went', [
        FORGOTTEN_AT_ONCE,
      ]);
      went = rows[0]!.went;
    }
  }

  /** Statements that may be repeated: tried again on another connection until the deadline. */
  private read<T>(statement: (pool: Pool) => Promise<T>): Promise<T> {
    return this.noting(this.tryUntilAnswered(statement));
  }

  private async tryUntilAnswered<T>(statement: (pool: Pool) => Promise<T>): Promise<T> {
    const deadline = new Deadline(this.presentDeadlineMs);
    for (;;) {
      try {
        return await deadline.bound(statement(this.pool), () => new StoreUnavailable('nothing-written'));
      } catch (error) {
        if (error instanceof StoreUnavailable || failureOf(error) === 'refused') throw error;
        if (!(await deadline.pause())) throw new StoreUnavailable('nothing-written', { cause: error });
      }
    }
  }
}
