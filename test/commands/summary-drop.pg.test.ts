import { describe, expect, it } from 'vitest';
import type { TestDatabase } from '../support/database.js';
import { listener, startListener } from '../support/hand-command.js';
import { connect, valueOf } from '../worker/scene.js';
import { sqlFile, usageDatabase, usageSql } from './summary-scene.js';

/** A database with the summary public.usage_hourly, which is not filled yet. */
async function withSummary(...more: readonly string[]): Promise<TestDatabase> {
  const db = await usageDatabase();
  const created = await listener(db.url('worker'), ['summary', 'create', 'public.usage_hourly', '--from', await sqlFile(usageSql), ...more]);
  expect(created).toMatchObject({ status: 0, stderr: '' });
  return db;
}

const relations = `SELECT array_agg(c.relname::text ORDER BY c.relname) FROM pg_class AS c WHERE c.relname ~ '^(usage_hourly|definition_|fill_)' AND c.relkind IN ('r', 'v')`;

// Each of these starts the real command several times over.
describe('listener summary list', { timeout: 60_000 }, () => {
  it('tells of each how it is kept, and as JSON', async () => {
    const db = await withSummary('--lateness', '3 days');
    const url = db.url('worker');
    expect((await listener(url, ['summary', 'list'])).stdout).toBe(
      'summary              source               plan   capture    last id  bucket  late  filled\n' +
      'public.usage_hourly  public.usage_events  merge  watermark        0  bucket    3d  no\n');
    await db.worker.query('UPDATE refresh_listener.summary SET filled_at = to_timestamp(0); UPDATE refresh_listener.watermark SET last_id = 9007199254740993');
    const { stdout } = await listener(url, ['summary', 'list', '--json']);
    expect(JSON.parse(stdout)).toEqual({
      database: db.name,
      summaries: [{
        summary: 'public.usage_hourly', exists: true, source: 'public.usage_events', plan: 'merge', capture: 'watermark', idColumn: 'id', watermark: '9007199254740993',
        bucket: 'bucket', latenessMs: 259_200_000, freshnessMs: null, filledAt: '1970-01-01T00:00:00.000Z',
      }],
    });
    await db.worker.query('DROP TABLE public.usage_hourly');
    expect((await listener(url, ['summary', 'list'])).stdout).toMatch(/^public\.usage_hourly {2}public\.usage_events .* dropped$/m);
  });

  it('says that there is none, and that nothing is installed', async () => {
    const db = await usageDatabase();
    const outcome = await listener(db.url('worker'), ['summary', 'list']);
    expect(outcome).toMatchObject({ status: 2, stdout: '' });
    expect(outcome.stderr).toContain(`nothing is installed in database ${db.name}`);
    await db.worker.query('CREATE MATERIALIZED VIEW public.mv AS SELECT count(*) FROM public.usage_events');
    await listener(db.url('worker'), ['install', '--views', 'public.mv']);
    expect(await listener(db.url('worker'), ['summary', 'list'])).toEqual({
      status: 0, stderr: '', stdout: `There is no summary in database ${db.name}: listener summary create NAME --from FILE makes one.\n`,
    });
    expect(await listener(db.url('worker'), ['summary', 'drop', 'public.mv', '--yes'])).toEqual({
      status: 2, stdout: '', stderr: 'listener: there is no summary public.mv: the database has none\n',
    });
  });
});

