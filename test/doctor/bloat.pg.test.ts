import { describe, expect, it } from 'vitest';
import { parseViewPattern } from '../../src/config/view-pattern.js';
import type { TestDatabase } from '../support/database.js';
import { addEvents, eventsAndSummary } from '../freshen/summary/scene.js';
import { runRemedy, servedShop, trouble } from './scene.js';

const thresholds = { deadRows: 10 };

/** So many concurrent refreshes, each of which replaces ten rows, with autovacuum away. */
async function refreshed(db: TestDatabase, times: number): Promise<void> {
  await db.worker.query('ALTER MATERIALIZED VIEW public.mv_orders SET (autovacuum_enabled = off, autovacuum_vacuum_threshold = 5)');
  for (let n = 0; n < times; n += 1) {
    await db.app.query('UPDATE public.orders SET n = n + 1');
    await db.worker.query('REFRESH MATERIALIZED VIEW CONCURRENTLY public.mv_orders; SELECT pg_catalog.pg_stat_force_next_flush()');
  }
}

describe('a view that consists of dead rows', () => {
  it('is told with the settings to set, until it has been vacuumed', async () => {
    const db = await servedShop();
    expect(await trouble(db, 'bloat', { thresholds })).toEqual([]);
    await refreshed(db, 3);
    const found = await trouble(db, 'bloat', { thresholds });
    expect(found).toEqual([expect.objectContaining({
      level: 'warning', view: 'public.mv_orders', what: expect.stringMatching(/^public\.mv_orders has 30 dead rows for 10 live ones, and was never vacuumed$/) as string,
      why: expect.stringContaining('The worker clears them in the pause after a refresh') as string,
      remedy: 'VACUUM (ANALYZE) public.mv_orders;\n'
        + 'ALTER MATERIALIZED VIEW public.mv_orders SET (autovacuum_enabled = on, autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 1000, autovacuum_vacuum_cost_delay = 0);',
    })]);
    expect(await trouble(db, 'bloat')).toEqual([]);
    await runRemedy(db, 'worker', found[0]);
    expect(await trouble(db, 'bloat', { thresholds })).toEqual([]);
  });

  it('is told of when nobody will clear it, before it has come to that', async () => {
    const db = await servedShop();
    await refreshed(db, 1);
    const without = { config: { overrides: [{ pattern: parseViewPattern('mv_orders'), settings: { vacuum: false } }] } };
    expect(await trouble(db, 'bloat')).toEqual([]);
    const found = await trouble(db, 'bloat', without);
    expect(found).toEqual([expect.objectContaining({
      view: 'public.mv_orders', what: 'Nobody clears the dead rows of public.mv_orders: autovacuum is off for it, and so is --vacuum',
    })]);
    await runRemedy(db, 'worker', found[0]);
    expect(await trouble(db, 'bloat', without)).toEqual([]);
  });
});

describe('a summary that consists of dead rows', () => {
  it('is told with the settings of a table', async () => {
    const db = await eventsAndSummary();
    await db.worker.query('ALTER TABLE public.hourly SET (autovacuum_enabled = off, autovacuum_vacuum_threshold = 5)');
    await addEvents(db, 10);
    await db.worker.query(`INSERT INTO public.hourly (bucket, account_id) SELECT now(), i FROM generate_series(1, 30) AS i;
      DELETE FROM public.hourly; SELECT pg_catalog.pg_stat_force_next_flush()`);
    const [found] = await trouble(db, 'bloat', { views: ['hourly'], thresholds });
    expect(found?.remedy).toMatch(/^VACUUM \(ANALYZE\) public\.hourly;\nALTER TABLE public\.hourly SET \(/);
    await runRemedy(db, 'worker', found);
    expect(await trouble(db, 'bloat', { views: ['hourly'], thresholds })).toEqual([]);
  });
});

describe('a table of the listener that consists of dead rows', () => {
  it('is told until it has been vacuumed', async () => {
    const db = await servedShop();
    await db.worker.query('ALTER TABLE refresh_listener.view SET (autovacuum_enabled = off, autovacuum_vacuum_threshold = 20)');
    await db.worker.query(`DO $$ BEGIN FOR i IN 1..30 LOOP UPDATE refresh_listener.view SET last_duration_ms = i; END LOOP; END $$;
      SELECT pg_catalog.pg_stat_force_next_flush()`);
    const found = await trouble(db, 'bloat', { thresholds });
    expect(found).toEqual([expect.objectContaining({ level: 'warning', remedy: 'VACUUM (ANALYZE) refresh_listener.view;' })]);
    await runRemedy(db, 'worker', found[0]);
    expect(await trouble(db, 'bloat', { thresholds })).toEqual([]);
  });
});
