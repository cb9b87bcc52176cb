import { setTimeout as delay } from 'node:timers/promises';
import { PASSING_BOUND_MS, PASSING_PAUSE_MS } from '../limits.js';

/** Until the transaction before is completed. */
export const COMPLETING: ReadonlySet<string> = new Set(['CONCURRENT_TRANSACTIONS']);

/** Until brokers know what they lead and coordinate. Whoever keeps to those that it has found should not wait for that: they may have changed. */
const SETTLING: ReadonlySet<string> = new Set([
  ...COMPLETING,
  'GROUP_LOAD_IN_PROGRESS',
  'LEADER_NOT_AVAILABLE',
  'NOT_COORDINATOR_FOR_GROUP',
  'NOT_LEADER_FOR_PARTITION',
  'UNKNOWN_TOPIC_OR_PARTITION',
]);

/** Asks again as long as the answer is one of those that a broker gives for a moment only, within a bound. The question must be safe to repeat. */
export async function untilAnswered<T>(ask: () => Promise<T>, passing = SETTLING): Promise<T> {
  for (const deadline = Date.now() + PASSING_BOUND_MS; ;) {
    try {
      return await ask();
    } catch (error) {
      if (!passing.has((error as { type?: string }).type ?? '') || Date.now() > deadline) throw error;
      await delay(PASSING_PAUSE_MS);
    }
  }
}
