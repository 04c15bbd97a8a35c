import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createDatabase, type TestDatabase } from '../support/database.js';
import { startWorker } from '../support/test-worker.js';

describe('the main job', () => {
  let db: TestDatabase;
  beforeAll(async () => {
    db = await createDatabase();
    await db.app.query('CREATE TABLE public.orders (id bigserial PRIMARY KEY, customer int NOT NULL, amount numeric(10, 2) NOT NULL)');
    await db.app.query('INSERT INTO public.orders (customer, amount) SELECT i % 10, i FROM generate_series(1, 1000) AS i');
    await db.worker.query(
      'CREATE MATERIALIZED VIEW public.mv_dashboard AS SELECT customer, count(*) AS n, sum(amount) AS total FROM public.orders GROUP BY 1',
    );
    await db.worker.query('CREATE UNIQUE INDEX ON public.mv_dashboard (customer)');
  });
  afterAll(() => db.drop());

  it('refreshes once when it does not know the view, follows a change, and does not refresh again when it is deployed anew', async () => {
    const first = await startWorker(db.url('worker'), ['mv_dashboard']);
    const initial = await first.events.next('refresh.done', (event) => event.reason === 'start');
    // The triggers' creation is in the log, and is no change of the application's.
    expect(initial).toMatchObject({ sources: [], stalenessMs: null });
    const from = first.events.mark;
    await db.app.query('INSERT INTO public.orders (customer, amount) VALUES (11, 5)');
    const done = await first.events.next('refresh.done', () => true, from);
    expect(done).toMatchObject({ view: 'public.mv_dashboard', plan: 'concurrent', reason: 'change', sources: ['public.orders'], inserted: 1, deleted: 0 });
    expect((await db.worker.query('SELECT n FROM public.mv_dashboard WHERE customer = 11')).rows).toEqual([{ n: '1' }]);
    await first.stop();
    expect(await first.worker.finished).toBe(0);

    const second = await startWorker(db.url('worker'), ['mv_dashboard']);
    expect(second.events.of('sweep.done')).toMatchObject([{ stale: 0, unseen: 0, healed: 0 }]);
    expect(second.events.complaints).toEqual([]);
  });
});
