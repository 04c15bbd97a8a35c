import { loadQuery } from '../../database/sql.js';
import type { Check } from '../examination.js';
import { orPass, pass, type Finding } from '../finding.js';

const countingQuery = loadQuery('counting');
const uncountedWritersQuery = loadQuery('uncounted-writers');

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
    const own = counting === undefined ? [] : [countingFinding(counting)].filter(({ level }) => level !== 'ok');
    const told = new Set(own.map(({ remedy }) => remedy));
    const others = (await database.rows<UncountedWriter>(uncountedWritersQuery)).map(uncountedFinding).filter(({ remedy }) => !told.has(remedy));
    return orPass([...own, ...others], 'track_counts is on');
  },
};

/** Whose writes are not counted; null: everybody's, in every database. */
interface UncountedWriter {
  readonly role: string | null;
  readonly database: string | null;
}

/** Pure. */
export function uncountedFinding({ role, database }: UncountedWriter): Finding {
  const whose = role === null ? `database ${String(database)}` : `role ${role}${database === null ? '' : ` in database ${database}`}`;
  const place = role === null ? `DATABASE ${String(database)}` : `ROLE ${role}${database === null ? '' : ` IN DATABASE ${database}`}`;
  return {
    level: 'warning',
    what: `track_counts is off for ${whose}, so that rows written there are not counted`,
    why: 'The sweep finds by these counts what no trigger saw, and autovacuum finds dead rows by them: of such writers both see nothing.',
    remedy: `ALTER ${place} RESET track_counts;`,
  };
}

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
