import { setTimeout as delay } from 'node:timers/promises';
import { RECONNECT_FIRST_MS, RECONNECT_MAX_MS } from '../limits.js';

/** The time that one call of the store may take, and the pauses between its attempts. */
export class Deadline {
  private readonly end: number;
  private nextPause = RECONNECT_FIRST_MS;

  constructor(ms: number) {
    this.end = performance.now() + ms;
  }

  /** At least 1: to most timeouts 0 means forever. */
  get leftMs(): number {
    return Math.max(1, this.end - performance.now());
  }

  /** Waits a little, longer each time. False: the time is up. */
  async pause(): Promise<boolean> {
    const left = this.end - performance.now();
    if (left <= this.nextPause) return false;
    await delay(this.nextPause);
    this.nextPause = Math.min(this.nextPause * 2, RECONNECT_MAX_MS);
    return true;
  }

  /**
   * The promise, or `timeUp()` thrown when all but the reserve of the time is up first; what comes of the promise later is ignored.
   */
  async bound<T>(promise: Promise<T>, timeUp: () => Error, reserveMs = 0): Promise<T> {
    let timer: NodeJS.Timeout | undefined;
    const expiry = new Promise<never>((_, reject) => {
      timer = setTimeout(() => reject(timeUp()), this.leftMs - reserveMs);
    });
    try {
      return await Promise.race([promise, expiry]);
    } finally {
      clearTimeout(timer);
    }
  }
}
