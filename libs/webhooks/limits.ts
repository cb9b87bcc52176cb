/** Every bound of this lib in one place. */

/** From the look-up of the name to the end of the answer. */
export const ATTEMPT_TIMEOUT_MS = 10_000;
/** Of an answer's body nothing is kept; what is longer ends the connection. */
export const MAX_ANSWER_BYTES = 64 * 1024;
/** Larger bodies are sent in their short form. */
export const MAX_BODY_BYTES = 4_000_000;

/** The pause after the first failed attempt; it doubles with each further one. */
export const BACKOFF_FIRST_MS = 1_000;
export const BACKOFF_MAX_MS = 300_000;
/** A receiver may ask for longer pauses, up to this. */
export const RETRY_AFTER_MAX_MS = 3_600_000;
/** Nothing was taken for so long: the webhook is disabled. */
export const DISABLE_AFTER_MS = 3 * 24 * 3_600_000;

/** How far a webhook is, is noted in the log no more often than this after deliveries, and after so many commits in any case. */
export const REACHED_EVERY_MS = 900_000;
export const REACHED_COMMITS = 100_000;
/** How far a webhook is that has nothing to deliver, is written down after so many commits, or so long. */
export const IDLE_COMMITS = 1_000;
export const IDLE_MS = 2_000;

/** Characters of states that the reader of one webhook keeps while it is behind. */
export const REPLAY_TEXT = 1_000_000;

/** After a fault of our own: the database is away, a secret cannot be opened. */
export const FAULT_FIRST_MS = 250;
export const FAULT_MAX_MS = 5_000;

/** A crashed holder is replaced after at most this and one attempt. */
export const LEASE_TTL_MS = 3_000;
export const LEASE_RENEW_MS = 1_000;
/** How often it is looked whether each webhook has its deliverer; what changes in the log is taken up at once. */
export const RECHECK_MS = 15_000;
export const REFRESH_RETRY_MS = 500;
