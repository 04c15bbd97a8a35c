import { describe, expect, it } from 'vitest';
import type { TestDatabase } from '../support/database.js';
import { listener } from '../support/hand-command.js';
import { startWorker } from '../support/test-worker.js';
import { difference, valueOf } from '../worker/scene.js';
import { columnsOf, sqlFile, usageDatabase, usageSql } from './summary-scene.js';

// Each of these starts the real command.
describe('listener summary create', { timeout: 60_000 }, () => {
  it('creates the table, its definition, its records, the links and the trigger', async () => {
    const db = await usageDatabase();
    const created = await listener(db.url('worker'), [
      'summary', 'create', 'public.usage_hourly', '--from', await sqlFile(usageSql), '--capture', 'watermark', '--lateness', '3 days', '--freshness', '1m',
    ]);
    expect({ ...created, stdout: created.stdout.replaceAll(/^Ran migration \S+ in schema refresh_listener\.\n/gm, '') }).toEqual({
      status: 0, stderr: '',
      stdout: 'Created summary public.usage_hourly of public.usage_events, in buckets by bucket, each closed 3d after it ended.\n' +
        'id is GENERATED ALWAYS, which proves that every INSERT draws its own id, in order.\n' +
        'This role may not read the sequence public.usage_events_id_seq: until it may, ids that are given out once more are found by repair alone. ' +
        `GRANT SELECT ON SEQUENCE public.usage_events_id_seq TO "${db.roles.worker}";\n` +
        'Created the trigger of public.usage_events.\n' +
        'It is empty until a worker has filled it: listener --views public.usage_hourly\n',
    });
    expect(await columnsOf(db, 'public.usage_hourly')).toEqual([
      'bucket timestamp with time zone', 'account_id integer', 'event_type text', 'event_count bigint', 'total_bytes numeric', 'price numeric',
      'updated_at timestamp with time zone NOT NULL DEFAULT now() -- When the listener last wrote this row.',
      '_price_sum numeric -- Of the listener: the sum whose quotient by _price_count is price. No part of the result.',
      '_price_count bigint -- Of the listener: how many values price is the average of. No part of the result.',
    ]);
    expect(await columnsOf(db, 'refresh_listener.fill_1')).toEqual(await columnsOf(db, 'public.usage_hourly'));
    expect(await valueOf(db.admin, "SELECT string_agg(conname || ' ' || pg_get_constraintdef(oid), '; ') FROM pg_constraint WHERE conrelid = 'public.usage_hourly'::regclass AND contype = 'u'"))
      .toBe('usage_hourly_key UNIQUE NULLS NOT DISTINCT (bucket, account_id, event_type)');
    expect(await valueOf(db.admin, "SELECT obj_description('public.usage_hourly'::regclass)")).toMatch(/^A summary of public\.usage_events: /);
    expect(await valueOf(db.admin, "SELECT to_jsonb(s) - 'settings' FROM refresh_listener.summary AS s")).toEqual({
      view: 1, capture: 'watermark', id_column: 'id', bucket_column: 'bucket', lateness: '72:00:00', freshness: '00:01:00',
      fill_began_at: null, filled_at: null, repaired_at: null, closed_before: null,
    });
    expect(await valueOf(db.admin, "SELECT to_jsonb(w) FROM refresh_listener.watermark AS w")).toEqual({
      view: 1, first_id: 0, last_id: 0, batch: null, rows_behind: 0, rows_a_second: null, growth: null, taken_at: null,
    });
    expect(await valueOf(db.admin, 'SELECT settings ->> \'TimeZone\' FROM refresh_listener.summary')).toBe(await valueOf(db.worker, "SELECT current_setting('TimeZone')"));
    // Linked to its source, and marked: what is absorbed first is all there is.
    expect(await valueOf(db.admin, 'SELECT s.name FROM refresh_listener.view_source AS vs JOIN refresh_listener.source AS s ON s.id = vs.source')).toBe('public.usage_events');
    expect(await valueOf(db.admin, 'SELECT kind, whole_marks > whole_absorbed AS whole FROM refresh_listener.view')).toBe('summary');
    expect(await valueOf(db.admin, 'SELECT whole_marks > whole_absorbed FROM refresh_listener.view')).toBe(true);
    await db.app.query("INSERT INTO public.usage_events (occurred_at) VALUES (now())");
    expect(await valueOf(db.admin, "SELECT count(*)::int FROM refresh_listener.change_log WHERE operation = 'I'")).toBe(1);
  });

  it('makes what a worker fills and keeps', async () => {
    const db = await usageDatabase();
    expect(await listener(db.url('worker'), ['summary', 'create', 'public.usage_hourly', '--from', await sqlFile(usageSql)])).toMatchObject({ status: 0, stderr: '' });
    const { events } = await startWorker(db.url('worker'), ['usage_hourly']);
    await events.next('refresh.done');
    const from = events.mark;
    await db.app.query('INSERT INTO public.usage_events (occurred_at, account_id, bytes, price) SELECT now(), NULL, 5, 0.10 FROM generate_series(1, 10)');
    await events.next('refresh.done', () => true, from);
    const shown = '(SELECT bucket, account_id, event_type, event_count, total_bytes, price FROM public.usage_hourly)';
    expect(await difference(db, `${shown} AS shown`, usageSql.replace(';', ''))).toBe(0);
  });

  it('takes odd names, types and constants, and the one dimension that is a time', async () => {
    const db = await usageDatabase();
    await db.app.query(`
      CREATE SCHEMA "Odd ""Schema";
      GRANT USAGE, CREATE ON SCHEMA "Odd ""Schema" TO ${db.roles.worker};
      CREATE TABLE "Odd ""Schema"."a
'table$" ("the ""id" int PRIMARY KEY DEFAULT 0, "Tag" varchar(7) COLLATE "C", at date);
      CREATE SEQUENCE "Odd ""Schema"."seq'" MINVALUE -5 START 1; ALTER TABLE "Odd ""Schema"."a
'table$" ALTER COLUMN "the ""id" SET DEFAULT nextval('"Odd ""Schema"."seq''"');
      CREATE TABLE "Odd ""Schema"."table%s_key" ()`);
    const name = '"Odd ""Schema"."table%s"';
    const sql = `-- ${'ü'.repeat(20)}\nSELECT "Tag" AS "the ""tag", at, 1.50 AS half, 'x'::char(3) AS x, count(*) AS "n$summary$", avg("the ""id") AS "Mean" FROM "Odd ""Schema"."a
'table$" AS "T" GROUP BY 1, 2, 3, 4 -- the end`;
    const created = await listener(db.url('worker'), ['summary', 'create', name, '--from', await sqlFile(sql, 'an odd name.sql'), '--id', 'the "id']);
    expect(created).toMatchObject({ status: 0, stderr: '' });
    expect(created.stdout).toContain('Created summary "Odd ""Schema"."table%s" of "Odd ""Schema"."a\n\'table$", in buckets by at.\n');
    expect(created.stdout).toContain(
      'The ids in the "id come from a default: the summary rests on each INSERT drawing its own id, in order; listener verify audits it.\n',
    );
    expect(await columnsOf(db, name)).toEqual([
      'the "tag character varying(7) COLLATE "C"', 'at date', 'half numeric', 'x character(3)', 'n$summary$ bigint', 'Mean numeric',
      'updated_at timestamp with time zone NOT NULL DEFAULT now() -- When the listener last wrote this row.',
      '_Mean_sum numeric -- Of the listener: the sum whose quotient by _Mean_count is Mean. No part of the result.',
      '_Mean_count bigint -- Of the listener: how many values Mean is the average of. No part of the result.',
    ]);
    expect(await valueOf(db.admin, 'SELECT first_id FROM refresh_listener.watermark')).toBe('-6');
    expect(await valueOf(db.admin, "SELECT conname FROM pg_constraint WHERE conrelid = $1::regclass AND contype = 'u'", [name])).toBe('table%s_key1');
  });

  it('summarises a partitioned table, with a trigger on each partition', async () => {
    const db = await usageDatabase();
    await db.app.query(`
      CREATE TABLE public.parts (id bigint GENERATED ALWAYS AS IDENTITY, at date NOT NULL, PRIMARY KEY (id, at)) PARTITION BY RANGE (at);
      CREATE TABLE public.parts_1 PARTITION OF public.parts FOR VALUES FROM ('2026-01-01') TO ('2027-01-01');
      ALTER SEQUENCE public.parts_id_seq RESTART 41; INSERT INTO public.parts (at) VALUES ('2026-05-05')`);
    const created = await listener(db.url('worker'), ['summary', 'create', 'public.parts_daily', '--from', await sqlFile('SELECT at, count(*) AS n FROM public.parts GROUP BY at')]);
    expect(created).toMatchObject({ status: 0, stderr: '' });
    expect(created.stdout).toContain('Created summary public.parts_daily of public.parts, in buckets by at.\n');
    expect(await valueOf(db.admin, `SELECT array_agg(tgrelid::regclass::text ORDER BY 1) FROM pg_trigger WHERE tgname = 'refresh_listener'`)).toEqual(['parts', 'parts_1']);
    await (await startWorker(db.url('worker'), ['parts_daily'])).events.next('refresh.done');
    expect(await valueOf(db.worker, 'SELECT n::int FROM public.parts_daily')).toBe(1);
  });

  it('looks names up under the search_path of the role', async () => {
    const db = await usageDatabase();
    await db.app.query(`CREATE SCHEMA own; CREATE TABLE own.usage_events (LIKE public.usage_events INCLUDING ALL); ALTER ROLE ${db.roles.app} IN DATABASE ${db.name} SET search_path = nowhere, own, public`);
    const created = await listener(db.url('app'), ['summary', 'create', 'Usage_Hourly', '--from', await sqlFile(usageSql.replace('public.', ''))]);
    expect(created).toMatchObject({ status: 0, stderr: '' });
    expect(created.stdout).toContain('Created summary own.usage_hourly of own.usage_events, in buckets by bucket.\n');
  });

  it('prints SQL that does it, in another database, and changes nothing in this one', async () => {
    const db = await usageDatabase();
    const file = await sqlFile(usageSql);
    // Whoever prints it need not be who may create it.
    await db.admin.query(`REVOKE CREATE ON SCHEMA public FROM ${db.roles.worker}; REVOKE CREATE ON DATABASE ${db.name} FROM ${db.roles.worker}`);
    const args = ['summary', 'create', 'public.usage_hourly', '--from', file, '--lateness', '3 days', '--print'];
    const printed = await listener(db.url('worker'), args);
    expect(printed).toMatchObject({ status: 0, stderr: '' });
    expect(await everything(db)).toEqual(['public.usage_events', 'public.usage_events_id_seq', 'public.usage_events_pkey']);
    expect(printed.stdout).toContain(`-- Printed by: listener summary create public.usage_hourly --from ${file} --lateness 3d --print\n`);

    const [there, live] = [await usageDatabase(), await usageDatabase()];
    await there.app.query(printed.stdout);
    await listener(live.url('app'), args.slice(0, -1));
    expect(await everything(there)).toEqual(await everything(live));
    expect(await columnsOf(there, 'public.usage_hourly')).toEqual(await columnsOf(live, 'public.usage_hourly'));
    expect(await records(there)).toEqual(await records(live));
    // As a migration of somebody else's may be.
    await there.app.query(`BEGIN; SET LOCAL search_path = public; ${printed.stdout}; SELECT count(*) FROM usage_events; COMMIT`);
    expect(await records(there)).toEqual(await records(live));
    const { events } = await startWorker(there.url('app'), ['usage_hourly']);
    await events.next('refresh.done');
    expect(await valueOf(there.app, 'SELECT sum(event_count)::int FROM public.usage_hourly')).toBe(120);
  });

  it('grants a role that serves it what it needs', async () => {
    const db = await usageDatabase();
    const { app, worker } = db.roles;
    await db.app.query(`REVOKE SELECT ON public.usage_events FROM ${worker}`);
    const { stdout } = await listener(db.url('app'), ['summary', 'create', 'public.usage_hourly', '--from', await sqlFile(usageSql), '--print', '--role', worker]);
    await db.app.query(stdout);
    const granted = `SELECT string_agg(c.relname || ' ' || a.privilege_type, ', ' ORDER BY c.relname, a.privilege_type)
      FROM pg_class AS c CROSS JOIN LATERAL aclexplode(c.relacl) AS a
      WHERE a.grantee = '${worker}'::regrole AND a.privilege_type <> 'TRIGGER' AND c.relname IN ('usage_events', 'usage_events_id_seq', 'usage_hourly', 'definition_1', 'fill_1', 'watermark')`;
    expect(await valueOf(db.admin, granted)).toBe(
      'definition_1 SELECT, fill_1 DELETE, fill_1 INSERT, fill_1 SELECT, fill_1 TRUNCATE, fill_1 UPDATE, usage_events SELECT, usage_events_id_seq SELECT, ' +
      'usage_hourly DELETE, usage_hourly INSERT, usage_hourly SELECT, usage_hourly UPDATE, watermark SELECT, watermark UPDATE',
    );
    const serving = await startWorker(db.url('worker'), ['public.usage_hourly'], { install: false });
    await serving.events.next('refresh.done');
    await serving.stop();
    expect(await valueOf(db.app, 'SELECT sum(event_count)::int FROM public.usage_hourly')).toBe(120);
    await db.app.query(`REVOKE DELETE ON refresh_listener.fill_1 FROM ${worker}`);
    const started = await listener(db.url('worker'), ['--views', 'public.usage_hourly', '--no-install']);
    expect(started.stdout + started.stderr).toContain(
      `Role ${worker} lacks privileges in the schema refresh_listener. Run as ${app}: GRANT DELETE ON refresh_listener.fill_1 TO "${worker}";`,
    );
  });

  it.each<[string, string, readonly string[], (file: string) => string]>([
    ['a syntax error', 'SELECT date_trunc(\'hour\', occurred_at) AS bucket,\n  count(*) n\nFORM public.usage_events x GROUP BY 1', [], (file) => `${file}, line 3: syntax error at or near "FORM"`],
    ['two tables', 'SELECT a.event_type, count(*) FROM public.usage_events a, public.usage_events b GROUP BY 1', [], (file) =>
      `${file} reads 2 tables (public.usage_events, public.usage_events): summarise one table and join the others to the summary in a plain view, or keep it as a materialized view: listener --views NAME`],
    ['another capture', usageSql, ['--capture', 'changes'], () => '--capture: "changes" is not accepted: write watermark'],
    ['a role without --print', usageSql, ['--role', 'x'], () => '--role goes with --print: run the SQL that listener summary create --print --role writes, as the owner of the tables'],
  ])('refuses %s in one line, and has changed nothing', async (_what, sql, more, message) => {
    const db = await usageDatabase();
    const file = await sqlFile(sql);
    expect(await listener(db.url('worker'), ['summary', 'create', 'public.usage_hourly', '--from', file, ...more])).toEqual({
      status: 2, stdout: '', stderr: `listener: ${message(file)}\n`,
    });
    expect(await everything(db)).toEqual(['public.usage_events', 'public.usage_events_id_seq', 'public.usage_events_pkey']);
  });

  it.each<[string, readonly string[], RegExp]>([
    ['no file', [], /^listener: the definition is missing: write --from usage\.sql, a file with one SELECT \.\.\. GROUP BY\n$/],
    ['a file that is not there', ['--from', '/nowhere/usage.sql'], /^listener: \/nowhere\/usage\.sql cannot be read \(ENOENT\): check its path and its permissions\n$/],
    ['a folder', ['--from', '/'], /^listener: \/ cannot be read \(EISDIR\): check its path and its permissions\n$/],
    ['a file that is no text', ['--from', process.execPath], /^listener: \/\S+ is no text in UTF-8: save it in that encoding\n$/],
    ['an empty standard input', ['--from', '-'], /^listener: standard input holds no statement: write one SELECT/],
  ])('refuses %s before it connects', async (_what, args, stderr) => {
    const outcome = await listener('postgres://nobody@127.0.0.1:1/none', ['summary', 'create', 'x', ...args]);
    expect(outcome).toMatchObject({ status: 2, stdout: '' });
    expect(outcome.stderr).toMatch(stderr);
  });
});

