import { describe, expect, it } from 'vitest';
import { sessionOf } from '../catalog/sql-scene.js';
import { Absorber, addEvents, eventsAndSummary } from '../freshen/summary/scene.js';
import type { Outcome } from '../support/command.js';
import { jsonLines, listener } from '../support/hand-command.js';
import type { TestDatabase } from '../support/database.js';
import { connect, valueOf } from '../worker/scene.js';
import { sqlFile, usageDatabase } from './summary-scene.js';

function verify(db: TestDatabase, ...options: readonly string[]): Promise<Outcome> {
  return listener(db.url('worker'), ['verify', 'hourly', ...options]);
}

async function verified(db: TestDatabase): Promise<Record<string, unknown> | undefined> {
  const [found, ...others] = jsonLines(await verify(db, '--json'));
  expect(others).toEqual([]);
  return found;
}

/** A change of which no trigger tells. */
function unseen(db: TestDatabase, sql: string): Promise<unknown> {
  return db.admin.query(`SET session_replication_role = replica; ${sql}; RESET session_replication_role`);
}

// Each call starts a process.
describe('listener verify, of a summary', { timeout: 90_000 }, () => {
  it('says so while it is not filled, and finds no difference once it is', async () => {
    const db = await eventsAndSummary();
    const empty = await verify(db);
    expect(empty).toEqual({ status: 0, stderr: '', stdout: 'public.hourly cannot be compared: it has not been filled yet.\n' });
    await (await Absorber.of(db)).absorbed();
    const found = await verify(db);
    expect(found).toMatchObject({ status: 0, stderr: '' });
    expect(found.stdout).toMatch(/^public\.hourly shows what its query returns: \d+ rows, no difference \(compared in .*\)\.\n$/);
  });

  it('takes what is beyond the watermark, or in a gap, for no difference and no excuse', async () => {
    const db = await eventsAndSummary();
    const hourly = await Absorber.of(db);
    await hourly.absorbed();
    const slow = await connect(db.app);
    await slow.query("BEGIN; INSERT INTO public.events (occurred_at, account_id, bytes) VALUES (now(), 1, 500)");
    await addEvents(db, 5);
    await hourly.absorbed();
    await slow.query('COMMIT'); // into the gap
    await addEvents(db, 7);
    expect(await verified(db)).toMatchObject({ verdict: 'same', because: [], missing: 0, surplus: 0 });
    await db.worker.query('UPDATE public.hourly SET event_count = event_count + 1 WHERE account_id = 1');
    expect(await verified(db)).toMatchObject({ verdict: 'differs', because: [] });
  });

  it('is right at any moment of a catch-up, also about what is closed on the way', async () => {
    const db = await eventsAndSummary({ lateness: '1 day' });
    const hourly = await Absorber.of(db);
    await hourly.absorbed();
    // As if it had been absorbed last some days ago.
    await db.worker.query(`UPDATE refresh_listener.summary SET closed_before = '2020-01-01T00:00:00+00:00'`);
    await db.app.query(`INSERT INTO public.events (occurred_at, account_id, bytes) SELECT now() - interval '3 days', 1, 5 FROM generate_series(1, 4)`);
    await addEvents(db, 1_500);
    expect(await hourly.absorbed({ signal: AbortSignal.abort() })).toMatchObject({ summary: { rowsRead: 1_000, closedLate: 4 } });
    const between = await verify(db);
    expect(between).toMatchObject({ status: 0, stderr: '' });
    expect(between.stdout).toMatch(/ no difference .*\. Buckets before 20\d\d-\d\d-\d\dT\d\d:00:00\+00:00 are closed, and were left out\.\n$/);
    await hourly.absorbed();
    expect(await verified(db)).toMatchObject({ verdict: 'same', closedBefore: expect.stringContaining('T') as string });
  });

  it('finds an id that was drawn long before its INSERT', async () => {
    const db = await eventsAndSummary();
    const hourly = await Absorber.of(db);
    await hourly.absorbed();
    await db.app.query('INSERT INTO public.events (id, occurred_at, account_id, bytes) OVERRIDING SYSTEM VALUE VALUES (-3, now(), 77, 1)');
    expect(await verified(db)).toMatchObject({ verdict: 'differs', because: [], missing: 1, surplus: 0 });
    await hourly.absorbed(); // merges nothing
    const found = await verify(db);
    expect(found.status).toBe(1);
    expect(found.stdout).toContain('public.hourly differs from its query: 1 row missing and 0 surplus, beside ');
    expect(found.stdout).toContain('An id that was drawn long before its INSERT would');
    expect(found.stdout).toContain('listener refresh public.hourly --force puts it right.');
    expect(await listener(db.url('worker'), ['refresh', 'hourly', '--force'])).toMatchObject({ status: 0 });
    expect(await verify(db)).toMatchObject({ status: 0 });
  });

  it('finds a row that was moved past the watermark; an UPDATE that is yet to be absorbed is an excuse', async () => {
    const db = await eventsAndSummary();
    const hourly = await Absorber.of(db);
    await hourly.absorbed();
    const move = 'UPDATE public.events SET id = DEFAULT WHERE id = 8';
    await db.app.query(move);
    const behind = await verify(db, '--json');
    expect(behind.status).toBe(0);
    expect(jsonLines(behind)).toMatchObject([{ verdict: 'behind', because: ['it has not absorbed 1 statement other than INSERT on public.events'], missing: 1, surplus: 1 }]);
    await hourly.absorbed();
    expect(await verified(db)).toMatchObject({ verdict: 'same' });
    await unseen(db, move.replace('8', '12'));
    expect(await verified(db)).toMatchObject({ verdict: 'differs', because: [], missing: 1, surplus: 1 });
  });

  it.each([
    ['a value', 'UPDATE public.hourly SET total_bytes = total_bytes + 1 WHERE account_id = 1', 'missing'],
    ['a hidden value', 'UPDATE public.hourly SET _mean_bytes_sum = _mean_bytes_sum + 1 WHERE account_id = 1', 'missing'],
    ['a row too few', 'DELETE FROM public.hourly WHERE account_id = 1', 'missing'],
    ['a row too many', `INSERT INTO public.hourly (bucket, account_id, event_count, large) VALUES (NULL, 5, 1, 0)`, 'surplus'],
  ])('finds what somebody has written: %s', async (_name, sql, side) => {
    const db = await eventsAndSummary();
    await (await Absorber.of(db)).absorbed();
    await db.worker.query(`UPDATE public.hourly SET updated_at = '2000-01-01'`); // no value of the definition
    expect(await verified(db)).toMatchObject({ verdict: 'same' });
    await db.worker.query(sql);
    expect(await verified(db)).toMatchObject({ verdict: 'differs', rows: expect.arrayContaining([expect.objectContaining({ side })]) as unknown[] });
  });

  it('leaves closed buckets out', async () => {
    const db = await eventsAndSummary({ lateness: '1 day' });
    await db.app.query(`INSERT INTO public.events (occurred_at, account_id, bytes) VALUES (now() - interval '5 days', 1, 5)`);
    const hourly = await Absorber.of(db);
    await hourly.absorbed();
    await db.worker.query(`UPDATE public.hourly SET event_count = 7 WHERE bucket < now() - interval '2 days'`);
    expect(await verified(db)).toMatchObject({ verdict: 'same' });
    await db.worker.query('UPDATE public.hourly SET event_count = 7');
    expect(await verified(db)).toMatchObject({ verdict: 'differs' });
  });

  it('sorts rows into buckets as the worker did, whoever asks', async () => {
    const db = await eventsAndSummary();
    await db.worker.query(`ALTER ROLE ${db.roles.worker} IN DATABASE ${db.name} SET TimeZone = 'Asia/Kathmandu'`);
    await (await Absorber.of(db)).absorbed();
    await db.worker.query(`ALTER ROLE ${db.roles.worker} IN DATABASE ${db.name} SET TimeZone = 'America/St_Johns'`);
    await db.worker.query(`ALTER ROLE ${db.roles.worker} IN DATABASE ${db.name} SET DateStyle = 'SQL, DMY'`);
    expect(await verified(db)).toMatchObject({ verdict: 'same', missing: 0 });
  });

  it('cries no wolf over dimensions of which equal values may look different', async () => {
    const db = await usageDatabase();
    await db.app.query('ALTER TABLE public.usage_events ADD rate numeric, ADD held interval');
    const file = await sqlFile(`SELECT rate, held, account_id, count(*) AS held_count FROM public.usage_events GROUP BY 1, 2, 3`);
    expect(await listener(db.url('worker'), ['summary', 'create', 'public.hourly', '--from', file])).toMatchObject({ status: 0 });
    const hourly = await Absorber.of(db);
    const insert = (rate: string, held: string): Promise<unknown> => db.app.query(`INSERT INTO public.usage_events (occurred_at, account_id, rate, held) VALUES (now(), 1, ${rate}, ${held})`);
    await insert('1.00', `'24 hours'`);
    await hourly.absorbed();
    await insert('1.0', `'1 day'`);
    await insert('NULL', 'NULL');
    await hourly.absorbed();
    // The first row goes, and what is left of the group looks like the second.
    await unseen(db, 'UPDATE public.usage_events SET rate = 1.0, held = interval \'1 day\' WHERE rate = 1');
    const look = await sessionOf(db.url('worker'));
    expect(await valueOf(look, 'SELECT rate::text FROM public.hourly WHERE rate = 1')).toBe('1.00');
    expect(await verified(db)).toMatchObject({ verdict: 'same', held: 4 });
    await db.worker.query('UPDATE public.hourly SET rate = 1.5 WHERE rate = 1');
    expect(await verified(db)).toMatchObject({ verdict: 'differs', missing: 1, surplus: 1 });
  });
});
