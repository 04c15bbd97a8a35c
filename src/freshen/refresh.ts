import type { Rewrite } from '../catalog/fingerprint.js';
import type { Transaction } from '../database/database.js';
import { quoteIdentifier } from '../database/identifier.js';
import { loadQuery } from '../database/sql.js';

const refreshTargetQuery = loadQuery('refresh-target');
const rowsWrittenQuery = loadQuery('rows-written');

/** Ours while we compare images and read the catalog, the role's own while it refreshes. */
const refreshSettings = [
  { name: 'search_path', ours: "''" },
  // Images are compared as texts: every digit of a float must show.
  { name: 'extra_float_digits', ours: '1' },
] as const;

/** How a materialized view is refreshed: CONCURRENTLY, which readers do not notice, or plain, for which they wait. */
export type RefreshPlan = 'concurrent' | 'plain';

export interface RefreshTarget {
  /** As it is called now: it may have been renamed since the last sweep. */
  readonly name: string;
  readonly populated: boolean;
  readonly file: number;
  /** Columns of all unique indexes that a concurrent refresh can use; empty when there is none. */
  readonly keyColumns: readonly string[];
  readonly columns: readonly string[];
}

/**
 * What a refresh changed. A concurrent one writes a changed row as one deleted and one inserted; a plain one inserts
 * all rows anew.
 */
export interface RefreshResult {
  readonly inserted: number;
  readonly updated: number;
  readonly deleted: number;
  /** Whether the view shows something else than before. */
  readonly changed: boolean;
  /** What was physically written, rewritten rows included. */
  readonly written: Rewrite;
}

export async function readRefreshTarget(tx: Transaction, oid: number): Promise<RefreshTarget | undefined> {
  const [target] = await tx.rows<RefreshTarget>(refreshTargetQuery, [oid]);
  return target;
}

/** The view was renamed while its refresh waited, and another one was refreshed in its place. */
export class NameMoved extends Error {
  override readonly name = 'NameMoved';
  readonly code = '40001';
}

export function choosePlan(target: Pick<RefreshTarget, 'populated' | 'keyColumns'>): RefreshPlan {
  return target.populated && target.keyColumns.length > 0 ? 'concurrent' : 'plain';
}

/**
 * Refreshes one view in the caller's transaction, and finds out what changed.
 *
 * @param oid of the view
 * @param compare whether anybody asks if a plain refresh changed something: finding out reads the view twice
 */
export async function refresh(
  tx: Transaction, oid: number, target: RefreshTarget, compare: boolean,
): Promise<RefreshResult> {
  const plan = choosePlan(target);
  const comparison = comparisonQuery(target.name, plan, target, compare);
  const imageBefore = comparison === undefined ? undefined : await readImage(tx, comparison);
  const before = await readRowsWritten(tx, oid);
  // As the role would refresh by hand: functions that the definition calls may rely on its settings.
  for (const setting of refreshSettings) await tx.rows(`SET LOCAL ${setting.name} TO DEFAULT`);
  await tx.rows(`REFRESH MATERIALIZED VIEW ${plan === 'concurrent' ? 'CONCURRENTLY ' : ''}${target.name}`);
  for (const setting of refreshSettings) await tx.rows(`SET LOCAL ${setting.name} = ${setting.ours}`);
  await requireName(tx, oid, target.name);
  const after = await readRowsWritten(tx, oid);
  const written: Rewrite = {
    inserted: after.inserted - before.inserted,
    updated: after.updated - before.updated,
    deleted: after.deleted - before.deleted,
    file: after.file,
  };
  // With track_counts off nothing is counted, and everything may have changed.
  const wroteRows = written.inserted + written.updated + written.deleted > 0 || !after.counting;
  if (imageBefore === undefined || comparison === undefined) return asWritten(written, plan === 'plain' || wroteRows);
  if (plan === 'plain') return asWritten(written, !sameImage(imageBefore, await readImage(tx, comparison)));
  if (!wroteRows || imageBefore.rows === 0) return asWritten(written, wroteRows);
  return withoutRewrites(written, imageBefore, await readImage(tx, comparison));
}

/** The refresh has locked what it refreshed: from here on the name cannot move any more. */
async function requireName(tx: Transaction, oid: number, name: string): Promise<void> {
  const [row] = await tx.rows<{ same: boolean }>('SELECT pg_catalog.to_regclass($1)::pg_catalog.oid = $2 AS same', [name, oid]);
  if (row?.same !== true) throw new NameMoved(`${name} was renamed while its refresh began.`);
}

function asWritten(written: Rewrite, changed: boolean): RefreshResult {
  const { inserted, updated, deleted } = written;
  return { inserted, updated, deleted, changed, written };
}

/** Rows of a view, or of a part of it, as a multiset: how many, and the sum of their hashes. */
interface Image {
  readonly rows: number;
  readonly hash: string | null;
}

/**
 * Takes out of a concurrent refresh's count the rows with a NULL in the key: `=` never matches them, so each is deleted
 * and inserted again whatever became of it. If they look the same as before, they have not changed. Pure.
 */
export function withoutRewrites(written: Rewrite, before: Image, after: Image): RefreshResult {
  const inserted = written.inserted - after.rows;
  const deleted = written.deleted - before.rows;
  // Fewer written than there are: the refresh did not rewrite them all, and the count is as it stands.
  if (!sameImage(before, after) || inserted < 0 || deleted < 0) return asWritten(written, true);
  return { ...asWritten(written, inserted + written.updated + deleted > 0), inserted, deleted };
}

function sameImage(before: Image, after: Image): boolean {
  return before.rows === after.rows && before.hash === after.hash;
}

/** Reads the image of what must be compared: of a plain refresh all rows, of a concurrent one those with a NULL key. */
function comparisonQuery(view: string, plan: RefreshPlan, target: RefreshTarget, compare: boolean): string | undefined {
  const image = `SELECT count(*) AS rows,
      sum(pg_catalog.hashtextextended((v.*)::pg_catalog.text, 0)::pg_catalog.numeric)::pg_catalog.text AS hash FROM ${view} AS v`;
  if (plan === 'concurrent') {
    return `${image} WHERE ${target.keyColumns.map((column) => `v.${quoteIdentifier(column)} IS NULL`).join(' OR ')}`;
  }
  return compare && target.populated ? image : undefined;
}

async function readImage(tx: Transaction, query: string): Promise<Image> {
  const [image] = await tx.rows<Image>(query);
  if (image === undefined) throw new Error('An aggregate without GROUP BY returned no row.');
  return image;
}

async function readRowsWritten(tx: Transaction, oid: number): Promise<Rewrite & { readonly counting: boolean }> {
  const [written] = await tx.rows<Rewrite & { readonly counting: boolean }>(rowsWrittenQuery, [oid]);
  if (written === undefined) throw new Error('The counters of the view were not to be read.');
  return written;
}
