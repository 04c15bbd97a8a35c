import pg from 'pg';
import { describe, expect, it, onTestFinished } from 'vitest';
import type { TestDatabase } from '../support/database.js';
import { startWorker, type TestWorker } from '../support/test-worker.js';
import { atRest, createOrders, createTable, freshDatabase, sourceId, valueOf } from './scene.js';

/** A worker at rest, and a role without any privilege. */
async function scene(): Promise<{ db: TestDatabase; served: TestWorker; stranger: pg.Client }> {
  const db = await freshDatabase();
  await createOrders(db);
  const role = `${db.name}_stranger`;
  await db.admin.query(`CREATE ROLE ${role} LOGIN PASSWORD 'stranger'`);
  onTestFinished(async () => {
    await db.admin.query(`DROP ROLE ${role}`);
  });
  const served = await startWorker(db.url('worker'), ['mv_orders']);
  await served.events.next('refresh.done');
  await atRest(db);
  const url = Object.assign(new URL(db.url('app')), { username: role, password: 'stranger' });
  const stranger = new pg.Client(url.href);
  await stranger.connect();
  onTestFinished(() => stranger.end());
  return { db, served, stranger };
}

/** A change arrives, and nothing else was absorbed since `from`. Rings are heard in order: those before it have been dealt with. */
async function expectOneChange(db: TestDatabase, { events }: TestWorker, from: number): Promise<void> {
  await db.app.query('INSERT INTO public.orders (n) VALUES (1)');
  expect(await events.next('refresh.done', () => true, from)).toMatchObject({ reason: 'change', inserted: 1 });
  expect(events.all.slice(from).map(({ event }) => event)).toEqual(['refresh.done']);
  expect(events.complaints).toEqual([]);
  expect(await valueOf(db.worker, 'SELECT count(*)::int FROM refresh_listener.run')).toBe(2);
}

describe('notifications that are no rings', () => {
  it('of every odd kind are ignored', async () => {
    const { db, served, stranger } = await scene();
    await createTable(db, 'unserved');
    const id = await sourceId(db, 'orders');
    const from = served.events.mark;
    const payloads = [
      '', 'hello', 'NaN', 'null', '0', '-1', '1e3', '0x1', `${id}.0`, ` ${id}`, `${id} `, `${id}\n`, `0${id}`, `+${id}`, '٣',
      '99999', '2147483648', '9223372036854775807', '1'.repeat(7_999), 'x'.repeat(7_999),
      `${id}; DROP TABLE public.orders`, `'; DROP TABLE public.orders; --`, '{"source":1}', 'canary:', '__proto__', 'constructor',
    ];
    for (const payload of payloads) await stranger.query("SELECT pg_notify('refresh_listener', $1)", [payload]);
    await expectOneChange(db, served, from);
  });

  it('in a flood of 20,000 by a role without privileges do not keep a change from arriving', async () => {
    const { db, served, stranger } = await scene();
    const from = served.events.mark;
    await stranger.query("SELECT pg_notify('refresh_listener', 'flood ' || i) FROM generate_series(1, 20000) AS i");
    await expectOneChange(db, served, from);
  });

  it('with the id of a served source cause a look and no refresh', async () => {
    const { db, served, stranger } = await scene();
    const id = await sourceId(db, 'orders');
    const from = served.events.mark;
    for (let ring = 0; ring < 500; ring += 1) await stranger.query("SELECT pg_notify('refresh_listener', $1)", [String(id)]);
    await expectOneChange(db, served, from);
  });
});
