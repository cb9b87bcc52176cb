import type { CommandContext, Decision, EventMeta, Index, StateView, StreamName } from '@app/kernel';
import { Client } from 'pg';
import { attempt, fold, type Prepared } from '../attempt.js';
import type { Aggregates } from '../command.js';
import { MAX_LOAD_ROUNDS } from '../limits.js';
import type { EventStore } from '../port.js';
import { connectionConfig } from '../postgres/connection.js';
import { StateCache, type CachedState } from '../state-cache.js';
import { flush, readLogEnd } from './flush.js';
import { Gathered } from './gathered.js';

/** Events that one transaction writes at least, but for the last one. */
const FLUSH_EVENTS = 40_000;

export interface BulkWriterOptions {
  /** A migrated database; nobody else writes to it meanwhile. */
  readonly url: string;
  readonly store: Pick<EventStore, 'load'>;
  readonly aggregates: Aggregates;
  /** Columns of each table that keep the value of a row's first write. */
  readonly frozen: ReadonlyMap<string, readonly string[]>;
  readonly flushEvents?: number;
}

/** Something that is decided as of a moment of its own. */
export interface BulkCommand<A> {
  readonly decide: (view: StateView, context: CommandContext) => Decision<A>;
  readonly context: CommandContext;
  readonly meta: EventMeta;
}

/**
 * Writes many commands fast: each is decided and folded as by the command handler and gets an index of its own, and what thousands of them make
 * of the tables is written in one transaction. The database is afterwards byte for byte as if `append_events` had written one after another:
 * events, chain, states, rows, table indexes, and what reads of the past begin at. Bounded: two batches and the cache of states are in memory.
 *
 * A command that removes rows is written by itself: what keeps those that have gone looks at the stream as it is then.
 */
export class BulkWriter {
  private readonly cache: StateCache;
  private readonly flushEvents: number;
  private flushing: Promise<void> = Promise.resolve();
  private failure: Error | undefined;
  /** States of the batch at hand, and of the one that is being written. */
  private fresh = new Map<StreamName, CachedState>();
  private leaving: ReadonlyMap<StreamName, CachedState> = new Map();

  private constructor(
    private readonly options: BulkWriterOptions,
    private readonly client: Client,
    private gathered: Gathered,
  ) {
    this.cache = new StateCache(options.store);
    this.flushEvents = options.flushEvents ?? FLUSH_EVENTS;
  }

  static async open(options: BulkWriterOptions): Promise<BulkWriter> {
    const { url, frozen } = options;
    // A batch may take longer than a request may.
    const client = new Client({ ...connectionConfig(url), statement_timeout: 0, query_timeout: 0 });
    // A lost connection shows in the query that fails.
    client.on('error', () => undefined);
    await client.connect();
    return new BulkWriter(options, client, new Gathered(await readLogEnd(client), frozen));
  }

  /** The index of the last command that was taken. */
  get index(): Index {
    return this.gathered.end.index;
  }

  /** Decides a command on what those before it have left, and takes it. @throws Error for one that is refused; LogMoved; the driver's error */
  async execute<A>({ decide, context, meta }: BulkCommand<A>): Promise<A> {
    const { aggregates } = this.options;
    const command = { name: 'bulk', decide, meta };
    const loaded = new Map<StreamName, CachedState>();
    const known = (stream: StreamName): CachedState | undefined =>
      this.fresh.get(stream) ?? this.leaving.get(stream) ?? this.cache.get(stream) ?? loaded.get(stream);
    for (let round = 0; round < MAX_LOAD_ROUNDS; round++) {
      const tried = attempt(command, { aggregates, known, isBlocked: () => false, context });
      switch (tried.kind) {
        case 'missing':
          for (const [stream, state] of await this.cache.load(tried.streams)) loaded.set(stream, state);
          break;
        case 'append':
          await this.take(tried.prepared);
          return tried.prepared.answer as A;
        case 'unchanged':
          return tried.answer as A;
        case 'rejected':
          throw new Error(`refused as ${tried.rejection.code}: ${tried.rejection.detail ?? ''}`);
        case 'outdated':
        case 'blocked':
          throw new Error(`a bulk command was ${tried.kind}`);
      }
    }
    throw new Error('a bulk command reads more and more streams');
  }

  /** Writes what is at hand. @throws LogMoved; the driver's error */
  async finish(): Promise<void> {
    await this.flush();
    await this.flushing;
    if (this.failure !== undefined) throw this.failure;
  }

  async close(): Promise<void> {
    await this.flushing;
    await this.client.end();
  }

  private async take({ append, written }: Prepared): Promise<void> {
    const removes = append.rows.some(({ columns }) => columns === null);
    if (removes) await this.flush();
    const index = this.gathered.add(append);
    const { aggregates } = this.options;
    for (const [stream, { before, events, textLength }] of written) {
      const state = fold(aggregates, stream, before.state, events, index, append.time);
      const entry = { version: before.version + events.length, lastIndex: index, state };
      this.fresh.set(stream, entry);
      this.cache.put(stream, entry, textLength);
    }
    if (removes || this.gathered.events.length >= this.flushEvents) await this.flush();
  }

  /** Hands the batch over as soon as the one before is written; the next one is made meanwhile. */
  private async flush(): Promise<void> {
    await this.flushing;
    if (this.failure !== undefined) throw this.failure;
    const { gathered } = this;
    if (gathered.events.length === 0) return;
    this.leaving = this.fresh;
    this.fresh = new Map();
    this.gathered = new Gathered(gathered.end, this.options.frozen);
    this.flushing = flush(this.client, gathered).catch((error: Error) => {
      this.failure = error;
    });
  }
}
