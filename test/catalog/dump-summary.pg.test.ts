import { expect, inject, it } from 'vitest';
import { clientPrograms } from '../support/client-programs.js';
import { serverVersion } from '../support/server.js';
import { startWorker } from '../support/test-worker.js';
import type { TestDatabase } from '../support/database.js';
import { Absorber, addEvents, eventsAndSummary, wrongRows } from '../freshen/summary/scene.js';
import { copy, copyByTemplate, createTarget } from './dump-scene.js';
import { valueOf } from '../worker/scene.js';

/** A summary that is filled, with a gap, a bucket that got rows too late, and rows that nobody has absorbed. */
async function filledSummary(): Promise<TestDatabase> {
  const db = await eventsAndSummary({ lateness: '1 day' });
  const hourly = await Absorber.of(db);
  await hourly.absorbed();
  await db.app.query("SELECT nextval('public.events_id_seq')");
  await db.app.query("INSERT INTO public.events (occurred_at, account_id) VALUES (now() - interval '9 days', 1)");
  await hourly.absorbed();
  await addEvents(db, 9);
  return db;
}

/** A worker at the copy takes it up where the original stood, and goes on. */
async function expectKept(restored: TestDatabase): Promise<void> {
  const worker = await startWorker(restored.url('worker'), ['hourly'], { debounceMs: 20 });
  await worker.events.next('refresh.done', ({ view }) => view === 'public.hourly');
  const open = `bucket > now() - interval '20 hours'`;
  expect(await wrongRows(restored, 'hourly', undefined, open)).toBe(0);
  const from = worker.events.mark;
  await addEvents(restored, 5);
  expect(await worker.events.next('refresh.done', ({ view }) => view === 'public.hourly', from)).toMatchObject({ plan: 'merge', rowsRead: 5 });
  expect(await wrongRows(restored, 'hourly', undefined, open)).toBe(0);
  expect(await valueOf(restored.worker, 'SELECT sum(rows)::int FROM refresh_listener.late_bucket')).toBe(1);
  await worker.stop();
}

it('a summary goes on in a copy of its database', async () => {
  const db = await filledSummary();
  await expectKept(await copyByTemplate(db, inject('adminUrl')));
});

it('a summary goes on where it was dumped and restored', async (context) => {
  const programs = await clientPrograms(context, Number.parseInt(await serverVersion(inject('adminUrl')), 10));
  const db = await filledSummary();
  const restored = await createTarget(db, inject('adminUrl'));
  expect(await copy(programs, db.url('admin'), restored.url('admin'), { format: 'plain' })).toBe('');
  await expectKept(restored);
});
