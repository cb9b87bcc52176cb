/** A timer of the virtual clock; what is asked of Node's own is all there. */
interface VirtualTimer {
  readonly due: number;
  readonly order: number;
  readonly run: () => void;
  readonly everyMs: number | undefined;
  cancelled: boolean;
  unref(): VirtualTimer;
  ref(): VirtualTimer;
}

/** Timers within this many milliseconds of each other fire together. */
const GRID_MS = 50;

/**
 * Takes the place of the process's timers: reactors that sleep with `setTimeout` sleep in virtual time, and an hour is over as soon as
 * everything that happens in it has happened. `restore` gives the real timers back.
 */
export class VirtualTimers {
  private readonly heap: VirtualTimer[] = [];
  private readonly real = {
    setTimeout: globalThis.setTimeout,
    clearTimeout: globalThis.clearTimeout,
    setInterval: globalThis.setInterval,
    clearInterval: globalThis.clearInterval,
  };
  private orders = 0;
  /** Virtual milliseconds since the start. */
  ms = 0;

  install(): void {
    const cancel = (timer: unknown): void => {
      if (timer !== undefined && timer !== null) (timer as VirtualTimer).cancelled = true;
    };
    Object.assign(globalThis, {
      setTimeout: (run: () => void, ms = 0) => this.after(ms, run),
      setInterval: (run: () => void, ms: number) => this.add(ms, run, ms),
      clearTimeout: cancel,
      clearInterval: cancel,
    });
  }

  restore(): void {
    Object.assign(globalThis, this.real);
  }

  after(ms: number, run: () => void): VirtualTimer {
    return this.add(ms, run, undefined);
  }

  /** Runs what is due next; false when nothing is due until `untilMs`, which is then the time. */
  async step(untilMs: number): Promise<boolean> {
    const next = this.peek();
    if (next === undefined || next.due > untilMs) {
      this.ms = Math.max(this.ms, untilMs);
      return false;
    }
    this.ms = Math.max(this.ms, Math.min(untilMs, Math.ceil(next.due / GRID_MS) * GRID_MS));
    for (let timer = this.peek(); timer !== undefined && timer.due <= this.ms; timer = this.peek()) {
      this.pop();
      timer.run();
      if (timer.everyMs !== undefined && !timer.cancelled) this.add(timer.everyMs, timer.run, timer.everyMs);
    }
    // Everything that was set going by promises comes to rest before the clock moves on.
    await new Promise((resolve) => setImmediate(resolve));
    return true;
  }

  private add(ms: number, run: () => void, everyMs: number | undefined): VirtualTimer {
    const timer: VirtualTimer = {
      due: this.ms + Math.max(1, ms),
      order: this.orders++,
      run,
      everyMs,
      cancelled: false,
      unref: () => timer,
      ref: () => timer,
    };
    this.heap.push(timer);
    this.siftUp(this.heap.length - 1);
    return timer;
  }

  private peek(): VirtualTimer | undefined {
    while (this.heap[0]?.cancelled) this.pop();
    return this.heap[0];
  }

  private pop(): void {
    const last = this.heap.pop();
    if (last === undefined || this.heap.length === 0) return;
    this.heap[0] = last;
    for (let at = 0; ;) {
      const left = 2 * at + 1;
      const right = left + 1;
      const child = right < this.heap.length && isBefore(this.heap[right]!, this.heap[left]!) ? right : left;
      if (child >= this.heap.length || !isBefore(this.heap[child]!, this.heap[at]!)) return;
      this.swap(at, child);
      at = child;
    }
  }

  private siftUp(from: number): void {
    for (let at = from; at > 0;) {
      const parent = (at - 1) >> 1;
      if (!isBefore(this.heap[at]!, this.heap[parent]!)) return;
      this.swap(at, parent);
      at = parent;
    }
  }

  private swap(a: number, b: number): void {
    [this.heap[a], this.heap[b]] = [this.heap[b]!, this.heap[a]!];
  }
}

const isBefore = (a: VirtualTimer, b: VirtualTimer): boolean => a.due < b.due || (a.due === b.due && a.order < b.order);
