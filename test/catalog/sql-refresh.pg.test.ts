import { describe, expect, it } from 'vitest';
import { lockKeys } from '../../src/catalog/lock-key.js';
import { sqlstateOf } from '../../src/database/sqlstate.js';
import { Gate } from '../worker/gate.js';
import { createTable, createView, freshDatabase, valueOf } from '../worker/scene.js';
import { callRefresh, isFresh, leftAlone, ordersAndSum, refreshSql, rowsShown, runsOf, sessionOf } from './sql-scene.js';
import { quiet, startServing, sweeping, sweeps } from './worker-scene.js';

const insert = 'INSERT INTO public.orders (n) VALUES (100)';

describe('refresh()', () => {
  it('refreshes what has changed, says how, and records it as the worker does', async () => {
    const db = await leftAlone();
    await db.app.query(insert);
    expect(await callRefresh(db.worker, 'mv_orders')).toBe('concurrent');
    expect(await rowsShown(db)).toBe(11);
    expect((await runsOf(db, 'mv_orders')).at(-1)).toEqual({ reason: 'manual', plan: 'concurrent', inserted: 1, sources: ['public.orders'] });
    expect(await valueOf(db.worker, `SELECT bool_and(staleness_ms > 0 AND duration_ms >= 0) FROM refresh_listener.run WHERE reason = 'manual'`)).toBe(true);
    expect(await valueOf(db.worker, `SELECT last_success > clock_timestamp() - interval '10 seconds' AND last_error IS NULL
      FROM refresh_listener.view WHERE name = 'public.mv_orders'`)).toBe(true);
  });

  it('does nothing when nothing has changed, unless it is forced to', async () => {
    const db = await leftAlone();
    const before = (await runsOf(db, 'mv_orders')).length;
    expect(await callRefresh(db.worker, 'mv_orders')).toBe('fresh');
    expect(await callRefresh(db.worker, 'mv_orders', ', NULL')).toBe('fresh');
    expect(await runsOf(db, 'mv_orders')).toHaveLength(before);
    expect(await callRefresh(db.worker, 'mv_orders', ', force => true')).toBe('concurrent');
    expect(await callRefresh(db.worker, 'mv_sum', ', true')).toBe('plain');
    expect(await runsOf(db, 'mv_orders')).toHaveLength(before + 1);
  });

  it('makes views over it stale, and leaves them to the worker', async () => {
    const db = await ordersAndSum();
    // A debounce that never ends: what is refreshed is refreshed for another reason than the ring of orders.
    const worker = await startServing(db, ['mv_orders', 'mv_sum'], { debounceMs: 1_000, maxWaitMs: 2_000 });
    const from = worker.events.mark;
    await db.app.query(insert);
    await callRefresh(db.worker, 'mv_orders');
    await worker.events.next('refresh.done', (done) => done.view === 'public.mv_sum', from);
    expect(await valueOf(db.worker, 'SELECT n FROM public.mv_sum')).toBe(11);
    expect(worker.events.of('refresh.done', from).map(({ view }) => view)).toEqual(['public.mv_sum']);
  });

  it('absorbs what has committed before: no worker refreshes it again, and no sweep finds a change unseen', async () => {
    const db = await ordersAndSum();
    const worker = await startServing(db, ['mv_orders'], { ...sweeping, debounceMs: 500, maxWaitMs: 1_000 });
    const from = worker.events.mark;
    await db.app.query(`${insert}; SELECT pg_catalog.pg_stat_force_next_flush()`);
    expect(await callRefresh(db.worker, 'mv_orders')).toBe('concurrent');
    // Longer than the debounce of the ring that is on its way.
    for (const sweep of await sweeps(worker, 9)) expect(sweep).toMatchObject(quiet);
    expect(worker.events.of('refresh.done', from)).toEqual([]);
    expect(worker.events.of('change.unseen')).toEqual([]);
    expect(worker.events.complaints).toEqual([]);
  });

  it.each(['READ COMMITTED', 'REPEATABLE READ', 'SERIALIZABLE'])(
    'in a %s transaction that writes before it and after it loses nothing, at the cost of one more refresh', async (isolation) => {
      const db = await ordersAndSum();
      const worker = await startServing(db, ['mv_orders', 'mv_sum'], sweeping);
      await db.admin.query(`GRANT ${db.roles.worker} TO ${db.roles.app}`);
      const from = worker.events.mark;
      const caller = await sessionOf(db.url('app'));
      let attempts = 0;
      for (let plan: string | undefined; plan === undefined; attempts += 1) {
        await caller.query(`BEGIN ISOLATION LEVEL ${isolation}; ${insert}`);
        if (attempts === 0) await db.app.query(insert); // by another session, meanwhile
        // Whoever chose such an isolation level begins anew when a sweep, or an absorb, has come in between.
        plan = await callRefresh(caller, 'mv_orders').catch(async (error: unknown) => {
          await caller.query('ROLLBACK');
          if (sqlstateOf(error) !== '40001') throw error;
          return undefined;
        });
      }
      await caller.query(`${insert}; COMMIT; SELECT pg_catalog.pg_stat_force_next_flush()`);
      await worker.events.until(() => worker.events.of('refresh.done', from).some(({ view }) => view === 'public.mv_sum'));
      await sweeps(worker, 3);
      expect(await rowsShown(db)).toBe(13);
      expect(await valueOf(db.worker, 'SELECT n FROM public.mv_sum')).toBe(13);
      // Where the first attempt failed, the worker may have absorbed the other session's row by itself.
      const refreshes = worker.events.of('refresh.done', from).filter(({ view }) => view === 'public.mv_orders').length;
      expect(refreshes).toBeGreaterThan(0);
      expect(refreshes).toBeLessThanOrEqual(attempts === 1 ? 1 : 2);
      expect(worker.events.of('change.unseen')).toEqual([]);
      for (const sweep of await sweeps(worker, 2)) expect(sweep).toMatchObject(quiet);
    },
  );

  it('leaves no trace when its transaction, or its savepoint, is rolled back', async () => {
    const db = await leftAlone();
    await db.app.query(insert);
    const state = `SELECT v.cursor::text || v.last_success::text || (SELECT count(*) FROM refresh_listener.run) || coalesce(
      (SELECT string_agg(vs.fingerprint::text, ',' ORDER BY vs.source) FROM refresh_listener.view_source AS vs WHERE vs.view = v.id), '')
      FROM refresh_listener.view AS v WHERE v.name = 'public.mv_orders'`;
    const before = await valueOf<string>(db.worker, state);
    const caller = await sessionOf(db.url('worker'), 'BEGIN', refreshSql('mv_orders'), 'ROLLBACK');
    expect(await valueOf(db.worker, state)).toBe(before);
    for (const sql of ['BEGIN', 'SAVEPOINT s', refreshSql('mv_orders'), 'ROLLBACK TO SAVEPOINT s', 'COMMIT']) await caller.query(sql);
    expect(await valueOf(db.worker, state)).toBe(before);
    expect(await isFresh(db.worker, 'mv_orders')).toBe(false);
    expect(await callRefresh(db.worker, 'mv_orders')).toBe('concurrent');
  });

  it('in a savepoint that writes, and is kept, absorbs no more than it may', async () => {
    const db = await leftAlone();
    await db.admin.query(`GRANT ${db.roles.worker} TO ${db.roles.app}`);
    const caller = await sessionOf(db.url('app'), 'BEGIN', 'SAVEPOINT a', insert, 'SAVEPOINT b', refreshSql('mv_orders'), 'RELEASE b');
    await caller.query(insert);
    await caller.query('COMMIT');
    expect(await rowsShown(db)).toBe(11);
    expect(await isFresh(db.worker, 'mv_orders')).toBe(false);
    expect(await callRefresh(db.worker, 'mv_orders')).toBe('concurrent');
    expect(await rowsShown(db)).toBe(12);
    expect(await isFresh(db.worker, 'mv_orders')).toBe(true);
  });

  it.each(['REPEATABLE READ', 'SERIALIZABLE'])('in a %s transaction fails when a worker has absorbed since its snapshot', async (isolation) => {
    const db = await ordersAndSum();
    const worker = await startServing(db, ['mv_orders']);
    const caller = await sessionOf(db.url('worker'), `BEGIN ISOLATION LEVEL ${isolation}`, 'SELECT 1 FROM public.mv_orders');
    const from = worker.events.mark;
    await db.app.query(insert);
    await worker.events.next('refresh.done', () => true, from);
    await expect(callRefresh(caller, 'mv_orders', ', true')).rejects.toMatchObject({ code: '40001' });
    await caller.query('ROLLBACK');
    expect(await rowsShown(db)).toBe(11);
    expect(await isFresh(db.worker, 'mv_orders')).toBe(true);
  });

  it('in a REPEATABLE READ transaction does not take a change for absorbed that no trigger saw, and its snapshot did not show', async () => {
    const db = await leftAlone();
    const caller = await sessionOf(db.url('worker'), 'BEGIN ISOLATION LEVEL REPEATABLE READ', 'SELECT 1 FROM public.orders LIMIT 1');
    const loader = await sessionOf(db.url('admin'), 'SET session_replication_role = replica', insert, 'SELECT pg_catalog.pg_stat_force_next_flush()');
    await loader.query('SELECT 1');
    await callRefresh(caller, 'mv_orders', ', true');
    await caller.query('COMMIT');
    expect(await rowsShown(db)).toBe(10);
    const worker = await startServing(db, ['mv_orders'], sweeping);
    await sweeps(worker, 2);
    expect(await rowsShown(db)).toBe(11);
  });

  it('waits for a worker that absorbs the view', async () => {
    const db = await freshDatabase();
    const gate = await Gate.create(db);
    await createTable(db, 'orders');
    await createView(db, 'mv_orders', `SELECT o.id, o.n FROM public.orders AS o, ${gate.relation} AS g`, 'id');
    const worker = await startServing(db, ['mv_orders']);
    await gate.close();
    const from = worker.events.mark;
    await db.app.query(insert);
    await gate.reached();
    const caller = await sessionOf(db.url('worker'));
    const called = callRefresh(caller, 'mv_orders');
    await expect.poll(() => valueOf<number>(db.admin, `SELECT count(*)::int FROM pg_locks WHERE locktype = 'advisory' AND NOT granted AND classid = $1`, [lockKeys.absorb])).toBe(1);
    await gate.open();
    expect(await called).toBe('fresh');
    expect(worker.events.of('refresh.done', from)).toHaveLength(1);
  });

  it('makes a worker that meets it look again when it is through; one whose caller idles holds up no other view, nor the sweep', async () => {
    const db = await ordersAndSum();
    await createTable(db, 'items');
    await createView(db, 'mv_items', 'SELECT id, n FROM public.items', 'id');
    const worker = await startServing(db, ['mv_orders', 'mv_sum', 'mv_items'], { ...sweeping, lockTimeoutMs: 200 });
    await db.app.query(insert);
    await worker.events.until(() => worker.events.of('refresh.done').some(({ view, sources }) => view === 'public.mv_sum' && sources.length > 0));
    const caller = await sessionOf(db.url('worker'), 'BEGIN', refreshSql('mv_orders', ', true'));
    const from = worker.events.mark;
    await db.app.query(`${insert}; INSERT INTO public.items (n) VALUES (1)`);
    await worker.events.next('refresh.skipped', ({ view, because }) => view === 'public.mv_orders' && because === 'locked', from);
    await worker.events.next('refresh.done', ({ view }) => view === 'public.mv_items', from);
    await db.app.query('ANALYZE public.orders, public.items'); // so that the sweep has fingerprints to adopt
    await sweeps(worker, 3);
    expect(worker.events.of('refresh.done', from).map(({ view }) => view)).toEqual(['public.mv_items']);
    await caller.query('COMMIT');
    await worker.events.next('refresh.done', ({ view }) => view === 'public.mv_orders', from);
    expect(await rowsShown(db)).toBe(12);
    expect(worker.events.complaints).toEqual([]);
  });

  it('called by many at once for the same views, in any order, deadlocks nobody for good and loses nothing', async () => {
    const db = await ordersAndSum();
    const worker = await startServing(db, ['mv_orders', 'mv_sum'], sweeping);
    await db.admin.query(`GRANT ${db.roles.worker} TO ${db.roles.app}`);
    const failures: unknown[] = [];
    let commits = 0;
    await Promise.all(Array.from({ length: 6 }, async (_, index) => {
      const caller = await sessionOf(db.url('app'), `SET lock_timeout = '5s'`);
      for (let round = 0; round < 8; round += 1) {
        const order = index % 2 === 0 ? ['mv_orders', 'mv_sum'] : ['mv_sum', 'mv_orders'];
        try {
          for (const sql of ['BEGIN', insert, ...order.map((view) => refreshSql(view)), insert, 'COMMIT']) await caller.query(sql);
          commits += 1;
        } catch (error) {
          failures.push((error as { code?: string }).code);
          await caller.query('ROLLBACK');
        }
      }
    }));
    expect(failures.filter((code) => code !== '40P01' && code !== '55P03')).toEqual([]);
    expect(commits).toBeGreaterThan(0);
    await expect.poll(() => isFresh(db.worker, 'mv_sum'), { timeout: 15_000 }).toBe(true);
    expect(await rowsShown(db)).toBe(10 + 2 * commits);
    expect(await valueOf(db.worker, 'SELECT n FROM public.mv_sum')).toBe(10 + 2 * commits);
    expect(worker.events.complaints).toEqual([]);
  }, 60_000);

  it('fills a view that was never populated, and one with NULLs in its key', async () => {
    const db = await freshDatabase();
    await createTable(db, 'orders');
    await db.worker.query('CREATE MATERIALIZED VIEW public.mv_empty AS SELECT id, n FROM public.orders WITH NO DATA; CREATE UNIQUE INDEX ON public.mv_empty (id)');
    await createView(db, 'mv_nulls', 'SELECT CASE WHEN n > 3 THEN n END AS key, id FROM public.orders', 'key');
    const worker = await startServing(db, ['mv_empty', 'mv_nulls']);
    await worker.stop();
    await db.worker.query('REFRESH MATERIALIZED VIEW public.mv_empty WITH NO DATA');
    expect(await isFresh(db.worker, 'mv_empty')).toBe(false);
    expect(await callRefresh(db.worker, 'mv_empty')).toBe('plain');
    expect(await valueOf(db.worker, 'SELECT count(*)::int FROM public.mv_empty')).toBe(10);
    await db.app.query('INSERT INTO public.orders (n) VALUES (NULL), (2)');
    expect(await callRefresh(db.worker, 'mv_nulls')).toBe('concurrent');
    expect(await callRefresh(db.worker, 'mv_nulls')).toBe('fresh');
    expect(await valueOf(db.worker, 'SELECT count(*)::int FROM public.mv_nulls WHERE key IS NULL')).toBe(5);
  });

  it('keeps its counts right when a transaction calls it again and again', async () => {
    const db = await leftAlone();
    const caller = await sessionOf(db.url('worker'), 'BEGIN', refreshSql('mv_sum', ', true'), refreshSql('mv_sum', ', true'), refreshSql('mv_sum', ', true'), 'COMMIT');
    await caller.query('SELECT 1');
    expect(await valueOf(db.worker, 'SELECT min(least(inserted, updated, deleted))::int FROM refresh_listener.run')).toBe(0);
  });

  it('tells the views over it of a change also where nothing is counted', async () => {
    const db = await leftAlone();
    await db.app.query(insert);
    const caller = await sessionOf(db.url('admin'), 'SET track_counts = off');
    expect(await callRefresh(caller, 'mv_orders')).toBe('concurrent');
    expect(await callRefresh(db.worker, 'mv_sum')).toBe('plain');
    expect(await valueOf(db.worker, 'SELECT n FROM public.mv_sum')).toBe(11);
  });

  it('refuses a paused view, unless it is forced to', async () => {
    const db = await leftAlone();
    await db.worker.query('UPDATE refresh_listener.view SET paused_at = now()');
    await db.app.query(insert);
    for (const options of ['', ', NULL']) {
      await expect(callRefresh(db.worker, 'mv_orders', options)).rejects.toMatchObject({
        code: '55000', message: 'view public.mv_orders is paused', hint: 'listener resume, or refresh(..., force => true).',
      });
    }
    expect(await callRefresh(db.worker, 'mv_orders', ', true')).toBe('concurrent');
  });

  it.each([
    ['refresh_listener.refresh(NULL)', { code: '22004', message: 'no view is named: the argument is NULL' }],
    ['refresh_listener.is_fresh(NULL)', { code: '22004', message: 'no view is named: the argument is NULL' }],
    ['refresh_listener.mark_changed(NULL)', { code: '22004', message: 'no relation is named: the argument is NULL' }],
    [`refresh_listener.refresh('public.orders')`, { code: '42809', message: 'public.orders is not a materialized view' }],
    [`refresh_listener.is_fresh('public.plain')`, { code: '42809', message: 'public.plain is not a materialized view' }],
    [`refresh_listener.refresh('public.mv_other')`, {
      code: '42704', message: 'view public.mv_other is not served by any listener', hint: 'Put it on the --views of a worker, or run: listener install --views ...',
    }],
    [`refresh_listener.is_fresh('public.mv_other')`, { code: '42704', message: 'view public.mv_other is not served by any listener' }],
    [`refresh_listener.mark_changed('public.plain')`, { code: '42704', message: 'no view that a listener serves reads public.plain' }],
    [`refresh_listener.refresh('public.mv_nothing')`, { code: '42P01' }],
  ])('%s says what is wrong', async (call, error) => {
    const db = await leftAlone();
    await db.worker.query('CREATE MATERIALIZED VIEW public.mv_other AS SELECT 1 AS one; CREATE VIEW public.plain AS SELECT 1 AS one');
    await expect(db.worker.query(`SELECT ${call}`)).rejects.toMatchObject(error);
  });

  it('takes the lock that workers take', async () => {
    const db = await leftAlone();
    await sessionOf(db.url('worker'), 'BEGIN', refreshSql('mv_orders', ', true'));
    expect(await valueOf(db.admin, `SELECT count(*)::int FROM pg_locks WHERE locktype = 'advisory' AND granted AND classid = $1
      AND database = (SELECT oid FROM pg_database WHERE datname = current_database())`, [lockKeys.absorb])).toBe(1);
  });
});
