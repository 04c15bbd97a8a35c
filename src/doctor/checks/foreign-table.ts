import { loadQuery } from '../../database/sql.js';
import { count, listing } from '../../report/sentence.js';
import type { Check } from '../examination.js';
import { orPass, type Finding } from '../finding.js';

const unanalyzedRelationsQuery = loadQuery('unanalyzed-relations');

/** Are foreign tables known to the planner? (That their changes are not seen is told with the views that read them.) */
export const foreignTableCheck: Check = {
  name: 'foreign tables',
  group: 'Changes',
  examine: async ({ database, views }) => {
    const byOid = new Map(views.flatMap((view) => view.sources).filter(({ kind }) => kind === 'f').map((source) => [source.oid, source.name]));
    const unanalyzed = await database.rows<{ oid: number }>(unanalyzedRelationsQuery, [[...byOid.keys()]]);
    const findings = unanalyzed.map(({ oid }) => foreignTableFinding(
      byOid.get(oid) ?? '', views.filter((view) => view.sources.some((source) => source.oid === oid)).map((view) => view.name),
    ));
    return orPass(findings, byOid.size === 0 ? 'No source is a foreign table' : `${count(byOid.size, 'foreign table')} analyzed`);
  },
};

/** Pure. */
export function foreignTableFinding(source: string, views: readonly string[]): Finding {
  return {
    level: 'warning', source,
    what: `The foreign table ${source} was never analyzed`,
    why: `Autovacuum leaves foreign tables to you: without statistics the refresh of ${listing(views)} is planned as if it were tiny, and may fetch all of it once for each row.`,
    remedy: `ANALYZE ${source};`,
  };
}
