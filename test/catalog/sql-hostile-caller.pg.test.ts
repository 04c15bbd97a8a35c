import { describe, expect, it } from 'vitest';
import type pg from 'pg';
import type { TestDatabase } from '../support/database.js';
import { valueOf } from '../worker/scene.js';
import { callRefresh, createCaller, leftAlone, refreshSql, rowsShown, sessionOf } from './sql-scene.js';

const insert = 'INSERT INTO public.orders (n) VALUES (100)';
const calls = [
  refreshSql('mv_orders'), refreshSql('mv_orders', ', true'), refreshSql('mv_sum', ', true'),
  `SELECT refresh_listener.is_fresh('public.mv_sum')`, `SELECT refresh_listener.mark_changed('public.orders')`,
];

/** Everything in it cries out when it runs, and says as whom. */
const cry = `CREATE SCHEMA evil; GRANT USAGE ON SCHEMA evil TO PUBLIC;
  CREATE FUNCTION evil.cry() RETURNS void LANGUAGE plpgsql AS $$ BEGIN RAISE EXCEPTION 'evil ran as %', current_user; END $$`;

/** Functions of ours, with the argument types of our calls, that would win over those of pg_catalog. */
const functions = [
  ['clock_timestamp', ''], ['now', ''], ['date_part', 'text, interval'], ['date_part', 'text, timestamptz'], ['concat', 'VARIADIC text[]'],
  ['concat', 'text, text, text'], ['concat', 'xid8, text, xid8, text, text'], ['format', 'text, name, name'], ['string_agg', 'text, text'],
  ['to_regclass', 'text'], ['pg_sequence_last_value', 'regclass'], ['current_setting', 'text'], ['set_config', 'text, text, bool'],
  ['pg_notify', 'text, text'], ['pg_stat_force_next_flush', ''], ['pg_current_snapshot', ''], ['pg_snapshot_xmin', 'pg_snapshot'],
  ['pg_visible_in_snapshot', 'xid8, pg_snapshot'], ['pg_advisory_xact_lock', 'int4, int4'], ['unnest', 'int2[]'], ['count', ''],
  ['min', 'timestamptz'], ['array_agg', 'text'], ['bool_or', 'bool'], ['text', 'pg_snapshot'], ['text', 'xid8'], ['int8', 'int4'],
] as const;
const operators = ['=', '<>', '<', '>', '<=', '>=', '*', '||', '+', '-', '->', '?'];
const operands = ['int8', 'int4', 'float8', 'text', 'oid', '"char"', 'bool', 'name', 'timestamptz', 'interval', 'xid8', 'jsonb'];
const pairs = [...operands.map((type) => [type, type]), ['int8', 'int4'], ['int4', 'int8'], ['text', 'int4'], ['jsonb', 'text'], ['regclass', 'oid'], ['oid', 'regclass']];

async function setTrap(db: TestDatabase): Promise<void> {
  const run = (sql: string): Promise<unknown> => db.app.query(sql);
  await run(cry);
  const body = (returns: string): string => `RETURNS ${returns} LANGUAGE plpgsql AS 'BEGIN PERFORM evil.cry(); RETURN NULL; END'`;
  for (const [name, parameters] of functions) await run(`CREATE FUNCTION evil."${name}"(${parameters}) ${body('text')}`);
  for (const [left, right] of pairs) {
    await run(`CREATE FUNCTION evil.compare(${left}, ${right}) ${body('bool')}`);
    for (const operator of operators) await run(`CREATE OPERATOR evil.${operator} (LEFTARG = ${left}, RIGHTARG = ${right}, FUNCTION = evil.compare)`);
  }
  // The owner can reach the trap: only what our functions name keeps it out.
  await db.admin.query(`GRANT ALL ON ALL TABLES IN SCHEMA evil TO ${db.roles.worker}`);
}

/** Types that our functions name, as temporary domains whose CHECK cries. */
const types = [
  'text', 'int4', 'int8', 'int2', 'bool', 'float8', 'jsonb', 'xid8', 'pg_snapshot', 'timestamptz', 'record', 'regclass', 'oid', 'name',
  '"char"', 'interval',
];
const relations = ['view', 'view_source', 'source', 'change_log', 'run', 'cluster', 'pg_class', 'pg_namespace', 'pg_index', 'pg_am', 'pg_roles',
  'pg_database', 'pg_db_role_setting', 'orders', 'mv_orders'];

