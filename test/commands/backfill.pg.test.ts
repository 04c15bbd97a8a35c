import { describe, expect, it } from 'vitest';
import { sessionOf } from '../catalog/sql-scene.js';
import { Absorber, addEvents, createSummary, eventsAndSummary, usageDefinition, wrongRows } from '../freshen/summary/scene.js';
import type { Outcome } from '../support/command.js';
import { jsonLines, listener, startListener } from '../support/hand-command.js';
import { startWorker } from '../support/test-worker.js';
import type { TestDatabase } from '../support/database.js';
import { valueOf } from '../worker/scene.js';
import { spawnListener } from './listener-process.js';

function backfill(db: TestDatabase, ...options: readonly string[]): Promise<Outcome> {
  return listener(db.url('worker'), ['backfill', 'hourly', ...options]);
}

/** One row an hour, for so many hours from the beginning of 2025: for closed buckets. */
async function addHistory(db: TestDatabase, hours: number, from = '2025-01-01'): Promise<void> {
  await db.app.query(`INSERT INTO public.events (occurred_at, account_id, bytes)
    SELECT $1::timestamptz + i * interval '1 hour' + interval '10 minutes', i % 3, i FROM generate_series(0, $2::int - 1) AS i`, [from, hours]);
}

/** A filled summary, for whose closed buckets rows have come since. */
async function lateHistory(hours = 100): Promise<{ db: TestDatabase; hourly: Absorber }> {
  const db = await eventsAndSummary({ lateness: '1 day' });
  const hourly = await Absorber.of(db);
  await hourly.absorbed();
  await addHistory(db, hours);
  await hourly.absorbed();
  return { db, hourly };
}

const lateRows = 'SELECT coalesce(sum(rows), 0)::int FROM refresh_listener.late_bucket';
const shownRows = 'SELECT coalesce(sum(event_count), 0)::int FROM public.hourly';

/** Returns when the command waits for a row that the test has locked. */
async function waitsForRow(db: TestDatabase): Promise<void> {
  const sql = `SELECT count(*)::int FROM pg_stat_activity
               WHERE datname = current_database() AND application_name = 'listener (absorb)' AND wait_event_type = 'Lock'`;
  await expect.poll(() => valueOf(db.admin, sql), { timeout: 60_000 }).toBe(1);
}

