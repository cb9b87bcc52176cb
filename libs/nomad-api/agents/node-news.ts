import type { Index } from '@app/kernel';
import type { ReadModels } from '@app/read-models';
import type { LogTail } from '@app/streaming';

const GATHER_MS = 10;

/**
 * Wakes agents that wait for changes of their node. One query tells for which nodes there is news since the last one, whatever the number of
 * agents: a commit about one node does not make all the others read.
 */
export class NodeNews {
  private readonly waiting = new Map<string, Set<() => void>>();
  private seenUpTo: Index;
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
  }

  /** Resolves with true when there may be news for the node that was not there at `since`; with false when time is up or the agent gone. */
  async wait(nodeId: string, since: Index, ms: number, signal: AbortSignal): Promise<boolean> {
    let wake = (): void => {};
    const news = new Promise<boolean>((resolve) => {
      wake = () => resolve(true);
      setTimeout(() => resolve(false), ms).unref();
      signal.addEventListener('abort', () => resolve(false), { once: true });
    });
    const set = this.waiting.get(nodeId) ?? new Set();
    set.add(wake);
    this.waiting.set(nodeId, set);
    // A commit may have come between the agent's read and this subscription.
    if (this.tail.tableIndex('allocation') > since) this.lookSoon(Math.min(this.seenUpTo, since));
    try {
      return await news;
    } finally {
      set.delete(wake);
      if (set.size === 0) this.waiting.delete(nodeId);
    }
  }

  private lookSoon(from = this.seenUpTo): void {
    this.seenUpTo = Math.min(this.seenUpTo, from);
    if (this.looking || this.timer !== undefined) return;
    this.timer = setTimeout(() => {
      this.timer = undefined;
      void this.look();
    }, GATHER_MS);
  }

  private async look(): Promise<void> {
    this.looking = true;
    const before = this.tail.tableIndex('allocation');
    try {
      const { nodeIds, upTo } = await this.readModels.nodesWithNews(this.seenUpTo);
      this.seenUpTo = Math.max(upTo, before);
      for (const id of nodeIds) for (const wake of this.waiting.get(id) ?? []) wake();
    } catch (error) {
      this.onError(error);
    } finally {
      this.looking = false;
      if (this.tail.tableIndex('allocation') > this.seenUpTo) this.lookSoon();
    }
  }
}
