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

export function failureOf(error: unknown): Failure {
  // FATAL and PANIC end the connection, and a shutdown can come between a commit and its answer.
  if (!(error instanceof DatabaseError) || error.severity !== 'ERROR') return 'lost';
  switch (error.code) {
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
