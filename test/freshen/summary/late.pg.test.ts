import { describe, expect, it } from 'vitest';
import type { TestDatabase } from '../../support/database.js';
import { valueOf } from '../../worker/scene.js';
import { Absorber, addEvents, eventsAndSummary, wrongRows } from './scene.js';

const add = (ago: string): string => `INSERT INTO public.events (occurred_at, account_id, bytes) VALUES (now() - interval '${ago}', 2, 9)`;
const closedRows = (db: TestDatabase): Promise<number> => valueOf<number>(db.worker, 'SELECT coalesce(sum(rows), 0)::int FROM refresh_listener.late_bucket');

/** As if all that has been absorbed and written so far had been so long ago. */
async function letPass(db: TestDatabase, time: string): Promise<void> {
  await db.admin.query(`UPDATE refresh_listener.change_log SET changed_at = changed_at - interval '${time}'`);
  await db.admin.query(`UPDATE refresh_listener.view SET absorbed_at = absorbed_at - interval '${time}'`);
  await db.admin.query(`UPDATE refresh_listener.summary SET closed_before = closed_before::timestamptz - interval '${time}'`);
}

describe('late data', () => {
  it('is judged by when it was written, not by when the worker came back', async () => {
    const db = await eventsAndSummary({ lateness: '1 day' });
    const hourly = await Absorber.of(db);
    await hourly.absorbed();
    // In time ten days ago, and late already then.
    await db.app.query(add('10 days 5 hours'));
    await db.app.query(add('12 days'));
    await letPass(db, '10 days');
    await addEvents(db, 5);
    expect(await hourly.absorbed()).toMatchObject({ summary: { rowsRead: 7, closedLate: 1 } });
    expect(await closedRows(db)).toBe(1);
    expect(await wrongRows(db)).toBe(1);
    // What comes now for the same time is late.
    await db.app.query(add('10 days 5 hours'));
    expect(await hourly.absorbed()).toMatchObject({ summary: { rowsRead: 1, closedLate: 1 } });
  });

  it('is judged by the absorb before, where the log was not kept', async () => {
    const db = await eventsAndSummary({ lateness: '1 day' });
    const hourly = await Absorber.of(db);
    await hourly.absorbed();
    await db.app.query(add('10 days 5 hours'));
    await letPass(db, '10 days');
    await db.admin.query('DELETE FROM refresh_listener.change_log; UPDATE refresh_listener.view SET whole_marks = whole_marks + 1');
    expect(await hourly.absorbed()).toMatchObject({ plan: 'rebuild', summary: { rowsRead: 1, closedLate: 0 } });
    expect(await wrongRows(db)).toBe(0);
  });

  it('does not come back out of closed buckets: retention changes nothing, nor does a repair after it', async () => {
    const db = await eventsAndSummary({ lateness: '1 hour' });
    await db.app.query(`INSERT INTO public.events (occurred_at, account_id, bytes) SELECT now() - i * interval '1 hour', i % 3, i FROM generate_series(30, 90) AS i`);
    const hourly = await Absorber.of(db);
    await hourly.absorbed();
    const before = await valueOf<string>(db.worker, `SELECT string_agg(h::text, ' ' ORDER BY h::text) FROM public.hourly AS h WHERE bucket < now() - interval '20 hours'`);
    await db.app.query(`DELETE FROM public.events WHERE occurred_at < now() - interval '20 hours'`);
    await addEvents(db, 10);
    expect(await hourly.absorbed()).toMatchObject({ plan: 'rebuild', deleted: 0, summary: { corrections: 0 } });
    expect(await hourly.absorbed({ repairEveryMs: 0 })).toMatchObject({ plan: 'rebuild', summary: { corrections: 0 } });
    expect(await valueOf(db.worker, `SELECT string_agg(h::text, ' ' ORDER BY h::text) FROM public.hourly AS h WHERE bucket < now() - interval '20 hours'`)).toBe(before);
    expect(await wrongRows(db, 'hourly', undefined, `bucket > now() - interval '1 hour'`)).toBe(0);
  });
});
