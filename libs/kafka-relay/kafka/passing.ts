import { setTimeout as delay } from 'node:timers/promises';
import { PASSING_BOUND_MS, PASSING_PAUSE_MS } from '../limits.js';

/** Answers of a broker that it will give for a moment only: until a transaction is completed, until it knows what it leads. */
const PASSING = new Set([
  'CONCURRENT_TRANSACTIONS',
  'GROUP_LOAD_IN_PROGRESS',
  'LEADER_NOT_AVAILABLE',
  'NOT_COORDINATOR_FOR_GROUP',
  'NOT_LEADER_FOR_PARTITION',
  'UNKNOWN_TOPIC_OR_PARTITION',
]);

/** Asks again as long as the answer is a passing one, within a bound. The question must be safe to repeat. */
export async function untilAnswered<T>(ask: () => Promise<T>): Promise<T> {
  for (const deadline = Date.now() + PASSING_BOUND_MS; ;) {
    try {
      return await ask();
    } catch (error) {
      if (!PASSING.has((error as { type?: string }).type ?? '') || Date.now() > deadline) throw error;
      await delay(PASSING_PAUSE_MS);
    }
  }
}
