import { readFileSync } from 'node:fs';
import pg from 'pg';
import { describe, expect, inject, it, onTestFinished } from 'vitest';
import { functionGrants, tableGrants } from '../../src/catalog/worker-grants.js';
import { maintainVersionNumber } from '../../src/catalog/server.js';
import { listener } from '../support/hand-command.js';
import { createDatabase } from '../support/database.js';
import { startWorker } from '../support/test-worker.js';
import { spawnWorker } from '../support/worker-process.js';

const page = readFileSync(new URL('../../docs/least-privilege.md', import.meta.url), 'utf8');

/** The SQL of the page with the remark that says who runs it, and its command lines. */
const blocks = [...page.matchAll(/^```sql\n(-- As (.*?)\n.*?)^```$/gms)].map(([, sql = '', who = '']) => ({ sql, who }));
const calls = page.split('\n').filter((line) => line.startsWith('    ')).map((line) => line.trim());

type Row = Record<string, unknown>;
type Role = 'admin' | 'shop_owner' | 'shop_app' | 'listener';

interface Shop {
  /** Whether the server has the privilege MAINTAIN. */
  readonly hasMaintain: boolean;
  /** The page's names as they are here: databases and roles are the server's, which other tests use, too. */
  readonly here: (text: string) => string;
  readonly url: (role: Role) => string;
  /** Runs SQL with the page's names. */
  readonly query: (role: Role, sql: string) => Promise<Row[]>;
}

/** The database of the page, with an application in it, and all that the page says done. */
async function shop(): Promise<Shop> {
  const db = await createDatabase();
  const here = (text: string): string => text.replace(/\b(shop_owner|shop_app|listener|shop)\b/g, (name) => (name === 'shop' ? db.name : `${db.name}_${name}`));
  const roles = ['shop_owner', 'shop_app', 'listener'] as const;
  onTestFinished(async () => { // the last to be called: they can go once nothing is theirs any more
    const admin = new pg.Client(inject('adminUrl'));
    await admin.connect();
    for (const role of roles) await admin.query(`DROP ROLE IF EXISTS ${here(role)}`);
    await admin.end();
  });
  onTestFinished(() => db.drop());
  const url = (role: Role): string => (role === 'admin' ? db.url('admin') : Object.assign(new URL(db.url('admin')), { username: here(role), password: 'test' }).href);
  const run: Shop['query'] = async (role, sql) => {
    const client = new pg.Client(url(role));
    await client.connect();
    try {
      // Of several statements there are several results.
      const result = (await client.query<Row>(sql)) as pg.QueryResult<Row> | pg.QueryResult<Row>[];
      return Array.isArray(result) ? [] : result.rows;
    } finally {
      await client.end();
    }
  };
  const query: Shop['query'] = (role, sql) => run(role, here(sql));
  const [server] = await query('admin', `SELECT pg_catalog.current_setting('server_version_num')::int >= ${maintainVersionNumber} AS maintain`);
  const hasMaintain = server?.maintain === true;
  const runBlock = async (who: RegExp, role: Role): Promise<void> => {
    const found = blocks.filter((block) => who.test(block.who));
    expect(found).toHaveLength(1);
    await query(role, found[0]?.sql ?? '');
  };

  await runBlock(/^an administrator, once\. /, 'admin');
  for (const role of roles) await query('admin', `ALTER ROLE ${role} PASSWORD 'test'`);
  await query('shop_owner', `
    CREATE TABLE orders (id int PRIMARY KEY, customer int, amount int); CREATE TABLE customers (id int PRIMARY KEY, name text);
    CREATE TABLE payroll (name text, salary int);
    CREATE MATERIALIZED VIEW mv_dashboard AS SELECT c.id, sum(o.amount)::int AS amount FROM orders AS o JOIN customers AS c ON c.id = o.customer GROUP BY 1;
    CREATE UNIQUE INDEX ON mv_dashboard (id);
    GRANT SELECT, INSERT, UPDATE, DELETE ON orders, customers TO shop_app; GRANT SELECT ON mv_dashboard TO shop_app`);
  if (!hasMaintain) {
    await runBlock(/^an administrator, once, on 15 and 16\.$/, 'admin');
    await runBlock(/^shop_owner, on 15 and 16,/, 'shop_owner');
  }
  const install = calls.find((line) => line.startsWith('listener install'));
  const [program, ...words] = here(install ?? '').replace(/ > refresh_listener\.sql$/, '').split(' ');
  expect(program).toBe(here('listener'));
  const printed = await listener(url('shop_owner'), words);
  expect(printed).toMatchObject({ status: 0, stderr: '' });
  await run('shop_owner', `BEGIN; ${printed.stdout}; COMMIT`);
  return { hasMaintain, here, url, query };
}

