import { describe, expect, it } from 'vitest';
import { startWorker } from '../support/test-worker.js';
import { Rings } from './rings.js';
import { createOrders, difference, freshDatabase, valueOf } from './scene.js';

describe('busy tables', () => {
  it('are followed at max-wait while writes never pause for as long as the debounce', async () => {
    const db = await freshDatabase();
    await createOrders(db);
    const { events } = await startWorker(db.url('worker'), ['mv_orders'], { debounceMs: 1_000, maxWaitMs: 2_000 });
    await events.next('refresh.done');
    const traffic = new AbortController();
    const written = (async () => {
      let writes = 0;
      for (; !traffic.signal.aborted; writes += 1) await db.app.query('INSERT INTO public.orders (n) SELECT 1 FROM pg_sleep(0.02)');
      return writes;
    })();
    const from = events.mark;
    const first = await events.next('refresh.done', () => true, from);
    const second = await events.next('refresh.done', (event) => event !== first, from);
    traffic.abort();
    const writes = await written;

    for (const done of [first, second]) {
      expect(done.reason).toBe('change');
      expect(done.stalenessMs).toBeGreaterThanOrEqual(1_900);
      expect(done.stalenessMs).toBeLessThan(4_000);
    }
    await events.until(() => events.of('refresh.done', from).reduce((sum, { inserted }) => sum + (inserted ?? 0), 0) >= writes);
    expect(await difference(db, 'public.mv_orders', 'SELECT id, n FROM public.orders')).toBe(0);
  });

  it('are refreshed once or a few times for 200 transactions, which ring far less often', async () => {
    const db = await freshDatabase();
    await createOrders(db);
    const { events } = await startWorker(db.url('worker'), ['mv_orders'], { debounceMs: 800, maxWaitMs: 10_000 });
    await events.next('refresh.done');
    const rings = await Rings.listen(db);
    const from = events.mark;
    for (let write = 0; write < 200; write += 1) await db.app.query('INSERT INTO public.orders (n) VALUES ($1)', [write]);
    await events.until(() => events.of('refresh.done', from).reduce((sum, { inserted }) => sum + (inserted ?? 0), 0) === 200);

    expect(events.of('refresh.done', from).length).toBeLessThanOrEqual(3);
    expect(await rings.all()).not.toEqual([]);
    // The burst takes a second or so; a hold is 200 ms, and writers may ring until the worker has heard the first of them.
    expect((await rings.all()).length).toBeLessThan(100);
    expect(await valueOf(db.worker, 'SELECT count(*)::int FROM refresh_listener.change_log WHERE source <> 0')).toBeGreaterThanOrEqual(200);
  });
});
