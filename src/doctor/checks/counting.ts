import { loadQuery } from '../../database/sql.js';
import type { Check } from '../examination.js';
import { pass, type Finding } from '../finding.js';

const countingQuery = loadQuery('counting');

interface Counting {
  readonly trackCounts: string;
  /** As in `pg_settings.source`. */
  readonly source: string;
  /** Both quoted. */
  readonly database: string;
  readonly role: string;
}

export const countingCheck: Check = {
  name: 'track_counts',
  group: 'Server',
  examine: async ({ database }) => {
    const [counting] = await database.rows<Counting>(countingQuery);
    return [counting === undefined ? pass('track_counts is on') : countingFinding(counting)];
  },
};

/** Pure. */
export function countingFinding({ trackCounts, source, database, role }: Counting): Finding {
  if (trackCounts === 'on') return pass('track_counts is on');
  const remedies: Readonly<Record<string, string>> = {
    database: `ALTER DATABASE ${database} RESET track_counts;`,
    user: `ALTER ROLE ${role} RESET track_counts;`,
    'database user': `ALTER ROLE ${role} IN DATABASE ${database} RESET track_counts;`,
  };
  return {
    level: 'warning',
    what: 'track_counts is off, so that rows are not counted',
    why: 'A refresh cannot tell that it changed nothing, statements that changed nothing ring all the same, changes that no '
      + 'trigger saw are not found, and autovacuum does not run.',
    remedy: remedies[source] ?? 'ALTER SYSTEM SET track_counts = on;\nSELECT pg_catalog.pg_reload_conf();',
  };
}
