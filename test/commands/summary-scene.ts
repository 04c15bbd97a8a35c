import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { onTestFinished } from 'vitest';
import type { TestDatabase } from '../support/database.js';
import { freshDatabase } from '../worker/scene.js';

/** Two hours of usage in the table of the application that a summary is usually made of. */
export async function usageDatabase(): Promise<TestDatabase> {
  const db = await freshDatabase();
  await db.app.query(`
    CREATE TABLE public.usage_events (
      id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, occurred_at timestamptz NOT NULL, account_id int, event_type text, bytes bigint, price numeric(12,2));
    INSERT INTO public.usage_events (occurred_at, account_id, event_type, bytes, price)
    SELECT timestamptz '2026-01-01 00:00Z' + i * interval '1 minute', i % 3, CASE i % 2 WHEN 0 THEN 'read' ELSE 'write' END, i, i / 4.0
    FROM generate_series(0, 119) AS i`);
  return db;
}

/** The definition of the documentation, with names as a role without a search_path needs them. */
export const usageSql = `SELECT date_trunc('hour', occurred_at) AS bucket, account_id, event_type,
       count(*) AS event_count, sum(bytes) AS total_bytes, avg(price) AS price
FROM public.usage_events
GROUP BY 1, 2, 3;
`;

/** A file with this text, for --from. */
export async function sqlFile(text: string, name = 'usage.sql'): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'listener-summary-'));
  onTestFinished(() => rm(folder, { recursive: true, force: true }));
  const path = join(folder, name);
  await writeFile(path, text);
  return path;
}

/** What \d would show of a table, a line a column. */
export async function columnsOf(db: TestDatabase, table: string): Promise<string[]> {
  const { rows } = await db.admin.query<{ line: string }>(
    `SELECT concat_ws(' ', a.attname, format_type(a.atttypid, a.atttypmod),
              CASE WHEN a.attcollation <> t.typcollation THEN 'COLLATE ' || a.attcollation::regcollation END, CASE WHEN a.attnotnull THEN 'NOT NULL' END,
              'DEFAULT ' || pg_get_expr(d.adbin, d.adrelid), '-- ' || col_description(a.attrelid, a.attnum)) AS line
     FROM pg_attribute AS a JOIN pg_type AS t ON t.oid = a.atttypid LEFT JOIN pg_attrdef AS d ON d.adrelid = a.attrelid AND d.adnum = a.attnum
     WHERE a.attrelid = $1::regclass AND a.attnum > 0 AND NOT a.attisdropped ORDER BY a.attnum`,
    [table],
  );
  return rows.map(({ line }) => line);
}
