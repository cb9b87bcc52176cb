/** Every bound of verification and rebuilding in one place. */

/** Events that one query reads. */
export const PAGE_EVENTS = 1_000;
/** Streams that are folded and compared (or written) together; the rest of the log stays in the database meanwhile. */
export const CHUNK_STREAMS = 500;
/** A chunk ends before it has as many streams when they had this many events. */
export const CHUNK_EVENTS = 20_000;
/** Ranges of streams that a verification goes through at the same time. */
export const RANGES_AT_ONCE = 3;
/** Streams that are brought up to date by one query when catching up. */
export const CATCH_UP_STREAMS = 100;
/** Folds that are kept between two rounds of catching up, so that what moves often is not folded from its beginning again. */
export const KEPT_FOLDS = 5_000;
/** Catching up ends when a round was this quick, or after so many rounds: the rest is done with appends held back. */
export const QUICK_ROUND_MS = 200;
export const MAX_ROUNDS = 50;
/** How long the swap waits for those who read the old table, while appends wait for the swap; then it steps back and tries again. */
export const SWAP_LOCK_MS = 500;
export const SWAP_ATTEMPTS = 40;
export const SWAP_PAUSE_MS = 250;
/** Keys of differing rows that a report names. */
export const NAMED_KEYS = 5;
/** Characters of a value that a report shows. */
export const SHOWN_VALUE = 80;
export const CONNECT_TIMEOUT_MS = 5_000;
