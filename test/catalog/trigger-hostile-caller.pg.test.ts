import { beforeAll, describe, expect, it } from 'vitest';
import { TriggerScene } from './trigger-scene.js';

const scene = TriggerScene.here();

/** Everything here cries out when it runs, and says as whom. */
const trap = `
  CREATE SCHEMA evil;
  CREATE FUNCTION evil.cry() RETURNS void LANGUAGE plpgsql AS $$ BEGIN RAISE EXCEPTION 'evil ran as %', current_user; END $$`;

/** Functions that the trigger calls, with exactly the argument types that would win over those of pg_catalog. */
const functions = [
  ['clock_timestamp', '', 'timestamptz'], ['date_part', 'text, timestamptz', 'float8'], ['date_part', 'text, timestamp', 'float8'],
  ['to_regclass', 'text', 'regclass'], ['pg_sequence_last_value', 'regclass', 'int8'], ['current_setting', 'text', 'text'],
  ['left', 'text, int4', 'text'], ['pg_notify', 'text, text', 'void'], ['pg_stat_force_next_flush', '', 'void'],
  ['pg_stat_get_xact_tuples_inserted', 'oid', 'int8'], ['pg_stat_get_xact_tuples_updated', 'oid', 'int8'],
  ['pg_stat_get_xact_tuples_deleted', 'oid', 'int8'], ['pg_current_xact_id', '', 'xid8'], ['int8', 'int4', 'int8'],
  ['float8', 'int8', 'float8'], ['float8', 'int4', 'float8'], ['int4', 'text', 'int4'], ['char', 'text', '"char"'], ['text', '"char"', 'text'],
];
const operators = ['=', '<>', '<', '>', '<=', '>=', '*', '||', '+', '-'];
const operands = ['int8', 'int4', 'float8', 'text', 'oid', '"char"', 'bool', 'name', 'timestamptz'];
const types = ['int8', 'int4', 'float8', 'text', 'regclass', 'xid8', '"char"'];
const tables = ['pg_class', 'change_log', 'pg_sequence'];

async function setTrap(): Promise<void> {
  const { app, roles, admin } = scene.database;
  await app.query(trap);
  await app.query(`GRANT USAGE ON SCHEMA evil TO PUBLIC`);
  const call = 'BEGIN PERFORM evil.cry(); RETURN NULL; END';
  const body = (returns: string): string =>
    `RETURNS ${returns === 'void' ? 'void' : `pg_catalog.${returns}`} LANGUAGE plpgsql AS '${returns === 'void' ? call.replace(' NULL', '') : call}'`;
  for (const [name = '', parameters, returns = 'void'] of functions) await app.query(`CREATE FUNCTION evil."${name}"(${parameters ?? ''}) ${body(returns)}`);
  for (const type of operands) await app.query(`CREATE FUNCTION evil.compare(${type}, ${type}) ${body('bool')}`);
  for (const operator of operators) {
    for (const type of operands) await app.query(`CREATE OPERATOR evil.${operator} (LEFTARG = ${type}, RIGHTARG = ${type}, FUNCTION = evil.compare)`);
  }
  for (const type of types) await app.query(`CREATE DOMAIN evil.${type} AS pg_catalog.${type} CHECK (evil.cry() IS NULL)`);
  for (const table of tables) {
    await app.query(`CREATE TABLE evil.${table} (source pg_catalog.int4, operation pg_catalog."char")`);
    await app.query(`CREATE FUNCTION evil.on_${table}() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN PERFORM evil.cry(); RETURN NULL; END'`);
    await app.query(`CREATE TRIGGER cry BEFORE INSERT ON evil.${table} EXECUTE FUNCTION evil.on_${table}()`);
  }
  // The owner of the triggers can reach the trap: only what the function names keeps it out.
  await admin.query(`GRANT ALL ON ALL TABLES IN SCHEMA evil TO ${roles.worker}`);
}

beforeAll(setTrap);

describe('a writer with a search_path of evil, pg_catalog', () => {
  it('cannot have its code run by the trigger', async () => {
    const source = await scene.table();
    // Both registers are set, so that their values are compared.
    await scene.setRegister('log', source, { inMs: 60_000 });
    await scene.setRegister('hold', source, { inMs: -1 });
    const writer = await scene.writer('app', 'SET search_path = evil, pg_catalog');
    await writer.query(`INSERT INTO ${source.name} VALUES (3, 3)`);
    await writer.query(`UPDATE ${source.name} SET amount = 0`);
    await writer.query(`DELETE FROM ${source.name} WHERE false`);
    await writer.query(`DELETE FROM ${source.name}`);
    await writer.query(`TRUNCATE ${source.name}`);
    expect(await scene.operations(source)).toBe('IUDT');
    expect(await scene.rings(source)).toBe(4);
  });

  it.each([
    ['an operator', `IF pg_catalog.clock_timestamp() > pg_catalog.now() THEN NULL; END IF;`],
    ['a function', `PERFORM date_part('epoch', pg_catalog.clock_timestamp());`],
    ['a type', `PERFORM 1::int8;`],
    ['a table', `INSERT INTO change_log (source, operation) VALUES (1, 'I');`],
  ])('would have it run by a trigger function that names %s without its schema: the trap works', async (_, statement) => {
    const { app, worker, roles } = scene.database;
    await app.query(`DROP TABLE IF EXISTS public.trapped; CREATE TABLE public.trapped (id int)`);
    await worker.query(`
      CREATE OR REPLACE FUNCTION public.careless() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER AS $$ BEGIN ${statement} RETURN NULL; END $$;
      CREATE TRIGGER careless AFTER INSERT ON public.trapped EXECUTE FUNCTION public.careless()`);
    const writer = await scene.writer('app', 'SET search_path = evil, pg_catalog');
    await expect(writer.query('INSERT INTO public.trapped VALUES (1)')).rejects.toThrow(`evil ran as ${roles.worker}`);
  });
});
