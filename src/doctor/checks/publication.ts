import { loadQuery } from '../../database/sql.js';
import type { Check } from '../examination.js';
import { orPass, type Finding } from '../finding.js';

const publicationsOfAllQuery = loadQuery('publications-of-all');

interface Publication {
  /** Quoted. */
  readonly name: string;
  /** Those with tables but ours: quoted, with commas; null when there is none. */
  readonly schemas: string | null;
  readonly operations: string;
  readonly viaRoot: boolean;
}

export const publicationCheck: Check = {
  name: 'publications',
  group: 'Server',
  examine: async ({ database }) => orPass(
    (await database.rows<Publication>(publicationsOfAllQuery)).map(publicationFinding),
    'No publication takes in every table',
  ),
};

/** Pure. */
export function publicationFinding({ name, schemas, operations, viaRoot }: Publication): Finding {
  const options = `publish = '${operations}'${viaRoot ? ', publish_via_partition_root = true' : ''}`;
  const tables = schemas === null ? '' : ` FOR TABLES IN SCHEMA ${schemas}`;
  return {
    level: 'warning',
    what: `Publication ${name} is FOR ALL TABLES, those in schema refresh_listener too`,
    why: 'A subscriber without that schema stops replicating at the first change to it. Either create the schema there '
      + '(pg_dump --schema-only --schema=refresh_listener), or publish the schemas of the application alone:',
    remedy: `BEGIN;\nDROP PUBLICATION ${name};\nCREATE PUBLICATION ${name}${tables} WITH (${options});\nCOMMIT;`,
  };
}
