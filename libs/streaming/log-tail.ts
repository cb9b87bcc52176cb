import { upcast } from '@app/domain';
import { StoreUnavailable, type CommandHandler, type Commit, type EventStore } from '@app/event-store';
import type { DomainEvent, EventMeta, Index, RecordedEvent, StreamName, TimeUs } from '@app/kernel';

/** One commit of the log, as every instance sees it; `state` only where this process made the commit. */
export interface LogCommit {
  readonly index: Index;
  readonly time: TimeUs;
  readonly meta: EventMeta;
  readonly changes: readonly {
    readonly stream: StreamName;
    readonly version: number;
    readonly events: readonly DomainEvent[];
    readonly state?: unknown;
  }[];
}

/** What can be waited for: a stream, or a whole table. */
export type Topic = StreamName | `table:${string}`;

export interface LogTailOptions {
  readonly store: EventStore;
  readonly handler: Pick<CommandHandler, 'onCommitted' | 'invalidate'>;
  readonly tablesOf: (stream: StreamName) => readonly string[];
  readonly onError: (error: unknown) => void;
}

/** How far this process knew the log to be at one moment. Whatever is read from the store afterwards is at least as new. */
export interface Moment {
  /** Everything up to here had been applied. */
  readonly applied: Index;
  /** The index of the last commit that had touched one of these tables. */
  tableIndex(...tables: readonly string[]): Index;
}

/** This process cannot follow the log: a commit that it cannot read, or that one of its listeners cannot take. It neither skips nor guesses. */
export class LogNotFollowed extends Error {
  override readonly name = 'LogNotFollowed';
  constructor(cause: unknown) {
    super(`this instance cannot follow the log: ${cause instanceof Error ? cause.message : String(cause)}`, { cause });
  }
}

const PAGE = 1000;
/** How soon the log is read again after that failed, at first and at most: each failure doubles it. */
const RETRY_MS = 250;
const MAX_RETRY_MS = 4_000;
/** Own commits that wait with their states for those before them; what comes beyond is read from the store when its turn comes. */
const MAX_OWN = 4096;
/** Our own commits are usually announced by the handler a moment after the store shows them: worth a short wait before a read. */
const OWN_COMMIT_GRACE_MS = 2;

/**
 * Follows the log of this store on one instance: applies every commit once, in order, without a gap. Own commits come from the command
 * handler with their states; those of other instances are read when the store wakes us (LISTEN, with a poll behind it).
 *
 *   applied ──► own commit applied+1 ready? ──yes──► apply
 *      ▲                  │ no, but the head is further
 *      └──── apply ◄──────┴──► read the log after `applied`
 */
export class LogTail {
  private appliedIndex: Index = 0;
  private knownHead: Index = 0;
  private readonly own = new Map<Index, Commit>();
  /** The commit that some listeners have taken and another one has thrown at. */
  private halfTaken: { readonly index: Index; readonly by: Set<(commit: LogCommit) => void> } | undefined;
  private retryMs = RETRY_MS;
  private readonly tables = new Map<string, Index>();
  private readonly listeners = new Set<(commit: LogCommit) => void>();
  private readonly watchers = new Map<Topic, Set<() => void>>();
  private readonly waiters: { index: Index; resolve: () => void; reject: (error: unknown) => void }[] = [];
  private headRead: Promise<Index> | undefined;
  private nextHeadRead: Promise<Index> | undefined;
  private catchingUp = false;
  private timer: NodeJS.Timeout | undefined;
  private stopListening: (() => Promise<void>) | undefined;
  private closed = false;
  private ending = false;
  private readonly atEnd = new Set<() => void>();
  private contactAt = performance.now();

  constructor(private readonly options: LogTailOptions) {}

  /** Everything up to here has been applied in this process. */
  get applied(): Index {
    return this.appliedIndex;
  }

  /** Milliseconds since this process last heard from the store how far the log is. */
  get lastContactMs(): number {
    return Math.max(0, Math.round(performance.now() - this.contactAt));
  }

  /** Nobody is to be kept waiting for a change any more. */
  get isEnding(): boolean {
    return this.ending;
  }

