import { expect, it } from 'vitest';
import { startWorker } from '../support/test-worker.js';
import { ownDatabase, sweeping, sweeps, valueOf } from './worker-scene.js';

it('a foreign table is told as a source that nobody can watch, once, and the rest of the view is watched', async () => {
  const db = await ownDatabase();
  // A wrapper without a handler needs no extension, and does as long as nobody reads the table.
  await db.admin.query(`
    CREATE FOREIGN DATA WRAPPER dummy; CREATE SERVER elsewhere FOREIGN DATA WRAPPER dummy;
    CREATE FOREIGN TABLE public.remote (id int) SERVER elsewhere; GRANT SELECT ON public.remote TO ${db.roles.worker}`);
  await db.app.query('CREATE TABLE public.orders (id int)');
  await db.worker.query(`
    CREATE MATERIALIZED VIEW public.mv AS SELECT id FROM public.orders UNION ALL SELECT id FROM public.remote WITH NO DATA;
    CREATE MATERIALIZED VIEW public.mv_orders AS SELECT id FROM public.orders`);
  const worker = await startWorker(db.url('worker'), ['mv', 'mv_orders'], sweeping);
  await sweeps(worker);
  expect(worker.events.of('source.unwatched')).toEqual([{ event: 'source.unwatched', source: 'public.remote', views: ['public.mv'], because: 'a foreign table' }]);
  expect(worker.events.of('trigger.installed')).toMatchObject([{ source: 'public.orders' }]);
  expect(await valueOf(db, "SELECT count(*)::int FROM pg_catalog.pg_trigger WHERE tgrelid = 'public.remote'::pg_catalog.regclass")).toBe(0);
  expect(await worker.events.next('refresh.failed')).toMatchObject({ view: 'public.mv', kind: 'permanent' });
  // Its failing does not keep the other view from being served.
  await worker.events.next('refresh.done', (done) => done.view === 'public.mv_orders');
});
