import type { AllocationRunner } from './allocation/allocation-runner.js';
import {
  LAZY_FLUSH_MS,
  MAX_STATUS_CHARACTERS,
  MAX_UPDATES_PER_REQUEST,
  RETRY_FIRST_MS,
  RETRY_MAX_MS,
  URGENT_FLUSH_MS,
} from './limits.js';
import { textOf, type AgentLog } from './log.js';
import type { AllocationUpdate } from './protocol.js';
import { RequestRefused } from './server-client.js';
import { backOff, type Cancel, type Timers } from './timers.js';

type Reported = Pick<AllocationRunner, 'id' | 'report'>;

export interface ReporterHost {
  readonly timers: Timers;
  readonly random: () => number;
  readonly log: AgentLog;
  /** Sends ready JSON texts of updates. Rejects if the servers did not take them. */
  readonly send: (updates: readonly string[]) => Promise<void>;
  /** The servers have this; `final` if nothing newer waits. */
  readonly accepted: (update: AllocationUpdate, final: boolean) => void;
  /** Called before a refused or failed request is tried again. */
  readonly beforeRetry: (error: unknown) => Promise<void>;
}

/**
 * Sends what has changed in the states of allocations (spec/lifecycle §9.3). Only the ids of changed allocations queue up; what is sent is
 * their state at the moment of sending, so the newest always wins and the order per allocation is kept: one request is under way at a time.
 */
export class StatusReporter {
  readonly #host: ReporterHost;
  readonly #dirty = new Map<string, Reported>();
  #timer: { readonly cancel: Cancel; readonly urgent: boolean } | null = null;
  #flushing: Promise<void> | null = null;
  #attempt = 0;
  #closed = false;

  constructor(host: ReporterHost) {
    this.#host = host;
  }

  /** This allocation has something to report; soon if it is urgent. */
  mark(runner: Reported, urgent: boolean): void {
    if (this.#closed) return;
    this.#dirty.set(runner.id, runner);
    this.#schedule(urgent);
  }

  /** The allocation does not exist any more; nothing more is said of it. */
  forget(id: string): void {
    this.#dirty.delete(id);
  }

  /** Sends everything that waits, once, now. Used when the agent stops. */
  async flush(): Promise<void> {
    await this.#flushing;
    await this.#flush();
  }

  close(): void {
    this.#closed = true;
    this.#timer?.cancel();
    this.#dirty.clear();
  }

  #schedule(urgent: boolean): void {
    // While requests fail, the retry's timer stands whatever comes in.
    if (this.#flushing !== null || this.#attempt > 0) return;
    if (this.#timer !== null && (this.#timer.urgent || !urgent)) return;
    this.#arm(urgent ? URGENT_FLUSH_MS : LAZY_FLUSH_MS, urgent);
  }

  #arm(ms: number, urgent: boolean): void {
    this.#timer?.cancel();
    const cancel = this.#host.timers.after(ms, () => {
      this.#timer = null;
      void this.#flush();
    });
    this.#timer = { cancel, urgent };
  }

  #flush(): Promise<void> {
    this.#flushing ??= this.#sendAll().finally(() => {
      this.#flushing = null;
      if (this.#closed || this.#dirty.size === 0) return;
      // What came in meanwhile is not known to be lazy.
      this.#arm(
        this.#attempt > 0
          ? backOff(this.#attempt - 1, RETRY_FIRST_MS, RETRY_MAX_MS, this.#host.random)
          : URGENT_FLUSH_MS,
        true,
      );
    });
    return this.#flushing;
  }

  async #sendAll(): Promise<void> {
    const batch = [...this.#dirty.values()];
    this.#dirty.clear();
    const chunks = chunked(batch);
    for (let chunk = chunks.next(); !chunk.done; chunk = chunks.next()) {
      try {
        await this.#send(chunk.value);
        this.#attempt = 0;
      } catch (error) {
        this.#attempt++;
        this.#host.log.warn(
          { error: textOf(error), attempt: this.#attempt },
          'status updates were not taken, trying again',
        );
        // What was not sent waits again, unless something newer does already; in the old order.
        const newer = [...this.#dirty];
        this.#dirty.clear();
        const unsent = [...chunk.value.map(({ runner }) => runner), ...batch.slice(chunk.value.at(-1)?.next ?? 0)];
        for (const runner of unsent) this.#dirty.set(runner.id, runner);
        for (const [id, runner] of newer) this.#dirty.set(id, runner);
        await this.#host.beforeRetry(error).catch(() => undefined);
        return;
      }
    }
  }

  /** Sends a chunk. One that servers call malformed is halved until the bad update is alone; that one is dropped, it will never be taken. */
  async #send(chunk: readonly Prepared[]): Promise<void> {
    try {
      await this.#host.send(chunk.map(({ text }) => text));
    } catch (error) {
      if (!(error instanceof RequestRefused) || !error.isMalformed) throw error;
      const [first] = chunk;
      if (chunk.length === 1 && first) {
        this.#host.log.error(
          { allocation: first.update.ID, error: error.message },
          'a status update was refused for good',
        );
        return;
      }
      const half = chunk.length >> 1;
      await this.#send(chunk.slice(0, half));
      await this.#send(chunk.slice(half));
      return;
    }
    for (const { update } of chunk) this.#host.accepted(update, !this.#dirty.has(update.ID));
  }
}

interface Prepared {
  readonly runner: Reported;
  readonly update: AllocationUpdate;
  readonly text: string;
  /** Position of what follows it in the batch. */
  readonly next: number;
}

/** Cuts a batch into requests of bounded size. An update is taken at the moment its chunk is made. */
function* chunked(batch: readonly Reported[]): Generator<Prepared[]> {
  let chunk: Prepared[] = [];
  let size = 0;
  for (const [position, runner] of batch.entries()) {
    const update = runner.report();
    const text = JSON.stringify(update);
    if (chunk.length === MAX_UPDATES_PER_REQUEST || (chunk.length > 0 && size + text.length > MAX_STATUS_CHARACTERS)) {
      yield chunk;
      chunk = [];
      size = 0;
    }
    chunk.push({ runner, update, text, next: position + 1 });
    size += text.length;
  }
  if (chunk.length > 0) yield chunk;
}
