import { expect, it } from 'vitest';
import { leftAlone } from './sql-scene.js';
import { lockKeys } from '../../src/catalog/lock-key.js';
import { loadQuery } from '../../src/database/sql.js';
import type { TestDatabase } from '../support/database.js';

/** Log rows, all absorbed, between the oldest running transaction and the newest. */
const absorbed = 20_000;
const unabsorbed = 10;

/**
 * Everything that asks what a cursor has not absorbed, by file name, with its parameters. `view` is the view's id, `cursor`
 * its cursor. While somebody keeps a transaction open for an hour these run several times a second.
 */
const questions: readonly (readonly [string, (view: number, cursor: string, source: number) => readonly unknown[]])[] = [
  ['absorb-begin', (view) => [view]],
  ['stale-views', (view) => [[view]]],
  ['new-log-rows', (view, cursor, source) => [[source], [view], cursor]],
  ['unabsorbed-changes', () => []],
  ['pinning-views', () => [0, lockKeys.absorb]],
  ['view-conditions', () => []],
];

/** A view whose cursor was read while transaction `first` ran, with 20,000 log rows since that it has absorbed and 10 it has not. */
async function besideLongTransaction(db: TestDatabase): Promise<{ readonly view: number; readonly cursor: string; readonly source: number }> {
  const { rows: [row] } = await db.worker.query<{ view: number; source: number }>(
    `SELECT v.id AS view, vs.source FROM refresh_listener.view AS v JOIN refresh_listener.view_source AS vs ON vs.view = v.id
     WHERE v.name = 'public.mv_orders'`,
  );
  if (row === undefined) throw new Error('mv_orders is not registered');
  const first = 1_000_000;
  await db.worker.query(
    `INSERT INTO refresh_listener.change_log (xid, source, operation)
     SELECT ($1 + i)::text::xid8, $2, 'I' FROM generate_series(1, $3) AS i`, [first, row.source, absorbed + unabsorbed],
  );
  const cursor = `${first}:${first + absorbed + 1}:${first}`;
  await db.worker.query('UPDATE refresh_listener.view SET cursor = $1::pg_snapshot', [cursor]);
  await db.admin.query('ANALYZE refresh_listener.change_log');
  return { ...row, cursor };
}

it.each(questions)('%s reads what is new, however much lies between the oldest running transaction and now', async (name, parameters) => {
  const db = await leftAlone();
  const { view, cursor, source } = await besideLongTransaction(db);
  const client = await db.worker.connect();
  try {
    await client.query('BEGIN');
    const { rows } = await client.query(loadQuery(name), [...parameters(view, cursor, source)]);
    expect(rows).not.toEqual([]);
    const { rows: [read] } = await client.query<{ tuples: number }>(
      `SELECT sum(pg_stat_get_xact_tuples_returned(o) + pg_stat_get_xact_tuples_fetched(o))::int AS tuples
       FROM unnest(ARRAY['refresh_listener.change_log'::regclass, 'refresh_listener.change_log_xid']) AS o`,
    );
    expect(read?.tuples).toBeGreaterThan(0);
    expect(read?.tuples).toBeLessThan(20 * unabsorbed);
  } finally {
    await client.query('ROLLBACK');
    client.release();
  }
});

it('finds the row of a transaction that the cursor saw running', async () => {
  const db = await leftAlone();
  const { view, source } = await besideLongTransaction(db);
  await db.worker.query("UPDATE refresh_listener.view SET cursor = '1000000:1000000000:1000000,1000007'");
  const { rows } = await db.worker.query<{ changes: number }>(loadQuery('absorb-begin'), [view]);
  expect(rows).toMatchObject([{ changes: '1' }]);
  const { rows: [stale] } = await db.worker.query<{ logged: boolean }>(loadQuery('stale-views'), [[view]]);
  expect(stale?.logged).toBe(true);
  const { rows: [look] } = await db.worker.query<{ sources: number[]; views: number[] }>(loadQuery('new-log-rows'), [[source], [view], '1000000:1000000000:1000000,1000007']);
  expect(look).toMatchObject({ sources: [source], views: [view] });
  const { rows: [fresh] } = await db.worker.query<{ fresh: boolean }>("SELECT refresh_listener.is_fresh('public.mv_orders') AS fresh");
  expect(fresh?.fresh).toBe(false);
});
