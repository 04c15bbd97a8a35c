import type { Transaction } from '../../database/database.js';
import { loadQuery } from '../../database/sql.js';

const pinSettingsQuery = loadQuery('pin-settings');

/** From here on expressions are evaluated as they were when the summary was absorbed last, until the transaction ends. */
export async function pinSettings(tx: Transaction, view: number): Promise<void> {
  await tx.rows(pinSettingsQuery, [view]);
}
