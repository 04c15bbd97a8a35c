import pg from 'pg';
import { onTestFinished } from 'vitest';
import type { Config } from '../../src/config/config.js';
import type { EventOf } from '../../src/report/event.js';
import { createDatabase, type Role, type TestDatabase } from '../support/database.js';
import { startWorker, type TestWorker } from '../support/test-worker.js';

/** Sweeps so often that a test can wait for them. */
export const sweeping: Partial<Config> = { sweepMs: 100 };

/** A database of the test's own, dropped when it is finished. */
export async function ownDatabase(): Promise<TestDatabase> {
  const database = await createDatabase();
  onTestFinished(() => database.drop());
  return database;
}

/** A worker that has absorbed all its views for the first time, and has nothing more to do. */
export async function startServing(db: TestDatabase, views: readonly string[], overrides: Partial<Config> = {}): Promise<TestWorker> {
  // What the test wrote before there was a trigger is reported now, and not in ten seconds: that would be a change unseen.
  for (const role of ['app', 'worker', 'admin'] as const) await db[role].query('SELECT pg_catalog.pg_stat_force_next_flush()');
  const worker = await startWorker(db.url('worker'), views, overrides);
  const { views: served } = await worker.events.next('ready');
  await Promise.all(served.map((view) => worker.events.next('refresh.done', (done) => done.view === view)));
  if (overrides.sweepMs !== undefined) await sweeps(worker, 1);
  return worker;
}

/** So many sweeps, none of which had begun when this was called. */
export async function sweeps({ events }: TestWorker, count = 2): Promise<EventOf<'sweep.done'>[]> {
  const from = events.mark;
  // The first to end may have been under way.
  await events.next('sweep.done', () => events.of('sweep.done', from).length > count, from);
  return events.of('sweep.done', from).slice(1, count + 1);
}

/** What sweeps tell that found everything in order. */
export const quiet = { stale: 0, unseen: 0, healed: 0 };

/** Statements in a session of their own, which has reported its row counts by the time this returns. */
export async function inOwnSession(db: TestDatabase, role: Role, ...statements: readonly string[]): Promise<void> {
  const client = new pg.Client(db.url(role));
  await client.connect();
  const { rows } = await client.query<{ pid: number }>('SELECT pg_backend_pid() AS pid');
  try {
    for (const statement of statements) await client.query(statement);
  } finally {
    await client.end();
  }
  await sessionGone(db, rows[0]?.pid ?? 0);
}

/** Waits until a server process has ended, and with that reported what it had counted. */
export async function sessionGone(db: TestDatabase, pid: number): Promise<void> {
  for (;;) {
    const { rows } = await db.admin.query('SELECT FROM pg_stat_activity WHERE pid = $1', [pid]);
    if (rows.length === 0) return;
  }
}

/** The one value of a query. */
export async function valueOf(db: TestDatabase, query: string, role: Role = 'worker'): Promise<unknown> {
  const { rows } = await db[role].query<Record<string, unknown>>(query);
  return Object.values(rows[0] ?? {})[0];
}
