import { loadQuery } from '../database/sql.js';
import type { Transaction } from '../database/database.js';

const fingerprintsQuery = loadQuery('fingerprints');

/** What a source looks like from outside; see `sql/queries/fingerprints.sql`. */
export interface Fingerprint {
  readonly file: number;
  readonly children: string | null;
  readonly columns: string | null;
  readonly rows: string;
  readonly commits: string;
}

/** Fingerprints by source id. Sources that are gone are missing. */
export async function readFingerprints(tx: Transaction, sources: readonly number[]): Promise<Map<number, Fingerprint>> {
  const rows = await tx.rows<{ id: number; fingerprint: Fingerprint }>(fingerprintsQuery, [sources]);
  return new Map(rows.map((row) => [row.id, row.fingerprint]));
}

/** What of a fingerprint differs; `unknown` where there was none to compare with. */
export type FingerprintChange = 'partitions' | 'storage' | 'columns' | 'counters' | 'unknown';

/**
 * What has changed between two looks at a source; undefined when nothing has.
 *
 * Row counters alone prove nothing: they count rolled-back rows too. What only a commit moves is the number of rows
 * modified since the last ANALYZE, so counters that moved beside an unmoved one, with no ANALYZE in between (which
 * resets it), were a rollback. Counters that went backwards were reset: unknown, hence a change.
 * Source: PostgreSQL, AtEOXact_PgStat_Relations in pgstat_relation.c.
 */
export function fingerprintChange(before: Fingerprint, now: Fingerprint): FingerprintChange | undefined {
  if (before.children !== now.children) return 'partitions';
  if (before.file !== now.file) return 'storage';
  if (before.columns !== now.columns) return 'columns';
  if (before.rows !== now.rows && before.commits !== now.commits) return 'counters';
  return undefined;
}

/** Rows that a refresh wrote, and the file it wrote them to. */
export interface Rewrite {
  readonly file: number;
  readonly inserted: number;
  readonly updated: number;
  readonly deleted: number;
}

/** What a source will look like once a transaction that rewrites it has committed and reported its counters. */
export function fingerprintAfter(before: Fingerprint, rewrite: Rewrite): Fingerprint {
  const { inserted, updated, deleted } = rewrite;
  const [analyzed = 0, modified = 0] = numbersOf(before.commits);
  const [rowsInserted = 0, rowsUpdated = 0, rowsDeleted = 0] = numbersOf(before.rows);
  return {
    ...before,
    file: rewrite.file,
    rows: [rowsInserted + inserted, rowsUpdated + updated, rowsDeleted + deleted].join(','),
    commits: [analyzed, modified + inserted + updated + deleted].join(','),
  };
}

function numbersOf(list: string): number[] {
  return list.split(',').map(Number);
}