/** What the worker is called with, and what of it the page's last call says. */
const workerCall = calls.find((line) => line.includes('--no-install'))?.split(' listener ')[1]?.split(' ') ?? [];

async function refusals({ query }: Shop, role: Role, statements: readonly string[]): Promise<Record<string, string>> {
  const outcomes: Record<string, string> = {};
  for (const statement of statements) {
    outcomes[statement] = await query(role, statement).then(() => 'done', (error: unknown) => String((error as { code?: string }).code));
  }
  return outcomes;
}

const refused = (statements: readonly string[]): Record<string, string> => Object.fromEntries(statements.map((statement) => [statement, '42501']));

/** Beyond what every role has. */
const privilegesQuery = `
  SELECT g.object, pg_catalog.string_agg(g.privilege, ', ' ORDER BY g.privilege) AS privileges
  FROM (SELECT c.oid::regclass::text AS object, a.privilege_type AS privilege, a.grantee, c.relowner AS owner FROM pg_class AS c, pg_catalog.aclexplode(c.relacl) AS a
        UNION ALL SELECT at.attrelid::regclass || '.' || at.attname, a.privilege_type, a.grantee, 0 FROM pg_attribute AS at, pg_catalog.aclexplode(at.attacl) AS a
        UNION ALL SELECT n.nspname, a.privilege_type, a.grantee, n.nspowner FROM pg_namespace AS n, pg_catalog.aclexplode(n.nspacl) AS a
        UNION ALL SELECT p.oid::regprocedure::text, a.privilege_type, a.grantee, p.proowner FROM pg_proc AS p, pg_catalog.aclexplode(p.proacl) AS a
        UNION ALL SELECT d.datname, a.privilege_type, a.grantee, d.datdba FROM pg_database AS d, pg_catalog.aclexplode(d.datacl) AS a
        UNION ALL SELECT 'default privileges', a.privilege_type, a.grantee, 0 FROM pg_default_acl AS d, pg_catalog.aclexplode(d.defaclacl) AS a
        UNION ALL SELECT 'member of ' || m.roleid::regrole, 'member', m.member, 0 FROM pg_auth_members AS m) AS g
  WHERE g.grantee = 'listener'::regrole AND g.owner <> 'listener'::regrole GROUP BY 1`;

