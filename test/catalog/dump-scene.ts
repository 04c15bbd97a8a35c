import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import pg from 'pg';
import { expect, onTestFinished } from 'vitest';
import type { ClientPrograms } from '../support/client-programs.js';
import type { Role, TestDatabase } from '../support/database.js';
import { quiet, startServing, sweeping, sweeps, valueOf } from './worker-scene.js';
import type { TestWorker } from '../support/test-worker.js';

const lines = '"Sales Data"."Order ""Lines"""';
const views = ['public.mv_lines', '"Reports"."MV ""Top"" é"', 'public.mv_total'] as const;
export const patterns = ['mv_lines', '"Reports".*', 'mv_total'];

/** Two tables in two schemas; over them three materialized views, each over the one before, a plain view between. */
export async function createGraph(db: TestDatabase): Promise<void> {
  await db.app.query(`
    CREATE SCHEMA "Sales Data";
    CREATE TABLE ${lines} (id int GENERATED ALWAYS AS IDENTITY PRIMARY KEY, customer int, amount numeric(10, 2));
    CREATE TABLE public.customers (id int PRIMARY KEY, name text);
    INSERT INTO public.customers SELECT i, 'customer ' || i FROM generate_series(1, 5) AS i;
    INSERT INTO ${lines} (customer, amount) SELECT 1 + i % 5, i FROM generate_series(1, 20) AS i`);
  await db.worker.query(`
    CREATE SCHEMA "Reports";
    CREATE MATERIALIZED VIEW public.mv_lines AS
      SELECT customer, count(*) AS n, sum(amount) AS total FROM ${lines} GROUP BY customer;
    CREATE UNIQUE INDEX ON public.mv_lines (customer);
    CREATE VIEW "Reports"."Big Customers" AS SELECT customer, n, total FROM public.mv_lines WHERE n > 1;
    CREATE MATERIALIZED VIEW ${views[1]} AS
      SELECT c.name AS "Customer Name", b.n, b.total FROM "Reports"."Big Customers" AS b JOIN public.customers AS c ON c.id = b.customer;
    CREATE MATERIALIZED VIEW public.mv_total AS SELECT sum(n) AS n, sum(total) AS total FROM ${views[1]}`);
}

/** Changes each table once, and with that what every view shows. */
export async function change(db: TestDatabase): Promise<void> {
  await db.app.query(`INSERT INTO ${lines} (customer, amount) VALUES (1, 7), (2, 8)`);
  await db.app.query("UPDATE public.customers SET name = name || '!' WHERE id = 1");
}

/** A graph that a worker has served, and changes that nobody has absorbed. */
export async function createServedGraph(db: TestDatabase): Promise<void> {
  await createGraph(db);
  await (await startServing(db, patterns)).stop();
  await change(db);
  expect(await valueOf(db, 'SELECT count(*)::int FROM refresh_listener.change_log WHERE source <> 0')).toBeGreaterThanOrEqual(2);
}

/** A database without anything in it on any server, with the roles of another one. It is dropped when the test is finished. */
export async function createTarget(source: TestDatabase, adminUrl: string): Promise<TestDatabase> {
  const name = `${source.name}_copy`;
  await onServer(adminUrl, [
    ...(await missingRoles(source, adminUrl)),
    `CREATE DATABASE ${name} TEMPLATE template0`,
  ]);
  return openDatabase(source, adminUrl, name);
}

/** A copy of a database on its own server. Nobody may be connected to the one that is copied. */
export async function copyByTemplate(source: TestDatabase, adminUrl: string): Promise<TestDatabase> {
  const name = `${source.name}_copy`;
  await onServer(adminUrl, [
    `SELECT pg_terminate_backend(pid, 10000) FROM pg_stat_activity WHERE datname = '${source.name}'`,
    `CREATE DATABASE ${name} TEMPLATE ${source.name}`,
  ]);
  return openDatabase(source, adminUrl, name);
}

