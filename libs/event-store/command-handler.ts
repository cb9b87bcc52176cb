import type { Index, StreamName, TimeUs } from '@app/kernel';
import { assertNever } from '@app/kernel';
import { randomUUID } from 'node:crypto';
import { attempt, fold, type Prepared } from './attempt.js';
import { coalesce } from './coalesce.js';
import type { Aggregates, AppendedCommand, Change, Command, CommandMetrics, Commit, Outcome } from './command.js';
import { StoreUnavailable } from './errors.js';
import {
  MAX_BATCH_COMMANDS,
  MAX_BATCH_TEXT,
  MAX_CONFLICTS,
  MAX_LOAD_ROUNDS,
  MAX_QUEUE,
  RETRY_AFTER_MS,
} from './limits.js';
import { answerWithIndex } from './pending-index.js';
import type { AppendResult, EventStore } from './port.js';
import { StateCache, type CachedState } from './state-cache.js';

// The life of a command:
//
//   execute ─► queued ─► decided ─┬─► in the draft ─► in flight ─► appended / duplicate / fenced … ─► settled
//                ▲                ├─► looked up again (rejected, or nothing to write) ─► settled
//                │                └─► waits: a stream must be loaded, or has a writer in flight or in the draft
//                └─────────────────────┴── also after a conflict, with what moved freshly loaded
//
// Invariants:
// - One batch is in flight at a time. Whatever arrives meanwhile is decided at once, on the streams that this batch does not write, and goes
//   off the moment it is back: the store works while this process decides.
// - A batch has at most one writer of a stream, and nobody who comes after the writer, in this batch or in the next, has read the stream. A
//   command may write what an earlier one of the batch has only read: every expectation then holds at the place in the log that it gets.
// - The queue is kept in order of arrival, so a command that had to wait is decided before those that came later.
// - Answers other than `accepted` are true of the store, not just of this process's memory: before a command is refused (or found to change
//   nothing) the versions of all that it read are read from the store; if one has moved, the command is decided again.

/** What the handler works with. */
export interface CommandHandlerOptions {
  readonly store: EventStore;
  readonly aggregates: Aggregates;
  /** Microseconds since 1970. */
  readonly clock: () => TimeUs;
  /** Random UUIDs unless given. */
  readonly newId?: () => string;
  readonly metrics?: CommandMetrics;
  /** Is told of each command of a trace that was appended. */
  readonly onTraced?: ((command: AppendedCommand) => void) | undefined;
  readonly maxCachedStates?: number;
  readonly maxCachedText?: number;
}

interface Pending {
  readonly order: number;
  /** When it came, in milliseconds of the monotonic clock. */
  readonly since: number;
  readonly command: Command<unknown>;
  readonly settle: (outcome: Outcome<unknown>) => void;
  readonly fail: (error: unknown) => void;
  /** Drawn once, so that a command that is decided again creates the same things. */
  readonly ids: string[];
  /** States loaded for this command, in case the cache cannot hold them all. */
  loaded: ReadonlyMap<StreamName, CachedState>;
  loads: number;
  conflicts: number;
  /** The stream that made it wait. */
  blockedBy: StreamName | undefined;
}

interface BatchMember {
  readonly pending: Pending;
  readonly prepared: Prepared;
}

/** The batch that is being made. */
class Draft {
  readonly members: BatchMember[] = [];
  private textLength = 0;

  /** `taken`: the streams that nobody who comes now may touch. At first those that the batch in flight writes. */
  constructor(readonly taken = new Set<StreamName>()) {}

  hasRoomFor(textLength: number): boolean {
    if (this.members.length === 0) return true;
    return this.members.length < MAX_BATCH_COMMANDS && this.textLength + textLength <= MAX_BATCH_TEXT;
  }

  add(member: BatchMember): void {
    this.members.push(member);
    this.textLength += member.prepared.textLength;
    this.take(member.prepared.written.keys());
  }

  take(streams: Iterable<StreamName>): void {
    for (const stream of streams) this.taken.add(stream);
  }
}

