import { describe, expect, it } from 'vitest';
import { listener } from '../../commands/listener-process.js';
import { startOwnServer } from '../../support/own-server.js';
import type { TestDatabase } from '../../support/database.js';
import { connect, valueOf } from '../../worker/scene.js';
import { Absorber, addEvents, eventsAndSummary, wrongRows } from './scene.js';

const insert = 'INSERT INTO public.events (occurred_at, account_id, bytes) VALUES (now(), 1, 5)';
const gapCount = (db: TestDatabase): Promise<number> => valueOf<number>(db.worker, 'SELECT count(*)::int FROM refresh_listener.gap');

/** Two absorbs with nobody writing: the first finds that holders are gone, the second drops what they held. */
async function settle(db: TestDatabase, hourly: Absorber): Promise<void> {
  for (let round = 0; round < 2; round += 1) {
    await addEvents(db, 1);
    await hourly.absorbed();
  }
}

describe('gaps', () => {
  it('in more pieces than are worth it make the watermark wait, and it goes on once they are gone', { timeout: 60_000 }, async () => {
    const db = await eventsAndSummary();
    const hourly = await Absorber.of(db);
    await hourly.absorbed();
    await db.worker.query('UPDATE refresh_listener.watermark SET batch = 200000');
    const holder = await connect(db.app);
    await holder.query('BEGIN');
    await holder.query(insert);
    // Each row draws two ids, and uses the first.
    const drawn = `INSERT INTO public.events (occurred_at, account_id, bytes)
      SELECT now(), 1, 0 * nextval(pg_get_serial_sequence('public.events', 'id')) FROM generate_series(1, 60000)`;
    await db.app.query(drawn);
    const waiting = await hourly.absorbed();
    expect(waiting.summary?.rowsBehind).toBeGreaterThan(0);
    expect(waiting.summary?.rowsRead).toBe(50_000);
    const stuck = await hourly.absorbed();
    expect(stuck.summary).toMatchObject({ rowsRead: 0, batches: 1 });
    // By hand it is tried once, and not for as long as somebody's transaction lasts.
    const byHand = await listener(db.url('worker'), 'refresh', 'hourly');
    expect(byHand).toMatchObject({ status: 1, stderr: '' });
    expect(byHand.stdout).toMatch(/^Catching up public\.hourly waits, with [\d,]+ left: too many ids may still be committed by pid \d+ \(open for .*\)\.\n$/);

    await holder.query('COMMIT');
    let rows = 0;
    for (let step = await hourly.absorb(); step.outcome === 'absorbed'; step = await hourly.absorb()) rows += step.summary?.rowsRead ?? 0;
    expect(rows).toBe(10_001);
    expect(await wrongRows(db)).toBe(0);
    await settle(db, hourly);
    expect(await gapCount(db)).toBe(0);
  });

  it('are kept for a prepared transaction, whatever a restart of the server calls it', { timeout: 60_000 }, async (context) => {
    const server = await startOwnServer(context);
    const db = await eventsAndSummary({ adminUrl: server.url });
    const hourly = await Absorber.of(db);
    await hourly.absorbed();
    await db.admin.query(`SELECT pg_catalog.setval(pg_catalog.to_regclass('refresh_listener.hold_' || id), 9223372036854775807) FROM refresh_listener.source`);
    const session = await db.app.connect();
    await session.query(`BEGIN; ${insert}; PREPARE TRANSACTION 'over the restart'`);
    session.release(true);
    await settle(db, hourly);
    expect(await gapCount(db)).toBe(1);
    await server.restart('fast');
    await expect.poll(() => hourly.absorb().then(() => 'there', () => 'away'), { timeout: 10_000 }).toBe('there');
    // Its new name has joined before the old one is forgotten.
    for (let round = 0; round < 3; round += 1) await settle(db, hourly);
    expect(await gapCount(db)).toBe(1);
    await db.app.query(`COMMIT PREPARED 'over the restart'`);
    expect((await hourly.absorbed()).summary).toMatchObject({ rowsRead: 1 });
    expect(await wrongRows(db)).toBe(0);
    await settle(db, hourly);
    expect(await gapCount(db)).toBe(0);
  });

  it('are looked into by an absorb that begins after the last holder is gone: a commit between snapshot and holders is not lost', async () => {
    const db = await eventsAndSummary();
    const hourly = await Absorber.of(db);
    await hourly.absorbed();
    const early = await connect(db.app);
    const gate = await connect(db.admin);
    await early.query(`BEGIN; ${insert}`);
    await addEvents(db, 3);
    // After its snapshot, before it asks for holders: the table that the query of the next batch reads.
    await gate.query('BEGIN; LOCK TABLE refresh_listener.watermark IN ACCESS EXCLUSIVE MODE');
    const absorbing = hourly.absorbed();
    await expect.poll(() => valueOf<number>(db.admin, `SELECT count(*)::int FROM pg_stat_activity
      WHERE datname = current_database() AND application_name = 'listener (absorb)' AND wait_event_type = 'Lock'`)).toBe(1);
    await early.query('COMMIT');
    await gate.query('COMMIT');
    expect((await absorbing).summary).toMatchObject({ rowsRead: 3 });
    expect(await valueOf(db.worker, 'SELECT holders FROM refresh_listener.gap')).toEqual({});
    expect((await hourly.absorbed()).summary).toMatchObject({ rowsRead: 1 });
    expect(await wrongRows(db)).toBe(0);
  });

  it('do not help an id that was drawn long before its INSERT: repair finds it', async () => {
    const db = await eventsAndSummary();
    const hourly = await Absorber.of(db);
    await hourly.absorbed();
    const drawn = await valueOf<string>(db.app, `SELECT nextval(pg_get_serial_sequence('public.events', 'id'))::text`);
    await settle(db, hourly);
    expect(await gapCount(db)).toBe(0);
    await db.app.query('INSERT INTO public.events (id, occurred_at, account_id, bytes) OVERRIDING SYSTEM VALUE VALUES ($1, now(), 1, 3)', [drawn]);
    await hourly.absorbed();
    expect(await wrongRows(db)).toBe(2);
    expect((await hourly.absorbed({ repairEveryMs: 0 })).summary).toMatchObject({ corrections: 1 });
    expect(await wrongRows(db)).toBe(0);
  });

  it('keep what lies below an id that an UPDATE has moved past the watermark, until the sequence has come there', async () => {
    const db = await eventsAndSummary();
    await db.app.query(`GRANT SELECT ON SEQUENCE public.events_id_seq TO ${db.roles.worker}`);
    await db.app.query('ALTER TABLE public.events ALTER id SET GENERATED BY DEFAULT');
    const hourly = await Absorber.of(db);
    await hourly.absorbed();
    await db.app.query('UPDATE public.events SET id = 130 WHERE id = 40');
    expect(await hourly.absorbed()).toMatchObject({ plan: 'rebuild' });
    expect(await wrongRows(db)).toBe(0);
    for (let round = 0; round < 3; round += 1) {
      await addEvents(db, 7);
      expect(await hourly.absorbed()).toMatchObject({ plan: 'merge', summary: { rowsRead: 7 } });
      expect(await wrongRows(db)).toBe(0);
    }
    // The sequence passes it while a transaction with an id below is open.
    const slow = await connect(db.app);
    await slow.query(`BEGIN; ${insert}`);
    await addEvents(db, 7);
    expect(await db.app.query(insert).then(() => 'inserted', () => 'there already')).toBe('there already');
    for (let round = 0; round < 3; round += 1) {
      await addEvents(db, 5);
      await hourly.absorbed();
    }
    await slow.query('COMMIT');
    expect((await hourly.absorbed()).summary).toMatchObject({ rowsRead: 1 });
    expect(await wrongRows(db)).toBe(0);
    await settle(db, hourly);
    expect(await gapCount(db)).toBe(0);
  });

  it('are not known to be drawn where the worker may not read the sequence: what comes below such an id, repair finds', async () => {
    const db = await eventsAndSummary();
    await db.app.query('ALTER TABLE public.events ALTER id SET GENERATED BY DEFAULT');
    const hourly = await Absorber.of(db);
    await hourly.absorbed();
    await db.app.query('UPDATE public.events SET id = 130 WHERE id = 40');
    await hourly.absorbed();
    await settle(db, hourly);
    await addEvents(db, 7);
    await hourly.absorbed();
    expect(await wrongRows(db)).toBeGreaterThan(0);
    await hourly.absorbed({ repairEveryMs: 0 });
    expect(await wrongRows(db)).toBe(0);
  });
});
