import type { TestDatabase } from '../support/database.js';

/**
 * A small shop: every kind of source that a view may read, and views over all of them. Values are small integers, so that
 * writers meet on the same rows all the time.
 */
const tables = [
  'CREATE TABLE public.items (id int PRIMARY KEY, grp int NOT NULL, val int NOT NULL)',
  'CREATE TABLE public.notes (id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, item int REFERENCES public.items ON DELETE CASCADE)',
  'CREATE TABLE public.events (id int NOT NULL, bucket int NOT NULL, val int NOT NULL) PARTITION BY LIST (bucket)',
  'CREATE TABLE public.events_0 PARTITION OF public.events FOR VALUES IN (0)',
  'CREATE TABLE public.events_1 PARTITION OF public.events FOR VALUES IN (1)',
  'CREATE TABLE public.events_2 PARTITION OF public.events FOR VALUES IN (2) PARTITION BY RANGE (val)',
  'CREATE TABLE public.events_2_low PARTITION OF public.events_2 FOR VALUES FROM (MINVALUE) TO (5)',
  'CREATE TABLE public.events_2_high PARTITION OF public.events_2 FOR VALUES FROM (5) TO (MAXVALUE)',
  'CREATE TABLE public.base (id int NOT NULL, grp int NOT NULL, val int NOT NULL)',
  'CREATE TABLE public.derived () INHERITS (public.base)',
  'CREATE VIEW public.busy_items AS SELECT id, grp, val FROM public.items WHERE val > 0',
  'INSERT INTO public.items SELECT i, i % 5, i % 17 FROM generate_series(1, 40) AS i',
  'INSERT INTO public.notes (item) SELECT i FROM generate_series(1, 40, 3) AS i',
  'INSERT INTO public.events SELECT i, i % 3, i % 13 FROM generate_series(1, 60) AS i',
  'INSERT INTO public.base SELECT i, i % 4, i FROM generate_series(1, 20) AS i',
  'INSERT INTO public.derived SELECT i, i % 4, i FROM generate_series(21, 30) AS i',
];

export interface ViewDefinition {
  readonly name: string;
  readonly query: string;
  /** Columns of its unique index; none: it can only be refreshed plainly. */
  readonly key?: string;
}

/** In an order in which they can be created. */
export const views: readonly ViewDefinition[] = [
  { name: 'mv_items', query: 'SELECT grp, count(*) AS n, sum(val) AS total FROM public.busy_items GROUP BY grp', key: 'grp' },
  // A key with many NULLs, which every concurrent refresh rewrites.
  { name: 'mv_nulls', query: 'SELECT CASE WHEN grp > 1 THEN id END AS key, val FROM public.items', key: 'key' },
  { name: 'mv_notes', query: 'SELECT i.grp, count(n.id) AS notes FROM public.items AS i LEFT JOIN public.notes AS n ON n.item = i.id GROUP BY i.grp', key: 'grp' },
  { name: 'mv_events', query: 'SELECT bucket, count(*) AS n, sum(val) AS total FROM public.events GROUP BY bucket', key: 'bucket' },
  { name: 'mv_leaf', query: 'SELECT count(*) AS n, sum(val) AS total FROM public.events_0' },
  { name: 'mv_base', query: 'SELECT grp, count(*) AS n, sum(val) AS total FROM public.base GROUP BY grp', key: 'grp' },
  // Without a unique index, and at times without a row.
  { name: 'mv_derived', query: 'SELECT id, grp, val FROM public.derived' },
  {
    name: 'mv_both', key: 'place',
    query: `SELECT 'i' || grp AS place, n, total FROM public.mv_items UNION ALL SELECT 'e' || bucket, n, total FROM public.mv_events`,
  },
  { name: 'mv_top', query: 'SELECT d.grp, count(*) AS n, sum(k.val) AS total FROM public.mv_derived AS d, public.mv_nulls AS k WHERE k.key IS NULL GROUP BY d.grp' },
  { name: 'mv_roof', query: 'SELECT b.place, b.n, t.total FROM public.mv_both AS b LEFT JOIN public.mv_top AS t ON b.place = \'i\' || t.grp', key: 'place' },
];

/** @param workerOwnsTables then its triggers fire for replicated changes, too */
export async function createShop(db: TestDatabase, workerOwnsTables: boolean): Promise<void> {
  for (const statement of tables) await db.app.query(statement);
  if (workerOwnsTables) await db.admin.query(`GRANT ${db.roles.app} TO ${db.roles.worker}`);
  for (const { name, query, key } of views) {
    await db.worker.query(`CREATE MATERIALIZED VIEW public.${name} AS ${query}`);
    if (key !== undefined) await db.worker.query(`CREATE UNIQUE INDEX ON public.${name} (${key})`);
  }
}

/** How many rows each view has that its query does not return, and the other way round, in one snapshot; views that are right are left out. */
export async function differences(db: TestDatabase, compared = views): Promise<Record<string, number>> {
  const client = await db.admin.connect();
  try {
    await client.query('BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY');
    const found: Record<string, number> = {};
    for (const { name, query } of compared) {
      const shown = `SELECT v::text AS image FROM public.${name} AS v`;
      const meant = `SELECT q::text AS image FROM (${query}) AS q`;
      const { rows } = await client.query<{ n: number }>(
        `SELECT (SELECT count(*) FROM (${shown} EXCEPT ALL ${meant}) AS a)::int + (SELECT count(*) FROM (${meant} EXCEPT ALL ${shown}) AS b)::int AS n`,
      );
      const n = rows[0]?.n ?? -1;
      if (n !== 0) found[name] = n;
    }
    await client.query('COMMIT');
    return found;
  } finally {
    client.release();
  }
}
