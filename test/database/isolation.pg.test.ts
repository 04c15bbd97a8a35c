import { expect, it, onTestFinished } from 'vitest';
import { Database, type TransactionLimits } from '../../src/database/database.js';
import { freshDatabase } from '../worker/scene.js';

const count = 'SELECT count(*)::pg_catalog.int4 AS n FROM public.orders';

it.each<[TransactionLimits['isolation'], readonly number[]]>([
  [undefined, [0, 1]],
  ['read committed', [0, 1]],
  ['repeatable read', [0, 0]],
])('isolation %s sees, before and after a commit elsewhere, %j rows, whatever the role\'s default', async (isolation, seen) => {
  const db = await freshDatabase();
  await db.app.query('CREATE TABLE public.orders (id int)');
  await db.admin.query(`ALTER ROLE ${db.roles.worker} SET default_transaction_isolation = serializable`);
  const database = new Database(db.url('worker'), 1);
  onTestFinished(() => database.close());
  const limits = { ...Database.shortLimits, ...(isolation === undefined ? {} : { isolation }) };
  const counts = await database.transaction('look', async (tx) => {
    const before = await tx.rows<{ n: number }>(count);
    await db.app.query('INSERT INTO public.orders VALUES (1)');
    return [...before, ...await tx.rows<{ n: number }>(count)].map(({ n }) => n);
  }, limits);
  expect(counts).toEqual(seen);
});