describe('listener summary drop', { timeout: 60_000 }, () => {
  it('drops the table and all that keeps it, and nothing else', async () => {
    const db = await withSummary();
    await db.worker.query('CREATE MATERIALIZED VIEW public.mv AS SELECT count(*) FROM public.usage_events');
    await listener(db.url('worker'), ['install', '--views', 'public.mv']);
    expect(await valueOf(db.admin, relations)).toEqual(['definition_1', 'fill_1', 'usage_hourly']);
    expect(await listener(db.url('worker'), ['summary', 'drop', 'usage_hourly', '--yes'])).toEqual({
      status: 0, stderr: '', stdout: 'Dropped summary public.usage_hourly. Take it off the --views of its worker.\n',
    });
    expect(await valueOf(db.admin, relations)).toBeNull();
    expect(await valueOf(db.admin, 'SELECT array_agg(name) FROM refresh_listener.view')).toEqual(['public.mv']);
    expect(await valueOf(db.admin, 'SELECT count(*)::int FROM refresh_listener.summary')).toBe(0);
    expect(await valueOf(db.admin, `SELECT count(*)::int FROM pg_trigger WHERE tgname = 'refresh_listener'`)).toBe(1);
    expect(await valueOf(db.admin, 'SELECT count(*)::int FROM public.usage_events')).toBe(120);
  });

  it('takes away what is left of one whose table is gone', async () => {
    const db = await withSummary();
    await db.worker.query('DROP TABLE public.usage_hourly');
    expect(await listener(db.url('worker'), ['summary', 'drop', 'public.usage_hourly', '--yes'])).toMatchObject({ status: 0, stderr: '' });
    expect(await valueOf(db.admin, relations)).toBeNull();
    expect(await valueOf(db.admin, 'SELECT count(*)::int FROM refresh_listener.view')).toBe(0);
  });

  it('asks, and leaves alone what is no summary, what others need, and what is not its own', async () => {
    const db = await withSummary();
    await db.worker.query('CREATE VIEW public.usage_daily AS SELECT sum(event_count) FROM public.usage_hourly');
    const drop = (role: 'worker' | 'app', ...args: string[]) => listener(db.url(role), ['summary', 'drop', ...args]);
    expect(await drop('worker', 'usage_hourly')).toEqual({
      status: 2, stdout: '', stderr: 'listener: summary drop removes the table public.usage_hourly with its rows: give --yes where nobody can be asked\n',
    });
    expect((await drop('worker', 'usage_events', '--yes')).stderr).toBe('listener: public.usage_events is no summary of the listener: it is left alone\n');
    expect((await drop('worker', 'usage_hurly', '--yes')).stderr).toBe('listener: there is no summary usage_hurly: did you mean public.usage_hourly?\n');
    expect((await drop('worker', 'usage_*', '--yes')).stderr).toBe('listener: usage_* is a pattern: give the name of one summary\n');
    expect(await drop('worker', 'usage_hourly', '--yes')).toEqual({
      status: 2, stdout: '', stderr: 'listener: something depends on public.usage_hourly (view public.usage_daily depends on table public.usage_hourly): drop that first\n',
    });
    await db.admin.query(`GRANT USAGE ON SCHEMA refresh_listener TO ${db.roles.app}; GRANT SELECT ON ALL TABLES IN SCHEMA refresh_listener TO ${db.roles.app}`);
    expect(await drop('app', 'usage_hourly', '--yes')).toEqual({
      status: 2, stdout: '', stderr: 'listener: permission denied for table usage_hourly: drop public.usage_hourly as its owner\n',
    });
    expect(await valueOf(db.admin, relations)).toEqual(['definition_1', 'fill_1', 'usage_hourly']);
    expect(await valueOf(db.admin, 'SELECT count(*)::int FROM refresh_listener.summary')).toBe(1);
  });

  it('waits for a worker that is at it, then for a reader, whom it keeps nobody behind', async () => {
    const db = await withSummary();
    const [absorb, reader] = [await connect(db.worker), await connect(db.worker)];
    await absorb.query('BEGIN; SELECT pg_advisory_xact_lock(1911805101, 1)');
    await reader.query('BEGIN; SELECT count(*) FROM public.usage_hourly');
    const command = startListener(db.url('worker'), ['summary', 'drop', 'usage_hourly', '--yes']);
    const waiting = `SELECT count(*)::int FROM pg_locks WHERE locktype = 'advisory' AND NOT granted AND database = (SELECT oid FROM pg_database WHERE datname = current_database())`;
    await expect.poll(() => valueOf(db.admin, waiting), { timeout: 20_000 }).toBe(1);
    await absorb.query('ROLLBACK');
    await command.saying('Waiting for whoever uses public.usage_hourly; nobody waits for that.');
    expect(await valueOf(db.worker, 'SELECT count(*)::int FROM public.usage_hourly')).toBe(0);
    await reader.query('ROLLBACK');
    expect(await command.outcome).toMatchObject({ status: 0, stderr: '' });
    expect(await valueOf(db.admin, relations)).toBeNull();
  });
});