/** Pools for the roles of another database; they end, and the database goes, when the test is finished. */
async function openDatabase(source: TestDatabase, adminUrl: string, name: string): Promise<TestDatabase> {
  await onServer(adminUrl, [`GRANT CREATE ON DATABASE ${name} TO ${source.roles.app}, ${source.roles.worker}`]);
  const url = (role: Role): string => {
    const made = new URL(adminUrl);
    if (role !== 'admin') {
      const { username, password } = new URL(source.url(role));
      Object.assign(made, { username, password });
    }
    made.pathname = `/${name}`;
    return made.href;
  };
  const lostConnections: Error[] = [];
  const pool = (role: Role): pg.Pool => {
    const made = new pg.Pool({ connectionString: url(role), max: 5 });
    made.on('connect', (client) => client.on('error', (error) => lostConnections.push(error)));
    return made.on('error', () => undefined);
  };
  const pools = { admin: pool('admin'), app: pool('app'), worker: pool('worker') };
  const drop = async (): Promise<void> => {
    await Promise.all(Object.values(pools).map((made) => made.end()));
    await onServer(adminUrl, [`DROP DATABASE ${name} WITH (FORCE)`]);
  };
  onTestFinished(drop);
  return { name, roles: source.roles, ...pools, lostConnections, url, drop };
}

async function missingRoles(source: TestDatabase, adminUrl: string): Promise<string[]> {
  const roles = [source.roles.app, source.roles.worker];
  const [there] = await onServer(adminUrl, [`SELECT FROM pg_roles WHERE rolname = '${source.roles.app}'`]);
  if (there?.rowCount === 1) return [];
  const passwords = [new URL(source.url('app')).password, new URL(source.url('worker')).password];
  return roles.map((role, index) => `CREATE ROLE ${role} LOGIN PASSWORD '${String(passwords[index])}'`);
}

async function onServer(url: string, statements: readonly string[]): Promise<pg.QueryResult[]> {
  const client = new pg.Client(url);
  await client.connect();
  try {
    const results: pg.QueryResult[] = [];
    for (const statement of statements) results.push(await client.query(statement));
    return results;
  } finally {
    await client.end();
  }
}

/** A folder of the test's own. */
async function ownFolder(): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'pg-refresh-listener-dump-'));
  onTestFinished(() => rm(folder, { recursive: true, force: true }));
  return folder;
}

/** How a dump is made and restored. */
export interface DumpWay {
  readonly format: 'plain' | 'custom' | 'directory';
  /** More arguments of `pg_dump`. */
  readonly dump?: readonly string[];
  /** More arguments of `pg_restore`. */
  readonly restore?: readonly string[];
  /** Leaves the materialized views unpopulated. */
  readonly withoutViewData?: boolean;
}

/**
 * Dumps one database into another.
 *
 * @returns what the programs had to complain of
 * @throws at the first error of either
 */
export async function copy(programs: ClientPrograms, from: string, to: string, way: DumpWay): Promise<string> {
  const { file, complaints } = await dump(programs, from, way);
  return complaints + (await restore(programs, file, to, way));
}

export async function dump(programs: ClientPrograms, from: string, way: DumpWay): Promise<{ readonly file: string; readonly complaints: string }> {
  const file = join(await ownFolder(), 'dump');
  const complaints = await programs.run('pg_dump', [`--dbname=${from}`, `--format=${way.format}`, `--file=${file}`, ...jobs(way), ...(way.dump ?? [])]);
  return { file, complaints };
}

export async function restore(programs: ClientPrograms, file: string, to: string, way: DumpWay): Promise<string> {
  if (way.format === 'plain') {
    return programs.run('psql', [`--dbname=${to}`, '--no-psqlrc', '--quiet', '--set=ON_ERROR_STOP=1', '--output=/dev/null', `--file=${file}`]);
  }
  const list = way.withoutViewData === true ? [`--use-list=${await listWithoutViewData(programs, file)}`] : [];
  return programs.run('pg_restore', [`--dbname=${to}`, '--exit-on-error', ...jobs(way), ...list, ...(way.restore ?? []), file]);
}

function jobs({ format }: DumpWay): string[] {
  return format === 'directory' ? ['--jobs=2'] : [];
}

async function listWithoutViewData(programs: ClientPrograms, file: string): Promise<string> {
  const { kept, left } = await editList(programs, file, (entry) => entry.includes('MATERIALIZED VIEW DATA'));
  expect(left).toBe(views.length);
  return kept;
}

