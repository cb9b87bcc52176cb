/*
 * Every limit and interval of the agent, in one place. Times are milliseconds unless the name says otherwise.
 */

/** Events a task keeps (spec/lifecycle §9.4). */
export const MAX_TASK_EVENTS = 10;

/** An update that changes a client status or a health leaves this soon (spec/lifecycle §9.3). */
export const URGENT_FLUSH_MS = 200;
/** Any other update leaves at the latest after this time. */
export const LAZY_FLUSH_MS = 1_000;
/** Updates carried by one status request. */
export const MAX_UPDATES_PER_REQUEST = 512;
/** Characters of one status request, before its envelope. */
export const MAX_STATUS_CHARACTERS = 4 * 1024 * 1024;

/** How long the server may hold a read of the node's allocations. */
export const FEED_WAIT_MS = 60_000;
/** A held read that has not been answered this long after its wait is taken as lost. */
export const FEED_GRACE_MS = 15_000;
/** Any other request. */
export const REQUEST_TIMEOUT_MS = 10_000;

/** Retries of requests: first delay and ceiling, each lengthened by up to a quarter at random. */
export const RETRY_FIRST_MS = 1_000;
export const RETRY_MAX_MS = 5_000;

/** A heartbeat leaves when this share of its time to live has passed, at the latest. */
export const HEARTBEAT_SHARE = 0.8;

/** The tasks of an allocation are killed once servers know that its services are off, or after this. */
export const SERVICES_WITHDRAWN_MS = 2_000;
/** The longest a task is asked nicely before it is killed, whatever its KillTimeout (spec/lifecycle §9.7). */
export const MAX_KILL_TIMEOUT_MS = 30_000;
/** A kill that fails is tried again: so often, first after this time, each time four times later, up to the ceiling. */
export const KILL_RETRIES = 5;
export const KILL_RETRY_FIRST_MS = 5_000;
export const KILL_RETRY_FACTOR = 4;
export const KILL_RETRY_MAX_MS = 120_000;
/** How long a process may take to vanish after SIGKILL. */
export const GONE_AFTER_SIGKILL_MS = 15_000;
/** How often a process is looked at that is not a child of this agent (it was started before the agent was). */
export const ORPHAN_POLL_MS = 250;

/** State of local allocations is written this soon after a change. */
export const JOURNAL_FLUSH_MS = 500;
/** Handles of real processes are written sooner: they cannot be derived. */
export const JOURNAL_URGENT_FLUSH_MS = 20;
/** Entries of the journal that are written without yielding to other work of the process. */
export const JOURNAL_CHUNK = 250;
/** The journal is rewritten when what was appended exceeds this and four times what it was when it was last rewritten. */
export const JOURNAL_COMPACT_BYTES = 32 * 1024 * 1024;

/** Directories (logs) of ended allocations that are kept when the agent starts; Nomad's `gc_max_allocs`. */
export const MAX_ENDED_DIRECTORIES = 50;
/** Ended allocations whose ids are remembered, so that an answer from before their end does not bring them back. */
export const MAX_ENDED_REMEMBERED = 10_000;
/** Allocations that are taken up without yielding to other work of the process. */
export const APPLY_CHUNK = 250;
/** How long a stopping agent may take to hand in its last status updates. */
export const FINAL_FLUSH_MS = 2_000;

/** Defaults and floors of service checks. */
export const MIN_CHECK_INTERVAL_MS = 100;
export const DEFAULT_CHECK_TIMEOUT_MS = 5_000;
/** Output of a check's script that is read. */
export const MAX_CHECK_OUTPUT_BYTES = 4 * 1024;

/** Identities are renewed in the middle of their time, but not sooner than this; and again after this if that fails. */
export const IDENTITY_RENEWAL_MIN_MS = 1_000;
export const IDENTITY_RETRY_MS = 5_000;

/** A read of what a template asks for waits at the server for so long. */
export const TEMPLATE_WAIT_MS = 60_000;
/** A read that brings nothing new takes at least so long. */
export const TEMPLATE_MIN_TURN_MS = 1_000;
/** Reads of templates that are under way at once; further ones wait their turn. */
export const TEMPLATE_CONNECTIONS = 128;
/** A failed read is tried again: first after this, up to the ceiling; a task fails once one was refused so often. */
export const TEMPLATE_RETRY_FIRST_MS = 250;
export const TEMPLATE_RETRY_MAX_MS = 30_000;
export const TEMPLATE_REFUSALS = 8;
/** After this an event says what the templates of a task wait for. */
export const TEMPLATE_MISSING_MS = 3_000;
/** A template that is read from a file. */
export const MAX_TEMPLATE_BYTES = 4 * 1024 * 1024;
/** An answer to a template. */
export const MAX_TEMPLATE_ANSWER_BYTES = 8 * 1024 * 1024;

/** An artifact may take so long in all, and so long without a byte. */
export const ARTIFACT_MS = 30 * 60_000;
export const ARTIFACT_IDLE_MS = 60_000;
export const MAX_ARTIFACT_REDIRECTS = 10;
export const MAX_ARTIFACT_BYTES = 10 * 1024 ** 3;
/** What an archive may hold. */
export const MAX_UNPACKED_BYTES = 20 * 1024 ** 3;
export const MAX_ARTIFACT_FILES = 4_096;

/** How long an allocation waits for the end of the one whose disk it continues, on another node, and how often it asks. */
export const DISK_WAIT_MS = 60 * 60_000;
export const DISK_RETRY_MS = 2_000;
/** A disk that is cut off on its way is fetched again; so often in all. */
export const DISK_TRIES = 3;
/** A disk may be under way so long in all. */
export const DISK_MS = 60 * 60_000;
/** What moves with a disk. */
export const MAX_DISK_BYTES = 20 * 1024 ** 3;
export const MAX_DISK_FILES = 200_000;
/** A path within an archive, and what a link of it says; Linux takes no more. */
export const MAX_PATH_BYTES = 4096;