  /** Begins at the present head. May be called again when the store did not answer. */
  async start(): Promise<void> {
    const { store, handler } = this.options;
    // The head first: a table's index read later may be of a commit that is still to be applied, never the other way round.
    const { index: head } = await store.readHead();
    const tables = await store.tableIndexes();
    const heard = (): void => void (this.contactAt = performance.now());
    this.stopListening = await store.listen((index) => {
      heard();
      this.wake(index);
    }, heard);
    for (const [table, index] of Object.entries(tables)) this.tables.set(table, index);
    this.appliedIndex = head;
    handler.onCommitted((commit) => {
      if (this.own.size < MAX_OWN) this.own.set(commit.index, commit);
      this.knownHead = Math.max(this.knownHead, commit.index);
      try {
        this.drain();
      } catch (error) {
        this.failed(new LogNotFollowed(error));
      }
    });
    // What was committed before the listening began is announced to nobody.
    this.wake(Math.max(head, ...Object.values(tables)));
  }

  /** Lets everybody go who waits for a change, now and from now on: the process is shutting down. The log is followed until `close`. */
  answerWaiting(): void {
    this.ending = true;
    for (const topic of [...this.watchers.keys()]) this.fire(topic);
    for (const listener of this.atEnd) listener();
  }

  /** Called when those who wait are to be let go. The returned function ends that before. */
  onEnding(listener: () => void): () => void {
    this.atEnd.add(listener);
    return () => this.atEnd.delete(listener);
  }

  async close(): Promise<void> {
    this.closed = true;
    clearTimeout(this.timer);
    this.answerWaiting();
    for (const waiter of this.waiters.splice(0)) waiter.reject(new StoreUnavailable('nothing-written'));
    await this.stopListening?.();
  }

  /** Called for every commit, in order of the index. A commit at which it throws is offered again until it is taken: nothing comes after it before. */
  onCommit(listener: (commit: LogCommit) => void): () => void {
    this.listeners.add(listener);
    return () => this.listeners.delete(listener);
  }

  /** The index of the last commit that touched a table. */
  tableIndex(...tables: readonly string[]): Index {
    return newestOf(this.tables, tables);
  }

  /** Now, as it stays: taken before content is read, it gives the indexes that the content is at least as new as. */
  moment(): Moment {
    const known = new Map(this.tables);
    return { applied: this.appliedIndex, tableIndex: (...tables) => newestOf(known, tables) };
  }

  /**
   * The head as of a moment after this call, applied here: what makes a read linearizable across instances. Calls that come while a read of
   * the head is under way share the next one.
   */
  readIndex(): Promise<Index> {
    if (this.headRead === undefined) return this.startHeadRead();
    const next = (): Promise<Index> => {
      this.nextHeadRead = undefined;
      return this.startHeadRead();
    };
    return (this.nextHeadRead ??= this.headRead.then(next, next));
  }

  private startHeadRead(): Promise<Index> {
    const reading = this.options.store
      .readHead()
      .then(({ index }) => {
        this.contactAt = performance.now();
        return this.reached(index).then(() => index);
      })
      .finally(() => {
        if (this.headRead === reading) this.headRead = undefined;
      });
    return (this.headRead = reading);
  }

  /** Resolves when the commit with this index is applied. */
  reached(index: Index): Promise<void> {
    if (index <= this.appliedIndex) return Promise.resolve();
    if (this.closed) return Promise.reject(new StoreUnavailable('nothing-written'));
    return new Promise((resolve, reject) => {
      this.waiters.push({ index, resolve, reject });
      this.wake(index);
    });
  }

  /** Calls back once when one of the topics moves (or the tail closes). The returned function ends it before. */
  watch(topics: readonly Topic[], wake: () => void): () => void {
    const once = (): void => {
      cancel();
      wake();
    };
    const cancel = (): void => {
      for (const topic of topics) {
        const set = this.watchers.get(topic);
        set?.delete(once);
        if (set?.size === 0) this.watchers.delete(topic);
      }
    };
    for (const topic of topics) {
      const set = this.watchers.get(topic);
      if (set === undefined) this.watchers.set(topic, new Set([once]));
      else set.add(once);
    }
    return cancel;
  }

  private wake(head: Index): void {
    this.knownHead = Math.max(this.knownHead, head);
    this.catchUpIn(OWN_COMMIT_GRACE_MS);
  }

  private catchUpIn(ms: number): void {
    if (this.knownHead > this.appliedIndex && this.timer === undefined && !this.closed) {
      this.timer = setTimeout(() => {
        this.timer = undefined;
        void this.catchUp();
      }, ms);
    }
  }

  /** Reads what other instances wrote. A failure leaves everything as it was, and is tried again: nobody announces the same head twice. */
  private async catchUp(): Promise<void> {
    if (this.catchingUp) return;
    this.catchingUp = true;
    try {
      while (!this.closed && this.appliedIndex < this.knownHead) {
        const before = this.appliedIndex;
        const events = await this.options.store.readAfter(before, PAGE);
        if (!this.take(events, before)) break;
      }
    } catch (error) {
      this.failed(error);
    } finally {
      this.catchingUp = false;
    }
  }

