import { describe, expect, it } from 'vitest';
import { UsageError } from '../../src/config/usage-error.js';
import type { TestDatabase } from '../support/database.js';
import { startWorker } from '../support/test-worker.js';
import { installIn, registered, session } from './install-scene.js';
import { ownDatabase, quiet, startServing, sweeping, sweeps, valueOf } from './worker-scene.js';

async function shop(): Promise<TestDatabase> {
  const db = await ownDatabase();
  await db.app.query('CREATE TABLE public.orders (id int); CREATE TABLE public.customers (id int)');
  await db.worker.query('CREATE MATERIALIZED VIEW public.mv_orders AS SELECT id FROM public.orders');
  await db.worker.query('CREATE MATERIALIZED VIEW public.mv_both AS SELECT o.id FROM public.orders AS o JOIN public.customers AS c USING (id)');
  return db;
}

describe('install', () => {
  it('creates schema, registers and triggers, refreshes nothing, and does nothing the second time', async () => {
    const db = await shop();
    const file = await valueOf(db, "SELECT pg_catalog.pg_relation_filenode('public.mv_both')", 'admin');
    const first = await installIn(db, ['mv_both']);
    expect(first).toMatchObject({
      database: db.name,
      views: [{ view: 'public.mv_both', sources: ['public.customers', 'public.orders'], state: 'registered' }],
      triggers: [{ source: 'public.customers', state: 'created' }, { source: 'public.orders', state: 'created' }],
    });
    expect(first.migrations.length).toBeGreaterThan(0);
    const before = await registered(db);
    expect(await installIn(db, ['mv_both'])).toEqual({
      ...first, migrations: [], views: [{ ...first.views[0], state: 'present' }],
      triggers: first.triggers.map((trigger) => ({ ...trigger, state: 'present' })),
    });
    expect(await registered(db)).toEqual(before);
    expect(await valueOf(db, "SELECT pg_catalog.pg_relation_filenode('public.mv_both')", 'admin')).toBe(file);
    expect(await valueOf(db, 'SELECT count(*)::int FROM refresh_listener.run')).toBe(0);
  });

  it('lets writers record until the lapse is over, without ringing for nobody; the first worker hears them', async () => {
    const db = await shop();
    await installIn(db, ['mv_orders']);
    const inHours = await valueOf(db, `SELECT round((pg_sequence_last_value('refresh_listener.log_1') / 1000.0 - extract(epoch FROM clock_timestamp())) / 3600)::int`);
    expect(inHours).toBe(1);
    const ear = await session(db, 'admin');
    const rings: unknown[] = [];
    ear.on('notification', ({ payload }) => rings.push(payload));
    await ear.query('LISTEN refresh_listener');
    await db.app.query('INSERT INTO public.orders VALUES (1)');
    await ear.query("NOTIFY refresh_listener, 'end'"); // comes after all that was committed before
    await ear.end();
    expect(rings).toEqual(['end']);
    // An application with two-phase commit must not fail between installation and a worker that polls.
    const writer = await session(db, 'app');
    await writer.query(`BEGIN; INSERT INTO public.orders VALUES (2); PREPARE TRANSACTION '${db.name}'`);
    await writer.query(`COMMIT PREPARED '${db.name}'`);
    await writer.end();
    const { events } = await startServing(db, ['mv_orders'], sweeping);
    const from = events.mark;
    await db.app.query('INSERT INTO public.orders VALUES (3)');
    await events.next('refresh.done', ({ reason }) => reason === 'change', from);
    expect(await valueOf(db, 'SELECT count(*)::int FROM public.mv_orders')).toBe(3);
  });

  it('is not forgotten by a worker of other views, nor does it cut short the lease of its own', async () => {
    const db = await shop();
    await installIn(db, ['mv_both']);
    const serving = await startServing(db, ['mv_orders'], sweeping);
    expect(await sweeps(serving, 2)).toMatchObject([quiet, quiet]);
    expect(serving.events.of('view.removed')).toEqual([]);
    await serving.stop();
    const worker = await startWorker(db.url('worker'), ['mv_orders']);
    await worker.stop();
    const lease = "SELECT served_until::text FROM refresh_listener.view WHERE name = 'public.mv_orders'";
    const before = await valueOf(db, lease);
    await installIn(db, ['mv_orders']);
    expect(await valueOf(db, lease)).toBe(before);
  });

  it('mends triggers, and has their views absorbed for what went unseen', async () => {
    const db = await shop();
    const worker = await startServing(db, ['mv_orders']);
    await worker.stop();
    const marks = "SELECT count(*)::int FROM refresh_listener.change_log WHERE operation = 'T' AND source <> 0";
    const before = Number(await valueOf(db, marks));
    await db.app.query('DROP TRIGGER refresh_listener ON public.orders; INSERT INTO public.orders VALUES (1)');
    expect(await installIn(db, ['mv_orders'])).toMatchObject({ triggers: [{ source: 'public.orders', state: 'created' }] });
    await db.app.query('ALTER TABLE public.orders DISABLE TRIGGER refresh_listener');
    expect(await installIn(db, ['mv_orders'])).toMatchObject({ triggers: [{ source: 'public.orders', state: 'mended' }] });
    expect(await valueOf(db, marks)).toBe(before + 2);
  });

  it('says which table its writers kept it out of, has installed the others, and goes on the next time', async () => {
    const db = await shop();
    const writer = await session(db, 'app');
    await writer.query('BEGIN; INSERT INTO public.orders VALUES (1)');
    const waits: string[] = [];
    const installed = await installIn(db, ['mv_both'], 'worker', (source) => waits.push(source));
    expect(installed.triggers).toEqual([
      { source: 'public.customers', state: 'created', because: null },
      { source: 'public.orders', state: 'kept-out', because: 'canceling statement due to lock timeout' },
    ]);
    expect(waits).toEqual(['public.orders']);
    await writer.query('COMMIT');
    await writer.end();
    expect((await installIn(db, ['mv_both'])).triggers.map(({ state }) => state)).toEqual(['present', 'created']);
  });

  it('has changed nothing when it refuses', async () => {
    const db = await shop();
    await expect(installIn(db, ['mv_order'])).rejects.toThrow(new UsageError('No materialized view matches mv_order. Did you mean public.mv_orders?'));
    await db.app.query(`REVOKE TRIGGER ON public.customers FROM ${db.roles.worker}`);
    await expect(installIn(db, ['mv_both'])).rejects.toThrow(/GRANT TRIGGER ON public\.customers/);
    expect(await valueOf(db, "SELECT pg_catalog.to_regnamespace('refresh_listener')::text")).toBeNull();
  });
});