/** Turns commands into commits: decides, folds, groups, appends, and decides again where another process was faster. */
export class CommandHandler {
  private readonly states: StateCache;
  private readonly versions: (streams: Iterable<StreamName>) => Promise<ReadonlyMap<StreamName, number>>;
  private readonly listeners = new Set<(commit: Commit) => void>();
  private readonly newId: () => string;
  private queue: Pending[] = [];
  private returned: Pending[] = [];
  private draft = new Draft();
  private arrivals = 0;
  private unsettled = 0;
  private inFlight = 0;
  private isScheduled = false;
  private isClosed = false;
  private readonly whenIdle: (() => void)[] = [];

  constructor(private readonly options: CommandHandlerOptions) {
    const { store, maxCachedStates, maxCachedText } = options;
    this.states = new StateCache(store, maxCachedStates, maxCachedText);
    this.versions = coalesce((streams) => store.versions(streams));
    this.newId = options.newId ?? randomUUID;
  }

  /**
   * Decides and appends a command. @throws StoreUnavailable, or what `decide`, `evolve`, `project` or the database threw at this very
   * command.
   */
  execute<A>(command: Command<A>): Promise<Outcome<A>> {
    if (this.isClosed) return Promise.reject(new Error('the command handler is closed'));
    if (this.unsettled - this.inFlight >= MAX_QUEUE) {
      this.options.metrics?.overloaded();
      return Promise.resolve({ kind: 'overloaded', retryAfterMs: RETRY_AFTER_MS });
    }
    return new Promise((resolve, reject) => {
      this.unsettled++;
      const pending: Pending = {
        order: this.arrivals++,
        since: performance.now(),
        command: command,
        settle: (outcome) => {
          resolve(outcome as Outcome<A>);
          this.settled();
        },
        fail: (error) => {
          reject(error);
          this.settled();
        },
        ids: [],
        loaded: new Map(),
        loads: 0,
        conflicts: 0,
        blockedBy: undefined,
      };
      const absent = command.reads?.filter((stream) => this.states.get(stream) === undefined) ?? [];
      if (absent.length > 0) this.load(pending, absent);
      else {
        this.queue.push(pending);
        this.schedule();
      }
    });
  }

  /** Calls back after each commit of this process, in order, before its command is answered. The returned function ends it. */
  onCommitted(listener: (commit: Commit) => void): () => void {
    this.listeners.add(listener);
    return () => this.listeners.delete(listener);
  }

  /** Forgets states: another process has moved these streams. */
  invalidate(...streams: StreamName[]): void {
    this.states.drop(streams);
  }

  /** Takes no more commands and waits for those it has. */
  async close(): Promise<void> {
    this.isClosed = true;
    if (this.unsettled > 0) await new Promise<void>((resolve) => this.whenIdle.push(resolve));
  }

  private settled(): void {
    if (--this.unsettled > 0) return;
    for (const resolve of this.whenIdle.splice(0)) resolve();
  }

  /** Decides once all that is ready to run has run: callers that were answered together ask again together, and one batch takes them all. */
  private schedule(): void {
    if (this.isScheduled) return;
    this.isScheduled = true;
    setImmediate(() => {
      this.isScheduled = false;
      this.gather();
      if (this.inFlight === 0) this.sendOff();
    });
  }

  private putBack(pending: Pending): void {
    this.returned.push(pending);
    this.schedule();
  }

  /** Decides what is queued, in order, and takes into the draft what may join it. */
  private gather(): void {
    const { draft } = this;
    const queue = this.inOrder();
    const waiting: Pending[] = [];
    for (const [position, pending] of queue.entries()) {
      if (!draft.hasRoomFor(0)) {
        waiting.push(...queue.slice(position));
        break;
      }
      if (pending.blockedBy !== undefined && draft.taken.has(pending.blockedBy)) {
        waiting.push(pending);
        continue;
      }
      const result = this.decide(pending, draft.taken);
      if (result === undefined) continue;
      if (result.kind === 'blocked') {
        pending.blockedBy = result.by;
        waiting.push(pending);
        draft.take(result.touched);
        continue;
      }
      if (!draft.hasRoomFor(result.prepared.textLength)) {
        waiting.push(...queue.slice(position));
        break;
      }
      draft.add({ pending, prepared: result.prepared });
    }
    this.queue = waiting;
  }

