import { setTimeout as pause } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest';
import { createDatabase, type TestDatabase } from '../support/database.js';
import { spawnWorker } from '../support/worker-process.js';
import { caughtUp } from './catch-up.js';
import { differences, type ViewDefinition } from './shop.js';

const views: readonly ViewDefinition[] = [
  { name: 'mv_gated', query: 'SELECT id FROM public.gated WHERE public.gate()' },
  { name: 'mv_over', query: 'SELECT count(*) AS n FROM public.mv_gated' },
];

/** Where an absorb waits for a lock that we hold, in the order of its steps. */
const points: readonly { readonly name: string; readonly lock: string }[] = [
  { name: 'between its lock and its snapshot', lock: 'LOCK TABLE refresh_listener.source IN ACCESS EXCLUSIVE MODE' },
  { name: 'in the middle of the refresh', lock: 'SELECT pg_advisory_xact_lock(42)' },
  { name: 'before it tells the views over this one', lock: 'LOCK TABLE refresh_listener.change_log IN SHARE MODE' },
  { name: 'before it moves the cursor', lock: 'SELECT FROM refresh_listener.view FOR UPDATE' },
  { name: 'before it commits', lock: 'LOCK TABLE refresh_listener.run IN SHARE MODE' },
];

describe('a worker process killed in an absorb', () => {
  let db: TestDatabase;
  beforeAll(async () => {
    db = await createDatabase();
    await db.app.query('CREATE TABLE public.gated (id bigserial)');
    // A definition that waits in the middle of its refresh, for as long as somebody holds lock 42.
    await db.worker.query(`CREATE FUNCTION public.gate() RETURNS boolean LANGUAGE plpgsql AS
      'BEGIN PERFORM pg_catalog.pg_advisory_xact_lock_shared(42); RETURN true; END'`);
    for (const { name, query } of views) await db.worker.query(`CREATE MATERIALIZED VIEW public.${name} AS ${query}`);
  });
  afterAll(() => db.drop());

  const write = () => db.app.query('INSERT INTO public.gated DEFAULT VALUES');

  async function absorbWaits(): Promise<void> {
    for (;;) {
      const { rows } = await db.admin.query(`SELECT FROM pg_stat_activity WHERE datname = current_database()
        AND application_name = 'listener (absorb)' AND wait_event_type = 'Lock'`);
      if (rows.length > 0) return;
      await pause(20);
    }
  }

  it.each(points)('$name leaves what its successor makes good', { timeout: 60_000 }, async ({ lock }) => {
    const args = ['--lapse=1h', '--lock-timeout=60s'];
    const names = views.map((view) => view.name);
    const worker = spawnWorker(db.url('worker'), names, args);
    await worker.events.next('ready');
    expect(await caughtUp(db, () => [worker.events], { sweeps: false, limitMs: 20_000 })).toBeUndefined();

    const holder = await db.admin.connect();
    onTestFinished(() => holder.release(true));
    await write();
    await holder.query(`BEGIN; ${lock}`);
    // The bell may have been quick: a second change makes sure that an absorb meets the lock. It waits itself for some.
    const second = write();
    await absorbWaits();
    await worker.kill();
    await holder.query('COMMIT');
    await second;

    const successor = spawnWorker(db.url('worker'), names, args);
    await successor.events.next('ready');
    expect(await caughtUp(db, () => [successor.events], { sweeps: false, limitMs: 20_000 })).toBeUndefined();
    expect(await differences(db, views)).toEqual({});
    await successor.kill();
  });
});