  /** Applies what was read after `before`. False: there was nothing to read. @throws LogNotFollowed */
  private take(events: readonly RecordedEvent[], before: Index): boolean {
    try {
      if (this.appliedIndex === before) for (const commit of commitsIn(events)) this.applyForeign(commit);
      this.drain();
      if (this.appliedIndex > before) return true;
      const [next] = events;
      if (next !== undefined) throw new Error(`there is nothing in it between ${before} and ${next.index}`);
      return false;
    } catch (error) {
      throw new LogNotFollowed(error);
    }
  }

  /** Whoever waits is told; the same commit is tried again. */
  private failed(error: unknown): void {
    this.options.onError(error);
    for (const waiter of this.waiters.splice(0)) waiter.reject(error);
    clearTimeout(this.timer);
    this.timer = undefined;
    this.catchUpIn(this.retryMs);
    this.retryMs = Math.min(2 * this.retryMs, MAX_RETRY_MS);
  }

  private applyForeign(commit: LogCommit): void {
    if (commit.index !== this.appliedIndex + 1) return;
    const own = this.own.get(commit.index);
    if (own !== undefined) return this.drain();
    this.options.handler.invalidate(...commit.changes.map((change) => change.stream));
    this.apply(commit);
  }

  private drain(): void {
    for (
      let commit = this.own.get(this.appliedIndex + 1);
      commit !== undefined;
      commit = this.own.get(this.appliedIndex + 1)
    ) {
      this.apply(commit);
    }
    for (const index of this.own.keys()) if (index <= this.appliedIndex) this.own.delete(index);
    const [next] = this.own.keys();
    if (next !== undefined) this.wake(next);
  }

  /** First everybody takes it, then it counts as applied: what one of them throws at is not passed over. */
  private apply(commit: LogCommit): void {
    this.deliver(commit);
    this.appliedIndex = commit.index;
    this.retryMs = RETRY_MS;
    this.own.delete(commit.index);
    const moved = new Set<Topic>();
    for (const { stream } of commit.changes) {
      moved.add(stream);
      for (const table of this.options.tablesOf(stream)) {
        // At the start a table may be known to be further than what is applied.
        this.tables.set(table, Math.max(commit.index, this.tables.get(table) ?? 0));
        moved.add(`table:${table}`);
      }
    }
    for (const topic of moved) this.fire(topic);
    if (this.waiters.length > 0) this.settleWaiters();
  }

  private deliver(commit: LogCommit): void {
    const taken = this.halfTaken?.index === commit.index ? this.halfTaken.by : undefined;
    const by = taken ?? new Set();
    for (const listener of this.listeners) {
      if (taken?.has(listener)) continue;
      try {
        listener(commit);
      } catch (error) {
        this.halfTaken = { index: commit.index, by };
        throw error;
      }
      by.add(listener);
    }
    this.halfTaken = undefined;
  }

  private settleWaiters(): void {
    const still = this.waiters.filter((waiter) => {
      if (waiter.index > this.appliedIndex) return true;
      waiter.resolve();
      return false;
    });
    this.waiters.splice(0, this.waiters.length, ...still);
  }

  private fire(topic: Topic): void {
    const set = this.watchers.get(topic);
    if (set !== undefined) for (const wake of [...set]) wake();
  }
}

const newestOf = (known: ReadonlyMap<string, Index>, tables: readonly string[]): Index =>
  Math.max(0, ...tables.map((table) => known.get(table) ?? 0));

/** Groups events by index, and within a commit by stream; events of earlier schemas come out in today's. @throws Error at one that this release does not know. */
export const commitsOf = (events: readonly RecordedEvent[]): LogCommit[] => [...commitsIn(events)];

/** The same, commit by commit: what comes before one that cannot be read is had. */
function* commitsIn(events: readonly RecordedEvent[]): Generator<LogCommit> {
  let begin = 0;
  while (begin < events.length) {
    const { index, time, meta } = events[begin]!;
    const changes = new Map<StreamName, { version: number; events: DomainEvent[] }>();
    let end = begin;
    for (; events[end]?.index === index; end++) {
      const { stream, version, type, schema, data } = events[end]!;
      const change = changes.get(stream) ?? { version, events: [] };
      change.version = version;
      change.events.push(upcast({ type, schema, data }));
      changes.set(stream, change);
    }
    yield { index, time, meta, changes: [...changes].map(([stream, change]) => ({ stream, ...change })) };
    begin = end;
  }
}
