import { describe, expect, it } from 'vitest';
import { connect, valueOf } from '../../worker/scene.js';
import { Absorber, addEvents, eventsAndSummary, wrongRows } from './scene.js';

const gaps = `SELECT coalesce(pg_catalog.range_agg(r), '{}')::text FROM refresh_listener.gap AS g, unnest(g.ids) AS r`;

describe('a summary', () => {
  it('is filled, then takes what is new, exactly', async () => {
    const db = await eventsAndSummary();
    const hourly = await Absorber.of(db);
    const filled = await hourly.absorbed();
    expect(filled).toMatchObject({ plan: 'merge', name: 'public.hourly', summary: { filling: true, rowsRead: 100, rowsBehind: 0 } });
    expect(await wrongRows(db)).toBe(0);
    expect(await hourly.absorb()).toEqual({ outcome: 'fresh' });

    await addEvents(db, 37);
    expect(await hourly.absorbed()).toMatchObject({ plan: 'merge', sources: ['public.events'], summary: { filling: false, rowsRead: 37, corrections: null } });
    expect(await wrongRows(db)).toBe(0);
    expect(await hourly.absorb()).toEqual({ outcome: 'fresh' });
  });

  it('does not count a row twice, nor lose one, that commits after a later one', async () => {
    const db = await eventsAndSummary();
    const hourly = await Absorber.of(db);
    await hourly.absorbed();
    const early = await connect(db.app);
    await early.query('BEGIN');
    await early.query('INSERT INTO public.events (occurred_at, account_id, bytes) VALUES (now(), 1, 500)');
    await addEvents(db, 5);
    expect(await hourly.absorbed()).toMatchObject({ summary: { rowsRead: 5 } });
    expect(await valueOf(db.worker, gaps)).toBe('{[101,102)}');
    await early.query('COMMIT');
    expect(await hourly.absorbed()).toMatchObject({ summary: { rowsRead: 1 } });
    expect(await wrongRows(db)).toBe(0);
    expect(await valueOf(db.worker, gaps)).toBe('{}');
  });

  it('drops a gap that was rolled back, once nobody can fill it any more, and not before', async () => {
    const db = await eventsAndSummary();
    const hourly = await Absorber.of(db);
    await hourly.absorbed();
    const lost = await connect(db.app);
    await lost.query('BEGIN');
    await lost.query('INSERT INTO public.events (occurred_at) VALUES (now())');
    for (let round = 0; round < 3; round += 1) {
      await addEvents(db, 1);
      await hourly.absorbed();
      expect(await valueOf(db.worker, gaps)).toBe('{[101,102)}');
    }
    await lost.query('ROLLBACK');
    await addEvents(db, 1);
    await hourly.absorbed(); // finds that its last holder is gone
    await addEvents(db, 1);
    await hourly.absorbed(); // began with an empty list of holders
    expect(await valueOf(db.worker, gaps)).toBe('{}');
    expect(await wrongRows(db)).toBe(0);
  });

  it.each([
    ['an UPDATE', 'UPDATE public.events SET bytes = bytes + 1 WHERE id % 10 = 0'],
    ['a DELETE', 'DELETE FROM public.events WHERE account_id = 1'],
    ['a TRUNCATE', 'TRUNCATE public.events'],
  ])('is repaired in the absorb that sees %s', async (_name, statement) => {
    const db = await eventsAndSummary();
    const hourly = await Absorber.of(db);
    await hourly.absorbed();
    await db.app.query(statement);
    await addEvents(db, 3);
    const repaired = await hourly.absorbed();
    expect(repaired.plan).toBe('rebuild');
    expect(repaired.summary?.corrections).toBeGreaterThan(0);
    expect(await wrongRows(db)).toBe(0);
    await addEvents(db, 3);
    expect((await hourly.absorbed()).plan).toBe('merge');
    expect(await wrongRows(db)).toBe(0);
  });

  it('goes on with ids that are given out once more', async () => {
    const db = await eventsAndSummary();
    const hourly = await Absorber.of(db);
    await hourly.absorbed();
    const slow = await connect(db.app);
    await db.app.query('TRUNCATE public.events RESTART IDENTITY');
    await slow.query('BEGIN');
    await slow.query('INSERT INTO public.events (occurred_at, account_id, bytes) VALUES (now(), 2, 7)');
    await addEvents(db, 10);
    await hourly.absorbed();
    expect(await wrongRows(db)).toBe(0);
    await slow.query('COMMIT');
    await addEvents(db, 10);
    await hourly.absorbed();
    expect(await wrongRows(db)).toBe(0);
    expect(await valueOf(db.worker, 'SELECT sum(event_count)::int FROM public.hourly')).toBe(21);
  });

  it('is filled in batches, of which a reader sees none before the last', async () => {
    const db = await eventsAndSummary({ rows: 5_000 });
    await db.worker.query('UPDATE refresh_listener.watermark SET batch = 1000');
    const hourly = await Absorber.of(db);
    const stopped = AbortSignal.abort();
    const first = await hourly.absorbed({ signal: stopped });
    expect(first).toMatchObject({ changed: false, summary: { filling: true, rowsRead: 1_000, rowsBehind: 4_000 } });
    expect(await valueOf(db.worker, 'SELECT count(*)::int FROM public.hourly')).toBe(0);
    await db.app.query('UPDATE public.events SET bytes = 9 WHERE id = 7'); // it has been absorbed into the fill
    const rest = await hourly.absorbed();
    expect(rest.summary).toMatchObject({ filling: true, rowsBehind: 0 });
    expect(await wrongRows(db)).toBe(0);
    expect(await valueOf(db.worker, "SELECT count(*)::int FROM pg_class WHERE relname LIKE 'fill%'")).toBe(0);
    expect(await hourly.absorb()).toEqual({ outcome: 'fresh' });
  });

  it('keeps closed buckets as they are, and counts what comes for them', async () => {
    const db = await eventsAndSummary({ lateness: '1 day' });
    const hourly = await Absorber.of(db);
    await hourly.absorbed();
    await db.app.query(`INSERT INTO public.events (occurred_at, account_id, bytes) SELECT now() - interval '3 days', 1, 5 FROM generate_series(1, 4)`);
    await db.app.query(`INSERT INTO public.events (occurred_at, account_id, bytes) VALUES (now() - interval '5 hours', 1, 5)`);
    expect(await hourly.absorbed()).toMatchObject({ inserted: 1, summary: { rowsRead: 5, late: 1, closedLate: 4 } });
    expect(await valueOf(db.worker, 'SELECT sum(rows)::int FROM refresh_listener.late_bucket')).toBe(4);
    const open = `bucket > now() - interval '2 days'`;
    expect(await wrongRows(db, 'hourly', undefined, open)).toBe(0);
    expect(await wrongRows(db)).toBe(1);
    // Retention, which a repair must not take for news.
    await db.app.query(`DELETE FROM public.events WHERE occurred_at < now() - interval '2 days'`);
    expect(await hourly.absorbed()).toMatchObject({ plan: 'rebuild', summary: { corrections: 0 } });
  });

  it('is repaired on schedule: an id that was drawn long before its INSERT is found', async () => {
    const db = await eventsAndSummary();
    const hourly = await Absorber.of(db);
    await hourly.absorbed();
    await db.app.query('INSERT INTO public.events (id, occurred_at, account_id, bytes) OVERRIDING SYSTEM VALUE VALUES (-3, now(), 2, 1)');
    await hourly.absorbed();
    expect(await wrongRows(db)).toBe(2);
    expect(await hourly.absorb({ repairEveryMs: 3_600_000 })).toEqual({ outcome: 'fresh' });
    expect(await hourly.absorbed({ repairEveryMs: 0 })).toMatchObject({ plan: 'rebuild', summary: { corrections: 1 } });
    expect(await wrongRows(db)).toBe(0);
  });
});
