import { expect, it } from 'vitest';
import { startWorker } from '../support/test-worker.js';
import { spawnWorker } from '../support/worker-process.js';
import { addEvents, eventsAndSummary, wrongRows } from '../freshen/summary/scene.js';
import { connect, valueOf } from './scene.js';

it('a worker fills a summary, follows its source by the bell, and repairs it by the sweep', async () => {
  const db = await eventsAndSummary();
  const worker = await startWorker(db.url('worker'), ['hourly', 'mv_events'], { debounceMs: 20, sweepMs: 60_000 });
  await worker.events.next('refresh.done', ({ view }) => view === 'public.hourly');
  expect(await wrongRows(db)).toBe(0);

  const from = worker.events.mark;
  await addEvents(db, 10);
  const done = await worker.events.next('refresh.done', ({ view }) => view === 'public.hourly', from);
  expect(done).toMatchObject({ plan: 'merge', reason: 'change', sources: ['public.events'], rowsRead: 10, corrections: null });
  expect(done.stalenessMs).toBeGreaterThan(0);
  expect(await wrongRows(db)).toBe(0);

  await db.app.query('DELETE FROM public.events WHERE id <= 50');
  const repaired = await worker.events.next('refresh.done', ({ view, plan }) => view === 'public.hourly' && plan === 'rebuild', from);
  expect(repaired.corrections).toBeGreaterThan(0);
  expect(await wrongRows(db)).toBe(0);
  await worker.stop();
});

it('a worker compares a summary with its source every --repair-every, changed or not', async () => {
  const db = await eventsAndSummary();
  const worker = await startWorker(db.url('worker'), ['hourly'], { debounceMs: 20, sweepMs: 200, repairEveryMs: 1_000 });
  await worker.events.next('refresh.done', ({ view }) => view === 'public.hourly');
  await db.worker.query('UPDATE public.hourly SET event_count = event_count + 1 WHERE account_id = 1');
  const repaired = await worker.events.next('refresh.done', ({ corrections }) => (corrections ?? 0) > 0);
  expect(repaired).toMatchObject({ reason: 'repair', plan: 'rebuild' });
  expect(await wrongRows(db)).toBe(0);
  await worker.stop();
});

it('a worker says once that a watermark waits, and for whom, and goes on when that has ended', { timeout: 60_000 }, async () => {
  const db = await eventsAndSummary();
  const worker = await startWorker(db.url('worker'), ['hourly'], { debounceMs: 20 });
  await worker.events.next('refresh.done', ({ view }) => view === 'public.hourly');
  await db.worker.query('UPDATE refresh_listener.watermark SET batch = 200000');
  const holder = await connect(db.app);
  const pid = await valueOf<number>(holder, 'SELECT pg_backend_pid()');
  await holder.query('BEGIN; INSERT INTO public.events (occurred_at) VALUES (now())');
  // Each row draws two ids, and uses the first: more gaps than are worth it.
  await db.app.query(`INSERT INTO public.events (occurred_at, account_id, bytes)
    SELECT now(), 1, 0 * nextval(pg_get_serial_sequence('public.events', 'id')) FROM generate_series(1, 60000)`);
  const waits = await worker.events.next('summary.progress', ({ rows }) => rows === 0);
  expect(waits).toMatchObject({ phase: 'catch-up', holders: [{ pid }] });
  expect(waits.rowsBehind).toBeGreaterThan(0);
  // It is looked at again and again.
  const takenAt = 'SELECT taken_at::text FROM refresh_listener.watermark';
  for (let look = 0; look < 2; look += 1) {
    const before = await valueOf<string>(db.worker, takenAt);
    await expect.poll(() => valueOf<string>(db.worker, takenAt), { timeout: 20_000 }).not.toBe(before);
  }
  expect(worker.events.of('summary.progress').filter(({ rows }) => rows === 0)).toHaveLength(1);
  // Who looks once does not wait for it.
  expect(await spawnWorker(db.url('worker'), ['hourly'], ['--once']).exited).toBe(1);
  const from = worker.events.mark;
  await holder.query('COMMIT');
  await worker.events.next('refresh.done', ({ view }) => view === 'public.hourly', from);
  expect(await wrongRows(db)).toBe(0);
  // What was taken before it waited is on record, the vain looks are not.
  expect(await valueOf(db.worker, 'SELECT count(*)::int FROM refresh_listener.run WHERE rows_behind > 0 AND rows_read = 0')).toBe(0);
  expect(await valueOf(db.worker, 'SELECT max(rows_read)::int FROM refresh_listener.run WHERE rows_behind > 0')).toBe(50_000);
  await worker.stop();
});
