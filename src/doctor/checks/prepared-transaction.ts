import { formatDuration } from '../../config/duration.js';
import type { Config } from '../../config/config.js';
import { loadQuery } from '../../database/sql.js';
import type { Check } from '../examination.js';
import { orPass, type Finding } from '../finding.js';

const preparedTransactionsQuery = loadQuery('prepared-transactions');

interface PreparedTransaction {
  readonly gid: string;
  readonly role: string;
  readonly database: string;
  /** Whether it is of this database. */
  readonly here: boolean;
  readonly forMs: number;
}

/** Two-phase commit: does it stand in the worker's way, or the worker in its? */
export const preparedTransactionCheck: Check = {
  name: 'prepared transactions',
  group: 'Changes',
  examine: async ({ database, config, thresholds }) => {
    const prepared = await database.rows<PreparedTransaction>(preparedTransactionsQuery);
    return orPass(preparedTransactionFindings(prepared, config.wake, thresholds.preparedMs), 'No prepared transaction is in the way');
  },
};

/** Pure. @param mayWaitMs how long one may wait for its end */
export function preparedTransactionFindings(
  prepared: readonly PreparedTransaction[], wake: Config['wake'], mayWaitMs: number,
): Finding[] {
  const old = prepared.filter(({ forMs }) => forMs >= mayWaitMs).map(({ gid, role, database, here, forMs }): Finding => ({
    level: 'warning',
    what: `The prepared transaction ${gid} of ${role}${here ? '' : ` in database ${database}`} has waited for its end for ${formatDuration(forMs)}`,
    why: 'It keeps its locks, also over a restart, holds back vacuum and what the change log could let go. If its coordinator has '
      + `forgotten it${here ? '' : `, run in database ${database}`}:`,
    remedy: `ROLLBACK PREPARED '${gid.replaceAll("'", "''")}';`,
  }));
  if (wake === 'poll' || !prepared.some(({ here }) => here)) return old;
  return [
    {
      level: 'warning',
      what: 'Applications prepare transactions in this database, while the worker is woken by notifications',
      why: 'PREPARE TRANSACTION fails in a transaction that has notified: PostgreSQL refuses it.',
      remedy: 'Start every worker of this database with --wake poll (or LISTENER_WAKE=poll)',
    },
    ...old,
  ];
}