// Each of these starts the real command.
describe('the roles of docs/least-privilege.md', { timeout: 120_000 }, () => {
  it('let the worker follow what the application writes, and the application be seen', async () => {
    const { url, query } = await shop();
    expect(workerCall.slice(0, 2)).toEqual(['--views', 'mv_dashboard']);
    const worker = spawnWorker(url('listener'), ['mv_dashboard'], workerCall.slice(2));
    expect(await worker.events.next('ready')).toMatchObject({ wake: 'notify', views: ['public.mv_dashboard'] });
    await worker.events.next('refresh.done');
    const from = worker.events.mark;
    await query('shop_app', "INSERT INTO customers VALUES (1, 'Ann'); INSERT INTO orders VALUES (1, 1, 10)");
    expect(await worker.events.next('refresh.done', ({ inserted }) => inserted === 1, from)).toMatchObject({ reason: 'change', plan: 'concurrent' });
    expect(await query('shop_app', 'SELECT * FROM mv_dashboard')).toEqual([{ id: 1, amount: 10 }]);
    expect(worker.events.of('source.unwatched')).toEqual([]);
    expect(worker.events.of('view.plain')).toEqual([]);
    expect(await worker.terminate()).toBe(0);
    expect(worker.output).toEqual([]);
  });

  it('give the worker exactly what it uses', async () => {
    const { hasMaintain, here, query } = await shop();
    const rows = await query('admin', privilegesQuery);
    const had = new Map(rows.map(({ object, privileges }) => [String(object), String(privileges)]));
    const registers = [...had].filter(([object]) => /^refresh_listener\.(\w+_id_seq|silence|(log|hold)_\d+)$/.test(object));
    for (const [object] of registers) had.delete(object);
    expect(new Set(registers.map(([, privileges]) => privileges))).toEqual(new Set(['SELECT, UPDATE']));
    const ours = Object.entries(tableGrants).map(([table, privileges]) => [`refresh_listener.${table}`, privileges.toSorted().join(', ')]);
    const functions = functionGrants.map((signature) => [`refresh_listener.${signature}`, 'EXECUTE']);
    const application = hasMaintain ? [['mv_dashboard', 'MAINTAIN, SELECT']] : [['orders', 'SELECT'], ['customers', 'SELECT']];
    expect(Object.fromEntries(had)).toEqual(Object.fromEntries([['refresh_listener', 'USAGE'], ...ours, ...functions, ...application]));
    const owned = await query('admin', "SELECT oid::regclass::text AS name FROM pg_class WHERE relowner = 'listener'::regrole AND relkind <> 'i'");
    expect(owned).toEqual(hasMaintain ? [] : [{ name: 'mv_dashboard' }]);
    const others = await query('admin', privilegesQuery.replaceAll("'listener'", "'shop_app'"));
    expect(others.map(({ object }) => String(object)).toSorted()).toEqual(['customers', 'mv_dashboard', 'orders']);
    const [role] = await query('admin', `SELECT rolsuper, rolcreaterole, rolcreatedb, rolbypassrls, rolreplication FROM pg_roles WHERE rolname = '${here('listener')}'`);
    expect(new Set(Object.values(role ?? {}))).toEqual(new Set([false]));
  });

  it('refuse the worker and the application everything else', async () => {
    const made = await shop();
    const ofAll = [
      'SELECT FROM payroll', 'INSERT INTO orders VALUES (9, 9, 9)', 'UPDATE orders SET amount = 0', 'DELETE FROM orders', 'TRUNCATE orders',
      'CREATE TABLE public.mine (n int)', 'CREATE SCHEMA mine', 'CREATE TABLE refresh_listener.mine (n int)', 'CREATE ROLE mine',
      'ALTER TABLE orders DISABLE TRIGGER refresh_listener', 'DROP TRIGGER refresh_listener ON orders', 'DROP SCHEMA refresh_listener CASCADE',
      'CREATE TRIGGER mine AFTER INSERT ON orders EXECUTE FUNCTION refresh_listener.record_change()',
      "CREATE OR REPLACE FUNCTION refresh_listener.record_change() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NULL; END'",
      'DROP TABLE refresh_listener.run', 'TRUNCATE refresh_listener.change_log', 'ALTER SEQUENCE refresh_listener.log_1 CYCLE',
      "SELECT refresh_listener.refresh('mv_dashboard')", "SELECT refresh_listener.mark_changed('orders')", "SELECT refresh_listener.is_fresh('mv_dashboard')",
      'GRANT SELECT ON payroll TO listener', 'ALTER ROLE listener SUPERUSER', 'SET ROLE shop_owner',
    ];
    const ofOwners = ['SELECT FROM orders', 'SELECT FROM customers', 'DROP MATERIALIZED VIEW mv_dashboard', 'ALTER MATERIALIZED VIEW mv_dashboard RENAME TO mine'];
    const statements = made.hasMaintain ? [...ofAll, ...ofOwners] : ofAll;
    expect(await refusals(made, 'listener', statements)).toEqual(refused(statements));
    const ofListener = [
      ...Object.keys(tableGrants).map((table) => `SELECT FROM refresh_listener.${table}`),
      "SELECT setval('refresh_listener.hold_1', 1)", "SELECT refresh_listener.refresh('mv_dashboard')", 'REFRESH MATERIALIZED VIEW mv_dashboard',
      'INSERT INTO refresh_listener.change_log (source, operation) VALUES (1, $$I$$)', 'DROP TRIGGER refresh_listener ON orders', 'SET ROLE listener',
    ];
    expect(await refusals(made, 'shop_app', ofListener)).toEqual(refused(ofListener));
  });

  it('keep a worker of the owner from running what the worker role has written into the record', async () => {
    const made = await shop();
    const sql = 'public.orders; CREATE TABLE public.injected (n int); --';
    await made.query('listener', `UPDATE refresh_listener.source SET name = '${sql}'; UPDATE refresh_listener.view SET name = '${sql}', last_error = '${sql}'`);
    const { events } = await startWorker(made.url('shop_owner'), ['mv_dashboard'], { sweepMs: 200 });
    await events.next('refresh.done');
    await events.next('sweep.done');
    await made.query('shop_app', "INSERT INTO customers VALUES (1, 'Ann'); INSERT INTO orders VALUES (1, 1, 10)");
    await events.next('refresh.done', ({ inserted }) => inserted === 1);
    for (const args of [['status'], ['status', 'mv_dashboard'], ['verify', 'mv_dashboard'], ['doctor', '--views', 'mv_dashboard']]) await listener(made.url('shop_owner'), args);
    expect(await made.query('admin', "SELECT to_regclass('public.injected')::text AS injected")).toEqual([{ injected: null }]);
    expect(await made.query('shop_app', 'SELECT * FROM mv_dashboard')).toEqual([{ id: 1, amount: 10 }]);
  });
});
