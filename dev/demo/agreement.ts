import type pg from 'pg';

export interface Agreement {
  /** Its quoted name. */
  readonly view: string;
  readonly rows: number;
  /** Rows that only the view or only its query has. */
  readonly differing: number;
}

/** Does each materialized view show what its query returns? As multisets of rows, all of them in one snapshot. */
export async function compareWithQueries(client: pg.ClientBase): Promise<Agreement[]> {
  await client.query('BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY');
  try {
    const { rows: views } = await client.query<{ name: string; definition: string }>(
      `SELECT format('%I.%I', schemaname, matviewname) AS name, rtrim(definition, ';') AS definition FROM pg_matviews ORDER BY 1`,
    );
    const agreements: Agreement[] = [];
    for (const view of views) agreements.push(await compare(client, view));
    return agreements;
  } finally {
    await client.query('ROLLBACK');
  }
}

async function compare(client: pg.ClientBase, view: { readonly name: string; readonly definition: string }): Promise<Agreement> {
  const shown = `SELECT v::text FROM ${view.name} AS v`;
  const expected = `SELECT q::text FROM (${view.definition}) AS q`;
  const { rows: [counts] } = await client.query<{ rows: number; differing: number }>(
    `SELECT (SELECT count(*)::int FROM ${view.name}) AS rows,
            (SELECT count(*)::int FROM ((${shown} EXCEPT ALL ${expected}) UNION ALL (${expected} EXCEPT ALL ${shown})) AS d) AS differing`,
  );
  if (counts === undefined) throw new Error('A count returned no row');
  return { view: view.name, ...counts };
}
