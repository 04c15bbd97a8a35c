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
