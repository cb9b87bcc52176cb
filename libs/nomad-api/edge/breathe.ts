import type { Steps } from '@app/kernel';

/** How long a computation goes on at a time, in milliseconds. */
const SLICE_MS = 10;

/** Lets whatever else waits for the event loop go first: between the steps of a request that may be large. */
export const breathe = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

/** Runs a computation to its end, and lets others go first every few milliseconds. */
export async function drive<T>(steps: Steps<T>): Promise<T> {
  for (let began = performance.now(); ;) {
    const { done, value } = steps.next();
    if (done === true) return value;
    if (performance.now() - began < SLICE_MS) continue;
    await breathe();
    began = performance.now();
  }
}
