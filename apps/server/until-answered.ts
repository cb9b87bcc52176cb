import { isStoreOutage, StoreUnavailable } from '@app/event-store';
import type { Logger } from '@app/platform';
import { setTimeout as delay } from 'node:timers/promises';

const FIRST_PAUSE_MS = 250;
const LONGEST_PAUSE_MS = 5_000;

/** Does a step of the start, again and again while what it needs does not answer, and says that it waits. Any other failure is the caller's. */
export async function untilAnswered<T>(
  what: string,
  log: Pick<Logger, 'warn' | 'info'>,
  step: () => Promise<T>,
): Promise<T> {
  for (let pause = FIRST_PAUSE_MS, waited = false; ; pause = Math.min(2 * pause, LONGEST_PAUSE_MS), waited = true) {
    try {
      const done = await step();
      if (waited) log.info(`${what} answers`);
      return done;
    } catch (error) {
      if (!(error instanceof StoreUnavailable) && !isStoreOutage(error)) throw error;
      log.warn(`waiting for ${what}, which does not answer (${(error as Error).message}); next attempt in ${pause} ms`);
      await delay(pause);
    }
  }
}
