import { describe, expect, it, onTestFinished } from 'vitest';
import { Database } from '../../../src/database/database.js';
import { readSummaryState } from '../../../src/freshen/summary/summary-state.js';
import { readSequence, takeBatch, type Taken } from '../../../src/freshen/summary/take-batch.js';
import type { TestDatabase } from '../../support/database.js';
import { Absorber, addEvents, createSummary, eventsAndSummary, usageDefinition, wrongRows } from './scene.js';

const rows = 5_000;

describe('a batch', () => {
  it('is read once, where no id is missing', async () => {
    const { taken, tuples } = await takeNext(await withNewRows('hourly', usageDefinition));
    expect(taken).toMatchObject({ rows, complete: true, isSparse: false });
    expect(tuples).toBeGreaterThanOrEqual(rows);
    expect(tuples).toBeLessThan(1.1 * rows);
  });

  it('is read twice, where some are', async () => {
    const { taken, tuples } = await takeNext(await withNewRows('hourly', usageDefinition, 'id % 10 = 0'));
    expect(taken).toMatchObject({ rows: 0.9 * rows, complete: true, isSparse: false });
    expect(tuples).toBeLessThan(2.1 * rows);
  });

  it('is counted before it is taken, where its definition passes rows over', async () => {
    const { taken, tuples } = await takeNext(await withNewRows('partly', usageDefinition.replace('public.events', '$& WHERE account_id IS DISTINCT FROM 2')));
    expect(taken).toMatchObject({ rows, complete: true });
    expect(tuples).toBeLessThan(2.1 * rows);
  });

  it('is counted from the second on, where ids are far apart', async () => {
    const db = await withNewRows('hourly', usageDefinition, 'id % 20 <> 0');
    const hourly = await Absorber.of(db);
    await db.worker.query('UPDATE refresh_listener.watermark SET batch = 40');
    // By stretches of 40 ids it would take 125 batches.
    const absorbed = await hourly.absorbed();
    expect(absorbed).toMatchObject({ summary: { rowsRead: rows / 20, rowsBehind: 0 } });
    expect(absorbed.summary?.batches).toBeLessThan(12);
    expect(await wrongRows(db)).toBe(0);
  });

  it('goes on beyond more missing ids than it may take rows', async () => {
    const db = await withNewRows('hourly', usageDefinition, 'id BETWEEN 200 AND 4000');
    const hourly = await Absorber.of(db);
    await db.worker.query('UPDATE refresh_listener.watermark SET batch = 150');
    expect(await hourly.absorbed()).toMatchObject({ summary: { rowsRead: rows - 3_801, rowsBehind: 0 } });
    expect(await wrongRows(db)).toBe(0);
  });
});

/** A summary, filled, and then new rows, of which some are gone before anybody has seen them. */
async function withNewRows(name: string, definition: string, gone = 'false'): Promise<TestDatabase> {
  const db = await eventsAndSummary();
  if (name !== 'hourly') await createSummary(db, name, definition, { bucket: 'bucket' });
  await (await Absorber.of(db, name)).absorbed();
  await addEvents(db, rows);
  await db.app.query(`BEGIN; ALTER TABLE public.events DISABLE TRIGGER USER; DELETE FROM public.events WHERE id > 100 AND ${gone}; ALTER TABLE public.events ENABLE TRIGGER USER; COMMIT`);
  await db.app.query('ANALYZE public.events');
  await db.worker.query('UPDATE refresh_listener.watermark SET batch = 50000');
  return db;
}

/** Takes one batch and rolls it back. @returns what it took, and how many rows and index entries of the source it read */
async function takeNext(db: TestDatabase): Promise<{ readonly taken: Taken; readonly tuples: number }> {
  const database = new Database(db.url('worker'), 1);
  onTestFinished(() => database.close());
  const [{ id } = { id: 0 }] = (await db.worker.query<{ id: number }>('SELECT max(view)::int AS id FROM refresh_listener.summary')).rows;
  return database.transaction('absorb', async (tx) => {
    const state = await readSummaryState(tx, id);
    if (state === undefined) throw new Error('There is no summary.');
    const sequence = await readSequence(tx, state);
    const taken = await takeBatch(tx, id, state, { table: state.name, closedBefore: undefined, endedBefore: undefined, sequence, countsFirst: false });
    const [read] = await tx.rows<{ tuples: number }>(
      `SELECT sum(pg_stat_get_xact_tuples_returned(o))::int AS tuples FROM unnest(ARRAY['public.events'::regclass, 'public.events_pkey']) AS o`);
    return { taken, tuples: read?.tuples ?? 0 };
  }, { lockTimeoutMs: 5_000, statementTimeoutMs: 0, isolation: 'repeatable read' });
}
