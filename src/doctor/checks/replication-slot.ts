import { loadQuery } from '../../database/sql.js';
import type { Check } from '../examination.js';
import { orPass, type Finding } from '../finding.js';

const idleSlotsQuery = loadQuery('idle-slots');

interface IdleSlot {
  readonly name: string;
  readonly transactions: number;
}

/** Does a forgotten replication slot hold vacuum back? */
export const replicationSlotCheck: Check = {
  name: 'replication slots',
  group: 'Upkeep',
  examine: async ({ database, thresholds }) => orPass(
    (await database.rows<IdleSlot>(idleSlotsQuery, [thresholds.transactions])).map(idleSlotFinding),
    'No unused replication slot holds vacuum back',
  ),
};

/** Pure. */
export function idleSlotFinding({ name, transactions }: IdleSlot): Finding {
  return {
    level: 'warning',
    what: `Nobody reads from the replication slot ${name}, and ${transactions.toLocaleString('en-US')} transactions have begun since somebody did`,
    why: 'It keeps dead rows from being removed, and the write-ahead log from being recycled, until the disk is full. If nobody will read from it again:',
    remedy: `SELECT pg_catalog.pg_drop_replication_slot('${name.replaceAll("'", "''")}');`,
  };
}
