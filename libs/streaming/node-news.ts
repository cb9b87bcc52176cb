import type { Index } from '@app/kernel';
import type { ReadModels } from '@app/read-models';
import type { LogTail } from './log-tail.js';

const GATHER_MS = 10;
const RETRY_MS = 500;

/**
 * Wakes agents that wait for changes of their node. One query tells for which nodes there is news since the last one, whatever the number of
 * agents: a commit about one node does not make all the others read.
 */
export class NodeNews {
  private readonly waiting = new Map<string, Set<() => void>>();
  private seenUpTo: Index;
  /** Where the next look begins; Infinity: nobody has asked for one. */
  private wanted: Index = Infinity;
  private timer: NodeJS.Timeout | undefined;
  private looking = false;

  constructor(
    private readonly tail: LogTail,
    private readonly readModels: ReadModels,
    private readonly onError: (error: unknown) => void,
  ) {
    this.seenUpTo = tail.applied;
    tail.onCommit(({ changes }) => {
      if (this.waiting.size > 0 && changes.some(({ stream }) => stream.startsWith('allocation/'))) this.lookSoon();
    });
    tail.onEnding(() => {
      for (const set of this.waiting.values()) for (const wake of set) wake();
    });
  }

  /** Resolves with true when there may be news for the node that was not there at `since`; with false when time is up or the agent gone. */
  async wait(nodeId: string, since: Index, ms: number, signal: AbortSignal): Promise<boolean> {
    if (this.tail.isEnding) return false;
    let wake = (): void => {};
    let over = (): void => {};
    const news = new Promise<boolean>((resolve) => {
      wake = () => resolve(true);
      over = () => resolve(false);
    });
    const timer = setTimeout(over, ms);
    signal.addEventListener('abort', over, { once: true });
    const set = this.waiting.get(nodeId) ?? new Set();
    set.add(wake);
    this.waiting.set(nodeId, set);
    // A commit may have come between the agent's read and this subscription.
    if (this.tail.tableIndex('allocation') > since) this.lookSoon(Math.min(this.seenUpTo, since));
    try {
      return await news;
    } finally {
      clearTimeout(timer);
      signal.removeEventListener('abort', over);
      set.delete(wake);
      if (set.size === 0) this.waiting.delete(nodeId);
    }
  }

  private lookSoon(from = this.seenUpTo, ms = GATHER_MS): void {
    this.wanted = Math.min(this.wanted, from);
    if (this.looking || this.timer !== undefined) return;
    this.timer = setTimeout(() => {
      this.timer = undefined;
      void this.look();
    }, ms);
  }

  private async look(): Promise<void> {
    this.looking = true;
    const before = this.tail.tableIndex('allocation');
    const from = this.wanted;
    // Whoever comes while this look is under way, and knows less than it began with, gets the next one.
    this.wanted = Infinity;
    let failed = false;
    try {
      const { nodeIds, upTo } = await this.readModels.nodesWithNews(from);
      this.seenUpTo = Math.max(this.seenUpTo, upTo, before);
      for (const id of nodeIds) for (const wake of this.waiting.get(id) ?? []) wake();
    } catch (error) {
      failed = true;
      this.wanted = Math.min(this.wanted, from);
      this.onError(error);
    } finally {
      this.looking = false;
      if (failed) this.lookSoon(this.wanted, RETRY_MS);
      else if (this.wanted < Infinity || this.tail.tableIndex('allocation') > this.seenUpTo) this.lookSoon();
    }
  }
}
