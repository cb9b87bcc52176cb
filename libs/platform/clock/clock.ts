import type { DurationNs, TimeUs } from '@app/kernel';

/** Where time enters a command. */
export interface Clock {
  /** Microseconds since 1970. */
  readonly now: () => TimeUs;
}

const US_PER_MS = 1_000;
const NS_PER_MS = 1_000_000;
/** How far behind the last reading the wall clock may be before it is believed to have been set back. */
const TOLERATED_STEP_US = 1_000_000;

/**
 * The machine's clock, strictly increasing: readings within one millisecond, or during a small step back, differ by a microsecond each, so
 * that times sort as they were taken.
 */
export function systemClock(wallMs: () => number = Date.now): Clock {
  let last = 0;
  return {
    now: () => {
      const wall = wallMs() * US_PER_MS;
      last = wall > last || wall < last - TOLERATED_STEP_US ? wall : last + 1;
      return last;
    },
  };
}

/** Nanoseconds since this process began, on a clock that only goes forward. */
export const elapsedNs = (): DurationNs => Math.round(performance.now() * NS_PER_MS);

/** A clock that stands still until it is moved; for tests. */
export interface ManualClock extends Clock {
  readonly advance: (us: number) => void;
}

export function manualClock(start: TimeUs = 1_700_000_000_000_000): ManualClock {
  let now = start;
  return {
    now: () => now,
    advance: (us) => {
      now += us;
    },
  };
}
