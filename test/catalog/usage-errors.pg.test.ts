import { beforeEach, describe, expect, it } from 'vitest';
import { UsageError } from '../../src/config/usage-error.js';
import type { TestDatabase } from '../support/database.js';
import { makeWorker, startWorker } from '../support/test-worker.js';
import { ownDatabase, valueOf } from './worker-scene.js';

let db: TestDatabase;
beforeEach(async () => {
  db = await ownDatabase();
  await db.app.query('CREATE TABLE public.orders (id int)');
  await db.worker.query('CREATE MATERIALIZED VIEW public.mv_dashboard AS SELECT count(*)::int AS n FROM public.orders');
});

/** What a worker says that refuses to start. */
async function refusal(...views: readonly string[]): Promise<string> {
  const { worker, events } = makeWorker(db.url('worker'), views);
  const error: unknown = await worker.start().then(() => 'it started', (thrown: unknown) => thrown);
  expect(error).toBeInstanceOf(UsageError);
  expect(events.all).toEqual([]);
  return (error as UsageError).message;
}

/** The statement that a message tells to run, run by an administrator: then the worker must start. */
async function expectRemedy(message: string, remedy: string): Promise<void> {
  expect(message).toContain(remedy);
  await db.admin.query(remedy);
  const { events } = await startWorker(db.url('worker'), ['mv_dashboard']);
  await events.next('refresh.done');
}

describe('a missing privilege is told with the statement that gives it', () => {
  it('TRIGGER on a source', async () => {
    await db.app.query(`REVOKE TRIGGER ON public.orders FROM ${db.roles.worker}`);
    const message = await refusal('mv_dashboard');
    expect(message).toMatch(new RegExp(`^Role ${db.roles.worker} may not create a trigger on public\\.orders, which public\\.mv_dashboard reads\\.`));
    await expectRemedy(message, `GRANT TRIGGER ON public.orders TO "${db.roles.worker}";`);
  });

  it('USAGE of the schema of a source, without which no trigger can be created in it', async () => {
    await db.admin.query(`CREATE SCHEMA "Shop"; ALTER TABLE public.orders SET SCHEMA "Shop"; GRANT USAGE ON SCHEMA "Shop" TO ${db.roles.app}`);
    const message = await refusal('mv_dashboard');
    expect(message).toMatch(new RegExp(`^Role ${db.roles.worker} may not use the schema of "Shop"\\.orders, which public\\.mv_dashboard reads\\.`));
    await expectRemedy(message, `GRANT USAGE ON SCHEMA "Shop" TO "${db.roles.worker}";`);
  });

  it('CREATE on the database', async () => {
    await db.admin.query(`REVOKE CREATE ON DATABASE ${db.name} FROM ${db.roles.worker}`);
    const message = await refusal('mv_dashboard');
    expect(message).toMatch(new RegExp(`^Role ${db.roles.worker} may not create the schema refresh_listener\\.`));
    await expectRemedy(message, `GRANT CREATE ON DATABASE "${db.name}" TO "${db.roles.worker}";`);
  });

  it('ownership of the view, through the role or by giving it away; MAINTAIN where the server has it', async () => {
    await db.admin.query(`ALTER MATERIALIZED VIEW public.mv_dashboard OWNER TO ${db.roles.app}`);
    const message = await refusal('mv_dashboard');
    expect(message).toMatch(/^Only its owner may refresh public\.mv_dashboard|^Role \S+ may not refresh and read public\.mv_dashboard/);
    const hasMaintain = await valueOf(db, "SELECT pg_catalog.current_setting('server_version_num')::pg_catalog.int4 >= 170000") === true;
    if (hasMaintain) await expectRemedy(message, `GRANT SELECT, MAINTAIN ON public.mv_dashboard TO "${db.roles.worker}";`);
    else {
      expect(message).toContain(`GRANT "${db.roles.app}" TO "${db.roles.worker}";`);
      await expectRemedy(message, `ALTER MATERIALIZED VIEW public.mv_dashboard OWNER TO "${db.roles.worker}";`);
    }
  });

  it('ownership of the schema, which another worker made', async () => {
    await db.app.query('CREATE SCHEMA refresh_listener');
    expect(await refusal('mv_dashboard')).toBe(
      `The schema refresh_listener belongs to role ${db.roles.app}, of which ${db.roles.worker} is no member. Run the listener as that role, as a member of it, or with --no-install.`,
    );
  });
});

describe('a name that is no materialized view is told with what it may have meant', () => {
  it.each([
    ['mv_dahsboard', 'No materialized view matches mv_dahsboard. Did you mean public.mv_dashboard?'],
    ['public.dashboard', 'No materialized view matches public.dashboard. Did you mean public.mv_dashboard?'],
    ['xyz', 'No materialized view matches xyz. The database has public.mv_dashboard.'],
    ["analytics.*", 'No materialized view matches analytics.*. The database has public.mv_dashboard.'],
    ['orders', 'public.orders is a table, not a materialized view: it needs no refresh. Take it off --views.'],
  ])('%s', async (name, message) => {
    expect(await refusal('mv_dashboard', name)).toBe(message);
  });

  it('a plain view', async () => {
    await db.worker.query('CREATE VIEW public."Plain" AS SELECT 1 AS one');
    expect(await refusal('"Plain"')).toBe('public."Plain" is a plain view, not a materialized view: it needs no refresh. Take it off --views.');
  });

  it('a name that several schemas have, with all of them', async () => {
    await db.worker.query('CREATE SCHEMA own; CREATE MATERIALIZED VIEW own.mv_dashboard AS SELECT 1 AS n');
    expect(await refusal('mv_dashboard')).toBe('mv_dashboard in --views may mean own.mv_dashboard or public.mv_dashboard: give its schema as well.');
  });

  it('in a database without any', async () => {
    await db.worker.query('DROP MATERIALIZED VIEW public.mv_dashboard');
    expect(await refusal('mv_dashboard')).toBe('No materialized view matches mv_dashboard: the database has none.');
  });

  it('and nothing has been put into the database by then', async () => {
    await refusal('nowhere');
    expect(await valueOf(db, "SELECT pg_catalog.to_regnamespace('refresh_listener')::text")).toBeNull();
  });
});
