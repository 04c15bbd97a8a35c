import { describe, expect, it } from 'vitest';
import { parseViewPattern } from '../../src/config/view-pattern.js';
import type { TestDatabase } from '../support/database.js';
import { startWorker, type TestWorker } from '../support/test-worker.js';
import { Webhook } from '../support/webhook.js';
import { createOrders, createView, freshDatabase, valueOf } from './scene.js';

/** mv_ratio fails while a row of orders has n = 0; mv_orders does not care. */
async function scene(webhook: Webhook): Promise<{ db: TestDatabase; served: TestWorker }> {
  const db = await freshDatabase();
  await createOrders(db);
  await createView(db, 'mv_ratio', 'SELECT id, 100 / n AS ratio FROM public.orders', 'id');
  const served = await startWorker(db.url('worker'), ['mv_orders', 'mv_ratio'], {
    overrides: [{ pattern: parseViewPattern('mv_ratio'), settings: { freshnessMs: 300 } }], retryBaseMs: 20, retryMaxMs: 50, alertUrl: webhook.url, alertAfter: 2,
  });
  await served.events.until(() => served.events.of('refresh.done').length === 2);
  return { db, served };
}

const breakIt = 'INSERT INTO public.orders (id, n) VALUES (1000, 0)';
const mendIt = 'UPDATE public.orders SET n = 50 WHERE id = 1000';

describe('the webhook', () => {
  it('is told of a view that keeps failing and misses its target, and of the end of both, once each', async () => {
    const webhook = await Webhook.start();
    const { db, served } = await scene(webhook);
    await db.app.query(breakIt);
    const { body: failing } = await webhook.next(({ event }) => event === 'refresh.failing');
    expect(failing).toMatchObject({
      database: db.name, view: 'public.mv_ratio', failures: 2, error: 'division by zero', sqlstate: '22012',
      text: `[${db.name}] Refreshing public.mv_ratio has failed 2 times in a row: division by zero (SQLSTATE 22012). It is tried again for as long as it takes.`,
    });
    await webhook.next(({ event }) => event === 'freshness.missed');
    await db.app.query(mendIt);
    await webhook.next(({ event }) => event === 'refresh.recovered');
    await webhook.next(({ event }) => event === 'freshness.restored');
    await served.stop();
    expect(webhook.posts.map(({ body }) => body.event).toSorted()).toEqual(['freshness.missed', 'freshness.restored', 'refresh.failing', 'refresh.recovered']);
  });

  it('that is down keeps no view from being refreshed, and its URL is told nobody', async () => {
    const webhook = await Webhook.start();
    webhook.answer = 503;
    const { db, served } = await scene(webhook);
    await db.app.query(breakIt);
    const { events } = served;
    expect(await events.next('alert.failed')).toMatchObject({ error: 'it answered 503' });
    const from = events.mark;
    await db.app.query('INSERT INTO public.orders (n) VALUES (3)');
    await events.next('refresh.done', ({ view }) => view === 'public.mv_orders', from);
    await events.next('freshness.missed');
    webhook.answer = 200;
    await events.next('alert.restored');
    await webhook.next(({ event }) => event === 'freshness.missed');
    expect(events.of('alert.failed')).toHaveLength(1);
    const record = await valueOf<string>(db.worker, `SELECT pg_catalog.json_agg(r)::text FROM refresh_listener.run AS r`);
    expect(JSON.stringify([events.all, events.complaints, record])).not.toContain('SECRET');
  });

  it('that hangs does not hold up a stop', async () => {
    const webhook = await Webhook.start();
    webhook.answer = 'hang';
    const { db, served } = await scene(webhook);
    await db.app.query(breakIt);
    await webhook.until(() => webhook.posts.length > 0);
    const stoppedAt = performance.now();
    await served.stop();
    // Two seconds for the webhook, within the five that a stop may take beside the grace.
    expect(performance.now() - stoppedAt).toBeLessThan(5_000);
    await expect.poll(() => webhook.open).toBe(0);
  });
});
