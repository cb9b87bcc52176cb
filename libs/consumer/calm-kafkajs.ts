import { createRequire } from 'node:module';

interface RequestQueue {
  readonly pending: readonly unknown[];
  scheduleCheckPendingRequests(): void;
}

const REQUEST_QUEUE = 'kafkajs/src/network/requestQueue';
const calmed = new WeakSet<object>();

/**
 * Takes kafkajs's idle timer away. Its 2.2.4 looks at a queue of waiting requests a negative time from now, also when none waits: Node says
 * `TimeoutNegativeWarning`, takes it for a millisecond, and the timer sets itself again as long as the connection lasts. A request that has to
 * wait sets the timer itself, so nothing is missed.
 */
export function calmKafkajs(): void {
  const { prototype } = createRequire(__filename)(REQUEST_QUEUE) as { readonly prototype: RequestQueue };
  if (calmed.has(prototype)) return;
  calmed.add(prototype);
  const schedule = prototype.scheduleCheckPendingRequests;
  prototype.scheduleCheckPendingRequests = function (this: RequestQueue): void {
    if (this.pending.length > 0) schedule.call(this);
  };
}
