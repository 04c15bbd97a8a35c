import { adviseUniqueIndex } from '../../catalog/unique-index.js';
import { loadQuery } from '../../database/sql.js';
import type { Check } from '../examination.js';
import { orPass, type Finding } from '../finding.js';
import { bytes } from '../measure.js';
import type { Thresholds } from '../thresholds.js';

const viewScansQuery = loadQuery('view-scans');

interface Scans {
  readonly oid: number;
  readonly scans: number;
  readonly bytes: number;
  readonly indexed: boolean;
}

/** Is a view of some size read from end to end again and again, for want of any index? */
export const indexlessScanCheck: Check = {
  name: 'sequential scans',
  group: 'Views',
  examine: ({ database, views, thresholds }) => database.transaction('look', async (tx) => {
    const findings: Finding[] = [];
    for (const scanned of await tx.rows<Scans>(viewScansQuery, [views.map((view) => view.oid)])) {
      const view = views.find(({ oid }) => oid === scanned.oid);
      if (view === undefined || !lacksIndex(scanned, thresholds)) continue;
      const advice = await adviseUniqueIndex(tx, view.oid);
      findings.push({
        level: 'warning', view: view.name,
        what: `${view.name} has no index, and its ${bytes(scanned.bytes)} were read from end to end ${scanned.scans.toLocaleString('en-US')} times`,
        why: `Every query reads all of it. An index on the columns that queries filter by makes them fast.${advice === undefined ? '' : ` ${advice.because}`}`,
        remedy: advice?.statement ?? `CREATE INDEX on the columns of ${view.name} that queries filter by`,
      });
    }
    return orPass(findings, 'No large view without an index is read by sequential scans');
  }),
};

/** Pure. */
export function lacksIndex(scanned: Omit<Scans, 'oid'>, thresholds: Pick<Thresholds, 'scans' | 'scannedBytes'>): boolean {
  return !scanned.indexed && scanned.scans >= thresholds.scans && scanned.bytes >= thresholds.scannedBytes;
}
