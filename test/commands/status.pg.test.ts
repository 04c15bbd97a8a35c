import { once } from 'node:events';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import pg from 'pg';
import { describe, expect, it, onTestFinished } from 'vitest';
import { z } from 'zod';
import { readFreshness, type Freshness, type ViewFreshness } from '../../src/catalog/freshness.js';
import { Database } from '../../src/database/database.js';
import { startServing } from '../catalog/worker-scene.js';
import { createDatabase, type TestDatabase } from '../support/database.js';
import { startOwnServer } from '../support/own-server.js';
import { createOrders, createTable, createView, freshDatabase, sourceId, valueOf } from '../worker/scene.js';
import { listener, spawnListener } from './listener-process.js';

const time = z.iso.datetime();
const viewFields = {
  view: z.string(), state: z.enum(['gone', 'paused', 'not-served', 'failing', 'never', 'stale', 'unknown', 'fresh']), stale: z.boolean().nullable(),
  staleSince: time.nullable(), staleForMs: z.number().nonnegative().nullable(), targetMs: z.number().nullable(), missed: z.boolean(), doubts: z.array(z.string()), changes: z.int(),
  changedSources: z.array(z.string()), staleUpstream: z.array(z.string()), served: z.boolean(), servedUntil: time, pausedAt: time.nullable(),
  lastRefresh: z.strictObject({ at: time, durationMs: z.number(), plan: z.enum(['concurrent', 'plain']), reason: z.string() }).nullable(),
  lastError: z.strictObject({ at: time, message: z.string(), sqlstate: z.string().nullable() }).nullable(), failures: z.int(), sourceCount: z.int(),
  summary: z.null(),
};
const statusSchema = z.strictObject({ at: time, database: z.string(), server: z.string(), standby: z.boolean(), views: z.array(z.strictObject(viewFields)) });
const detailSchema = statusSchema.extend({
  views: z.tuple([z.strictObject({
    ...viewFields,
    sources: z.array(z.strictObject({
      source: z.string(), kind: z.string(), child: z.boolean(), watch: z.string(), recordsUntil: time.nullable(), bell: z.string().nullable(),
      remembered: z.boolean(), difference: z.string().nullable(),
    })),
    runs: z.array(z.strictObject({
      startedAt: time, reason: z.string(), plan: z.string().nullable(), durationMs: z.number(), stalenessMs: z.number().nullable(),
      inserted: z.int().nullable(), updated: z.int().nullable(), deleted: z.int().nullable(), sources: z.array(z.string()),
      rowsRead: z.null(), late: z.null(), closedLate: z.null(), corrections: z.null(),
      batches: z.null(), gaps: z.null(), holders: z.null(), rowsBehind: z.null(),
      sqlstate: z.string().nullable(), error: z.string().nullable(),
    })),
    history: z.strictObject({
      since: time, refreshes: z.int().positive(), failures: z.int(), medianMs: z.int(), longestMs: z.int(), worstStalenessMs: z.int().nullable(),
    }),
  })]),
});

async function freshnessIn(url: string, standby = false): Promise<Freshness> {
  const database = new Database(url, 1);
  try {
    return await database.transaction('look', (tx) => readFreshness(tx, standby), { ...Database.shortLimits, readOnly: true });
  } finally {
    await database.close();
  }
}

async function only(db: TestDatabase): Promise<ViewFreshness> {
  const { views: [view] } = await freshnessIn(db.url('worker'));
  if (view === undefined) throw new Error('No view is registered.');
  return view;
}

/** A database whose views were served by a worker that has stopped: nothing is absorbed from here on. */
async function served(prepare: (db: TestDatabase) => Promise<void> = createOrders): Promise<TestDatabase> {
  const db = await freshDatabase();
  await prepare(db);
  const worker = await startServing(db, ['*']);
  await worker.stop();
  return db;
}