  private inOrder(): Pending[] {
    if (this.returned.length === 0) return this.queue;
    const all = [...this.queue, ...this.returned].sort((a, b) => a.order - b.order);
    this.returned = [];
    return all;
  }

  /** Decides one command; what can neither be appended nor wait is sent on its way. */
  private decide(pending: Pending, taken: ReadonlySet<StreamName>) {
    const { aggregates, clock } = this.options;
    let drawn = 0;
    try {
      const result = attempt(pending.command, {
        aggregates,
        known: (stream) => this.states.get(stream) ?? pending.loaded.get(stream),
        isBlocked: (stream) => taken.has(stream),
        context: { now: clock(), newId: () => (pending.ids[drawn++] ??= this.newId()) },
      });
      switch (result.kind) {
        case 'append':
        case 'blocked':
          return result;
        case 'missing':
          this.load(pending, result.streams);
          return undefined;
        case 'unchanged':
          void this.confirm(pending, result.reads, { kind: 'accepted', index: 0, answer: result.answer });
          return undefined;
        case 'outdated':
          void this.confirm(pending, result.reads, { kind: 'outdated' });
          return undefined;
        case 'rejected':
          void this.confirm(pending, result.reads, { kind: 'rejected', rejection: result.rejection });
          return undefined;
      }
      return assertNever(result);
    } catch (error) {
      pending.fail(error);
      return undefined;
    }
  }

  private load(pending: Pending, streams: readonly StreamName[]): void {
    if (pending.loads++ === MAX_LOAD_ROUNDS) {
      pending.fail(new Error(`${pending.command.name} reads more than ${MAX_LOAD_ROUNDS} streams one after another`));
      return;
    }
    this.states.load(streams).then((loaded) => {
      pending.loaded = pending.loaded.size === 0 ? loaded : new Map([...pending.loaded, ...loaded]);
      this.putBack(pending);
    }, pending.fail);
  }

  /** Gives an answer that wrote nothing, once the store agrees that it still holds. */
  private async confirm(
    pending: Pending,
    reads: ReadonlyMap<StreamName, number>,
    outcome: Outcome<unknown>,
  ): Promise<void> {
    try {
      if (reads.size > 0) {
        const versions = await this.versions(reads.keys());
        const moved = Array.from(reads.keys()).filter((stream) => (versions.get(stream) ?? 0) !== reads.get(stream));
        if (moved.length > 0) return this.decideAgain(pending, moved);
      }
      pending.settle((await this.earlierOutcome(pending.command)) ?? outcome);
    } catch (error) {
      pending.fail(error);
    }
  }

  /** A repeated command may be refused because its first copy did its work: then it is answered as that one was. */
  private async earlierOutcome({ idempotency }: Command<unknown>): Promise<Outcome<unknown> | undefined> {
    if (idempotency === undefined) return undefined;
    const found = await this.options.store.findKey(idempotency.key);
    if (found === undefined) return undefined;
    if (found.fingerprint !== idempotency.fingerprint) return { kind: 'key-reused' };
    return { kind: 'duplicate', index: found.index, answer: found.answer };
  }

  private decideAgain(pending: Pending, moved: readonly StreamName[]): void {
    this.options.metrics?.conflict(pending.command.name);
    this.states.drop(moved);
    if (pending.conflicts++ === MAX_CONFLICTS) return pending.settle({ kind: 'conflict', streams: moved });
    pending.loaded = new Map();
    this.load(pending, moved);
  }

