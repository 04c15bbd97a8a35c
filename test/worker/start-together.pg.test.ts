import { readdirSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import type { TestDatabase } from '../support/database.js';
import type { EventRecord } from '../support/event-record.js';
import { makeWorker } from '../support/test-worker.js';
import { spawnWorker } from '../support/worker-process.js';
import { createTable, createView, freshDatabase, valueOf } from './scene.js';

const views = ['mv_orders', 'mv_both'];

async function createTwoViews(db: TestDatabase): Promise<void> {
  await createTable(db, 'orders');
  await createTable(db, 'customers');
  await createView(db, 'mv_orders', 'SELECT id, n FROM public.orders', 'id');
  await createView(db, 'mv_both', 'SELECT o.id, c.n FROM public.orders AS o JOIN public.customers AS c USING (id)', 'id');
}

interface Objects {
  sources: string[];
  views: string[];
  links: number;
  triggers: string[];
  registers: number;
  runs: string[];
  migrations: number;
}

async function objectsOf(db: TestDatabase): Promise<Objects> {
  return valueOf<Objects>(
    db.worker,
    `SELECT pg_catalog.json_build_object(
       'sources', (SELECT pg_catalog.json_agg(name ORDER BY name) FROM refresh_listener.source),
       'views', (SELECT pg_catalog.json_agg(name ORDER BY name) FROM refresh_listener.view),
       'links', (SELECT count(*) FROM refresh_listener.view_source),
       'triggers', (SELECT pg_catalog.json_agg(tgrelid::pg_catalog.regclass::text ORDER BY tgrelid) FROM pg_catalog.pg_trigger WHERE NOT tgisinternal),
       'registers', (SELECT count(*) FROM pg_catalog.pg_sequences WHERE schemaname = 'refresh_listener' AND sequencename ~ '^(log|hold)_'),
       'runs', (SELECT pg_catalog.json_agg(v.name ORDER BY v.name) FROM refresh_listener.run AS r JOIN refresh_listener.view AS v ON v.id = r.view),
       'migrations', (SELECT count(*) FROM refresh_listener.migration))`,
  );
}

const oneSet = {
  sources: ['public.customers', 'public.orders'],
  views: ['public.mv_both', 'public.mv_orders'],
  links: 3,
  triggers: ['public.orders', 'public.customers'],
  registers: 4,
  migrations: readdirSync(new URL('../../sql/migrations', import.meta.url)).length,
};

/** A worker has nothing left to do when it has refreshed, or found fresh, every view that its first sweep called stale. */
async function settled(events: EventRecord): Promise<void> {
  const { stale } = await events.next('sweep.done');
  await events.until(() => {
    const done = [...events.of('refresh.done'), ...events.of('refresh.skipped').filter(({ because }) => because === 'fresh')];
    return new Set(done.map(({ view }) => view)).size >= stale;
  });
}

const eachOnce = ['public.mv_both', 'public.mv_orders'];

describe('workers that start at once on an empty database', () => {
  it('come up all twenty, with one set of objects, and refresh each view once', async () => {
    const db = await freshDatabase();
    await createTwoViews(db);
    const workers = Array.from({ length: 20 }, () => makeWorker(db.url('worker'), views));
    await Promise.all(workers.map(({ worker }) => worker.start()));
    await Promise.all(workers.map(({ events }) => settled(events)));

    expect(workers.map(({ events }) => events.of('ready').length)).toEqual(workers.map(() => 1));
    expect(workers.flatMap(({ events }) => events.complaints)).toEqual([]);
    expect(workers.flatMap(({ events }) => events.of('refresh.failed'))).toEqual([]);
    const { runs, ...objects } = await objectsOf(db);
    expect(objects).toEqual(oneSet);
    expect(runs).toEqual(eachOnce);
  });

  it('come up as processes, too', async () => {
    const db = await freshDatabase();
    await createTwoViews(db);
    const workers = Array.from({ length: 3 }, () => spawnWorker(db.url('worker'), views));
    await Promise.all(workers.map(({ events }) => events.next('ready')));
    await Promise.all(['public.mv_orders', 'public.mv_both'].map((view) =>
      Promise.race(workers.map(({ events }) => events.next('refresh.done', (event) => event.view === view)))));
    expect(await Promise.all(workers.map((worker) => worker.terminate()))).toEqual([0, 0, 0]);
    expect(workers.map(({ output }) => output)).toEqual([[], [], []]);
    const { runs, ...objects } = await objectsOf(db);
    expect(objects).toEqual(oneSet);
    expect(runs).toEqual(eachOnce);
  });
});
