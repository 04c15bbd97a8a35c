import { expect, it, onTestFinished } from 'vitest';
import { startWorker } from '../support/test-worker.js';
import { createTable, createView, freshDatabase } from './scene.js';

it('views over views follow while traffic never pauses, although those that they read are always due again', async () => {
  const db = await freshDatabase();
  await createTable(db, 'orders');
  await createView(db, 'mv_a', 'SELECT id, n FROM public.orders, pg_sleep(0.4)', 'id');
  await createView(db, 'mv_b', 'SELECT count(*) AS c FROM public.mv_a', 'c');
  await createView(db, 'mv_c', 'SELECT b.c, (SELECT max(id) FROM public.orders) AS last FROM public.mv_b AS b', 'c');
  const { events } = await startWorker(db.url('worker'), ['mv_*'], { debounceMs: 200, maxWaitMs: 300 });
  await events.until(() => events.of('refresh.done').length >= 3);
  const traffic = new AbortController();
  const writing = (async () => {
    while (!traffic.signal.aborted) await db.app.query('INSERT INTO public.orders (n) SELECT 1 FROM pg_sleep(0.02)');
  })();
  onTestFinished(async () => {
    traffic.abort();
    await writing;
  });
  for (let round = 0; round < 3; round += 1) {
    const from = events.mark;
    await events.next('refresh.done', ({ view }) => view === 'public.mv_a', from);
    await events.next('refresh.done', ({ view, inserted }) => view === 'public.mv_b' && inserted === 1, from);
    await events.next('refresh.done', ({ view, inserted }) => view === 'public.mv_c' && inserted === 1, from);
    // Not only when mv_a has been refreshed again and again.
    expect(events.of('refresh.done', from).filter(({ view }) => view === 'public.mv_a').length).toBeLessThanOrEqual(4);
  }
});
