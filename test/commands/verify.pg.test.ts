import { describe, expect, it } from 'vitest';
import { leftAlone, sessionOf } from '../catalog/sql-scene.js';
import { startServing } from '../catalog/worker-scene.js';
import { jsonLines, listener, startListener } from '../support/hand-command.js';
import type { TestDatabase } from '../support/database.js';
import { createOrders, createTable, createView, freshDatabase, valueOf } from '../worker/scene.js';

/** A change that no trigger sees, and no log knows of. */
const unseen = "SET session_replication_role = replica; UPDATE public.orders SET n = 70 WHERE id = 7; RESET session_replication_role";

/** Returns when the command waits for a lock that the test holds. */
async function waitsForLock(db: TestDatabase): Promise<void> {
  const sql = `SELECT count(*)::int FROM pg_stat_activity
               WHERE datname = current_database() AND application_name = 'listener (look)' AND wait_event_type = 'Lock'`;
  await expect.poll(() => valueOf(db.admin, sql), { timeout: 60_000 }).toBe(1);
}

// Each call starts a process.
describe('listener verify', { timeout: 90_000 }, () => {
  it('finds no difference in views that are fresh, and leaves nothing behind', async () => {
    const db = await leftAlone();
    const runs = await valueOf(db.worker, 'SELECT count(*) FROM refresh_listener.run');
    const found = await listener(db.url('worker'), ['verify', 'public.mv_*']);
    expect(found).toMatchObject({ status: 0, stderr: '' });
    expect(found.stdout).toMatch(/^public\.mv_orders shows what its query returns: 10 rows, no difference \(compared in .*\)\.\npublic\.mv_sum shows .* 1 row, .*\n$/);
    expect(await valueOf(db.worker, 'SELECT count(*) FROM refresh_listener.run')).toBe(runs);
  });

  it('proves a fresh view wrong, and tells the rows', async () => {
    const db = await leftAlone();
    await db.admin.query(unseen);
    const found = await listener(db.url('worker'), ['verify', 'mv_orders', 'mv_sum', '--json']);
    expect(found).toMatchObject({ status: 1, stderr: '' });
    expect(jsonLines(found)).toMatchObject([
      {
        view: 'public.mv_orders', verdict: 'differs', because: [], registered: true, held: 10, missing: 1, surplus: 1, columns: ['id', 'n'],
        rows: [{ side: 'surplus', count: 1, values: ['7', '7'] }, { side: 'missing', count: 1, values: ['7', '70'] }],
      },
      { view: 'public.mv_sum', verdict: 'same', rows: [] },
    ]);
    const { stdout } = await listener(db.url('worker'), ['verify', 'mv_orders']);
    expect(stdout).toContain('row      id  n\nsurplus  7   7\nmissing  7   70\n');
    expect(await listener(db.url('worker'), ['refresh', 'mv_orders', '--force'])).toMatchObject({ status: 0 });
    expect(await listener(db.url('worker'), ['verify', 'mv_orders'])).toMatchObject({ status: 0 });
  });

  it('raises no alarm for what a view has not absorbed, and sees nothing of what is not committed', async () => {
    const db = await leftAlone();
    const writer = await sessionOf(db.url('app'), 'BEGIN', 'INSERT INTO public.orders (n) VALUES (100)');
    expect(jsonLines(await listener(db.url('worker'), ['verify', 'mv_orders', '--json']))).toMatchObject([{ verdict: 'same', because: [] }]);
    await writer.query('COMMIT');
    const found = await listener(db.url('worker'), ['verify', 'mv_orders', 'mv_sum', '--json']);
    expect(found).toMatchObject({ status: 0, stderr: '' });
    expect(jsonLines(found)).toMatchObject([
      { verdict: 'behind', because: ['it has not absorbed 1 statement on public.orders'], held: 10, missing: 1, surplus: 0 },
      // It reads mv_orders, as that is.
      { verdict: 'same', because: [] },
    ]);
  });

  it('waits no longer than it may', async () => {
    const db = await leftAlone();
    await db.app.query('INSERT INTO public.orders (n) VALUES (100)');
    const found = await listener(db.url('worker'), ['verify', 'mv_orders', '--wait', '100ms', '--json']);
    expect(jsonLines(found)).toMatchObject([{ verdict: 'behind', missing: 1 }]);
  });

  it('simply compares where nothing is installed, and installs nothing', async () => {
    const db = await freshDatabase();
    await createOrders(db);
    await createView(db, 'mv_empty', 'SELECT 1 AS one WITH NO DATA');
    expect(await listener(db.url('worker'), ['verify', 'mv_orders'])).toMatchObject({ status: 0, stderr: '' });
    await db.app.query('UPDATE public.orders SET n = NULL WHERE id = 1');
    const found = await listener(db.url('worker'), ['verify', 'mv_orders', 'mv_empty']);
    expect(found).toMatchObject({ status: 1, stderr: '' });
    expect(found.stdout).toContain('public.mv_orders differs from its query: 1 row missing and 1 surplus, beside 9 equal rows.');
    expect(found.stdout).toContain('No listener keeps it: REFRESH MATERIALIZED VIEW public.mv_orders; puts it right.');
    expect(found.stdout).toContain('public.mv_empty cannot be compared: it has not been filled yet.');
    expect(await valueOf(db.admin, "SELECT to_regnamespace('refresh_listener')")).toBeNull();
  });

  it('takes for behind what changes without a write', async () => {
    const db = await freshDatabase();
    await createTable(db, 'orders');
    await createView(db, 'mv_now', 'SELECT id, now() AS seen FROM public.orders');
    await (await startServing(db, ['mv_now'])).stop();
    const found = await listener(db.url('worker'), ['verify', 'mv_now', '--json']);
    expect(found).toMatchObject({ status: 0, stderr: '' });
    expect(jsonLines(found)).toMatchObject([{ verdict: 'behind', because: ['it reads the clock by now()'], missing: 10, surplus: 10 }]);
  });

  it('runs the query with the settings that the role refreshes with', async () => {
    const db = await freshDatabase();
    await db.app.query(`CREATE TABLE public.readings (at timestamptz, x float8); INSERT INTO public.readings VALUES ('2026-01-01 23:30+00', 0.1::float8 + 0.2)`);
    for (const setting of ["TimeZone = 'Asia/Tokyo'", "DateStyle = 'German'", 'search_path = public, pg_temp', 'extra_float_digits = 3']) {
      await db.admin.query(`ALTER ROLE ${db.roles.worker} IN DATABASE ${db.name} SET ${setting}`);
    }
    const own = await sessionOf(db.url('worker'));
    await own.query(`CREATE MATERIALIZED VIEW public.mv_readings AS SELECT pg_catalog.date_trunc('day', at) AS day, at::text AS shown, x, x::text AS digits,
      current_setting('search_path') AS path, current_setting('extra_float_digits') AS setting FROM public.readings`);
    expect(await listener(db.url('worker'), ['verify', 'mv_readings'])).toMatchObject({ status: 0, stderr: '' });
    expect(await valueOf(own, 'SELECT digits FROM public.mv_readings')).toBe('0.30000000000000004');
  });

  it('sees everything as of its first moment, however long it waits for a lock', async () => {
    const db = await leftAlone();
    const writer = await sessionOf(db.url('app'), 'BEGIN', 'LOCK TABLE public.orders', 'INSERT INTO public.orders (n) VALUES (100)');
    const command = startListener(db.url('worker'), ['verify', 'mv_orders', '--lock-timeout', '1m', '--json']);
    await waitsForLock(db);
    await writer.query('COMMIT');
    expect(jsonLines(await command.outcome)).toMatchObject([{ verdict: 'same', held: 10, because: [] }]);
  });

  it('compares again when a view is refreshed plainly between its snapshot and its lock', async () => {
    const db = await leftAlone();
    await db.app.query('INSERT INTO public.orders (n) VALUES (100)');
    // Rows that a plain refresh writes are frozen: older snapshots see them.
    const refresher = await sessionOf(db.url('worker'), 'BEGIN', 'REFRESH MATERIALIZED VIEW public.mv_orders');
    const command = startListener(db.url('worker'), ['verify', 'mv_orders', '--lock-timeout', '1m', '--json']);
    await waitsForLock(db);
    await db.app.query('DELETE FROM public.orders WHERE id = 1');
    await refresher.query('COMMIT');
    const [found] = jsonLines(await command.outcome);
    // As of the second snapshot the deleted row is surplus; as of the first it was there.
    expect(found).toMatchObject({ held: 11, missing: 0, surplus: 1, rows: [{ side: 'surplus', values: ['1', '1'] }] });
  });

  it.each([
    [['mv_ordres'], 'there is no materialized view mv_ordres: did you mean public.mv_orders?'],
    [['mv_orders', 'sales.*'], 'there is no materialized view sales.*: the database has public.mv_orders, public.mv_sum'],
    [['orders'], 'public.orders is a table, not a materialized view'],
  ])('%j exits with 2', async (names, message) => {
    const db = await leftAlone();
    expect(await listener(db.url('worker'), ['verify', ...names])).toEqual({ status: 2, stdout: '', stderr: `listener: ${message}\n` });
  });

  it('says what the role must be granted, and who is in the way', async () => {
    const db = await freshDatabase();
    await createOrders(db);
    expect((await listener(db.url('app'), ['verify', 'mv_orders'])).stderr).toMatch(/^listener: public\.mv_orders cannot be verified by role .*: permission denied for materialized view mv_orders\. It needs SELECT on the view and on all that its query reads\n$/);
    await sessionOf(db.url('worker'), 'BEGIN', 'REFRESH MATERIALIZED VIEW public.mv_orders');
    expect(await listener(db.url('worker'), ['verify', 'mv_orders', '--lock-timeout', '100ms'])).toEqual({
      status: 1, stdout: '', stderr: 'listener: public.mv_orders could not be read, since somebody holds a lock on it or on what it reads: try again later, or with a longer --lock-timeout.\n',
    });
  });
});
