import pg from 'pg';
import { expect, it, onTestFinished } from 'vitest';
import type { TestDatabase } from '../support/database.js';
import { listener } from '../support/hand-command.js';
import { startWorker } from '../support/test-worker.js';
import { createOrders, freshDatabase, valueOf } from './scene.js';

/**
 * A schema in which everybody may create, with a function for each of PostgreSQL's own and an operator for each of its
 * operators, of the same argument types: what names one without its schema, behind `evil, pg_catalog`, runs this one.
 */
const trap = `
  CREATE SCHEMA evil; GRANT ALL ON SCHEMA evil TO PUBLIC;
  CREATE FUNCTION evil.cry() RETURNS int LANGUAGE plpgsql AS $$ BEGIN RAISE EXCEPTION 'evil ran as %', current_user; END $$;
  DO $do$
  DECLARE
    twin record;
    body constant text := 'LANGUAGE plpgsql AS $$ BEGIN PERFORM evil.cry(); RETURN NULL; END $$';
  BEGIN
    FOR twin IN
      SELECT p.proname, pg_catalog.oidvectortypes(p.proargtypes) AS arguments, p.prorettype::regtype AS result
      FROM pg_proc AS p JOIN pg_type AS r ON r.oid = p.prorettype
      WHERE p.pronamespace = 'pg_catalog'::regnamespace AND p.prokind = 'f' AND NOT p.proretset AND p.provariadic = 0
        AND r.typtype <> 'p' AND NOT EXISTS (SELECT FROM unnest(p.proargtypes) AS a JOIN pg_type AS t ON t.oid = a WHERE t.typtype = 'p')
        AND p.proname !~ '(in|out|recv|send|typmodin|typmodout)$'
    LOOP
      EXECUTE format('CREATE FUNCTION evil.%I(%s) RETURNS %s ', twin.proname, twin.arguments, twin.result) || body;
    END LOOP;
    FOR twin IN
      SELECT o.oprname, o.oprleft::regtype AS lefts, o.oprright::regtype AS rights, count(*) OVER (PARTITION BY o.oprleft, o.oprright ORDER BY o.oid) AS number
      FROM pg_operator AS o JOIN pg_type AS l ON l.oid = o.oprleft JOIN pg_type AS r ON r.oid = o.oprright
      WHERE o.oprnamespace = 'pg_catalog'::regnamespace AND o.oprkind = 'b' AND o.oprresult = 'bool'::regtype AND l.typtype <> 'p' AND r.typtype <> 'p'
    LOOP
      IF twin.number = 1 THEN EXECUTE format('CREATE FUNCTION evil.compare(%s, %s) RETURNS bool ', twin.lefts, twin.rights) || body; END IF;
      EXECUTE format('CREATE OPERATOR evil.%s (LEFTARG = %s, RIGHTARG = %s, FUNCTION = evil.compare)', twin.oprname, twin.lefts, twin.rights);
    END LOOP;
  END $do$;
  CREATE VIEW evil.pg_class AS SELECT evil.cry(); CREATE VIEW evil.pg_namespace AS SELECT evil.cry(); CREATE VIEW evil.pg_trigger AS SELECT evil.cry();
  CREATE VIEW evil.pg_locks AS SELECT evil.cry(); CREATE VIEW evil.view AS SELECT evil.cry(); CREATE VIEW evil.migration AS SELECT evil.cry();
  GRANT ALL ON ALL TABLES IN SCHEMA evil TO PUBLIC`;

/** A shop whose roles meet the trap wherever they do not say what they mean. */
async function trappedShop(): Promise<TestDatabase> {
  const db = await freshDatabase();
  await createOrders(db);
  await db.admin.query(trap);
  for (const role of [db.roles.worker, db.roles.app]) await db.admin.query(`ALTER ROLE ${role} IN DATABASE ${db.name} SET search_path = evil, pg_catalog`);
  return db;
}

/** A new session of the role falls into it. */
async function expectTrapped(db: TestDatabase): Promise<void> {
  await db.worker.query('SET search_path = evil, pg_catalog');
  await expect(db.worker.query("SELECT upper('x'::text)")).rejects.toThrow(`evil ran as ${db.roles.worker}`);
  await expect(db.worker.query('SELECT 1::int4 = 1::int4')).rejects.toThrow('evil ran as');
}

it('a worker whose role has a schema of others before pg_catalog on its search_path runs none of their code', async () => {
  const db = await trappedShop();
  await expectTrapped(db);
  const { events, worker } = await startWorker(db.url('worker'), ['public.mv_orders'], { sweepMs: 300 });
  await events.next('refresh.done');
  const from = events.mark;
  await db.admin.query('INSERT INTO public.orders (n) VALUES (1)');
  expect(await events.next('refresh.done', ({ inserted }) => inserted === 1, from)).toMatchObject({ plan: 'concurrent' });
  await events.next('sweep.done', () => events.of('sweep.done', from).length > 1, from);
  await worker.stop({ force: false });
  expect(events.of('refresh.failed')).toEqual([]);
  expect(events.of('database.lost')).toEqual([]);
  expect(events.complaints).toEqual([]);
  expect(await valueOf(db.admin, 'SELECT count(*)::int FROM public.mv_orders')).toBe(11);
});

it('nor do the commands, nor the SQL that they print for a migration', { timeout: 120_000 }, async () => {
  const db = await trappedShop();
  const url = db.url('worker');
  const ok = async (...args: readonly string[]): Promise<string> => {
    const { status, stdout, stderr } = await listener(url, args);
    expect({ args, status, stderr }).toEqual({ args, status: 0, stderr: '' });
    expect(stdout).not.toContain('evil');
    return stdout;
  };
  const printed = await ok('install', '--views', 'public.mv_orders', '--print', '--role', db.roles.app);
  await ok('install', '--views', 'public.mv_orders');
  await ok('refresh', 'public.mv_orders', '--force');
  await ok('status', 'public.mv_orders');
  await ok('explain', 'public.mv_orders');
  await ok('verify', 'public.mv_orders');
  await ok('pause', 'public.mv_orders');
  await ok('resume', 'public.mv_orders');
  expect((await listener(url, ['doctor', '--views', 'public.mv_orders', '--json'])).stderr).toBe('');
  await ok('uninstall', '--yes');

  const owner = new pg.Client(url);
  await owner.connect();
  onTestFinished(() => owner.end());
  for (const [before, after] of [['BEGIN;', 'COMMIT'], ['', '']]) { // in one transaction, and again without
    await owner.query(`${String(before)} ${printed}; ${String(after)}`);
    expect((await owner.query<{ search_path: string }>('SHOW search_path')).rows).toEqual([{ search_path: 'evil, pg_catalog' }]);
  }
  await db.admin.query('INSERT INTO public.orders (n) VALUES (1)');
  expect(await valueOf(db.admin, "SELECT count(*)::int FROM refresh_listener.change_log WHERE operation = 'I'")).toBe(1);
  await ok('uninstall', '--yes');
});
