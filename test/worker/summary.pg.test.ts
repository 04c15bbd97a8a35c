import { expect, it } from 'vitest';
import { startWorker } from '../support/test-worker.js';
import { addEvents, eventsAndSummary, wrongRows } from '../freshen/summary/scene.js';

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
