/* The bounds of what servers do for client agents. */

/** Allocations that one call asks for. */
export const MAX_ALLOCATIONS_PER_CALL = 10_000;
/** A query that waits, without the random part. */
export const MAX_QUERY_MS = 300_000;
/** Registered job documents that are kept. */
export const MAX_JOB_TEXTS_BYTES = 32 * 1024 * 1024;
/** Streams that this instance has open to nodes for readers of logs and files and for exec. */
export const MAX_NODE_STREAMS = 2000;
/** Services that one call registers. */
export const MAX_SERVICES_PER_CALL = 10_000;
/** Default identities that are kept; about 1 kB each. */
export const MAX_KEPT_TOKENS = 20_000;

/** Policies or roles that one call may ask for. */
export const MAX_ACL_NAMES = 1000;
