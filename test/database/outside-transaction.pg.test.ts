import { describe, expect, it, onTestFinished } from 'vitest';
import { Database, type Backend } from '../../src/database/database.js';
import { freshDatabase, valueOf } from '../worker/scene.js';
import { PgBouncer } from '../wake/pgbouncer.js';
import type { TestDatabase } from '../support/database.js';

const limits = { lockTimeoutMs: 1_234, statementTimeoutMs: 0 };

function opened(url: string, directUrl = url): Database {
  const database = new Database(url, 1, directUrl);
  onTestFinished(() => database.close());
  return database;
}

async function withTable(): Promise<TestDatabase> {
  const db = await freshDatabase();
  await db.worker.query('CREATE TABLE public.t (id int)');
  return db;
}

const vacuums = (db: TestDatabase): Promise<number> => valueOf(db.worker, "SELECT pg_stat_get_vacuum_count('public.t'::regclass)::int");

describe('a statement outside of a transaction', () => {
  it('is run in a session of its own, with stated settings whatever the role has', async () => {
    const db = await withTable();
    await db.admin.query(`ALTER ROLE ${db.roles.worker} SET statement_timeout = '1ms'; ALTER ROLE ${db.roles.worker} SET lock_timeout = '1ms'`);
    const database = opened(db.url('worker'));
    database.useServerSettings(['work_mem = 1234']);
    let backend: Backend | undefined;
    expect(await database.outsideTransaction('VACUUM public.t', limits, (told) => (backend = told))).toBe(true);
    expect(await vacuums(db)).toBe(1);
    expect(await database.rows('SELECT pg_catalog.pg_backend_pid() AS pid')).not.toEqual([{ pid: backend?.pid }]);
    await database.outsideTransaction(
      `CREATE TABLE public.seen AS SELECT current_setting('lock_timeout') || current_setting('statement_timeout') || current_setting('work_mem') AS settings`, limits, () => undefined);
    expect(await valueOf(db.admin, 'SELECT settings FROM public.seen')).toBe('1234ms01234kB');
  });

  it('throws what the statement does, and runs the next in a new session', async () => {
    const db = await withTable();
    const database = opened(db.url('worker'));
    await expect(database.outsideTransaction('VACUUM public.nothing', limits, () => undefined)).rejects.toMatchObject({ code: '42P01' });
    expect(await database.outsideTransaction('VACUUM public.t', limits, () => undefined)).toBe(true);
  });

  it('leaves no session behind for long', async () => {
    const db = await withTable();
    const database = opened(db.url('worker'));
    await database.outsideTransaction('VACUUM public.t', limits, () => undefined);
    const sessions = (): Promise<number> => valueOf(db.admin, "SELECT count(*)::int FROM pg_stat_activity WHERE application_name = 'listener (upkeep)' AND datname = current_database()");
    await expect.poll(sessions, { timeout: 20_000 }).toBe(0);
  });

  describe.skipIf(!PgBouncer.isInstalled())('behind PgBouncer', () => {
    it('in transaction mode is not run, since its settings would become those of others; past it, it is', async () => {
      const db = await withTable();
      const bouncer = await PgBouncer.start(db.url('worker'));
      try {
        const pooled = bouncer.url('transaction');
        expect(await opened(pooled).outsideTransaction('VACUUM public.t', limits, () => undefined)).toBe(false);
        expect(await vacuums(db)).toBe(0);
        expect(await opened(pooled, db.url('worker')).outsideTransaction('VACUUM public.t', limits, () => undefined)).toBe(true);
        expect(await vacuums(db)).toBe(1);
      } finally {
        await bouncer.stop();
      }
    });
  });
});
