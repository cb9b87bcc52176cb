import type { Index } from '@app/kernel';
import {
  EventFeed,
  farewell,
  frameOf,
  heartbeat,
  type EventCommit,
  type EventFilter,
  type LogTail,
} from '@app/streaming';
import type { Outlet } from './outlet.js';
import type { SubscriptionRequest } from './subscription-request.js';

/** What a subscriber may see, which may change while it listens. */
export interface Right {
  /** Something about it may have changed. */
  readonly isStale: boolean;
  /** What may be seen now; undefined: nothing any more. */
  renew(): Promise<EventFilter | undefined>;
  /** Calls back when it becomes stale. The returned function ends that. */
  onStale(wake: () => void): () => void;
}

/** Follows the log for one client, from an index on, each commit once and in order, until it goes, or something ends it. */
export class Subscription {
  private lastWrite = performance.now();

  constructor(
    private readonly outlet: Outlet,
    private readonly feed: EventFeed,
    private readonly tail: Pick<LogTail, 'isEnding' | 'onEnding'>,
    private readonly request: SubscriptionRequest,
    private readonly right: Right,
    private filter: EventFilter,
  ) {}

  async run(from: Index): Promise<void> {
    const leave = this.feed.join();
    let at = from - 1;
    try {
      const reason = await this.follow(at, (index) => (at = index));
      this.outlet.end(reason === undefined ? undefined : farewell(this.request.asSse, reason, at + 1));
    } catch (error) {
      this.outlet.end(farewell(this.request.asSse, 'the log cannot be read now', at + 1));
      throw error;
    } finally {
      leave();
    }
  }

  /** Returns why the stream ends, unless it is simply over. `reached` is told how far the client has everything. */
  private async follow(start: Index, reached: (index: Index) => void): Promise<string | undefined> {
    const { to = Infinity } = this.request;
    let at = start;
    let past: ReturnType<EventFeed['replay']> | undefined;
    if (!(await this.beat(at))) return SLOW;
    while (!this.outlet.isGone && !this.tail.isEnding && at < to) {
      if (this.right.isStale) {
        const filter = await this.right.renew();
        if (filter === undefined) return 'Permission denied';
        this.filter = filter;
      }
      const recent = this.feed.after(at);
      past = recent === undefined ? (past ?? this.feed.replay()) : undefined;
      const commits = recent ?? (await past!.after(at));
      // What was read while the right changed is told by the new one.
      if (this.right.isStale) continue;
      const first = commits[0];
      if (first === undefined) {
        if (!(await this.more(at))) return SLOW;
        continue;
      }
      if (first.index !== at + 1) return `index ${at + 1} is gone: the log goes on with ${first.index}`;
      const wanted = commits.filter(({ index }) => index <= to);
      if (!(await this.send(wanted))) return SLOW;
      at = wanted.at(-1)!.index;
      reached(at);
      if (this.isDue && !(await this.beat(at))) return SLOW;
    }
    return undefined;
  }

  private async send(commits: readonly EventCommit[]): Promise<boolean> {
    const frames: Buffer[] = [];
    for (const commit of commits) {
      const frame = frameOf(commit, this.filter);
      if (frame !== null) frames.push(frame);
    }
    if (frames.length === 0) return true;
    this.lastWrite = performance.now();
    return this.outlet.write(frames.length === 1 ? frames[0]! : Buffer.concat(frames));
  }

  private get isDue(): boolean {
    return performance.now() - this.lastWrite >= this.request.heartbeatMs;
  }

  private async beat(at: Index): Promise<boolean> {
    this.lastWrite = performance.now();
    const { asSse, tellsHead } = this.request;
    return this.outlet.write(heartbeat(asSse, tellsHead ? at : undefined));
  }

  /** Waits until there may be more, the right has changed, or the stream is over; a heartbeat if it takes long. */
  private async more(at: Index): Promise<boolean> {
    const left = Math.max(0, this.lastWrite + this.request.heartbeatMs - performance.now());
    const isDue = await new Promise<boolean>((resolve) => {
      const settle = (due: boolean) => (): void => {
        clearTimeout(timer);
        for (const cancel of cancels) cancel();
        resolve(due);
      };
      const timer = setTimeout(settle(true), left);
      const wake = settle(false);
      const cancels = [
        this.feed.wait(wake),
        this.right.onStale(wake),
        this.outlet.onGone(wake),
        this.tail.onEnding(wake),
      ];
      // It may have come between the look and the waiting.
      if (this.right.isStale || this.outlet.isGone || this.tail.isEnding) wake();
    });
    return isDue ? this.beat(at) : true;
  }
}

const SLOW = 'the client is too slow';
