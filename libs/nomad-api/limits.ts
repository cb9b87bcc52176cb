/** Largest request body, in bytes. */
export const BODY_LIMIT = 16 * 1024 * 1024;
/** A request must have come in whole within this. Node looks every 30 s, so one that trickles is ended after 90 s at most. */
export const REQUEST_TIMEOUT_MS = 60_000;
/** Bytes of all request bodies that this process has taken in and not answered yet. */
export const BODIES_IN_FLIGHT_BYTES = 128 * 1024 * 1024;
/** A body that is no larger is counted but never refused, so that large ones cannot keep everyone else out. */
export const SMALL_BODY_BYTES = 64 * 1024;