  /**
   * Appends a batch. When it is back its states are kept first, then the draft goes off, and only then callers are answered and listeners
   * told: the store works while this process does. Traces are told last: nobody waits for them.
   */
  private async flush(batch: readonly BatchMember[]): Promise<void> {
    const started = performance.now();
    const { metrics } = this.options;
    if (metrics !== undefined) for (const { pending } of batch) metrics.waited(started - pending.since);
    let results: readonly AppendResult[];
    let durable: number;
    let conclusions: readonly (() => void)[];
    try {
      results = await this.options.store.appendBatch(batch.map(({ prepared }) => prepared.append));
      durable = performance.now();
      metrics?.batchFlushed(batch.length, durable - started);
      conclusions = batch.map((member, position) => this.conclusionOf(member, results[position]));
    } catch (error) {
      return this.abandon(batch, error);
    }
    this.inFlight = 0;
    if (this.draft.members.length === 0) {
      this.draft = new Draft();
      this.gather();
    }
    this.sendOff();
    for (const conclude of conclusions) conclude();
    if (this.queue.length + this.returned.length > 0) this.schedule();
    if (this.options.onTraced !== undefined)
      batch.forEach((member, position) => this.tellTraced(member, results[position], batch.length, started, durable));
  }

  private tellTraced(
    { pending: { command, conflicts, since } }: BatchMember,
    result: AppendResult | undefined,
    batch: number,
    sentMs: number,
    durableMs: number,
  ): void {
    const { traceparent } = command.meta;
    if (traceparent === undefined || result?.kind !== 'appended') return;
    const { index } = result;
    this.options.onTraced?.({
      name: command.name,
      traceparent,
      index,
      conflicts,
      batch,
      cameMs: since,
      sentMs,
      durableMs,
    });
  }

  /** The draft becomes the batch in flight, and the next draft begins. */
  private sendOff(): void {
    const { members } = this.draft;
    this.options.metrics?.queueLength(members.length + this.queue.length);
    this.draft = new Draft(new Set(members.flatMap(({ prepared }) => [...prepared.written.keys()])));
    this.inFlight = members.length;
    if (members.length > 0) void this.flush(members);
  }

  /** Takes over what a command's commit changed; what the returned function does can wait a moment. */
  private conclusionOf({ pending, prepared }: BatchMember, result: AppendResult | undefined): () => void {
    if (result === undefined) return () => pending.fail(new Error('the event store gave no result'));
    switch (result.kind) {
      case 'appended': {
        const { index } = result;
        const announce = index > 0 ? this.publish(pending.command, prepared, index) : undefined;
        return () => {
          announce?.();
          pending.settle({ kind: 'accepted', index, answer: answerWithIndex(prepared.answer, index) });
        };
      }
      case 'conflict':
        return () => this.decideAgain(pending, result.streams);
      case 'failed':
        return () => pending.fail(result.error);
      case 'fenced':
      case 'duplicate':
      case 'key-reused':
        return () => pending.settle(result);
    }
    return assertNever(result);
  }

  /** Keeps the new states, now with the real index in them; the returned function tells the listeners. */
  private publish(command: Command<unknown>, { append, written }: Prepared, index: Index): () => void {
    const changes: Change[] = [];
    for (const [stream, { before, events, textLength }] of written) {
      const version = before.version + events.length;
      const state = fold(this.options.aggregates, stream, before.state, events, index, append.time);
      this.states.put(stream, { version, lastIndex: index, state }, textLength);
      changes.push({ stream, version, state, events });
    }
    return () => this.tell({ index, time: append.time, meta: command.meta, changes });
  }

  private tell(commit: Commit): void {
    for (const listener of this.listeners) {
      try {
        listener(commit);
      } catch (error) {
        // A listener's bug is not the command's failure, which is durable already; but it must not pass unseen either.
        queueMicrotask(() => {
          throw error;
        });
      }
    }
  }

  /** The store is gone: nobody is kept waiting for it, and nothing is believed of the streams that may have been written. */
  private abandon(batch: readonly BatchMember[], error: unknown): void {
    for (const { prepared } of batch) this.states.drop(prepared.written.keys());
    const drafted = this.draft.members;
    const waiting = this.inOrder();
    this.queue = [];
    this.draft = new Draft();
    this.inFlight = 0;
    for (const { pending } of batch) pending.fail(error);
    // Only of the batch in flight can it be unknown what became of it: the others were never sent.
    const unsent = new StoreUnavailable('nothing-written', { cause: error });
    for (const { pending } of drafted) pending.fail(unsent);
    for (const pending of waiting) pending.fail(unsent);
  }
}
