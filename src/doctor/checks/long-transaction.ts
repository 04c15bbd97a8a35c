import { loadQuery } from '../../database/sql.js';
import { formatDuration } from '../../config/duration.js';
import type { Check } from '../examination.js';
import { orPass, type Finding } from '../finding.js';
import { sessionAge, sessionName, terminate, type Session } from '../session.js';

const longTransactionsQuery = loadQuery('long-transactions');

interface LongTransaction extends Session {
  /** How many transactions have begun since; null when it holds none back. */
  readonly transactions: number | null;
}

/** Who holds back commits, clean-up and vacuum? */
export const longTransactionCheck: Check = {
  name: 'long transactions',
  group: 'Upkeep',
  examine: async ({ database, thresholds }) => {
    const found = await database.rows<LongTransaction>(longTransactionsQuery, [thresholds.transactionMs, thresholds.transactions]);
    return orPass(found.map(longTransactionFinding), `No transaction is open for longer than ${formatDuration(thresholds.transactionMs)}`);
  },
};

/** Pure. */
export function longTransactionFinding(transaction: LongTransaction): Finding {
  const since = (transaction.transactions ?? 0) > 1 ? `; ${transaction.transactions?.toLocaleString('en-US') ?? ''} transactions have begun since` : '';
  return {
    level: 'warning',
    what: `${sessionName(transaction)} has been in a transaction for ${sessionAge(transaction)}`,
    why: `What it has written is shown by no view before it commits, and neither the change log nor any table can be cleared of what it might still see${since}.`,
    remedy: terminate(transaction),
  };
}
