import { describe, expect, it } from 'vitest';
import { startServing } from './worker-scene.js';
import { callRefresh, createCaller, isFresh, leftAlone, ordersAndSum, rowsShown, sessionOf } from './sql-scene.js';
import { createTable, createView, freshDatabase, valueOf } from '../worker/scene.js';
import { startOwnServer } from '../support/own-server.js';

const insert = 'INSERT INTO public.orders (n) VALUES (100)';

/** Deterministic for a seed: mulberry32. */
function randomFrom(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let t = Math.imul(state ^ (state >>> 15), 1 | state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 4_294_967_296;
  };
}

describe('is_fresh()', () => {
  it('says whether the view shows all that has committed, through the views it reads as well', async () => {
    const db = await leftAlone();
    const both = async (): Promise<boolean[]> => [await isFresh(db.worker, 'mv_orders'), await isFresh(db.worker, 'mv_sum')];
    expect(await both()).toEqual([true, true]);
    await db.app.query(insert);
    expect(await both()).toEqual([false, false]);
    await callRefresh(db.worker, 'mv_orders');
    expect(await both()).toEqual([true, false]);
    await callRefresh(db.worker, 'mv_sum');
    expect(await both()).toEqual([true, true]);
  });

  it('takes in what its own transaction has written, and not what others have yet to commit', async () => {
    const db = await leftAlone();
    const caller = await sessionOf(await createCaller(db));
    await db.worker.query(`GRANT USAGE ON SCHEMA refresh_listener TO ${db.roles.app}; GRANT EXECUTE ON FUNCTION refresh_listener.is_fresh TO ${db.roles.app}`);
    const writer = await sessionOf(db.url('app'), 'BEGIN', insert);
    expect(await isFresh(caller, 'mv_orders')).toBe(true);
    expect(await isFresh(writer, 'mv_orders')).toBe(false);
    await writer.query('ROLLBACK');
    expect(await isFresh(writer, 'mv_orders')).toBe(true);
  });

  it('in a REPEATABLE READ transaction speaks of what that can see', async () => {
    const db = await leftAlone();
    const reader = await sessionOf(db.url('worker'), 'BEGIN ISOLATION LEVEL REPEATABLE READ', 'SELECT FROM public.mv_orders');
    await db.app.query(insert);
    expect(await isFresh(reader, 'mv_orders')).toBe(true);
    expect(await isFresh(db.worker, 'mv_orders')).toBe(false);
  });

  it('is answered in a transaction that may only read', async () => {
    const db = await leftAlone();
    const reader = await sessionOf(db.url('worker'), 'BEGIN READ ONLY');
    expect(await isFresh(reader, 'mv_sum')).toBe(true);
  });

  it.each([
    ['has been marked', `UPDATE refresh_listener.view SET whole_marks = whole_marks + 1 WHERE name = 'public.mv_orders'`],
    ['may have missed a transaction that was not logged', `UPDATE refresh_listener.view SET settle_xid = '18446744073709551615' WHERE name = 'public.mv_orders'`],
    ['has a source whose triggers do not append any more, since nobody has served it for long', `SELECT setval('refresh_listener.log_' || s.id, 1)
      FROM refresh_listener.source AS s WHERE s.name = 'public.orders'`],
    ['lost its log in a crash', `TRUNCATE refresh_listener.change_log`],
    ['came from another cluster', `UPDATE refresh_listener.cluster SET system_identifier = 1`],
    ['is not populated', `REFRESH MATERIALIZED VIEW public.mv_sum WITH NO DATA; REFRESH MATERIALIZED VIEW public.mv_orders WITH NO DATA`],
  ])('is false of a view that %s, and of one over it, and refresh() refreshes it', async (_, doubt) => {
    const db = await leftAlone();
    await db.worker.query(`SET search_path = pg_catalog; ${doubt}; SET search_path = ''`);
    expect(await isFresh(db.worker, 'mv_orders')).toBe(false);
    expect(await isFresh(db.worker, 'mv_sum')).toBe(false);
    expect(await callRefresh(db.worker, 'mv_orders')).not.toBe('fresh');
  });

  it('is false after a crash of the server, until a worker has come and absorbed', async (context) => {
    const server = await startOwnServer(context);
    const db = await freshDatabase(server.url);
    await createTable(db, 'orders');
    await createView(db, 'mv_orders', 'SELECT id, n FROM public.orders', 'id');
    await (await startServing(db, ['mv_orders'])).stop();
    await db.app.query(insert);
    await server.restart('immediate');
    const client = await sessionOf(db.url('worker'));
    expect(await isFresh(client, 'mv_orders')).toBe(false);
    await startServing(db, ['mv_orders']);
    await expect.poll(() => isFresh(client, 'mv_orders'), { timeout: 15_000 }).toBe(true);
    expect(await rowsShown(db)).toBe(11);
  });

  it('read your writes: of many writers none is told so before every view shows its row', async () => {
    const seed = Number(process.env.HISTORY_SEED ?? Math.floor(Math.random() * 1_000_000_000));
    const random = randomFrom(seed);
    const pick = <T>(from: readonly T[]): T => from[Math.floor(random() * from.length)] as T;
    const db = await freshDatabase();
    const tables = ['t0', 't1', 't2'];
    for (const table of tables) await createTable(db, table, 3);
    // Two or three levels; what a view shows of a table is the list of that table's ids.
    const views: { name: string; tables: Set<string> }[] = [];
    for (let index = 0; index < 7; index += 1) {
      const below = index < 3 ? [] : [pick(views), pick(views.slice(0, index))];
      const own = pick(tables);
      const name = `mv_${index}`;
      const parts = [`SELECT '${own}' AS place, id FROM public.${own}`, ...below.map((view) => `SELECT place, id FROM public.${view.name}`)];
      await createView(db, name, parts.join(' UNION '), random() < 0.7 ? 'place, id' : undefined);
      views.push({ name, tables: new Set([own, ...below.flatMap((view) => [...view.tables])]) });
    }
    console.log(`is_fresh: HISTORY_SEED=${seed}`);
    await startServing(db, views.map(({ name }) => name), { debounceMs: 10, maxWaitMs: 100 });
    const faults: string[] = [];
    let answers = 0;
    await Promise.all(Array.from({ length: 6 }, async (_, writer) => {
      const own = randomFrom(seed + writer);
      const client = await sessionOf(db.url('admin'));
      for (let round = 0; round < 12; round += 1) {
        const table = tables[Math.floor(own() * tables.length)] ?? '';
        const isolation = own() < 0.3 ? 'REPEATABLE READ' : 'READ COMMITTED';
        await client.query(`BEGIN ISOLATION LEVEL ${isolation}`);
        const id = await valueOf<number>(client, `INSERT INTO public.${table} (n) VALUES (1) RETURNING id`);
        if (own() < 0.3) await client.query('SELECT pg_sleep(0.03)');
        await client.query('COMMIT');
        const readers = views.filter((view) => view.tables.has(table));
        const view = readers[Math.floor(own() * readers.length)];
        if (view === undefined) continue;
        while (!(await isFresh(client, view.name)));
        answers += 1;
        const shown = await valueOf<number>(client, `SELECT count(*)::int FROM public.${view.name} WHERE place = $1 AND id = $2`, [table, id]);
        if (shown !== 1) faults.push(`${view.name} lacks row ${id} of ${table}`);
      }
    }));
    expect(faults).toEqual([]);
    expect(answers).toBeGreaterThan(0);
  }, 90_000);

  it('holds for a view of which nothing was refreshed at all: the write was of no consequence', async () => {
    const db = await ordersAndSum();
    await startServing(db, ['mv_orders', 'mv_sum']);
    await db.app.query('UPDATE public.orders SET n = n');
    await expect.poll(() => isFresh(db.worker, 'mv_sum'), { timeout: 15_000 }).toBe(true);
  });
});
