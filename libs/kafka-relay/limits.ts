/** Every bound of this lib in one place. */

/** Most events that are read from the log at a time; the commit that reaches it is completed. One page is one transaction. */
export const PAGE_EVENTS = 2_000;
/** The first page after a start, before it is known how large the records are. */
export const FIRST_PAGE_EVENTS = 100;
/** About how many bytes of records a transaction should have. A single commit is never divided. */
export const TRANSACTION_BYTES = 4_000_000;
/**
 * Transactions that follow the log begin at least so long after one another: each costs Kafka some milliseconds of CPU, however few records it
 * has. A commit that comes alone does not wait.
 */
export const TRANSACTION_INTERVAL_MS = 15;
/** Bytes of records for one partition in a produce request: what a broker's default takes as one batch. */
export const BATCH_BYTES = 900_000;
/** Bytes of records in one produce request, of all partitions. */
export const REQUEST_BYTES = 8_000_000;

/** Room for the headers and the framing of a record, beside its value. */
export const HEADER_ROOM = 8_192;
/** Longer keys are cut and told apart by a digest; longer actors, reasons and subjects are cut. */
export const TEXT_LIMIT = 1_024;

/** An idle relay writes its position this often: so it learns that it was fenced or rewound, and that Kafka is there. */
export const IDLE_MS = 5_000;
export const BACKOFF_FIRST_MS = 100;
/** A cluster that has lost a broker takes some seconds to put others in its place; publishing goes on within this of it. */
export const BACKOFF_MAX_MS = 1_000;
/** How long stopping waits for the transaction under way. Kafka fences it if it comes later. */
export const STOP_BOUND_MS = 2_000;

/** A crashed holder is replaced after at most this and one attempt. */
export const LEASE_TTL_MS = 3_000;
export const LEASE_RENEW_MS = 1_000;

/** Also for the first answer: a broker that hangs still has its connections accepted, by its kernel. */
export const CONNECT_TIMEOUT_MS = 3_000;
export const REQUEST_TIMEOUT_MS = 10_000;
/** How long a session that is over waits for answers that are still to come: a broker may be waiting for another one that is gone. */
export const CLOSE_BOUND_MS = 500;
/** Kafka aborts what a dead relay left open after this; the next relay does so at once. */
export const TRANSACTION_TIMEOUT_MS = 30_000;
/** A new transaction has to wait until the markers of the last one are written, a new topic until it is led: a few milliseconds each. */
export const PASSING_PAUSE_MS = 2;
export const PASSING_BOUND_MS = 3_000;
export const RETRY_FIRST_MS = 3;
export const RETRY_MAX_MS = 500;
export const RETRIES = 12;
