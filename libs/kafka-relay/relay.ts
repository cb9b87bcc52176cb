import type { EventStore } from '@app/event-store';
import type { Index, RecordedEvent, TimeUs } from '@app/kernel';
import { StreamFolder } from '@app/streaming';
import { setTimeout as delay } from 'node:timers/promises';
import { Encoder, type Links } from './encode.js';
import {
  BACKOFF_FIRST_MS,
  BACKOFF_MAX_MS,
  FIRST_PAGE_EVENTS,
  IDLE_MS,
  PAGE_EVENTS,
  STOP_BOUND_MS,
  TRANSACTION_BYTES,
  TRANSACTION_INTERVAL_MS,
} from './limits.js';
import type { Place, Position } from './record.js';
import type { Publication, RecordSink, SinkSession } from './sink.js';

/** Where the relay reports how it fares. */
export interface RelayMetrics {
  /** One transaction is visible. */
  published(events: number, records: number, transactionMs: number): void;
  /** Something failed; it is tried again. */
  failed(): void;
}

/** What the relay knows of its lag; times in microseconds since 1970. */
export interface RelayProgress {
  /** Everything up to here is in Kafka; undefined as long as Kafka was not asked. */
  readonly published: Index | undefined;
  /**
   * The time of the oldest commit that is known of and not yet in Kafka. As long as Kafka was not asked, of those since the relay began: those
   * before may be there or not.
   */
  readonly oldestPending: TimeUs | undefined;
  /** Since when every attempt has failed, by the monotonic clock in milliseconds; undefined: the last one succeeded, or there was none. */
  readonly failingSinceMs: number | undefined;
  /** Events in a commit on average, as far as seen; 1 before that. */
  readonly eventsPerCommit: number;
}

/** What a relay has to know of a commit before it reads it. */
export interface CommitSeen {
  readonly index: Index;
  readonly time: TimeUs;
}

/** The transaction in which a commit of a trace became visible. Times in milliseconds of the monotonic clock. */
export interface PublishedCommit {
  readonly traceparent: string;
  readonly index: Index;
  /** Events of the transaction. */
  readonly events: number;
  readonly begunMs: number;
  readonly visibleMs: number;
}

export interface RelayOptions {
  readonly store: Pick<EventStore, 'readHead' | 'readAfter' | 'readBeginnings' | 'readChain' | 'load'>;
  readonly sink: RecordSink;
  /** Calls back with each commit, or, sooner or later, with one that stands for several; the returned function ends it. */
  readonly onCommit: (wake: (commit: CommitSeen) => void) => () => void;
  readonly metrics: RelayMetrics;
  readonly onError: (error: unknown) => void;
  /** Is told of each commit of a trace. */
  readonly onTraced?: ((commit: PublishedCommit) => void) | undefined;
}

interface Batch extends Publication {
  readonly events: number;
  readonly bytes: number;
  /** The time of its last commit. */
  readonly until: TimeUs;
  /** Its commits that are parts of traces. */
  readonly traced: readonly Pick<PublishedCommit, 'traceparent' | 'index'>[];
}

/**
 * Publishes the log, each commit once and in order, and only ever reads it.
 *
 *   opening ──position read──► following: read a page ► fold and encode (while the page before is being published) ► publish ─┐
 *      ▲                            ▲                                                                                         │
 *      │ backoff                    └────────────────────────────── next page, or wait for the next commit ◄──────────────────┘
 *      └──────── anything fails: the session is thrown away ◄─────────┘
 *
 * Records and position become visible together, so whatever fails at whatever moment, the next session continues where readers see the end.
 * At the end of the log the next page is read only when the one before is published, so that it has all that was committed meanwhile.
 * At most two batches are in memory. Nothing is ever skipped: what cannot be published keeps the relay trying, and saying so.
 */
export class Relay {
  private readonly stopping = new AbortController();
  private running: Promise<void> | undefined;
  private woken: (() => void) | undefined;
  private news = false;
  private failures = 0;
  private published: Index | undefined;
  private oldestPending: TimeUs | undefined;
  private failingSinceMs: number | undefined;
  private readonly seen = { commits: 0, events: 0 };

  constructor(private readonly options: RelayOptions) {}

  get progress(): RelayProgress {
    const { commits, events } = this.seen;
    return {
      published: this.published,
      oldestPending: this.oldestPending,
      failingSinceMs: this.failingSinceMs,
      eventsPerCommit: commits === 0 ? 1 : events / commits,
    };
  }

  start(): void {
    this.running ??= this.run();
  }

  /** Ends after the transaction under way, but does not wait for a Kafka that does not answer. */
  async stop(): Promise<void> {
    this.stopping.abort();
    this.woken?.();
    await Promise.race([this.running, delay(STOP_BOUND_MS, undefined, { ref: false })]);
  }

  private async run(): Promise<void> {
    const stopListening = this.options.onCommit(({ index, time }) => {
      this.news = true;
      // Also while Kafka is away and nothing is read: an outage must show. One that was published before it was announced is cleared by the next read.
      if (this.published === undefined || index > this.published) this.oldestPending ??= time;
      this.woken?.();
    });
    const { signal } = this.stopping;
    while (!signal.aborted) {
      try {
        await this.follow();
      } catch (error) {
        this.failingSinceMs ??= performance.now();
        this.options.metrics.failed();
        this.options.onError(error);
        const pause = Math.min(BACKOFF_FIRST_MS * 2 ** Math.min(this.failures++, 10), BACKOFF_MAX_MS);
        await delay(pause, undefined, { signal }).catch(() => undefined);
      }
    }
    stopListening();
  }

