import type { Holder } from '../catalog/run-record.js';
import { formatDuration } from '../config/duration.js';

/** Who may still commit rows that a summary has not seen: 'pid 123 (open for 5m)'. Pure. */
export function holderNames(holders: readonly Holder[], at: Date): string[] {
  return holders.map(({ transaction, pid, since }) => {
    // See the migration: an id beyond them was written by hand.
    if (transaction === 'sequence') return 'whoever draws them from the sequence';
    const open = since === null ? '' : ` (open for ${formatDuration(Math.max(0, at.getTime() - new Date(since).getTime()))})`;
    return `${pid === null ? 'a prepared transaction' : `pid ${pid}`}${open}`;
  });
}