async function setTemporaryTrap(client: pg.Client): Promise<void> {
  await client.query(`CREATE FUNCTION pg_temp.cry() RETURNS bool LANGUAGE plpgsql AS $$ BEGIN RAISE EXCEPTION 'evil ran as %', current_user; END $$`);
  for (const type of types) {
    const base = type === 'record' ? 'text' : type;
    await client.query(`CREATE DOMAIN pg_temp.${type} AS pg_catalog.${base} CHECK (pg_temp.cry())`);
  }
  for (const relation of relations) {
    await client.query(`CREATE TEMP VIEW ${relation} AS SELECT pg_temp.cry() AS id, pg_temp.cry() AS oid, pg_temp.cry() AS n`);
    await client.query(`GRANT SELECT ON pg_temp.${relation} TO PUBLIC`);
  }
}

describe('the functions for people', () => {
  it('work for a role that may call them and nothing else, and for nobody who was not told so', async () => {
    const db = await leftAlone();
    const caller = await sessionOf(await createCaller(db));
    await db.app.query(insert);
    expect(await callRefresh(caller, 'mv_orders')).toBe('concurrent');
    expect(await rowsShown(db)).toBe(11);
    for (const sql of calls) await caller.query(sql);
    await expect(caller.query('SELECT FROM public.orders')).rejects.toThrow('permission denied');
    await expect(caller.query('SELECT FROM refresh_listener.view')).rejects.toThrow('permission denied');
    for (const inner of ['fingerprints(ARRAY[1])', 'is_doubtful(1)', `registered_view('public.mv_orders')`]) {
      await expect(caller.query(`SELECT refresh_listener.${inner}`)).rejects.toThrow('permission denied for function');
    }
    const { rows } = await db.admin.query<{ name: string }>(`SELECT p.proname AS name FROM pg_proc AS p
      WHERE p.pronamespace = 'refresh_listener'::regnamespace AND has_function_privilege('public', p.oid, 'EXECUTE')`);
    expect(rows).toEqual([]);
    for (const sql of calls) await expect(db.app.query(sql)).rejects.toThrow('permission denied for schema refresh_listener');
  });

  it('name pg_temp last, every one that runs as its owner', async () => {
    const db = await leftAlone();
    const { rows } = await db.admin.query<{ name: string; path: string | null }>(`
      SELECT p.proname AS name, (SELECT c FROM unnest(p.proconfig) AS c WHERE c LIKE 'search_path=%') AS path FROM pg_proc AS p
      WHERE p.pronamespace = 'refresh_listener'::regnamespace AND p.prosecdef AND p.prorettype <> 'trigger'::regtype ORDER BY 1`);
    expect(rows).toEqual(['is_fresh', 'mark_changed', 'refresh'].map((name) => ({ name, path: 'search_path=pg_catalog, pg_temp' })));
  });

  it('run none of the code of a caller whose search_path is evil, pg_catalog', async () => {
    const db = await leftAlone();
    await setTrap(db);
    const caller = await sessionOf(await createCaller(db), 'SET search_path = evil, pg_catalog');
    await expect(caller.query('SELECT clock_timestamp()')).rejects.toThrow('evil ran as');
    await db.app.query(insert);
    for (const sql of calls) await caller.query(sql);
    expect(await rowsShown(db)).toBe(11);
  });

  it('run none of the code in the temporary objects of a caller', async () => {
    const db = await leftAlone();
    const url = await createCaller(db);
    await db.admin.query(`GRANT TEMPORARY ON DATABASE ${db.name} TO ${db.name}_caller`);
    const caller = await sessionOf(url);
    await setTemporaryTrap(caller);
    await expect(caller.query(`SELECT 'x'::text`)).rejects.toThrow('evil ran as');
    await expect(caller.query('SELECT * FROM orders')).rejects.toThrow('evil ran as');
    await db.app.query(insert);
    for (const sql of calls) await caller.query(sql);
    expect(await rowsShown(db)).toBe(11);
  });

  it('do not lend the caller a function of the view that looks things up by the search_path', async () => {
    const db = await leftAlone();
    // As careless as functions are; on PostgreSQL 17 and later a refresh sets a search_path of its own.
    await db.worker.query(`CREATE SCHEMA own;
      CREATE TABLE own.rate (n int); INSERT INTO own.rate VALUES (2);
      CREATE FUNCTION own.rate() RETURNS int LANGUAGE plpgsql AS 'BEGIN RETURN (SELECT max(r.n) FROM rate AS r); END'`);
    const role = db.roles.worker;
    await db.worker.query(`ALTER FUNCTION own.rate() SET search_path FROM CURRENT; ALTER FUNCTION own.rate() RESET search_path`);
    await db.admin.query(`ALTER ROLE ${role} IN DATABASE ${db.name} SET search_path = own`);
    const major = Number(await valueOf<string>(db.admin, 'SHOW server_version_num')) / 10_000;
    const owner = await sessionOf(db.url('worker'));
    await owner.query('CREATE MATERIALIZED VIEW public.mv_rated AS SELECT id, own.rate() AS rate FROM public.orders WITH NO DATA');
    await db.worker.query(`INSERT INTO refresh_listener.view (oid, name, served_until) VALUES ('public.mv_rated'::regclass, 'public.mv_rated', now())`);
    const url = await createCaller(db);
    await db.admin.query(`GRANT TEMPORARY ON DATABASE ${db.name} TO ${db.name}_caller`);
    const caller = await sessionOf(url);
    await setTemporaryTrap(caller);
    await caller.query(`CREATE TEMP VIEW rate AS SELECT pg_temp.cry() AS n; GRANT SELECT ON pg_temp.rate TO PUBLIC; SET search_path = pg_temp`);
    if (major < 17) {
      expect(await callRefresh(caller, 'mv_rated')).toBe('plain');
      expect(await valueOf(db.worker, 'SELECT max(rate) FROM public.mv_rated')).toBe(2);
    } else {
      await expect(callRefresh(caller, 'mv_rated')).rejects.toThrow('relation "rate" does not exist');
    }
  });

  it('show what the worker would show, whatever the settings of the caller', async () => {
    const db = await leftAlone();
    await db.admin.query(`ALTER ROLE ${db.roles.worker} SET TimeZone = 'Asia/Tokyo'`);
    const definition = `SELECT '2026-01-01 20:00:00+00'::timestamptz::text AS at, date_trunc('day', '2026-01-01 20:00:00+00'::timestamptz)::text AS day,
      (0.1::float8 + 0.2::float8)::text AS f, '1 day 2 hours'::interval::text AS i, '\\x41'::bytea::text AS b`;
    const owner = await sessionOf(db.url('worker'));
    await owner.query(`CREATE MATERIALIZED VIEW public.mv_local AS ${definition}; INSERT INTO refresh_listener.view (oid, name, served_until)
      VALUES ('public.mv_local'::regclass, 'public.mv_local', now())`);
    const shown = await valueOf<string>(db.admin, 'SELECT v::text FROM public.mv_local AS v');
    expect(shown).toContain('2026-01-02 05:00:00+09');
    const caller = await sessionOf(await createCaller(db), `SET TimeZone = 'America/New_York'; SET DateStyle = 'German'; SET extra_float_digits = -15;
      SET IntervalStyle = 'iso_8601'; SET bytea_output = 'escape'; SET search_path = evil; SET quote_all_identifiers = on; SET row_security = off;
      SET default_transaction_isolation = 'serializable'; SET transform_null_equals = on; SET array_nulls = off; SET standard_conforming_strings = on`);
    expect(await callRefresh(caller, 'mv_local', ', true')).toBe('plain');
    expect(await valueOf<string>(db.admin, 'SELECT v::text FROM public.mv_local AS v')).toBe(shown);
    // And it gives them back.
    expect(await valueOf(caller, `SELECT concat_ws(' ', current_setting('TimeZone'), current_setting('search_path'), current_setting('bytea_output'))`)).toBe('America/New_York evil escape');
  });

  it('obey a time limit of the caller, and leave nothing behind then', async () => {
    const db = await leftAlone();
    await sessionOf(db.url('worker'), 'BEGIN', refreshSql('mv_orders', ', true'));
    const caller = await sessionOf(await createCaller(db), `SET statement_timeout = '100ms'`);
    await expect(callRefresh(caller, 'mv_orders')).rejects.toMatchObject({ code: '57014' });
    await caller.query(`SET statement_timeout = 0; SET lock_timeout = '100ms'`);
    await expect(callRefresh(caller, 'mv_orders')).rejects.toMatchObject({ code: '55P03' });
  });
});
