import { RETRY_FIRST_MS, RETRY_MAX_MS } from './limits.js';
import { textOf, type AgentLog } from './log.js';
import type { AllocationList } from './protocol.js';
import { backOff, type Timers } from './timers.js';

export interface FeedHost {
  readonly timers: Timers;
  readonly random: () => number;
  readonly log: AgentLog;
  readonly read: (index: number) => Promise<AllocationList>;
  /** Takes up an answer; `complete` if it lists everything that is assigned to the node. */
  readonly apply: (list: AllocationList, complete: boolean) => Promise<void>;
  /** Called after a failed read, before the next. */
  readonly beforeRetry: (error: unknown) => Promise<void>;
}

/** Follows what is assigned to the node: reads that the server holds until something changes, one after the other. */
export class AllocationFeed {
  readonly #host: FeedHost;
  #index = 0;
  /** Grows with every new beginning: what was asked for before one does not set the index. */
  #beginning = 0;
  #stopped = false;

  constructor(host: FeedHost) {
    this.#host = host;
  }

  /** Runs until it is stopped. Never rejects. */
  async run(): Promise<void> {
    for (let attempt = 0; !this.#stopped;) {
      try {
        const asked = this.#index;
        const beginning = this.#beginning;
        const list = await this.#host.read(asked);
        if (this.#stopped) return;
        await this.#host.apply(list, asked === 0);
        // An index that has gone back is another history: start over from its beginning. Index 0 would not wait.
        if (beginning === this.#beginning) this.#index = list.Index < asked ? 0 : Math.max(1, list.Index);
        attempt = 0;
      } catch (error) {
        if (this.#stopped) return;
        this.#host.log.warn({ error: textOf(error) }, 'allocations cannot be read, trying again');
        await this.#host.beforeRetry(error).catch(() => undefined);
        await this.#host.timers.atMost(backOff(attempt++, RETRY_FIRST_MS, RETRY_MAX_MS, this.#host.random));
      }
    }
  }

  /** The next read asks for everything. */
  startOver(): void {
    this.#index = 0;
    this.#beginning++;
  }

  stop(): void {
    this.#stopped = true;
  }
}
