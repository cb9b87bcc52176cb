import { types } from 'node:util';
import { DatabaseError } from 'pg';

/**
 * What a failed statement means. `refused`: this statement cannot succeed as it is; `busy`: nothing was written and it may succeed later;
 * `lost`: the connection or its server is gone, and whether the statement took effect is not known.
 */
export type Failure = 'refused' | 'busy' | 'lost';

// SQLSTATEs by meaning (appendix A of the PostgreSQL manual).
const SERIALIZATION_FAILURE = '40001';
const DEADLOCK_DETECTED = '40P01';
const LOCK_NOT_AVAILABLE = '55P03';
const QUERY_CANCELED = '57014';
const READ_ONLY_TRANSACTION = '25006';
const INSUFFICIENT_RESOURCES = '53';
const SYSTEM_ERROR = '58';

/** What `pg` and its pool say without an error code when the server is gone or silent. */
const OUTAGE_MESSAGE =
  /^(Connection terminated|Query read timeout|timeout expired|timeout exceeded when trying to connect|Client has encountered a connection error|The server does not support SSL)/;
const NETWORK_CODES = new Set([
  'ECONNREFUSED',
  'ECONNRESET',
  'EPIPE',
  'ETIMEDOUT',
  'EHOSTUNREACH',
  'ENETUNREACH',
  'ENOTFOUND',
  'EAI_AGAIN',
]);
/** Shutting down, starting up, too many connections: SQLSTATEs of a server that will serve again. */
const NOT_NOW = /^(57P0[123]|53300|08...)$/;

/** Whether an error of a query made with `pg`, by whatever library, says that the database is out of reach for now. */
export function isStoreOutage(error: unknown): boolean {
  // Also an error of another realm: those of Node's own sockets are, wherever code runs in a context of its own.
  if (!types.isNativeError(error)) return false;
  const cause = (error as { driverError?: unknown }).driverError;
  if (types.isNativeError(cause) && cause !== error) return isStoreOutage(cause);
  if (error instanceof AggregateError) return error.errors.some(isStoreOutage);
  const { code } = error as { code?: unknown };
  if (error instanceof DatabaseError) return NOT_NOW.test(error.code ?? '') || failureOf(error) === 'busy';
  return OUTAGE_MESSAGE.test(error.message) || (typeof code === 'string' && NETWORK_CODES.has(code));
}

const DISK_FULL = '53100';

/** The database's SQLSTATE, by whatever library it was asked; '' where it gave none. */
export function sqlStateOf(error: unknown): string {
  const { code, driverError, cause } = (error ?? {}) as {
    readonly code?: unknown;
    readonly driverError?: { readonly code?: unknown };
    readonly cause?: unknown;
  };
  const found = driverError?.code ?? code;
  if (typeof found === 'string') return found;
  return cause === undefined || cause === error ? '' : sqlStateOf(cause);
}

/** The database has no disk space left for what was to be written; nothing was. */
export const isDiskFull = (error: unknown): boolean => sqlStateOf(error) === DISK_FULL;

export function failureOf(error: unknown): Failure {
  // FATAL and PANIC end the connection, and a shutdown can come between a commit and its answer.
  if (!(error instanceof DatabaseError) || error.severity !== 'ERROR') return 'lost';
  switch (error.code ?? '') {
    case SERIALIZATION_FAILURE:
    case DEADLOCK_DETECTED:
    case LOCK_NOT_AVAILABLE:
    case QUERY_CANCELED:
      return 'busy';
    // The primary has become a standby: another connection may find the new one.
    case READ_ONLY_TRANSACTION:
      return 'lost';
  }
  const errorClass = error.code?.slice(0, 2);
  return errorClass === INSUFFICIENT_RESOURCES || errorClass === SYSTEM_ERROR ? 'busy' : 'refused';
}
