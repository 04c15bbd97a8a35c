import { describe, expect, it, onTestFinished } from 'vitest';
import { createDatabase } from '../support/database.js';
import { startWorker } from '../support/test-worker.js';

describe('a view whose column bears the name of an alias of ours', () => {
  it('passes on a change of its other columns: the whole row is compared', async () => {
    const db = await createDatabase();
    onTestFinished(() => db.drop());
    await db.app.query('CREATE TABLE public.orders (v int, n int); INSERT INTO public.orders VALUES (1, 10)');
    await db.worker.query('CREATE MATERIALIZED VIEW public.up AS SELECT v, n FROM public.orders');
    await db.worker.query('CREATE MATERIALIZED VIEW public.down AS SELECT n FROM public.up');
    const { events } = await startWorker(db.url('worker'), ['up', 'down']);
    await events.next('refresh.done', ({ view }) => view === 'public.down');
    const from = events.mark;
    await db.app.query('UPDATE public.orders SET n = 11');
    await events.next('refresh.done', ({ view }) => view === 'public.down', from);
    expect((await db.worker.query('SELECT n FROM public.down')).rows).toEqual([{ n: 11 }]);
  });
});
