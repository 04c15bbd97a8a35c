import { isDeepStrictEqual } from 'node:util';
import { fingerprintChange, readFingerprints, type Fingerprint, type FingerprintChange } from '../catalog/fingerprint.js';
import type { ServedGraph, ServedSource, ServedView } from '../catalog/graph.js';
import type { Database } from '../database/database.js';
import { loadQuery } from '../database/sql.js';

const absorbedFingerprintsQuery = loadQuery('absorbed-fingerprints');
const adoptFingerprintsQuery = loadQuery('adopt-fingerprints');

/** A source that changed without a log row, and the views that must look into it. */
export interface UnseenChange {
  readonly source: ServedSource;
  readonly change: FingerprintChange;
  readonly views: readonly ServedView[];
}

/** What a view's last absorb saw of a source. `cursor` is a pg_snapshot as text. */
interface AbsorbedFingerprint {
  readonly view: number;
  readonly source: number;
  /** Null: none has been kept, so that nobody knows. */
  readonly fingerprint: Fingerprint | null;
  readonly cursor: string;
}

/** What a view's last absorb saw of a source, beside how that looks now. */
interface Comparison extends AbsorbedFingerprint {
  readonly now: Fingerprint;
  readonly change: FingerprintChange | undefined;
}

/**
 * Finds changes that no trigger saw, in a fixed number of queries, and marks the views stale whole that have not
 * absorbed them.
 *
 * @param freshViews ids of the views that are not stale: for the others an absorb is on its way that takes in all
 */
export async function findUnseenChanges(
  database: Database, graph: ServedGraph, freshViews: readonly number[],
): Promise<UnseenChange[]> {
  if (freshViews.length === 0) return [];
  const absorbed = await database.rows<AbsorbedFingerprint>(absorbedFingerprintsQuery, [freshViews]);
  const now = await database.transaction('look', (tx) =>
    readFingerprints(tx, [...new Set(absorbed.map((fingerprint) => fingerprint.source))]),
  );
  const compared = absorbed.flatMap((before) => {
    const current = now.get(before.source);
    return current === undefined ? [] : [compare(before, current)];
  });
  await adoptFingerprints(database, compared.filter(({ change }) => change === undefined));
  const differing = compared.filter((comparison) => comparison.change !== undefined);
  const marked = new Set(await markWhole(database, differing));
  const unseen = new Map<number, { source: ServedSource; change: FingerprintChange; views: ServedView[] }>();
  for (const { view: viewId, source: sourceId, change } of differing) {
    const view = graph.views.get(viewId);
    const source = graph.sources.get(sourceId);
    if (!marked.has(viewId) || view === undefined || source === undefined || change === undefined) continue;
    const entry = unseen.get(sourceId) ?? { source, change, views: [] };
    entry.views.push(view);
    unseen.set(sourceId, entry);
  }
  return [...unseen.values()];
}

function compare(before: AbsorbedFingerprint, now: Fingerprint): Comparison {
  return { ...before, now, change: before.fingerprint === null ? 'unknown' : fingerprintChange(before.fingerprint, now) };
}

/** From here on the next sweep compares with what these sources, which did not change, look like now. */
async function adoptFingerprints(database: Database, unchanged: readonly Comparison[]): Promise<void> {
  const differing = unchanged.filter(({ fingerprint, now }) => !isDeepStrictEqual(fingerprint, now));
  if (differing.length === 0) return;
  await database.rows(adoptFingerprintsQuery, [
    differing.map(({ view }) => view), differing.map(({ source }) => source),
    differing.map(({ fingerprint }) => JSON.stringify(fingerprint)), differing.map(({ now }) => JSON.stringify(now)),
  ]);
}

/**
 * Marks views, unless they have been absorbed since their fingerprints were read, or the log has come to know of a change:
 * a log row is visible before the counters that it moves. @returns ids of those marked
 */
async function markWhole(database: Database, views: readonly Pick<AbsorbedFingerprint, 'view' | 'cursor'>[]): Promise<number[]> {
  if (views.length === 0) return [];
  const cursors = new Map(views.map((view) => [view.view, view.cursor]));
  const marked = await database.rows<{ id: number }>(
    // One that is being absorbed is not waited for: the next sweep compares again.
    `WITH free AS MATERIALIZED (
       SELECT k.id FROM refresh_listener.view AS k WHERE k.id = ANY ($1::pg_catalog.int4[]) FOR NO KEY UPDATE SKIP LOCKED
     )
     UPDATE refresh_listener.view AS v SET whole_marks = v.whole_marks + 1
     FROM free, ROWS FROM (pg_catalog.unnest($1::pg_catalog.int4[]), pg_catalog.unnest($2::pg_catalog.text[])) AS m (view, cursor)
     WHERE v.id = free.id AND v.id = m.view AND v.cursor::pg_catalog.text = m.cursor
       AND NOT EXISTS (SELECT FROM refresh_listener.change_log AS l
                       JOIN refresh_listener.view_source AS vs ON vs.view = v.id AND vs.source = l.source
                       WHERE (l.xid >= pg_catalog.pg_snapshot_xmax(v.cursor)
                              OR l.xid = ANY (ARRAY(SELECT pg_catalog.pg_snapshot_xip(v.cursor)))))
     RETURNING v.id`,
    [[...cursors.keys()], [...cursors.values()]],
  );
  return marked.map((row) => row.id);
}
