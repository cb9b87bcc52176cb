import type { EventStore } from '@app/event-store';
import type { Index } from '@app/kernel';
import type { LogTail } from '../log-tail.js';
import { StreamFolder, type Folded } from '../stream-folder.js';
import { eventCommit, type EventCommit } from './nomad-event.js';

/** Events that are read from the log at a time; the commit that reaches it is completed. */
const PAGE_EVENTS = 1_000;
/** Events of the newest commits that are kept for all subscribers that are up to date. */
const KEPT_EVENTS = 8_000;
/** Characters of states that one reader of the past keeps: the events of an object mostly follow each other closely. */
const REPLAY_TEXT = 16_000_000;
/** About what a state takes. */
const STATE_TEXT = 2_000;
/** How often the newest commits are handed on; many subscribers are served less often, each with more in one write. */
const TICK_MS = 20;
const TICK_MS_OF_MANY = 60;
const MANY = 100;
/** How soon the log is read again after that failed. */
const RETRY_MS = 250;
/** Pages of the past that are read and folded at the same time. */
const REPLAYS_AT_ONCE = 4;

type LogReader = Pick<EventStore, 'readAfter' | 'load' | 'readBeginnings'>;

/** Reads the log as commits of events from any index on; one reader keeps what it folded for its next page. */
export class EventReader {
  private readonly folder: StreamFolder;
  private ahead: { readonly after: Index; readonly events: ReturnType<LogReader['readAfter']> } | undefined;

  constructor(
    private readonly store: LogReader,
    maxText = REPLAY_TEXT,
  ) {
    this.folder = new StreamFolder(store, maxText);
  }

  /** The commits after an index, in order, without a gap; empty: there are none yet. */
  async after(index: Index): Promise<EventCommit[]> {
    const { ahead } = this;
    this.ahead = undefined;
    const events = await (ahead?.after === index ? ahead.events : this.store.readAfter(index, PAGE_EVENTS));
    const last = events.at(-1);
    // The next page comes while this one is folded and sent.
    if (last !== undefined && events.length >= PAGE_EVENTS) {
      const next = { after: last.index, events: this.store.readAfter(last.index, PAGE_EVENTS) };
      next.events.catch(() => undefined);
      this.ahead = next;
    }
    const commits: EventCommit[] = [];
    let open: Folded[] = [];
    await this.folder.fold(events, (folded) => {
      if (open.length > 0 && open[0]!.event.index !== folded.event.index) {
        commits.push(eventCommit(open));
        open = [];
      }
      open.push(folded);
      return STATE_TEXT;
    });
    if (open.length > 0) commits.push(eventCommit(open));
    return commits;
  }
}

/**
 * The newest commits for everybody who is up to date: the log is read and folded once, however many subscribers there are. It follows the log
 * only as long as there are any. Who is further behind reads by itself until it is here.
 */
export class EventFeed {
  private reader: EventReader | undefined;
  private commits: EventCommit[] = [];
  private events = 0;
  /** Everything up to here is, or was, in `commits`. */
  private at: Index = 0;
  private readonly waiting = new Set<() => void>();
  private subscribers = 0;
  private stopListening: (() => void) | undefined;
  private following: Promise<void> | undefined;
  private timer: NodeJS.Timeout | undefined;
  private replaying = 0;
  private readonly queue: (() => void)[] = [];

  constructor(
    private readonly store: LogReader,
    private readonly tail: Pick<LogTail, 'applied' | 'onCommit' | 'reached'>,
    private readonly onError: (error: unknown) => void,
  ) {}

  /** Begins to follow the log for one more subscriber. The returned function ends that. */
  join(): () => void {
    if (this.subscribers++ === 0) {
      this.reader = new EventReader(this.store);
      this.at = this.tail.applied;
      this.stopListening = this.tail.onCommit(() => this.follow());
    }
    let isIn = true;
    return () => {
      if (!isIn) return;
      isIn = false;
      if (--this.subscribers > 0) return;
      this.stopListening?.();
      this.reader = undefined;
      this.commits = [];
      this.events = 0;
    };
  }

  /** A reader of one's own, for what is no longer here. */
  replay(maxText = REPLAY_TEXT): Pick<EventReader, 'after'> {
    const reader = new EventReader(this.store, maxText);
    return {
      after: async (index) => {
        await this.turn();
        try {
          const commits = await reader.after(index);
          const last = commits.at(-1);
          // Rights follow the tail: what it has not applied is not told yet.
          if (last !== undefined) await this.tail.reached(last.index);
          return commits;
        } finally {
          this.replaying--;
          this.queue.shift()?.();
        }
      },
    };
  }

  private async turn(): Promise<void> {
    while (this.replaying >= REPLAYS_AT_ONCE) await new Promise<void>((resolve) => this.queue.push(resolve));
    this.replaying++;
  }

  /** The commits after an index as far as they are here; undefined: that is too far back. */
  after(index: Index): readonly EventCommit[] | undefined {
    if (index >= this.at) return [];
    const first = this.commits[0]?.index;
    if (first === undefined || index + 1 < first) return undefined;
    // Indexes have no gaps.
    return this.commits.slice(index + 1 - first);
  }

  /** Calls back once, when there is more. The returned function ends that before. */
  wait(wake: () => void): () => void {
    this.waiting.add(wake);
    return () => this.waiting.delete(wake);
  }

  private follow(inMs = this.tickMs): void {
    if (this.following !== undefined || this.timer !== undefined) return;
    this.timer = setTimeout(() => {
      this.timer = undefined;
      this.following = this.readOn().then(
        () => this.goOn(this.tickMs),
        (error: unknown) => {
          this.onError(error);
          this.goOn(RETRY_MS);
        },
      );
    }, inMs);
  }

  private get tickMs(): number {
    return this.subscribers > MANY ? TICK_MS_OF_MANY : TICK_MS;
  }

  private goOn(inMs: number): void {
    this.following = undefined;
    if (this.reader !== undefined && this.at < this.tail.applied) this.follow(inMs);
  }

  private async readOn(): Promise<void> {
    const { reader } = this;
    if (reader === undefined) return;
    const commits = await reader.after(this.at);
    const last = commits.at(-1);
    if (last === undefined || reader !== this.reader) return;
    // Rights follow the tail: what it has not applied is not told yet.
    await this.tail.reached(last.index);
    if (reader !== this.reader) return;
    this.commits.push(...commits);
    this.at = last.index;
    for (const { events } of commits) this.events += 1 + events.length;
    let dropped = 0;
    while (this.events > KEPT_EVENTS && dropped < this.commits.length - 1)
      this.events -= 1 + this.commits[dropped++]!.events.length;
    this.commits.splice(0, dropped);
    const woken = [...this.waiting];
    this.waiting.clear();
    for (const wake of woken) wake();
  }
}