  /** One session, from its opening until the relay stops. @throws when anything fails. */
  private async follow(): Promise<void> {
    const { store, sink } = this.options;
    const head = await store.readHead();
    const session = await sink.open(head.storeEpoch);
    const publisher = new Publisher(session, this.stopping.signal);
    try {
      const start: Position = session.position ?? { index: 0, generation: 1 };
      if (head.index < start.index)
        throw new Error(
          `Kafka holds the log up to index ${start.index}, but the log ends at ${head.index}: it has lost commits`,
        );
      this.published = start.index;
      if (start.index >= head.index) this.failingSinceMs = undefined;
      const folder = new StreamFolder(store);
      const heads = new Map(session.heads);
      const links: Links = { previous: null, last: (await store.readChain(start.index, 1)).previous };
      // As many events as make a transaction of the wanted size, going by those before.
      let page = FIRST_PAGE_EVENTS;
      for (let { index } = start; !this.stopping.signal.aborted;) {
        this.news = false;
        const events = await store.readAfter(index, page);
        if (events.length === 0) {
          await publisher.settled();
          this.oldestPending = undefined;
          if (await this.newsOrIdle()) continue;
          await this.checkEpoch(head.storeEpoch);
          await publisher.publish({ records: [], heads: new Map(), position: { ...start, index } });
          continue;
        }
        this.oldestPending ??= events[0]!.time;
        const batch = await this.encode(events, folder, { heads, links }, head.storeEpoch, session, start.generation);
        await publisher.publish(batch, (transactionMs) => this.noted(batch, transactionMs));
        index = batch.position.index;
        if (events.length < page) await publisher.rested();
        page = Math.max(1, Math.min(PAGE_EVENTS, Math.floor((TRANSACTION_BYTES * events.length) / batch.bytes)));
      }
      await publisher.settled();
    } finally {
      await session.close();
    }
  }

  private async encode(
    events: readonly RecordedEvent[],
    folder: StreamFolder,
    { heads, links }: { readonly heads: Map<string, Place>; readonly links: Links },
    storeEpoch: string,
    session: SinkSession,
    generation: number,
  ): Promise<Batch> {
    const encoder = new Encoder({ storeEpoch, generation, maxValueBytes: session.maxValueBytes }, heads, links);
    await folder.fold(events, (folded) => encoder.add(folded));
    const last = events.at(-1)!;
    this.seen.commits += new Set(events.map(({ index }) => index)).size;
    this.seen.events += events.length;
    return {
      records: encoder.all(),
      heads: encoder.touched,
      position: { index: last.index, generation },
      events: events.length,
      bytes: encoder.bytes,
      until: last.time,
      traced: this.options.onTraced === undefined ? [] : tracedOf(events),
    };
  }

  private noted(batch: Batch, transactionMs: number): void {
    this.failures = 0;
    this.failingSinceMs = undefined;
    this.published = batch.position.index;
    // What is published next is hardly older than this; when there is nothing left, it is cleared.
    this.oldestPending = batch.until;
    this.options.metrics.published(batch.events, batch.records.length, transactionMs);
    if (batch.traced.length === 0) return;
    const visibleMs = performance.now();
    for (const { traceparent, index } of batch.traced)
      this.options.onTraced?.({
        traceparent,
        index,
        events: batch.events,
        begunMs: visibleMs - transactionMs,
        visibleMs,
      });
  }

  /** After a restore another log begins, with a position of its own. */
  private async checkEpoch(storeEpoch: string): Promise<void> {
    if ((await this.options.store.readHead()).storeEpoch !== storeEpoch)
      throw new Error('the log was restored: publishing it from its beginning');
  }

  /** True: there was a commit (or the relay stops); false: there was none for a while. */
  private async newsOrIdle(): Promise<boolean> {
    if (this.news || this.stopping.signal.aborted) return true;
    let timer: NodeJS.Timeout | undefined;
    const outcome = await new Promise<boolean>((resolve) => {
      this.woken = () => resolve(true);
      timer = setTimeout(() => resolve(false), IDLE_MS);
    });
    clearTimeout(timer);
    this.woken = undefined;
    return outcome;
  }
}

const tracedOf = (events: readonly RecordedEvent[]): Batch['traced'] =>
  events.flatMap(({ seq, index, meta: { traceparent } }) =>
    seq > 0 || traceparent === undefined ? [] : [{ traceparent, index }],
  );

/** Publishes one batch at a time, while the caller makes the next one. */
class Publisher {
  private sending: Promise<void> = Promise.resolve();
  private begun = 0;

  constructor(
    private readonly session: SinkSession,
    private readonly signal: AbortSignal,
  ) {}

  /** Waits for the batch before, then begins with this one. @throws what the batch before failed with. */
  async publish(publication: Publication, done: (transactionMs: number) => void = () => undefined): Promise<void> {
    await this.sending;
    if (this.signal.aborted) return;
    this.begun = performance.now();
    this.sending = this.session.publish(publication).then(() => done(performance.now() - this.begun));
    // Whoever waits for it next is told.
    this.sending.catch(() => undefined);
  }

  settled(): Promise<void> {
    return this.sending;
  }

  /** Waits for the batch under way, and until the next one may begin. @throws what it failed with */
  async rested(): Promise<void> {
    await this.sending;
    await delay(Math.max(0, this.begun + TRANSACTION_INTERVAL_MS - performance.now()));
  }
}
