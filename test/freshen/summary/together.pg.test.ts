import { describe, expect, it } from 'vitest';
import { strikeAt, type AbsorbPoint } from '../../history/absorb-points.js';
import { connect, valueOf } from '../../worker/scene.js';
import { Absorber, addEvents, eventsAndSummary, wrongRows } from './scene.js';

const inMerge: AbsorbPoint = { name: 'in the merge', lock: 'LOCK TABLE public.hourly IN SHARE MODE' };
const atWatermark: AbsorbPoint = { name: 'before it moves the watermark', lock: 'LOCK TABLE refresh_listener.watermark IN SHARE MODE' };

/** So that each absorb takes one batch. */
const oneBatch = { signal: AbortSignal.abort() };

describe('two absorbs at once', () => {
  it.each([inMerge, atWatermark])('count nothing twice: while one waits $name, the other is told so', async (point) => {
    const db = await eventsAndSummary();
    const [one, other] = [await Absorber.of(db), await Absorber.of(db)];
    await one.absorbed();
    await addEvents(db, 20);
    let first: Promise<unknown> = Promise.resolve();
    const struck = await strikeAt(db, point, 5_000, async () => {
      expect(await other.absorb()).toEqual({ outcome: 'locked' });
    }, () => {
      first = one.absorbed();
    });
    expect(struck).toBe(true);
    expect(await first).toMatchObject({ summary: { rowsRead: 20 } });
    expect(await other.absorb()).toEqual({ outcome: 'fresh' });
    expect(await wrongRows(db)).toBe(0);
  });

  it('count nothing twice: one whose snapshot is older than the other\'s commit starts over', async () => {
    const db = await eventsAndSummary();
    const [one, other] = [await Absorber.of(db), await Absorber.of(db)];
    await one.absorbed();
    await addEvents(db, 20);
    // It has taken its snapshot, and has not got to the view's row.
    let late: Promise<unknown> = Promise.resolve();
    await strikeAt(db, { name: 'at the row', lock: 'SELECT FROM refresh_listener.view FOR UPDATE' }, 5_000, async () => {
      // As if it had got the advisory lock at the very moment the other let go of it.
      await db.admin.query('UPDATE refresh_listener.watermark SET last_id = last_id');
    }, () => {
      late = one.absorb().catch((error: unknown) => error);
    });
    expect(await late).toMatchObject({ name: 'CursorMoved' });
    expect(await other.absorbed()).toMatchObject({ summary: { rowsRead: 20 } });
    expect(await wrongRows(db)).toBe(0);
  });

  it('count nothing twice, however they race, in small batches, with repairs between them and writers beside', { timeout: 60_000 }, async () => {
    const db = await eventsAndSummary();
    await db.worker.query(`
      CREATE FUNCTION public.few_rows() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN NEW.batch := 7; RETURN NEW; END';
      CREATE TRIGGER few_rows BEFORE UPDATE ON refresh_listener.watermark FOR EACH ROW EXECUTE FUNCTION public.few_rows()`);
    const absorbers = [await Absorber.of(db), await Absorber.of(db), await Absorber.of(db)];
    const outcomes: Record<string, number> = {};
    let writing = true;
    const absorbing = absorbers.map(async (absorber, index) => {
      while (writing) {
        const outcome = await absorber.absorb(index === 0 ? { repairEveryMs: 0 } : oneBatch).then((done) => done.outcome, (error: unknown) => (error as Error).name);
        outcomes[outcome] = (outcomes[outcome] ?? 0) + 1;
      }
    });
    const writers = Array.from({ length: 4 }, async (_, writer) => {
      const session = await connect(db.app);
      for (let turn = 0; turn < 40; turn += 1) {
        await session.query('BEGIN');
        await session.query(`INSERT INTO public.events (occurred_at, account_id, bytes) SELECT now(), i % 3, i FROM generate_series(1, ${1 + (turn % 9)}) AS i`);
        await session.query((turn + writer) % 7 === 0 ? 'ROLLBACK' : 'COMMIT');
      }
    });
    await Promise.all(writers);
    writing = false;
    await Promise.all(absorbing);
    while ((await absorbers[1]?.absorb())?.outcome === 'absorbed');
    expect(await wrongRows(db)).toBe(0);
    expect(Object.keys(outcomes).filter((outcome) => !['absorbed', 'locked', 'fresh', 'CursorMoved'].includes(outcome))).toEqual([]);
    expect(outcomes.absorbed).toBeGreaterThan(0);
    expect((outcomes.locked ?? 0) + (outcomes.CursorMoved ?? 0)).toBeGreaterThan(0);
  });

  it('a repair counts just what the watermark has: a row that commits beside it comes once', async () => {
    const db = await eventsAndSummary();
    const hourly = await Absorber.of(db);
    await hourly.absorbed();
    const slow = await connect(db.app);
    await slow.query(`BEGIN; INSERT INTO public.events (occurred_at, account_id, bytes) VALUES (now(), 1, 11)`);
    await addEvents(db, 10);
    await db.app.query('UPDATE public.events SET bytes = 4 WHERE id % 3 = 0');
    let repairing: Promise<unknown> = Promise.resolve();
    const wasStruck = await strikeAt(db, inMerge, 5_000, async () => {
      await slow.query('COMMIT'); // after its snapshot, before the repair reads
    }, () => {
      repairing = hourly.absorbed();
    });
    expect(wasStruck).toBe(true);
    expect(await repairing).toMatchObject({ plan: 'rebuild', summary: { rowsRead: 10 } });
    expect(await valueOf(db.worker, 'SELECT count(*)::int FROM refresh_listener.gap')).toBe(1);
    expect(await hourly.absorbed()).toMatchObject({ plan: 'merge', summary: { rowsRead: 1 } });
    expect(await wrongRows(db)).toBe(0);
  });
});
