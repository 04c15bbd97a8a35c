import { describe, expect, it } from 'vitest';
import { parseViewPattern } from '../../src/config/view-pattern.js';
import { inOwnSession, ownDatabase } from '../catalog/worker-scene.js';
import { eventsAndSummary } from '../freshen/summary/scene.js';
import { startWorker } from '../support/test-worker.js';
import { runRemedy, serveOnce, servedShop, shop, trouble } from './scene.js';

describe('a view without a unique index', () => {
  it('is told with the statement, whose columns come from the definition, until it has been run', async () => {
    const db = await servedShop();
    await db.worker.query('CREATE MATERIALIZED VIEW public.mv_sums AS SELECT sum(n) AS total, id % 3 AS rest FROM public.orders GROUP BY 2');
    const visit = { views: ['mv_sums', 'mv_orders'] };
    const found = await trouble(db, 'unique index', visit);
    expect(found).toEqual([expect.objectContaining({
      level: 'warning', view: 'public.mv_sums', remedy: 'CREATE UNIQUE INDEX ON public.mv_sums ("rest");',
      why: expect.stringContaining('The view is grouped by what the index is on.') as string,
    })]);
    await runRemedy(db, 'worker', found[0]);
    expect(await trouble(db, 'unique index', visit)).toEqual([]);
  });

  it('is not told of when it has one and was never filled', async () => {
    const db = await shop();
    await db.worker.query('REFRESH MATERIALIZED VIEW public.mv_orders WITH NO DATA');
    expect(await trouble(db, 'unique index', { views: ['mv_orders'] })).toEqual([]);
  });
});

describe('a view that changes without a write', () => {
  it('is told with the reason, unless it is refreshed by the clock', async () => {
    const db = await shop();
    await db.worker.query('CREATE MATERIALIZED VIEW public.mv_today AS SELECT count(*) AS n, current_date AS day FROM public.orders');
    const views = ['mv_today', 'mv_orders'];
    expect(await trouble(db, 'changes without a write', { views })).toEqual([expect.objectContaining({
      level: 'warning', view: 'public.mv_today', what: 'public.mv_today changes without a write: it reads the clock by CURRENT_DATE',
      remedy: expect.stringContaining('--max-age') as string,
    })]);
    const passing = [
      { maxAgeMs: 900_000 }, { schedule: '*/15 * * * *' },
      { overrides: [{ pattern: parseViewPattern('mv_today'), settings: { maxAgeMs: 900_000 } }] },
    ];
    for (const config of passing) expect(await trouble(db, 'changes without a write', { views, config })).toEqual([]);
    const ofAnother = { overrides: [{ pattern: parseViewPattern('mv_orders'), settings: { maxAgeMs: 900_000 } }] };
    expect(await trouble(db, 'changes without a write', { views, config: ofAnother })).toHaveLength(1);
  });
});

describe('a view without any index that is read again and again', () => {
  it('is told with the statement, until it has been run', async () => {
    const db = await ownDatabase();
    await db.app.query('CREATE TABLE public.big (a int, b text)');
    await db.worker.query('CREATE MATERIALIZED VIEW public.mv_big AS SELECT i AS a, repeat($$x$$, 200) AS b FROM generate_series(1, 6000) AS i; ANALYZE public.mv_big');
    const visit = { views: ['mv_big'] };
    const read = 'SELECT count(*) FROM public.mv_big WHERE a = 7';
    await inOwnSession(db, 'worker', read);
    expect(await trouble(db, 'sequential scans', visit)).toEqual([]);

    await inOwnSession(db, 'worker', ...Array<string>(12).fill(read));
    const found = await trouble(db, 'sequential scans', visit);
    expect(found).toEqual([expect.objectContaining({
      level: 'warning', view: 'public.mv_big', what: expect.stringMatching(/has no index, and its 1\.\d MB were read from end to end 1[3-9] times$/) as string,
    })]);
    await runRemedy(db, 'worker', found[0]);
    expect(await trouble(db, 'sequential scans', visit)).toEqual([]);
  });
});

describe('a refresh that takes long', () => {
  it('is told when its interval is shorter, by the median of the last ten that succeeded', async () => {
    const db = await servedShop();
    const run = (seconds: number, count: number, error: string | null = null) => db.worker.query(
      `INSERT INTO refresh_listener.run (view, reason, started_at, duration_ms, sources, error)
       SELECT id, 'change', clock_timestamp(), $1::float8 * 1000, '{}', $3 FROM refresh_listener.view, generate_series(1, $2::int)`, [seconds, count, error]);
    await run(45, 11);
    await run(90, 3);
    await run(900, 10, 'it failed');
    expect(await trouble(db, 'pace', { config: { maxWaitMs: 30_000 } })).toEqual([expect.objectContaining({
      level: 'warning', view: 'public.mv_orders', what: 'A refresh of public.mv_orders usually takes 45s, longer than its --max-wait 30s',
      remedy: expect.stringContaining('Set --max-wait 1m 30s') as string,
    })]);
    expect(await trouble(db, 'pace', { config: { maxWaitMs: 90_000 } })).toEqual([]);
  });
});