// Each call starts a process.
describe('listener backfill', { timeout: 120_000 }, () => {
  it('shows the late rows of closed buckets, of the range and no others', async () => {
    const { db, hourly } = await lateHistory();
    expect(await valueOf(db.worker, lateRows)).toBe(100);
    const done = await backfill(db, '--from', '2025-01-01 10:30Z', '--to', '2025-01-02 00:20Z');
    expect(done).toMatchObject({ status: 0, stderr: '' });
    expect(done.stdout).toMatch(new RegExp('^Recomputing public\\.hourly from 2025-01-01T10:00:00\\+00:00 to 2025-01-02T00:00:00\\+00:00: 15 buckets\\.\n' +
      'Recomputed 15 buckets of public\\.hourly in .*: 15 rows corrected \\(15 added\\), 15 late rows taken up\\.\n$'));
    expect(await valueOf(db.worker, lateRows)).toBe(85);
    const range = `bucket >= '2025-01-01 10:00Z' AND bucket < '2025-01-02 01:00Z'`;
    expect(await wrongRows(db, 'hourly', undefined, range)).toBe(0);
    expect(await valueOf(db.worker, `${shownRows} WHERE bucket < '2026-01-01' AND NOT (${range})`)).toBe(0);
    expect(await valueOf(db.worker, 'SELECT to_jsonb(r) FROM refresh_listener.run AS r ORDER BY id DESC LIMIT 1')).toMatchObject({
      reason: 'backfill', plan: 'rebuild', inserted: 15, updated: 0, deleted: 0, corrections: 15, error: null,
    });
    expect(await valueOf(db.worker, 'SELECT count(*)::int FROM refresh_listener.backfill')).toBe(0);
    const again = jsonLines(await backfill(db, '--from', '2025-01-01', '--json'));
    expect(again[0]).toMatchObject({ summary: 'public.hourly', state: 'begun', from: '2025-01-01T00:00:00+00:00' });
    expect(again.at(-1)).toMatchObject({ state: 'done', inserted: 85, updated: 0, deleted: 0, late: 85, next: null });
    expect(await wrongRows(db)).toBe(0);
    expect(await hourly.absorb()).toEqual({ outcome: 'fresh' });
  });

  it('goes on where it was killed', async () => {
    const { db } = await lateHistory();
    await backfill(db, '--from', '2025-01-01');
    await db.worker.query(`UPDATE public.hourly SET event_count = 9 WHERE bucket < '2026-01-01'`);
    // Somebody keeps a row: the backfill comes so far.
    const keeper = await sessionOf(db.url('worker'), 'BEGIN', `SELECT FROM public.hourly WHERE bucket = '2025-01-03 00:00Z' FOR UPDATE`);
    const command = spawnListener(db.url('worker'), ['backfill', 'hourly', '--from', '2025-01-01', '--to', '2025-01-05', '--lock-timeout', '1m']);
    await waitsForRow(db);
    command.kill('SIGKILL');
    await keeper.query('ROLLBACK');
    const next = await valueOf<string>(db.worker, 'SELECT next_bucket FROM refresh_listener.backfill');
    expect(next > '2025-01-01T00:00:00' && next <= '2025-01-03T00:00:00+00:00').toBe(true);
    expect(await valueOf(db.worker, `SELECT count(*)::int FROM public.hourly WHERE event_count = 9 AND bucket < $1::timestamptz`, [next])).toBe(0);
    expect(await valueOf(db.worker, `SELECT count(*)::int FROM public.hourly WHERE event_count = 9`)).toBeGreaterThan(40);
    // Nobody looks at what is done.
    await db.worker.query(`UPDATE public.hourly SET event_count = 8 WHERE bucket = '2025-01-01 00:00Z'`);
    const resumed = await backfill(db, '--from', '2025-01-01', '--to', '2025-01-05');
    expect(resumed).toMatchObject({ status: 0, stderr: '' });
    expect(resumed.stdout).toContain(`Going on at ${next} with the backfill of public.hourly from 2025-01-01T00:00:00+00:00 to 2025-01-04T23:00:00+00:00 that began `);
    expect(resumed.stdout).toMatch(/\nRecomputed \d+ buckets of public\.hourly in .*: 96 rows corrected \(96 replaced\)\.\n$/);
    expect(await wrongRows(db)).toBe(8 + 2);
    await backfill(db, '--from', '2025-01-01');
    expect(await wrongRows(db)).toBe(0);
  });

  it('begins anew when it is told to, and gives up a range that nobody asks for any more', async () => {
    const { db } = await lateHistory(10);
    await db.worker.query(`INSERT INTO refresh_listener.backfill (view, from_bucket, next_bucket, to_bucket)
      SELECT view, '2025-01-01T00:00:00+00:00', '2025-01-01T05:00:00+00:00', '2025-01-01T08:00:00+00:00' FROM refresh_listener.summary`);
    const anew = await backfill(db, '--from', '2025-01-01', '--to', '2025-01-01 09:00', '--restart');
    expect(anew.stdout).toContain('9 rows corrected');
    await db.worker.query(`INSERT INTO refresh_listener.backfill (view, from_bucket, next_bucket, to_bucket)
      SELECT view, '2025-01-01T00:00:00+00:00', '2025-01-01T05:00:00+00:00', '2025-01-01T08:00:00+00:00' FROM refresh_listener.summary`);
    const other = await backfill(db, '--from', '2025-01-01 02:00');
    expect(other.stdout).toContain('Gave up the backfill from 2025-01-01T00:00:00+00:00 to 2025-01-01T08:00:00+00:00, which had come to 2025-01-01T05:00:00+00:00. Recomputing');
    expect(await wrongRows(db)).toBe(0);
  });

  it('counts nothing twice and loses nothing, beside a worker and writers', async () => {
    const { db } = await lateHistory(2_000);
    const worker = await startWorker(db.url('worker'), ['hourly'], { debounceMs: 20, sweepMs: 500 });
    const stop = new AbortController();
    const writing = Array.from({ length: 4 }, async (_, writer) => {
      const session = await sessionOf(db.url('app'));
      let rows = 0;
      while (!stop.signal.aborted) {
        const lost = (rows += 1) % 5 === 0;
        await session.query('BEGIN');
        // For a closed bucket of the range, and for an open one.
        await session.query(`INSERT INTO public.events (occurred_at, account_id, bytes) SELECT t.at, ${writer}, 1
          FROM (VALUES (timestamptz '2025-01-01' + random() * interval '80 days'), (now() - random() * interval '3 hours')) AS t (at)`);
        if (rows % 3 === 0) await session.query('SELECT pg_sleep(0.02)');
        await session.query(lost ? 'ROLLBACK' : 'COMMIT');
      }
    });
    for (let round = 0; round < 3; round += 1) {
      const done = await backfill(db, '--from', '2025-01-01', '--restart');
      expect(done).toMatchObject({ status: 0, stderr: '' });
    }
    stop.abort();
    await Promise.all(writing);
    await worker.stop();
    const hourly = await Absorber.of(db);
    await hourly.absorb();
    // Every row is shown, or counted as late.
    const events = await valueOf<number>(db.app, 'SELECT count(*)::int FROM public.events');
    expect(await valueOf<number>(db.worker, shownRows) + await valueOf<number>(db.worker, lateRows)).toBe(events);
    expect(await wrongRows(db, 'hourly', undefined, `bucket > '2026-01-01'`)).toBe(0);
    const last = await backfill(db, '--from', '2025-01-01');
    expect(last).toMatchObject({ status: 0, stderr: '' });
    expect(await wrongRows(db)).toBe(0);
    expect(await valueOf(db.worker, lateRows)).toBe(0);
  });

  it('counts only what has been absorbed: the rest is added to what it leaves', async () => {
    const { db, hourly } = await lateHistory(3);
    const slow = await sessionOf(db.url('app'), 'BEGIN', `INSERT INTO public.events (occurred_at, account_id, bytes) VALUES ('2025-01-01 00:00Z', 1, 1), (now(), 1, 1)`);
    await addHistory(db, 3);
    await hourly.absorbed(); // leaves a gap
    await slow.query('COMMIT');
    await addHistory(db, 3);
    await addEvents(db, 5);
    expect((await backfill(db, '--from', '2025-01-01')).stdout).toContain('6 late rows taken up');
    expect(await valueOf(db.worker, `${shownRows} WHERE bucket < '2026-01-01'`)).toBe(6);
    await hourly.absorbed();
    expect(await wrongRows(db, 'hourly', undefined, `bucket > '2026-01-01'`)).toBe(0);
    expect(await valueOf(db.worker, lateRows)).toBe(4);
  });

  it('waits for whoever is at it', async () => {
    const { db } = await lateHistory(3);
    const other = await sessionOf(db.url('worker'), 'BEGIN', 'SELECT pg_advisory_xact_lock(1911805101, (SELECT view FROM refresh_listener.summary))');
    const command = startListener(db.url('worker'), ['backfill', 'hourly', '--from', '2025-01-01']);
    await command.saying('Another worker is refreshing public.hourly: waiting for it.');
    expect(await valueOf(db.worker, lateRows)).toBe(3);
    await other.query('COMMIT');
    expect(await command.outcome).toMatchObject({ status: 0 });
    expect(await valueOf(db.worker, lateRows)).toBe(0);
  });

  it('leaves what retention has taken from the source alone, unless it is told otherwise', async () => {
    const { db, hourly } = await lateHistory(50);
    await backfill(db, '--from', '2025-01-01');
    await db.app.query(`DELETE FROM public.events WHERE occurred_at < '2025-01-02 00:00Z'`);
    await hourly.absorbed();
    expect(await backfill(db, '--from', '2025-01-01 20:00')).toEqual({
      status: 2, stdout: '',
      stderr: "listener: public.hourly shows 4 rows of closed buckets that public.events has no rows of any more, and they would vanish: begin with --from '2025-01-02T00:00:00+00:00', or give --force to let them\n",
    });
    expect(await backfill(db, '--from', '2025-01-02T00:00:00+00:00')).toMatchObject({ status: 0 });
    expect(await valueOf(db.worker, `${shownRows} WHERE bucket < '2025-01-02 00:00Z'`)).toBe(24);
    expect((await backfill(db, '--from', '2025-01-01 20:00', '--force')).stdout).toContain('4 rows corrected (4 removed)');
    expect(await valueOf(db.worker, `${shownRows} WHERE bucket < '2025-01-02 00:00Z'`)).toBe(20);
  });

  it('sorts rows into buckets as the worker did, and finds them by the time of the rows', async () => {
    const db = await eventsAndSummary({ lateness: '1 day' });
    await db.worker.query(`ALTER ROLE ${db.roles.worker} IN DATABASE ${db.name} SET TimeZone = 'America/Havana'`);
    const daily = usageDefinition.replace("'hour'", "'day'");
    await createSummary(db, 'daily', daily, { bucket: 'bucket', lateness: '1 day' });
    const absorber = await Absorber.of(db, 'daily');
    await absorber.absorbed();
    await addHistory(db, 24 * 365, '2024-07-01');
    await absorber.absorbed();
    await db.worker.query(`ALTER ROLE ${db.roles.worker} IN DATABASE ${db.name} SET TimeZone = 'Asia/Tokyo'`);
    expect(await listener(db.url('worker'), ['backfill', 'daily', '--from', '2024-06-01'])).toMatchObject({ status: 0, stderr: '' });
    const havana = await sessionOf(db.url('worker'), "SET TimeZone = 'America/Havana'");
    const differences = await havana.query(`WITH shown AS (SELECT bucket, account_id, event_count FROM public.daily),
        meant AS (SELECT bucket, account_id, event_count FROM (${daily}) AS m)
      (TABLE shown EXCEPT ALL TABLE meant) UNION ALL (TABLE meant EXCEPT ALL TABLE shown)`);
    expect(differences.rows).toEqual([]);
  });

  it.each([
    [['hourli', '--from', '2025-01-01'], 'there is no summary hourli: did you mean public.hourly?'],
    [['mv_events', '--from', '2025-01-01'], 'there is no summary mv_events: the database has public.hourly'],
    [['hourly'], 'say from when: listener backfill hourly --from 2026-01-01'],
    [['hourly', '--from', 'last week'], "--from last week is no time: write 2026-01-01, or '2026-01-01 06:00'"],
    [['hourly', '--from', '2025-02-30'], "--from 2025-02-30 is no time: write 2026-01-01, or '2026-01-01 06:00'"],
    [['hourly', '--from', 'infinity'], "--from infinity is no time: write 2026-01-01, or '2026-01-01 06:00'"],
    [['hourly', '--from', '2025-02-01', '--to', '2025-01-01'], '--from 2025-02-01 is not before --to 2025-01-01: the range ends where it begins, or earlier'],
    [['hourly', '--from', '2999-01-01'], '--from 2999-01-01 lies in the future: there is nothing to recompute yet'],
    [['hourly', '--from', '2025-01-01', '--to', '2999-01-01'], '--to 2999-01-01 lies in the future: leave it out to recompute all up to now'],
  ])('%j exits with 2', async (words, message) => {
    const db = await eventsAndSummary();
    await (await Absorber.of(db)).absorbed();
    expect(await listener(db.url('worker'), ['backfill', ...words])).toEqual({ status: 2, stdout: '', stderr: `listener: ${message}\n` });
    expect(await valueOf(db.worker, 'SELECT count(*)::int FROM refresh_listener.backfill')).toBe(0);
  });

  it('refuses a summary that is not filled, is paused, or has no bucket', async () => {
    const db = await eventsAndSummary();
    const refused = async (): Promise<string> => (await backfill(db, '--from', '2025-01-01')).stderr;
    expect(await refused()).toBe('listener: public.hourly is not filled yet: listener --views public.hourly fills it, and there is nothing to recompute before\n');
    await (await Absorber.of(db)).absorbed();
    await listener(db.url('worker'), ['pause', 'hourly']);
    expect(await refused()).toBe('listener: public.hourly is paused: listener resume public.hourly, then call this again\n');
    await db.worker.query('UPDATE refresh_listener.summary SET bucket_column = NULL');
    expect(await refused()).toBe('listener: public.hourly has no bucket of time, by which a part of it could be recomputed: listener refresh public.hourly --force recomputes it whole\n');
  });
});