/** Relations outside the system's schemas. */
async function everything(db: TestDatabase): Promise<string[]> {
  return valueOf(db.admin, `SELECT array_agg(format('%s.%s', relnamespace::regnamespace, relname) ORDER BY relnamespace::regnamespace::text, relname)
    FROM pg_class WHERE relnamespace::regnamespace::text !~ '^pg_|^information_schema'`);
}

/** What is recorded of views, but for times and numbers of this database alone. */
async function records(db: TestDatabase): Promise<unknown> {
  return valueOf(db.admin, `SELECT jsonb_build_object('summary', (SELECT to_jsonb(s) FROM refresh_listener.summary AS s), 'watermark', (SELECT to_jsonb(w) FROM refresh_listener.watermark AS w),
    'views', (SELECT jsonb_agg(jsonb_build_object('name', v.name, 'kind', v.kind, 'exists', v.oid = to_regclass(v.name)::oid, 'whole', v.whole_marks > v.whole_absorbed)) FROM refresh_listener.view AS v),
    'definition', pg_get_viewdef('refresh_listener.definition_1'::regclass), 'remark', obj_description('public.usage_hourly'::regclass), 'key', (SELECT pg_get_constraintdef(oid) FROM pg_constraint WHERE conname = 'usage_hourly_key'),
    'links', (SELECT jsonb_agg(s.name) FROM refresh_listener.view_source AS vs JOIN refresh_listener.source AS s ON s.id = vs.source),
    'triggers', (SELECT jsonb_agg(t.tgrelid::regclass::text) FROM pg_trigger AS t WHERE t.tgname = 'refresh_listener'))`);
}