describe('whoever is to serve a view', () => {
  it('has never been there', async () => {
    const db = await servedShop();
    await db.worker.query('CREATE MATERIALIZED VIEW public.mv_new AS SELECT 1 AS one; CREATE UNIQUE INDEX ON public.mv_new (one)');
    const visit = { views: ['mv_new', 'mv_orders'] };
    expect(await trouble(db, 'served', visit)).toEqual([expect.objectContaining({
      level: 'warning', view: 'public.mv_new', what: 'No worker has ever served public.mv_new', remedy: "listener --views 'public.mv_new'",
    })]);
    await serveOnce(db, ['mv_new']);
    expect(await trouble(db, 'served', visit)).toEqual([]);
  });

  it('has gone', async () => {
    const db = await servedShop();
    await db.worker.query("UPDATE refresh_listener.view SET served_until = clock_timestamp() - interval '3 hours'");
    expect(await trouble(db, 'served')).toEqual([expect.objectContaining({ level: 'warning', what: 'No worker has served public.mv_orders for 3h' })]);
    const worker = await startWorker(db.url('worker'), ['mv_orders']);
    expect(await trouble(db, 'served')).toEqual([]);
    await worker.stop();
  });

  it('was told to leave it alone', async () => {
    const db = await servedShop();
    await db.worker.query('UPDATE refresh_listener.view SET paused_at = clock_timestamp()');
    expect(await trouble(db, 'served')).toEqual([expect.objectContaining({ what: 'public.mv_orders is paused', remedy: "listener resume 'public.mv_orders'" })]);
  });

  it('has lost it', async () => {
    const db = await servedShop();
    await db.worker.query('DROP MATERIALIZED VIEW public.mv_orders');
    expect(await trouble(db, 'served')).toEqual([expect.objectContaining({ what: 'public.mv_orders was served and is no longer there' })]);
  });

  it('fails, which the remedy ends once the cause is mended', async () => {
    const db = await ownDatabase();
    await db.app.query('CREATE TABLE public.shares (id int PRIMARY KEY, parts int); INSERT INTO public.shares VALUES (1, 1)');
    await db.worker.query('CREATE MATERIALIZED VIEW public.mv_shares AS SELECT id, 100 / parts AS share FROM public.shares; CREATE UNIQUE INDEX ON public.mv_shares (id)');
    const worker = await startWorker(db.url('worker'), ['mv_shares']);
    await worker.events.next('refresh.done');
    await db.app.query('INSERT INTO public.shares VALUES (2, 0)');
    await worker.events.next('refresh.failed', ({ attempt }) => attempt === 3);
    await worker.stop();

    const found = await trouble(db, 'served');
    expect(found).toEqual([expect.objectContaining({
      level: 'failure', view: 'public.mv_shares', what: expect.stringMatching(/^The refresh of public\.mv_shares has failed \d times in a row: division by zero$/) as string,
    })]);
    await db.app.query('DELETE FROM public.shares WHERE parts = 0');
    await runRemedy(db, 'worker', found[0]);
    expect(await trouble(db, 'served')).toEqual([]);
  });
});

describe('a summary whose ids no longer come in order', () => {
  it.each([['CACHE 20', 'CACHE 1'], ['INCREMENT 2', 'INCREMENT 1'], ['CYCLE', 'NO CYCLE']])('since its sequence has %s is a failure until that has been taken back', async (fault, remedy) => {
    const db = await eventsAndSummary();
    await db.app.query(`GRANT SELECT ON SEQUENCE public.events_id_seq TO ${db.roles.worker}`);
    const visit = { views: ['hourly'] };
    expect(await trouble(db, 'summaries', visit)).toEqual([]);
    await db.app.query(`ALTER SEQUENCE public.events_id_seq ${fault}`);
    const found = await trouble(db, 'summaries', visit);
    expect(found).toEqual([expect.objectContaining({ level: 'failure', view: 'public.hourly', remedy: `ALTER SEQUENCE public.events_id_seq ${remedy};` })]);
    await runRemedy(db, 'app', found[0]);
    expect(await trouble(db, 'summaries', visit)).toEqual([]);
  });
});

describe('a materialized view that another one reads', () => {
  it('is told when no worker serves it', async () => {
    const db = await shop();
    await db.worker.query('CREATE MATERIALIZED VIEW public.mv_top AS SELECT max(n) AS n FROM public.mv_orders; CREATE UNIQUE INDEX ON public.mv_top (n)');
    await serveOnce(db, ['mv_top']);
    expect(await trouble(db, 'upstream views')).toEqual([expect.objectContaining({
      view: 'public.mv_top', source: 'public.mv_orders', remedy: "listener --views 'public.mv_orders','public.mv_top'",
    })]);
    const worker = await startWorker(db.url('worker'), ['mv_orders', 'mv_top']);
    await worker.stop();
    expect(await trouble(db, 'upstream views')).toEqual([]);
  });
});
