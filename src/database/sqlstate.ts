/**
 * What an error means for the work that met it:
 * - `transient`: the same work is expected to succeed later, unchanged
 * - `cancelled`: somebody, or a time limit, stopped the statement
 * - `permanent`: it fails until somebody changes something
 */
export type FailureKind = 'transient' | 'cancelled' | 'permanent';

/** SQLSTATEs and classes that pass by themselves. Source: PostgreSQL, appendix A. */
const transientStates: Readonly<Record<string, string>> = {
  '40001': 'serialization_failure',
  '40P01': 'deadlock_detected',
  '55P03': 'lock_not_available',
  '57P01': 'admin_shutdown',
  '57P02': 'crash_shutdown',
  '57P03': 'cannot_connect_now',
  '57P05': 'idle_session_timeout',
  '25006': 'read_only_sql_transaction (a fail-over in progress)',
  '25P03': 'idle_in_transaction_session_timeout',
  '25P04': 'transaction_timeout',
  '23503': 'foreign_key_violation (in our own tables: another worker removed what this one was linking)',
};
const transientClasses: Readonly<Record<string, string>> = {
  '08': 'connection_exception',
  '53': 'insufficient_resources',
};
const networkErrors = new Set([
  'ECONNREFUSED', 'ECONNRESET', 'ENOTFOUND', 'EAI_AGAIN', 'EPIPE', 'ETIMEDOUT', 'EHOSTUNREACH', 'ENETUNREACH', 'ECONNABORTED',
]);
/** What `pg` says, without a code, when a connection ends under a query or cannot be had. */
const connectionMessages = /connection (terminated|ended)|timeout (expired|exceeded)|client has encountered a connection error|not queryable|query read timeout/i;

const queryCanceled = '57014';

/** The five-character SQLSTATE of an error that came from the server, else undefined. */
export function sqlstateOf(error: unknown): string | undefined {
  const code = codeOf(error);
  return code !== undefined && /^[0-9A-Z]{5}$/.test(code) && !networkErrors.has(code) ? code : undefined;
}

/** True when the connection, not the statement, failed. */
export function isConnectionLoss(error: unknown): boolean {
  const code = codeOf(error);
  if (code !== undefined && networkErrors.has(code)) return true;
  const sqlstate = sqlstateOf(error);
  if (sqlstate !== undefined) return sqlstate.startsWith('08') || /^57P0[1235]$/.test(sqlstate);
  return error instanceof Error && connectionMessages.test(error.message);
}

export function classifyFailure(error: unknown): FailureKind {
  if (isConnectionLoss(error)) return 'transient';
  const sqlstate = sqlstateOf(error);
  if (sqlstate === undefined) return 'permanent';
  if (sqlstate === queryCanceled) return 'cancelled';
  if (sqlstate in transientStates || sqlstate.slice(0, 2) in transientClasses) return 'transient';
  return 'permanent';
}

function codeOf(error: unknown): string | undefined {
  if (typeof error !== 'object' || error === null || !('code' in error)) return undefined;
  return typeof error.code === 'string' ? error.code : undefined;
}
