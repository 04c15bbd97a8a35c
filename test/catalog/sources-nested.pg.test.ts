import { describe, expect, it } from 'vitest';
import type { TestDatabase } from '../support/database.js';
import { ownDatabase, quiet, startServing, sweeping, sweeps, valueOf } from './worker-scene.js';

/** orders <- v_paid <- v_recent <- mv_low (per customer) <- v_low <- mv_top, which reads customers as well. */
async function nested(): Promise<TestDatabase> {
  const db = await ownDatabase();
  await db.app.query(`
    CREATE TABLE public.orders (customer int, amount int, paid boolean);
    CREATE TABLE public.customers (id int, city text);
    INSERT INTO public.orders VALUES (1, 10, true), (2, 20, true);
    INSERT INTO public.customers VALUES (1, 'Oslo'), (2, 'Rome')`);
  await db.worker.query(`
    CREATE VIEW public.v_paid AS SELECT * FROM public.orders WHERE paid;
    CREATE VIEW public.v_recent AS SELECT p.customer, p.amount FROM public.v_paid AS p;
    CREATE MATERIALIZED VIEW public.mv_low AS SELECT customer, sum(amount)::int AS total FROM public.v_recent GROUP BY 1;
    CREATE UNIQUE INDEX ON public.mv_low (customer);
    CREATE VIEW public.v_low AS SELECT * FROM public.mv_low;
    CREATE MATERIALIZED VIEW public.mv_top AS
      SELECT city, sum(total)::int AS total FROM public.v_low JOIN public.customers ON id = customer GROUP BY 1;
    CREATE UNIQUE INDEX ON public.mv_top (city)`);
  return db;
}
const osloTotal = "SELECT total FROM public.mv_top WHERE city = 'Oslo'";

describe('views over views', () => {
  it('a change is followed through plain views and on to the view above, each refreshed once and in order', async () => {
    const db = await nested();
    const worker = await startServing(db, ['mv_top', 'mv_low'], sweeping);
    const from = worker.events.mark;
    await db.app.query('INSERT INTO public.orders VALUES (1, 5, true)');
    await worker.events.next('refresh.done', (done) => done.view === 'public.mv_top', from);
    expect(await valueOf(db, osloTotal)).toBe(15);
    expect(await sweeps(worker)).toMatchObject([quiet, quiet]);
    expect(worker.events.of('refresh.done', from)).toMatchObject([
      { view: 'public.mv_low', sources: ['public.orders'] }, { view: 'public.mv_top', sources: ['public.mv_low'] },
    ]);
  });

  it('a change that the view below does not show is none for the view above, at the next sweeps either', async () => {
    const db = await nested();
    const worker = await startServing(db, ['mv_top', 'mv_low'], sweeping);
    const from = worker.events.mark;
    await db.app.query('INSERT INTO public.orders VALUES (1, 5, false)');
    await worker.events.next('refresh.done', () => true, from);
    expect(await sweeps(worker)).toMatchObject([quiet, quiet]);
    expect(worker.events.of('refresh.done', from)).toMatchObject([{ view: 'public.mv_low', inserted: 0, deleted: 0 }]);
  });

  it('the same where the view below has no unique index, and is written anew as a whole', async () => {
    const db = await nested();
    await db.worker.query('DROP INDEX public.mv_low_customer_idx');
    const worker = await startServing(db, ['mv_top', 'mv_low'], sweeping);
    const from = worker.events.mark;
    await db.app.query('INSERT INTO public.orders VALUES (1, 5, false)');
    await worker.events.next('refresh.done', () => true, from);
    expect(await sweeps(worker)).toMatchObject([quiet, quiet]);
    expect(worker.events.of('refresh.done', from)).toMatchObject([{ view: 'public.mv_low', plan: 'plain' }]);
  });

  it('a change of a table that only the view above reads leaves the one below alone', async () => {
    const db = await nested();
    const worker = await startServing(db, ['mv_top', 'mv_low']);
    const from = worker.events.mark;
    await db.app.query("UPDATE public.customers SET city = 'Oslo'");
    await worker.events.next('refresh.done', () => true, from);
    expect(await valueOf(db, osloTotal)).toBe(30);
    expect(worker.events.of('refresh.done', from)).toMatchObject([{ view: 'public.mv_top', reason: 'change', sources: ['public.customers'] }]);
  });

  it('a plain view that is replaced to read another table brings that table in', async () => {
    const db = await nested();
    await db.app.query('CREATE TABLE public.archive (LIKE public.orders); INSERT INTO public.archive VALUES (1, 100, true)');
    const worker = await startServing(db, ['mv_top', 'mv_low'], sweeping);
    const from = worker.events.mark;
    await db.worker.query('CREATE OR REPLACE VIEW public.v_paid AS SELECT * FROM public.orders UNION ALL SELECT * FROM public.archive');
    await worker.events.next('trigger.installed', (installed) => installed.source === 'public.archive', from);
    await worker.events.next('refresh.done', (done) => done.view === 'public.mv_top', from);
    expect(await valueOf(db, osloTotal)).toBe(110);
    const later = worker.events.mark;
    await db.app.query('INSERT INTO public.archive VALUES (1, 1000, true)');
    await worker.events.next('refresh.done', (done) => done.view === 'public.mv_top', later);
    expect(await valueOf(db, osloTotal)).toBe(1110);
  });

  it('the same where another view has had that table watched all along', async () => {
    const db = await nested();
    await db.app.query('CREATE TABLE public.archive (LIKE public.orders); INSERT INTO public.archive VALUES (1, 100, true)');
    await db.worker.query('CREATE MATERIALIZED VIEW public.mv_archive AS SELECT count(*)::int AS n FROM public.archive');
    const worker = await startServing(db, ['mv_low', 'mv_archive'], sweeping);
    const from = worker.events.mark;
    await db.worker.query('CREATE OR REPLACE VIEW public.v_paid AS SELECT * FROM public.orders UNION ALL SELECT * FROM public.archive');
    expect(await worker.events.next('refresh.done', () => true, from)).toMatchObject({ view: 'public.mv_low', reason: 'sweep' });
    expect(await valueOf(db, 'SELECT total FROM public.mv_low WHERE customer = 1')).toBe(110);
    expect(await sweeps(worker)).toMatchObject([quiet, quiet]);
    expect(worker.events.of('refresh.done', from)).toHaveLength(1);
  });

  it('a plain view that computes something else from the same table is a change, once', async () => {
    const db = await nested();
    const worker = await startServing(db, ['mv_low'], sweeping);
    const from = worker.events.mark;
    await db.worker.query('CREATE OR REPLACE VIEW public.v_paid AS SELECT * FROM public.orders UNION ALL SELECT * FROM public.orders');
    expect(await worker.events.next('refresh.done', () => true, from)).toMatchObject({ view: 'public.mv_low', reason: 'sweep' });
    expect(await valueOf(db, 'SELECT total FROM public.mv_low WHERE customer = 1')).toBe(20);
    expect(await sweeps(worker)).toMatchObject([quiet, quiet]);
    expect(worker.events.of('refresh.done', from)).toHaveLength(1);
  });
});
