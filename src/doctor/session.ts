import { formatDuration } from '../config/duration.js';

/** A session in a transaction, as far as this role may see it. */
export interface Session {
  readonly pid: number;
  readonly role: string;
  readonly database: string;
  readonly application: string;
  /** `active`, `idle in transaction`, ...; null when this role may not see it. */
  readonly state: string | null;
  /** For how long; null when this role may not see it. */
  readonly forMs: number | null;
}

/** 'app (rails, pid 4711, idle in transaction)'. */
export function sessionName({ pid, role, application, state }: Session): string {
  return `${role} (${[application, `pid ${pid}`, state].filter((part) => part !== '' && part !== null).join(', ')})`;
}

export function sessionAge({ forMs }: Session): string {
  return forMs === null ? 'a time that this role may not see' : formatDuration(forMs);
}

export function terminate({ pid }: Pick<Session, 'pid'>): string {
  return `SELECT pg_catalog.pg_terminate_backend(${pid});`;
}
