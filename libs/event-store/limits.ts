/** Every bound of this lib in one place. */

/** Commands that one transaction carries at most. */
export const MAX_BATCH_COMMANDS = 512;
/** Characters of JSON that one transaction carries at most; a single larger command goes alone. */
export const MAX_BATCH_TEXT = 4_000_000;
/** Commands that wait behind the batch being flushed; the next one is refused as `overloaded`. */
export const MAX_QUEUE = 4_096;
/** What an `overloaded` caller is told to wait. */
export const RETRY_AFTER_MS = 1_000;
/** How often a command is decided again because a stream that it read had moved. */
export const MAX_CONFLICTS = 10;
/** How often a command is decided again because a stream that it reads had to be loaded first. */
export const MAX_LOAD_ROUNDS = 1_000;
/** How deep an answer is searched for the pending index. */
export const MAX_ANSWER_DEPTH = 8;

/** States kept in memory, by number and by characters of their JSON (the objects take some three times that in bytes). */
export const MAX_CACHED_STATES = 100_000;
export const MAX_CACHED_TEXT = 64_000_000;

/** After this a store that does not answer is reported as unavailable. */
export const STORE_DEADLINE_MS = 10_000;
/** The same once it has been: callers are told sooner until it answers again. Longer than what an append keeps back for finding out its outcome. */
export const OUTAGE_DEADLINE_MS = 2_000;
/** Postgres gives up on a statement first, then the client on the connection: both within {@link STORE_DEADLINE_MS}. */
export const STATEMENT_TIMEOUT_MS = 8_000;
export const QUERY_TIMEOUT_MS = 9_000;
export const CONNECT_TIMEOUT_MS = 3_000;
export const RECONNECT_FIRST_MS = 25;
export const RECONNECT_MAX_MS = 1_000;
/** How often the head is read in case a notification was lost. */
export const POLL_MS = 1_000;
/** A standby announces nothing: its head is read this often. */
export const STANDBY_POLL_MS = 100;
/** Partitions are looked after, and rows that serve no longer are removed, this often. */
export const MAINTENANCE_MS = 600_000;
/** What finds events by who, what and why follows the log this often. */
export const TALLY_MS = 5_000;
/** How long a starting process waits for another one that is migrating. */
export const MIGRATION_LOCK_TIMEOUT_MS = 120_000;
