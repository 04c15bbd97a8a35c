import type { Database } from '../database/database.js';
import { quoteIdentifier } from '../database/identifier.js';
import { loadQuery } from '../database/sql.js';

const missingGrantsQuery = loadQuery('missing-grants');
const missingSummaryGrantsQuery = loadQuery('missing-summary-grants');

/** What a worker does with the tables of the schema, as a role that does not own it. */
export const tableGrants: Readonly<Record<string, readonly string[]>> = {
  migration: ['SELECT'],
  cluster: ['SELECT'],
  source: ['SELECT', 'INSERT', 'UPDATE'],
  view: ['SELECT', 'INSERT', 'UPDATE', 'DELETE'],
  view_source: ['SELECT', 'INSERT', 'UPDATE', 'DELETE'],
  run: ['SELECT', 'INSERT', 'DELETE'],
  change_log: ['SELECT', 'INSERT', 'DELETE'],
  summary: ['SELECT', 'UPDATE'],
  watermark: ['SELECT', 'UPDATE'],
  gap: ['SELECT', 'INSERT', 'UPDATE', 'DELETE'],
  late_bucket: ['SELECT', 'INSERT', 'UPDATE', 'DELETE'],
  backfill: ['SELECT', 'INSERT', 'UPDATE', 'DELETE'],
};

/** Of the functions those that it calls: the others are for people. */
export const functionGrants: readonly string[] = ['fingerprints(integer[])'];

/** It reads and sets the registers. */
const sequenceGrants = ['SELECT', 'UPDATE'] as const;

/** What comes with each summary that a worker serves: its definition, and the table that a fill is made in. */
const summaryGrants = { definition: ['SELECT'], fill: ['SELECT', 'INSERT', 'UPDATE', 'DELETE', 'TRUNCATE'] } as const;

/** The statements that let a role serve views with --no-install. Registers that come later need them again. */
export function grantStatements(role: string): string[] {
  const grantee = quoteIdentifier(role);
  return [
    `GRANT USAGE ON SCHEMA refresh_listener TO ${grantee};`,
    ...Object.entries(tableGrants).map(([table, privileges]) =>
      `GRANT ${privileges.join(', ')} ON refresh_listener.${table} TO ${grantee};`),
    ...functionGrants.map((signature) => `GRANT EXECUTE ON FUNCTION refresh_listener.${signature} TO ${grantee};`),
    `GRANT ${sequenceGrants.join(', ')} ON ALL SEQUENCES IN SCHEMA refresh_listener TO ${grantee};`,
  ];
}

/** The statements that this role still lacks. */
export async function missingGrants(database: Database, role: string): Promise<string[]> {
  const wanted = Object.entries(tableGrants).flatMap(([table, privileges]) => privileges.map((privilege) => ({ table, privilege })));
  const rows = await database.rows<{ object: 'schema' | 'table' | 'function' | 'sequence'; name: string; privileges: string }>(missingGrantsQuery, [
    wanted.map(({ table }) => table), wanted.map(({ privilege }) => privilege), sequenceGrants, functionGrants,
  ]);
  const grantee = quoteIdentifier(role);
  return rows.map(({ object, name, privileges }) => {
    if (object === 'schema') return `GRANT ${privileges} ON SCHEMA ${name} TO ${grantee};`;
    if (object === 'table') return `GRANT ${privileges} ON ${name} TO ${grantee};`;
    if (object === 'function') return `GRANT ${privileges} ON FUNCTION ${name} TO ${grantee};`;
    return `GRANT ${privileges} ON ALL SEQUENCES IN SCHEMA ${name} TO ${grantee};`;
  });
}

/** The statements that it lacks beside them for the summaries that it may write to. Reads our tables. */
export async function missingSummaryGrants(database: Database, role: string): Promise<string[]> {
  const rows = await database.rows<{ name: string; privileges: string }>(missingSummaryGrantsQuery, [summaryGrants.definition, summaryGrants.fill]);
  return rows.map(({ name, privileges }) => `GRANT ${privileges} ON ${name} TO ${quoteIdentifier(role)};`);
}