/** The archive's list of contents without some entries, as a file for `--use-list`, and how many were left out. */
export async function editList(
  programs: ClientPrograms, file: string, leaveOut: (entry: string) => boolean,
): Promise<{ readonly kept: string; readonly left: number }> {
  const folder = await ownFolder();
  const all = join(folder, 'all');
  await programs.run('pg_restore', ['--list', `--file=${all}`, file]);
  const entries = (await readFile(all, 'utf8')).split('\n');
  const kept = entries.filter((entry) => !leaveOut(entry));
  await writeFile(join(folder, 'kept'), kept.join('\n'));
  return { kept: join(folder, 'kept'), left: entries.length - kept.length };
}

/** Rows that views lack, or have too many, compared with their definitions. */
async function differences(db: TestDatabase): Promise<number> {
  let sum = 0;
  for (const view of views) {
    const definition = String(await valueOf(db, `SELECT rtrim(pg_catalog.pg_get_viewdef('${view}'::regclass), ';')`));
    sum += Number(await valueOf(db, `SELECT count(*) FROM (
      (TABLE ${view} EXCEPT ALL (${definition})) UNION ALL ((${definition}) EXCEPT ALL TABLE ${view})) AS d`));
  }
  return sum;
}

/** Asserts that a worker that starts here now brings up every view once, in graph order, and follows what comes after. */
export async function expectServed(db: TestDatabase): Promise<TestWorker> {
  const worker = await startServing(db, patterns, sweeping);
  await sweeps(worker);
  expect(worker.events.of('refresh.done').map((done) => done.view)).toEqual(views);
  await expectFollowing(db, worker);
  expect(worker.events.of('refresh.failed')).toEqual([]);
  expect(worker.events.complaints).toEqual([]);
  return worker;
}

/** Returns when every view shows what its definition says. */
export async function expectAgreement(db: TestDatabase, worker: TestWorker): Promise<void> {
  for (;;) {
    const from = worker.events.mark;
    if ((await differences(db).catch(() => Infinity)) === 0) break;
    await worker.events.next('sweep.done', () => true, from);
  }
  await sweeps(worker);
}

/** Asserts that views, triggers and registers are what they should be, that a change is followed, and that then it is quiet. */
export async function expectFollowing(db: TestDatabase, worker: TestWorker): Promise<void> {
  expect(await differences(db)).toBe(0);
  expect(await registersAndTriggers(db)).toEqual({ registers: 8, orphans: 0, triggers: 2, intact: 2, open: 0 });
  const from = worker.events.mark;
  await change(db);
  for (const view of views) await worker.events.next('refresh.done', (done) => done.view === view, from);
  await sweeps(worker);
  expect(await differences(db)).toBe(0);
  expect(await sweeps(worker)).toMatchObject([quiet, quiet]);
  expect(worker.events.of('change.unseen', from)).toEqual([]);
}

/** `orphans`: registers of no source; `intact`: triggers with the source's own number; `open`: functions of ours that everybody may call. */
async function registersAndTriggers(db: TestDatabase): Promise<unknown> {
  const { rows } = await db.admin.query(`
    SELECT (SELECT count(*)::int FROM pg_class WHERE relkind = 'S' AND relname ~ '^(log|hold)_') AS registers,
           (SELECT count(*)::int FROM pg_class AS c WHERE relkind = 'S' AND relname ~ '^(log|hold)_'
              AND NOT EXISTS (SELECT FROM refresh_listener.source AS s WHERE s.id = split_part(c.relname, '_', 2)::int)) AS orphans,
           (SELECT count(*)::int FROM pg_trigger WHERE tgname = 'refresh_listener') AS triggers,
           (SELECT count(*)::int FROM pg_trigger AS t JOIN refresh_listener.source AS s ON s.oid = t.tgrelid
              WHERE t.tgname = 'refresh_listener' AND t.tgargs = convert_to(s.id::text, 'UTF8') || '\\x00') AS intact,
           (SELECT count(*)::int FROM pg_proc AS p, aclexplode(coalesce(p.proacl, acldefault('f', p.proowner))) AS a
              WHERE p.pronamespace = 'refresh_listener'::regnamespace AND a.grantee = 0) AS open`);
  return rows[0];
}