describe('how a view stands', () => {
  it('is fresh, then stale since the change was made, and which source changed', async () => {
    const db = await served();
    expect(await only(db)).toMatchObject({ name: 'public.mv_orders', state: 'fresh', stale: false, staleSince: null, lastPlan: 'concurrent', sources: 1 });
    await db.app.query('INSERT INTO public.orders (n) VALUES (1)');
    await db.app.query('INSERT INTO public.orders (n) VALUES (2)');
    const changedAt = await valueOf<Date>(db.worker, "SELECT min(changed_at) FROM refresh_listener.change_log WHERE source = $1 AND operation = 'I'", [await sourceId(db, 'orders')]);
    const view = await only(db);
    expect(view).toMatchObject({ state: 'stale', stale: true, staleSince: changedAt, changes: 2, changedSources: ['public.orders'] });
  });

  it('is not touched by a change that was rolled back, nor by one that has not been committed', async () => {
    const db = await served();
    const client = await db.app.connect();
    onTestFinished(() => client.release(true));
    await client.query('BEGIN; INSERT INTO public.orders (n) VALUES (1)');
    expect((await only(db)).state).toBe('fresh');
    await client.query('ROLLBACK');
    expect((await only(db)).state).toBe('fresh');
  });

  it('is as stale as the view below it', async () => {
    const db = await served(async (own) => {
      await createOrders(own);
      await createView(own, 'mv_top', 'SELECT count(*) AS n FROM public.mv_orders');
    });
    await db.app.query('INSERT INTO public.orders (n) VALUES (1)');
    const { views: [below, top] } = await freshnessIn(db.url('worker'));
    expect(top).toMatchObject({ name: 'public.mv_top', state: 'stale', changes: 0, staleUpstream: ['public.mv_orders'], staleSince: below?.staleSince });
    expect(top?.staleSince).toBeInstanceOf(Date);
  });

  it.each<[string, string]>([
    ['not-served', 'UPDATE refresh_listener.view SET served_until = now()'],
    ['paused', 'UPDATE refresh_listener.view SET paused_at = now()'],
    ['failing', "UPDATE refresh_listener.view SET last_error = 'boom', consecutive_failures = 1"],
    ['never', 'UPDATE refresh_listener.view SET last_success = NULL'],
    ['stale', 'UPDATE refresh_listener.view SET whole_marks = whole_marks + 1'],
    ['stale', 'REFRESH MATERIALIZED VIEW public.mv_orders WITH NO DATA'],
    ['stale', "DELETE FROM refresh_listener.change_log WHERE source = 0"],
    ['stale', 'UPDATE refresh_listener.cluster SET system_identifier = 1'],
    ['stale', "SELECT setval('refresh_listener.log_' || id, 1) FROM refresh_listener.source"],
    ['gone', 'DROP MATERIALIZED VIEW public.mv_orders'],
  ])('is %s after %s', async (state, statement) => {
    const db = await served();
    await db.worker.query(statement);
    expect((await only(db)).state).toBe(state);
  });

  it('is told by the failure that a worker has recorded', async () => {
    const db = await freshDatabase();
    await createTable(db, 'orders');
    await createView(db, 'mv_bad', 'SELECT 1 / n AS r FROM public.orders');
    const worker = await startServing(db, ['mv_bad']);
    await db.app.query('UPDATE public.orders SET n = 0 WHERE id = 1');
    await worker.events.next('refresh.failed');
    await worker.stop();
    expect(await only(db)).toMatchObject({
      state: 'failing', lastError: 'division by zero', lastSqlstate: '22012', lastErrorAt: expect.any(Date) as Date, changes: 1, lastPlan: 'plain',
    });
  });

  it('takes a fixed number of statements, however many views there are', async () => {
    const db = await served(async (own) => {
      await createTable(own, 'orders');
      for (let n = 0; n < 12; n += 1) await createView(own, `mv_${n}`, 'SELECT * FROM public.orders');
    });
    let statements = 0;
    const database = new Database(db.url('worker'), 1);
    onTestFinished(() => database.close());
    const { views } = await database.transaction('look', (tx) =>
      readFreshness({ ...tx, rows: (sql, parameters) => { statements += 1; return tx.rows(sql, parameters); } }, false));
    expect(views).toHaveLength(12);
    expect(statements).toBe(5);
  });
});

