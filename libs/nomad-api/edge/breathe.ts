/** Lets whatever else waits for the event loop go first: between the steps of a request that may be large. */
export const breathe = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));
