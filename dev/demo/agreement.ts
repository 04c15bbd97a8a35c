import type pg from 'pg';
import { quoteIdentifier } from '../../src/database/identifier.js';

export interface Agreement {
  /** Its quoted name. */
  readonly view: string;
  readonly kind: 'matview' | 'summary';
  readonly rows: number;
  /** Rows that only the view or only its query has. */
  readonly differing: number;
}

/** Does each materialized view, and each summary, show what its query returns? As multisets of rows, all of them in one snapshot. */
export async function compareWithQueries(client: pg.ClientBase): Promise<Agreement[]> {
  await client.query('BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY');
  try {
    const { rows: matviews } = await client.query<Shown>(
      `SELECT format('%I.%I', schemaname, matviewname) AS name, 'matview' AS kind, rtrim(definition, ';') AS definition FROM pg_matviews ORDER BY 1`,
    );
    const agreements: Agreement[] = [];
    for (const view of [...matviews, ...await summaries(client)]) agreements.push(await compare(client, view));
    return agreements;
  } finally {
    await client.query('ROLLBACK');
  }
}

interface Shown {
  readonly name: string;
  readonly kind: Agreement['kind'];
  readonly definition: string;
}

async function summaries(client: pg.ClientBase): Promise<Shown[]> {
  const { rows: [schema] } = await client.query<{ ours: boolean }>(`SELECT to_regclass('refresh_listener.summary') IS NOT NULL AS ours`);
  if (schema?.ours !== true) return [];
  const { rows } = await client.query<Shown>(
    `SELECT format('%I.%I', n.nspname, c.relname) AS name, v.kind, rtrim(pg_get_viewdef(to_regclass('refresh_listener.definition_' || v.id)), ';') AS definition
     FROM refresh_listener.view AS v JOIN pg_class AS c ON c.oid = v.oid JOIN pg_namespace AS n ON n.oid = c.relnamespace
     WHERE v.kind = 'summary' ORDER BY 1`,
  );
  return rows;
}

async function compare(client: pg.ClientBase, view: Shown): Promise<Agreement> {
  // A summary's table has columns of its own besides.
  const { fields } = await client.query(`SELECT * FROM (${view.definition}) AS q LIMIT 0`);
  const shown = `SELECT v::text FROM (SELECT ${fields.map(({ name }) => quoteIdentifier(name)).join(', ')} FROM ${view.name}) AS v`;
  const expected = `SELECT q::text FROM (${view.definition}) AS q`;
  const { rows: [counts] } = await client.query<{ rows: number; differing: number }>(
    `SELECT (SELECT count(*)::int FROM ${view.name}) AS rows,
            (SELECT count(*)::int FROM ((${shown} EXCEPT ALL ${expected}) UNION ALL (${expected} EXCEPT ALL ${shown})) AS d) AS differing`,
  );
  if (counts === undefined) throw new Error('A count returned no row');
  return { view: view.name, kind: view.kind, ...counts };
}
