import { expect, it, onTestFinished } from 'vitest';
import { readServerFacts } from '../../src/catalog/server.js';
import { Database, type Transaction } from '../../src/database/database.js';
import { verify } from '../../src/freshen/verify.js';
import { callRefresh, leftAlone } from '../catalog/sql-scene.js';
import { valueOf } from '../worker/scene.js';

/** Tells when a transaction has ended. */
class ToldDatabase extends Database {
  ended: () => void = () => undefined;

  override async transaction<T>(...args: Parameters<Database['transaction']>): Promise<T> {
    const [lane, work, limits] = args;
    try {
      return await super.transaction(lane, work as (tx: Transaction) => Promise<T>, limits);
    } finally {
      this.ended();
    }
  }
}

it('waits until a view is fresh, and compares it then', { timeout: 90_000 }, async () => {
  const db = await leftAlone();
  await db.app.query('INSERT INTO public.orders (n) VALUES (100)');
  const database = new ToldDatabase(db.url('worker'), 1);
  onTestFinished(() => database.close());
  const facts = await readServerFacts(database);
  const oid = await valueOf<number>(db.worker, "SELECT 'public.mv_orders'::regclass::oid");
  const looked = new Promise<void>((resolve) => (database.ended = resolve));
  const found = verify(database, { oid, name: 'public.mv_orders', kind: 'matview' }, facts, { lockTimeoutMs: 5_000, statementTimeoutMs: 0, maxRows: 20, waitMs: 80_000 });
  await looked;
  await callRefresh(db.worker, 'mv_orders');
  expect(await found).toMatchObject({ verdict: 'same', held: 11, because: [] });
});
