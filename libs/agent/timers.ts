/** Ends a timer early; harmless when it has fired. */
export type Cancel = () => void;

/** The longest delay that Node's timers can take; longer ones are cut into pieces. */
const LONGEST_MS = 2 ** 31 - 1;
const NOTHING: Cancel = () => undefined;

/**
 * All timers of an agent. Stopping the agent clears them at once, which freezes everything that waits:
 * tasks go on, and nobody here will act on them any more.
 */
export class Timers {
  readonly #active = new Set<{ timeout: NodeJS.Timeout }>();
  #closed = false;

  /** Calls back once after `ms` milliseconds, in the next turn at the earliest. */
  after(ms: number, callback: () => void): Cancel {
    if (this.#closed) return NOTHING;
    let remaining = Math.max(0, ms);
    const arm = (): NodeJS.Timeout => {
      const piece = Math.min(remaining, LONGEST_MS);
      remaining -= piece;
      return setTimeout(fire, piece);
    };
    const fire = (): void => {
      if (remaining > 0) {
        timer.timeout = arm();
        return;
      }
      this.#active.delete(timer);
      callback();
    };
    const timer = { timeout: arm() };
    this.#active.add(timer);
    return () => {
      clearTimeout(timer.timeout);
      this.#active.delete(timer);
    };
  }

  /** Waits for the first of the promises, but no longer than `ms`. */
  async atMost(ms: number, ...promises: readonly Promise<unknown>[]): Promise<void> {
    let cancel = NOTHING;
    const elapsed = new Promise<void>((resolve) => {
      cancel = this.after(ms, resolve);
    });
    try {
      await Promise.race([elapsed, ...promises]);
    } finally {
      cancel();
    }
  }

  /** Ends all timers for good; what waits for one waits forever. */
  close(): void {
    this.#closed = true;
    for (const timer of this.#active) clearTimeout(timer.timeout);
    this.#active.clear();
  }
}

/** The delay before the next try: doubled each time up to a ceiling, lengthened by up to a quarter so that agents spread. */
export function backOff(attempt: number, firstMs: number, maxMs: number, random: () => number): number {
  return Math.min(firstMs * 2 ** Math.min(attempt, 30), maxMs) * (1 + random() / 4);
}
