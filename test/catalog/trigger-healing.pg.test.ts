import { describe, expect, it } from 'vitest';
import type { TestDatabase } from '../support/database.js';
import { inOwnSession, ownDatabase, quiet, startServing, sweeping, sweeps, valueOf } from './worker-scene.js';

const count = 'SELECT n FROM public.mv';

async function countedOrders(owner: 'app' | 'worker'): Promise<TestDatabase> {
  const db = await ownDatabase();
  await db[owner].query('CREATE TABLE public.orders (id int)');
  await db.admin.query('GRANT ALL ON public.orders TO PUBLIC');
  await db.worker.query('CREATE MATERIALIZED VIEW public.mv AS SELECT count(*)::int AS n FROM public.orders');
  return db;
}
const write = 'INSERT INTO public.orders VALUES (1)';

/** What the owner of a table may do to our trigger. */
const damages = [
  ['dropped', 'missing', 'DROP TRIGGER refresh_listener ON public.orders'],
  ['disabled', 'disabled', 'ALTER TABLE public.orders DISABLE TRIGGER refresh_listener'],
  ['disabled with all others', 'disabled', 'ALTER TABLE public.orders DISABLE TRIGGER USER'],
  ['set to ENABLE REPLICA', 'disabled', 'ALTER TABLE public.orders ENABLE REPLICA TRIGGER refresh_listener'],
] as const;

/** What only somebody with rights on our function can do: an administrator. */
const byAdmin = [
  ['fires for some operations', `
    CREATE OR REPLACE TRIGGER refresh_listener AFTER DELETE ON public.orders EXECUTE FUNCTION refresh_listener.record_change('1')`],
  ['fires for one column', `
    CREATE OR REPLACE TRIGGER refresh_listener AFTER INSERT OR UPDATE OF id OR DELETE OR TRUNCATE ON public.orders EXECUTE FUNCTION refresh_listener.record_change('1')`],
  ['has a condition', `
    CREATE OR REPLACE TRIGGER refresh_listener AFTER INSERT OR UPDATE OR DELETE OR TRUNCATE ON public.orders WHEN (false) EXECUTE FUNCTION refresh_listener.record_change('1')`],
  ['speaks for another source', `
    CREATE OR REPLACE TRIGGER refresh_listener AFTER INSERT OR UPDATE OR DELETE OR TRUNCATE ON public.orders EXECUTE FUNCTION refresh_listener.record_change('12')`],
] as const;

async function expectHealing(db: TestDatabase, damage: string, by: 'app' | 'worker' | 'admin', state: string): Promise<void> {
  const worker = await startServing(db, ['mv'], sweeping);
  const from = worker.events.mark;
  await inOwnSession(db, by, `BEGIN; ${damage}; ${write}; COMMIT`);
  expect(await worker.events.next('trigger.healed', () => true, from)).toMatchObject({ source: 'public.orders', state });
  expect(await worker.events.next('sweep.done', (done) => done.healed > 0, from)).toMatchObject({ healed: 1 });
  await worker.events.next('refresh.done', () => true, from);
  expect(await valueOf(db, count)).toBe(1);
  // It records again, and the sweep is content with it.
  const later = worker.events.mark;
  await db.app.query(write);
  expect(await worker.events.next('refresh.done', () => true, later)).toMatchObject({ sources: ['public.orders'] });
  expect(await sweeps(worker)).toMatchObject([quiet, quiet]);
  expect(await valueOf(db, count)).toBe(2);
  expect(worker.events.of('trigger.healed')).toHaveLength(1);
}

describe.each(['app', 'worker'] as const)('the trigger on a table of the %s', (owner) => {
  it.each(damages)('%s, while rows were written: healed as "%s", counted, absorbed', async (_, state, damage) => {
    await expectHealing(await countedOrders(owner), damage, owner, state);
  });
});

describe('a trigger that an administrator has altered', () => {
  it.each(byAdmin)('%s', async (_, damage) => {
    await expectHealing(await countedOrders('app'), damage, 'admin', 'altered');
  });
});

describe('a trigger of the same name that is not ours', () => {
  it('is left alone and told of, and the sweep finds the changes', async () => {
    const db = await countedOrders('app');
    const worker = await startServing(db, ['mv'], sweeping);
    const from = worker.events.mark;
    await inOwnSession(db, 'app', `
      CREATE FUNCTION public.nothing() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NULL; END';
      CREATE OR REPLACE TRIGGER refresh_listener AFTER INSERT ON public.orders EXECUTE FUNCTION public.nothing()`, write);
    await worker.events.next('refresh.done', () => true, from);
    expect(await valueOf(db, count)).toBe(1);
    await sweeps(worker);
    expect(worker.events.complaints.join()).toContain('public.orders has a trigger named refresh_listener that is not ours');
    expect(await valueOf(db, "SELECT tgfoid::regprocedure::text FROM pg_catalog.pg_trigger WHERE tgname = 'refresh_listener'")).toContain('nothing()');
  });
});

describe('a trigger that was disabled and enabled again, with writes between', () => {
  const window = `BEGIN; ALTER TABLE public.orders DISABLE TRIGGER refresh_listener; ${write}; ALTER TABLE public.orders ENABLE TRIGGER refresh_listener; COMMIT`;

  it('is proof of the window where the worker owns the table: the state is not ALWAYS', async () => {
    const db = await countedOrders('worker');
    const worker = await startServing(db, ['mv'], sweeping);
    const from = worker.events.mark;
    await inOwnSession(db, 'worker', window);
    expect(await worker.events.next('trigger.healed', () => true, from)).toMatchObject({ state: 'disabled' });
    await worker.events.next('refresh.done', () => true, from);
    expect(await valueOf(db, count)).toBe(1);
  });

  it('leaves no trace elsewhere but the row counters', async () => {
    const db = await countedOrders('app');
    const worker = await startServing(db, ['mv'], sweeping);
    const from = worker.events.mark;
    await inOwnSession(db, 'app', window);
    expect(await worker.events.next('change.unseen', () => true, from)).toMatchObject({ source: 'public.orders', because: 'counters' });
    await worker.events.next('refresh.done', () => true, from);
    expect(await valueOf(db, count)).toBe(1);
    expect(worker.events.of('trigger.healed')).toEqual([]);
  });
});

describe('a table of the worker', () => {
  it('has the trigger fire always, under session_replication_role = replica too', async () => {
    const db = await countedOrders('worker');
    const worker = await startServing(db, ['mv']);
    expect(await valueOf(db, "SELECT tgenabled FROM pg_catalog.pg_trigger WHERE tgname = 'refresh_listener'")).toBe('A');
    const from = worker.events.mark;
    await inOwnSession(db, 'admin', 'SET session_replication_role = replica', write);
    expect(await worker.events.next('refresh.done', () => true, from)).toMatchObject({ reason: 'change', sources: ['public.orders'] });
    expect(await valueOf(db, count)).toBe(1);
  });
});
