import { upcast } from '@app/domain';
import type { CommandHandler, Commit, EventStore } from '@app/event-store';
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

const PAGE = 1000;
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

  get isClosed(): boolean {
    return this.closed;
  }

  /** Begins at the present head. */
  async start(): Promise<void> {
    const { store, handler } = this.options;
    handler.onCommitted((commit) => {
      this.own.set(commit.index, commit);
      this.drain();
    });
    const [head, tables] = await Promise.all([store.readHead(), store.tableIndexes()]);
    for (const [table, index] of Object.entries(tables)) this.tables.set(table, index);
    this.appliedIndex = Math.max(this.appliedIndex, head.index);
    this.stopListening = await store.listen((index) => {
      this.contactAt = performance.now();
      this.wake(index);
    });
  }

  async close(): Promise<void> {
    this.closed = true;
    clearTimeout(this.timer);
    await this.stopListening?.();
    for (const topic of [...this.watchers.keys()]) this.fire(topic);
    for (const waiter of this.waiters.splice(0)) waiter.reject(new Error('the log tail is closed'));
  }

  /** Called for every commit, in order of the index. */
  onCommit(listener: (commit: LogCommit) => void): () => void {
    this.listeners.add(listener);
    return () => this.listeners.delete(listener);
  }

  /** The index of the last commit that touched a table. */
  tableIndex(...tables: readonly string[]): Index {
    return Math.max(0, ...tables.map((table) => this.tables.get(table) ?? 0));
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
    if (this.knownHead > this.appliedIndex && this.timer === undefined && !this.closed) {
      this.timer = setTimeout(() => {
        this.timer = undefined;
        void this.catchUp();
      }, OWN_COMMIT_GRACE_MS);
    }
  }

  /** Reads what other instances wrote. A failure leaves everything as it was: the next wake-up or poll tries again. */
  private async catchUp(): Promise<void> {
    if (this.catchingUp) return;
    this.catchingUp = true;
    try {
      while (!this.closed && this.appliedIndex < this.knownHead) {
        const before = this.appliedIndex;
        const events = await this.options.store.readAfter(before, PAGE);
        if (this.appliedIndex === before) for (const commit of commitsOf(events)) this.applyForeign(commit);
        this.drain();
        if (events.length === 0 && this.appliedIndex === before) break;
      }
    } catch (error) {
      this.options.onError(error);
      for (const waiter of this.waiters.splice(0)) waiter.reject(error);
    } finally {
      this.catchingUp = false;
    }
  }

  private applyForeign(commit: LogCommit): void {
    if (commit.index !== this.appliedIndex + 1) return;
    const own = this.own.get(commit.index);
    if (own !== undefined) return this.drain();
    this.options.handler.invalidate(...commit.changes.map((change) => change.stream));
    this.apply(commit);
  }

  private drain(): void {
    for (let commit = this.own.get(this.appliedIndex + 1); commit !== undefined; commit = this.own.get(this.appliedIndex + 1)) {
      this.apply(commit);
    }
    for (const index of this.own.keys()) if (index <= this.appliedIndex) this.own.delete(index);
    const [next] = this.own.keys();
    if (next !== undefined) this.wake(next);
  }

  private apply(commit: LogCommit): void {
    this.appliedIndex = commit.index;
    this.own.delete(commit.index);
    const moved = new Set<Topic>();
    for (const { stream } of commit.changes) {
      moved.add(stream);
      for (const table of this.options.tablesOf(stream)) {
        this.tables.set(table, commit.index);
        moved.add(`table:${table}`);
      }
    }
    for (const listener of this.listeners) listener(commit);
    for (const topic of moved) this.fire(topic);
    if (this.waiters.length > 0) this.settleWaiters();
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

/** Groups events by index, and within a commit by stream; events of earlier schemas come out in today's. */
export function commitsOf(events: readonly RecordedEvent[]): LogCommit[] {
  const commits: LogCommit[] = [];
  let open: { index: Index; time: TimeUs; meta: EventMeta; changes: Map<StreamName, { version: number; events: DomainEvent[] }> } | undefined;
  const close = (): void => {
    if (open === undefined) return;
    const changes = [...open.changes].map(([stream, change]) => ({ stream, ...change }));
    commits.push({ index: open.index, time: open.time, meta: open.meta, changes });
  };
  for (const { index, time, meta, stream, version, type, schema, data } of events) {
    if (open?.index !== index) {
      close();
      open = { index, time, meta, changes: new Map() };
    }
    const change = open.changes.get(stream) ?? { version, events: [] };
    change.version = version;
    change.events.push(upcast({ type, schema, data }));
    open.changes.set(stream, change);
  }
  close();
  return commits;
}