// Each call starts a process.
describe('listener status', { timeout: 90_000 }, () => {
  it('shows all views, and one with its sources and refreshes', async () => {
    const db = await served();
    await db.app.query('INSERT INTO public.orders (n) VALUES (1)');
    const all = await listener(db.url('worker'), 'status');
    expect(all).toMatchObject({ status: 0, stderr: '' });
    expect(all.stdout).toMatch(/^view +state +stale for +target +refreshed +took +plan +sources\npublic\.mv_orders +stale +\S+ +\S.* ago +\S+ +concurrent +1\n\n1 view: 1 stale\.\n$/);
    const one = await listener(db.url('worker'), 'status', 'MV_orders');
    expect(one).toMatchObject({ status: 0, stderr: '' });
    expect(one.stdout).toMatch(/^public\.mv_orders is stale for \S.*; refreshed .* ago in \S+ \(concurrent\); freshness target \S+\.\n1 statement changed public\.orders and is not shown yet\.\n/);
    expect(one.stdout).toMatch(/\npublic\.orders +table +by trigger +for \S.* more +\w+\n/);
    expect(one.stdout).toMatch(/ago +start +concurrent +\S+ +- +0 +0 +0 +-\n/);
    expect(one.stdout).toMatch(/\nOn record since .* ago: \d+ refresh(es)?, none failed; half took \S+ or less, the longest \S+/);
  });

  it('writes JSON with the fields that are documented', async () => {
    const db = await served(async (own) => {
      await createOrders(own);
      await createView(own, '"mv ""odd"""', 'SELECT n FROM public.orders');
    });
    await db.app.query('INSERT INTO public.orders (n) VALUES (1)');
    const { views } = statusSchema.parse(JSON.parse((await listener(db.url('worker'), 'status', '--json')).stdout));
    expect(views.map(({ view, state }) => [view, state])).toEqual([['public."mv ""odd"""', 'stale'], ['public.mv_orders', 'stale']]);
    const { views: [odd] } = detailSchema.parse(JSON.parse((await listener(db.url('worker'), 'status', '"mv ""odd"""', '--json')).stdout));
    expect(odd).toMatchObject({ view: 'public."mv ""odd"""', changes: 1, sources: [{ source: 'public.orders', kind: 'table', watch: 'trigger', remembered: true }], runs: [{ reason: 'start', plan: 'plain' }] });
  });

  it('says in one line what is wrong with the call', async () => {
    const db = await freshDatabase();
    await createOrders(db);
    const nothing = { status: 2, stdout: '' };
    expect(await listener(db.url('worker'), 'status')).toEqual({
      ...nothing, stderr: `listener: nothing is installed in database ${db.name}: run a worker (listener --views mv_dashboard), or listener install --views mv_dashboard\n`,
    });
    const worker = await startServing(db, ['mv_orders']);
    await worker.stop();
    await createView(db, 'unlisted', 'SELECT 1 AS n');
    expect((await listener(db.url('worker'), 'status', 'mv_oders')).stderr).toBe('listener: there is no materialized view mv_oders: did you mean public.mv_orders?\n');
    expect((await listener(db.url('worker'), 'status', 'orders')).stderr).toBe('listener: public.orders is a table, not a materialized view\n');
    expect((await listener(db.url('worker'), 'status', 'unlisted')).stderr).toMatch(/^listener: public\.unlisted is not served by any listener: put it on the --views of a worker/);
  });

  it('names the GRANTs that let a role merely read', async () => {
    const db = await served();
    const reader = await listener(db.url('app'), 'status');
    expect(reader).toMatchObject({ status: 2, stdout: '', stderr: expect.stringMatching(/may not read the schema refresh_listener.*GRANT USAGE ON SCHEMA refresh_listener TO/) as string });
    // What the message tells to run is enough.
    await db.worker.query(/GRANT .*/.exec(reader.stderr)?.[0] ?? '');
    expect(await listener(db.url('app'), 'status')).toMatchObject({ status: 0, stderr: '' });
    expect(await listener(db.url('app'), 'status', 'mv_orders')).toMatchObject({ status: 0, stderr: '' });
  });

  it('says in one line that no view is registered', async () => {
    const db = await served();
    await db.worker.query('DELETE FROM refresh_listener.view');
    expect(await listener(db.url('worker'), 'status')).toEqual({
      status: 0, stderr: '', stdout: `No view is registered in database ${db.name}: run listener --views ... to keep some fresh.\n`,
    });
  });

  it('works on a standby, and says what it cannot know there', async (context) => {
    const server = await startOwnServer(context);
    const db = await createDatabase(server.url);
    await createOrders(db);
    const worker = await startServing(db, ['mv_orders']);
    await worker.stop();
    await db.app.query('INSERT INTO public.orders (n) VALUES (1)');
    for (const pool of [db.admin, db.app, db.worker]) await pool.end();
    await writeFile(join(server.dataDir, 'standby.signal'), '');
    await server.restart('fast');
    const { views: [view], standby } = statusSchema.parse(JSON.parse((await listener(db.url('worker'), 'status', '--json')).stdout));
    expect({ standby, state: view?.state, stale: view?.stale }).toEqual({ standby: true, state: 'unknown', stale: null });
    const { status, stdout } = await listener(db.url('worker'), 'status', 'mv_orders');
    expect(status).toBe(0);
    expect(stdout).toContain('This server is a standby: what was refreshed is known here, what is stale is not. Ask the primary.');
    expect((await listener(db.url('worker'), 'explain', 'mv_orders')).status).toBe(0);
  });
});

