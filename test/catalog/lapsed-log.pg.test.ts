import { describe, expect, it } from 'vitest';
import type { TestDatabase } from '../support/database.js';
import { ownDatabase, quiet, startServing, sweeping, sweeps, valueOf } from './worker-scene.js';

/** A view that a worker has absorbed, that worker dead, and its log register past its end. */
async function lapsed(): Promise<TestDatabase> {
  const db = await ownDatabase();
  await db.app.query('CREATE TABLE public.orders (id int)');
  await db.worker.query('CREATE MATERIALIZED VIEW public.mv AS SELECT count(*)::int AS n FROM public.orders');
  await (await startServing(db, ['mv'], sweeping)).stop();
  await db.worker.query(`
    SELECT pg_catalog.setval(pg_catalog.to_regclass('refresh_listener.log_' || id), 1000) FROM refresh_listener.source`);
  return db;
}
const count = 'SELECT n FROM public.mv';
const logSize = 'SELECT count(*)::int FROM refresh_listener.change_log';

describe('a change log that has lapsed', () => {
  it('does not grow, and writers neither fail nor ring', async () => {
    const db = await lapsed();
    const before = await valueOf(db, logSize);
    for (let i = 0; i < 3; i += 1) await db.app.query('INSERT INTO public.orders VALUES (1)');
    expect(await valueOf(db, logSize)).toBe(before);
  });

  it('is told by the next worker, which absorbs what was not written down', async () => {
    const db = await lapsed();
    await db.app.query('INSERT INTO public.orders VALUES (1)');
    const worker = await startServing(db, ['mv'], sweeping);
    expect(worker.events.of('log.lapsed')).toEqual([{ event: 'log.lapsed', sources: ['public.orders'], views: ['public.mv'] }]);
    expect(await valueOf(db, count)).toBe(1);
    // It is renewed: writers append again.
    const from = worker.events.mark;
    await db.app.query('INSERT INTO public.orders VALUES (2)');
    expect(await worker.events.next('refresh.done', () => true, from)).toMatchObject({ sources: ['public.orders'] });
    expect(await sweeps(worker)).toMatchObject([quiet, quiet]);
    expect(worker.events.of('log.lapsed')).toHaveLength(1);
  });

  it('is absorbed once more when a transaction that read the lapsed value has ended', async () => {
    const db = await lapsed();
    const writer = await db.admin.connect();
    try {
      // Without row counters, which would give it away: the sweep must know by itself.
      await writer.query('SET track_counts = off');
      await writer.query('BEGIN; INSERT INTO public.orders VALUES (1)');
      const worker = await startServing(db, ['mv'], sweeping);
      expect(await valueOf(db, count)).toBe(0);
      // While it runs there is nothing to absorb, and nothing is tried.
      expect(await sweeps(worker)).toMatchObject([quiet, quiet]);
      const from = worker.events.mark;
      await writer.query('COMMIT');
      await worker.events.next('refresh.done', () => true, from);
      expect(await valueOf(db, count)).toBe(1);
      expect(await sweeps(worker)).toMatchObject([quiet, quiet]);
      expect(worker.events.of('refresh.done', from)).toHaveLength(1);
    } finally {
      writer.release(true);
    }
  });

  it('is noticed by a worker that was cut off for so long, too', async () => {
    const db = await lapsed();
    const worker = await startServing(db, ['mv'], sweeping);
    const from = worker.events.mark;
    await db.worker.query(`SELECT pg_catalog.setval(pg_catalog.to_regclass('refresh_listener.log_' || id), 1000) FROM refresh_listener.source`);
    await worker.events.next('log.lapsed', () => true, from);
    await worker.events.next('refresh.done', () => true, from);
    // Settled when what ran at the lapse has ended, on the whole server: other tests run transactions, too.
    await expect.poll(() => valueOf(db, 'SELECT settle_xid IS NULL AND whole_marks = whole_absorbed FROM refresh_listener.view'), { timeout: 20_000 }).toBe(true);
    expect(await sweeps(worker)).toMatchObject([quiet, quiet]);
  });
});
