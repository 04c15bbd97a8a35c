import { describe, expect, it } from 'vitest';
import { leftAlone, refreshSql, rowsShown, sessionOf } from '../catalog/sql-scene.js';
import { jsonLines, listener, startListener } from '../support/hand-command.js';
import { createOrders, freshDatabase, valueOf } from '../worker/scene.js';

const insert = 'INSERT INTO public.orders (n) VALUES (100)';

describe('listener refresh', { timeout: 60_000 }, () => {
  it('says that a view is fresh, refreshes it all the same with --force, and what it reads first when that is stale', async () => {
    const db = await leftAlone();
    const url = db.url('worker');
    expect(await listener(url, ['refresh', 'mv_sum'])).toEqual({
      status: 0, stderr: '',
      stdout: 'public.mv_sum is fresh: nothing has changed since it was last refreshed (--force refreshes it all the same).\n',
    });
    const forced = await listener(url, ['refresh', 'mv_sum', '--force']);
    expect(forced).toMatchObject({ status: 0, stderr: '' });
    expect(forced.stdout).toMatch(/^Refreshed public\.mv_sum in .*: asked for by hand; 1 row written anew\.\n$/);
    await db.app.query(insert);
    const both = await listener(url, ['refresh', 'mv_sum']);
    expect(both).toMatchObject({ status: 0, stderr: '' });
    expect(both.stdout).toMatch(/^Refreshed public\.mv_orders concurrently in .*\nRefreshed public\.mv_sum in .*\n$/);
    expect(await valueOf(db.worker, 'SELECT n FROM public.mv_sum')).toBe(11);
    const { rows } = await db.worker.query(`SELECT DISTINCT reason FROM refresh_listener.run WHERE reason <> 'start' AND reason <> 'upstream'`);
    expect(rows).toEqual([{ reason: 'manual' }]);
  });

  it('takes patterns, and writes events as JSON', async () => {
    const db = await leftAlone();
    await db.app.query(insert);
    const outcome = await listener(db.url('worker'), ['refresh', 'public.mv_*', '--json']);
    expect(outcome).toMatchObject({ status: 0, stderr: '' });
    expect(jsonLines(outcome)).toMatchObject([
      { event: 'refresh.done', view: 'public.mv_orders', plan: 'concurrent', reason: 'manual', sources: ['public.orders'], inserted: 1 },
      { event: 'refresh.done', view: 'public.mv_sum', plan: 'plain', reason: 'manual', sources: ['public.mv_orders'] },
    ]);
    expect(jsonLines(await listener(db.url('worker'), ['refresh', 'mv_sum', '--json']))).toEqual([
      { event: 'refresh.skipped', view: 'public.mv_sum', reason: 'manual', because: 'fresh' },
    ]);
  });

  it.each([
    [['refresh', 'mv_ordres'], 'no view that is served matches mv_ordres: did you mean public.mv_orders?'],
    [['refresh', 'mv_other'], 'public.mv_other is not served by any listener: put it on the --views of a worker, or run listener install --views mv_other'],
    [['pause', 'mv_ordres'], 'no view that is served matches mv_ordres: did you mean public.mv_orders?'],
    [['resume', 'sales.*'], 'no view that is served matches sales.*: there are public.mv_orders, public.mv_sum'],
  ])('%j exits with 2, and has changed nothing', async (args, message) => {
    const db = await leftAlone();
    await db.worker.query('CREATE MATERIALIZED VIEW public.mv_other AS SELECT 1 AS one');
    await db.app.query(insert);
    expect(await listener(db.url('worker'), [...args, 'mv_sum'])).toEqual({ status: 2, stdout: '', stderr: `listener: ${message}\n` });
    expect(await rowsShown(db)).toBe(10);
    expect(await valueOf(db.worker, 'SELECT count(paused_at)::int FROM refresh_listener.view')).toBe(0);
  });

  it.each(['refresh', 'pause', 'resume'])('%s says where nothing is installed, and installs nothing', async (command) => {
    const db = await freshDatabase();
    await createOrders(db);
    const outcome = await listener(db.url('worker'), [command, 'mv_orders']);
    expect(outcome).toMatchObject({ status: 2, stdout: '' });
    expect(outcome.stderr).toMatch(/^listener: nothing is installed in this database: run a worker .*\n$/);
    expect(await valueOf(db.admin, "SELECT to_regnamespace('refresh_listener')")).toBeNull();
  });

  it('waits for whoever is at it', async () => {
    const db = await leftAlone();
    await db.app.query(insert);
    const caller = await sessionOf(db.url('worker'), 'BEGIN', refreshSql('mv_orders'));
    const command = startListener(db.url('worker'), ['refresh', 'mv_orders']);
    await command.saying('Another worker is refreshing public.mv_orders: waiting for it.');
    await caller.query('COMMIT');
    const { status, stdout } = await command.outcome;
    expect(status).toBe(0);
    expect(stdout).toContain('public.mv_orders is fresh');
  });

  it('fails for a paused view, and not with --force', async () => {
    const db = await leftAlone();
    await db.app.query(insert);
    expect(await listener(db.url('worker'), ['pause', 'mv_orders'])).toEqual({
      status: 0, stderr: '', stdout: 'Paused public.mv_orders: listener resume public.mv_orders ends it.\n',
    });
    expect(await listener(db.url('worker'), ['refresh', 'mv_orders'])).toEqual({
      status: 1, stderr: '', stdout: 'public.mv_orders is paused: listener resume public.mv_orders, or --force.\n',
    });
    expect(await rowsShown(db)).toBe(10);
    expect(await listener(db.url('worker'), ['refresh', 'mv_orders', '--force'])).toMatchObject({ status: 0, stderr: '' });
    expect(await rowsShown(db)).toBe(11);
  });
});