describe('listener status --watch', { timeout: 90_000 }, () => {
  it('prints a block a round, and ends with Ctrl-C', async () => {
    const db = await served();
    const child = spawnListener(db.url('worker'), ['status', '--watch']);
    const exited = once(child, 'exit');
    const rounds: string[] = [];
    for await (const line of createInterface({ input: child.stdout })) {
      if (!line.startsWith('public.mv_orders')) continue;
      rounds.push(line.split(/ +/)[1] ?? '');
      if (rounds.length === 1) await db.app.query('INSERT INTO public.orders (n) VALUES (1)');
      else child.kill('SIGINT');
    }
    expect(rounds).toEqual(['fresh', 'stale']);
    expect(await exited).toEqual([0, null]);
  });

  it('prints a line of JSON a round, says when the database is lost, and goes on when it is back', async () => {
    const db = await served();
    const admin = new pg.Client(Object.assign(new URL(db.url('admin')), { pathname: '/postgres' }).href);
    await admin.connect();
    onTestFinished(() => admin.end());
    const child = spawnListener(db.url('worker'), ['status', '--watch', '--json']);
    const exited = once(child, 'exit');
    const said: string[] = [];
    for await (const line of createInterface({ input: child.stdout })) {
      const round = z.union([statusSchema, z.strictObject({ at: time, error: z.string() })]).parse(JSON.parse(line));
      said.push('error' in round ? 'lost' : 'there');
      if (said.length === 1) {
        await admin.query(`ALTER DATABASE ${db.name} ALLOW_CONNECTIONS false`);
        await admin.query('SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = $1', [db.name]);
      } else if ('error' in round) await admin.query(`ALTER DATABASE ${db.name} ALLOW_CONNECTIONS true`);
      else child.kill('SIGINT');
    }
    expect(said).toEqual(['there', 'lost', 'there']);
    expect(await exited).toEqual([0, null]);
  });
});
