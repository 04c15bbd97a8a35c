import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { text } from 'node:stream/consumers';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import type { TestDatabase } from '../support/database.js';
import { startWorker } from '../support/test-worker.js';
import { createOrders, freshDatabase, valueOf } from '../worker/scene.js';
import { cli } from '../support/cli.js';

const root = fileURLToPath(new URL('../..', import.meta.url));

async function listener(url: string, ...args: readonly string[]): Promise<{ status: number; stdout: string; stderr: string }> {
  const inherited = Object.entries(process.env).filter(([name]) => !name.startsWith('LISTENER_') && !name.startsWith('PG'));
  const child = spawn(process.execPath, [...cli, ...args], {
    cwd: root, env: { ...Object.fromEntries(inherited), DATABASE_URL: url }, stdio: ['ignore', 'pipe', 'pipe'],
  });
  const [[status], stdout, stderr] = await Promise.all([once(child, 'exit') as Promise<[number]>, text(child.stdout), text(child.stderr)]);
  return { status, stdout, stderr };
}

async function shop(): Promise<TestDatabase> {
  const db = await freshDatabase();
  await createOrders(db);
  return db;
}

const schema = "SELECT to_regnamespace('refresh_listener')::text";

// Each of these starts the real command several times over.
describe('listener install and uninstall', { timeout: 120_000 }, () => {
  it('tell what they did, a line a thing, and that there was nothing to do', async () => {
    const db = await shop();
    const url = db.url('worker');
    const first = await listener(url, 'install', '--views', 'mv_orders');
    expect({ ...first, stdout: first.stdout.replaceAll(/^Ran migration \S+ in schema refresh_listener\.\n/gm, '') }).toEqual({
      status: 0, stderr: '',
      stdout: `Registered public.mv_orders, which reads public.orders.\nCreated the trigger of public.orders.\n` +
        `Installed in database ${db.name}. Nothing is refreshed before a worker runs: listener --views ...\n`,
    });
    expect(first.stdout).toMatch(/^Ran migration 0001_/);
    expect(await listener(url, 'install', '--views', 'mv_orders')).toEqual({
      status: 0, stderr: '',
      stdout: `Already registered public.mv_orders, which reads public.orders.\nThe trigger of public.orders is in order.\n` +
        `Nothing was to be done in database ${db.name}.\n`,
    });
    const { stdout } = await listener(url, 'install', '--views', 'mv_orders', '--json');
    expect(JSON.parse(stdout)).toEqual({
      database: db.name, migrations: [], views: [{ view: 'public.mv_orders', sources: ['public.orders'], state: 'present' }],
      triggers: [{ source: 'public.orders', state: 'present', because: null }],
    });

    expect(await listener(url, 'uninstall', '--yes')).toEqual({
      status: 0, stderr: '',
      stdout: `Removed the trigger of public.orders.\nRemoved the schema refresh_listener: nothing of the listener is left in database ${db.name}.\n`,
    });
    expect(await listener(url, 'uninstall')).toEqual({ status: 0, stderr: '', stdout: `Nothing of the listener is in database ${db.name}.\n` });
    expect(JSON.parse((await listener(url, 'uninstall', '--json')).stdout)).toEqual({ database: db.name, removed: false, triggers: [] });
  });

  it('print SQL that does it, and change nothing', async () => {
    const db = await shop();
    const other = await shop();
    const printed = await listener(db.url('worker'), 'install', '--views', 'mv_orders', '--print', '--role', db.roles.app, '--lapse', '2h');
    expect(printed).toMatchObject({ status: 0, stderr: '' });
    expect(printed.stdout).toContain(`-- Printed by: listener install --views mv_orders --print --role ${db.roles.app}\n`);
    expect(printed.stdout).toContain("SELECT refresh_listener.install_source('public.orders', 7200000);");
    expect(await valueOf(db.admin, schema)).toBeNull();
    await other.app.query((await listener(db.url('worker'), 'install', '--views', 'mv_orders', '--print')).stdout);
    expect(await valueOf(other.admin, schema)).toBe('refresh_listener');

    // Needs no database.
    const removal = await listener('postgres://nobody@127.0.0.1:1/none', 'uninstall', '--print');
    expect(removal).toMatchObject({ status: 0, stderr: '' });
    await other.app.query(removal.stdout);
    expect(await valueOf(other.admin, schema)).toBeNull();
  });

  it.each<[string, readonly string[], (db: TestDatabase) => string]>([
    ['no views', ['install'], () => 'no views are named: write --views mv_dashboard, or set LISTENER_VIEWS'],
    ['an unknown view', ['install', '--views', 'mv_order'], () => 'No materialized view matches mv_order. Did you mean public.mv_orders?'],
    ['an unknown view to print', ['install', '--views', 'mv_order', '--print'], () => 'No materialized view matches mv_order. Did you mean public.mv_orders?'],
    ['a role without --print', ['install', '--views', 'mv_orders', '--role', 'x'],
     () => '--role goes with --print: run the SQL that listener install --print --role writes, as the owner of the tables'],
    ['a role in quotes', ['install', '--views', 'mv_orders', '--print', '--role', '"x"'], () => '--role: "x" has quotes: write the name without them'],
    ['SQL as JSON', ['install', '--views', 'mv_orders', '--print', '--json'], () => '--print writes SQL, not JSON: leave out --json'],
    ['an option of another command', ['uninstall', '--views', 'mv_orders'], () => 'uninstall takes no --views: see listener uninstall --help'],
  ])('refuse %s in one line, and have changed nothing', async (_, args, message) => {
    const db = await shop();
    expect(await listener(db.url('worker'), ...args)).toEqual({ status: 2, stdout: '', stderr: `listener: ${message(db)}\n` });
    expect(await valueOf(db.admin, schema)).toBeNull();
  });

  it('remove nothing unless they are told to, and name the views that are served', async () => {
    const db = await shop();
    const url = db.url('worker');
    await listener(url, 'install', '--views', 'mv_orders');
    expect(await listener(url, 'uninstall')).toEqual({
      status: 2, stdout: '', stderr: `listener: uninstall removes everything of the listener from database ${db.name}: give --yes where nobody can be asked\n`,
    });
    const { worker, events } = await startWorker(url, ['mv_orders'], { sweepMs: 100 });
    expect(await listener(url, 'uninstall')).toEqual({
      status: 2, stdout: '',
      stderr: `listener: A worker serves public.mv_orders in database ${db.name}, or did until a moment ago: stop it first, or give --yes to end it.\n`,
    });
    expect(await valueOf(db.admin, schema)).toBe('refresh_listener');
    expect(await listener(url, 'uninstall', '--yes', '--json')).toMatchObject({ status: 0, stderr: '' });
    expect(await worker.finished).toBe(1);
    expect(events.complaints).toHaveLength(1);
  });

  it('say in one line that the database cannot be reached', async () => {
    for (const args of [['install', '--views', 'mv'], ['uninstall']]) {
      const { status, stdout, stderr } = await listener('postgres://nobody:secret@127.0.0.1:1/none', ...args);
      expect({ status, stdout }).toEqual({ status: 2, stdout: '' });
      expect(stderr).toMatch(/^listener: could not connect: nothing listens at .*\n$/);
      expect(stderr).not.toContain('secret');
    }
  });
});
