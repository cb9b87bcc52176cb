import { BACKOFF_FIRST_MS, BACKOFF_MAX_MS } from './limits.js';

export interface Pace {
  readonly firstMs: number;
  readonly maxMs: number;
}
export const PACE: Pace = { firstMs: BACKOFF_FIRST_MS, maxMs: BACKOFF_MAX_MS };

const MAX_DOUBLINGS = 30;

/** How long to wait after so many failed attempts: half of it is left to chance, so that receivers that come back are not met by all at once. */
export function backoffMs(attempts: number, random: number, { firstMs, maxMs }: Pace = PACE): number {
  const full = Math.min(firstMs * 2 ** Math.min(attempts - 1, MAX_DOUBLINGS), maxMs);
  return full / 2 + (full / 2) * random;
}
