import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { text } from 'node:stream/consumers';
import { fileURLToPath } from 'node:url';
import { describe, expect, it, onTestFinished } from 'vitest';
import { freePort } from '../../dev/free-port.js';
import type { TestDatabase } from '../support/database.js';
import { createOrders, freshDatabase, valueOf } from './scene.js';

const root = fileURLToPath(new URL('../..', import.meta.url));

interface Outcome {
  readonly status: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** Runs the command; ends it by SIGTERM once its output holds `until`. */
async function listener(url: string, args: readonly string[], until?: RegExp): Promise<Outcome> {
  const inherited = Object.entries(process.env).filter(([name]) => !name.startsWith('LISTENER_') && !name.startsWith('PG'));
  const child = spawn(process.execPath, ['--import', 'tsx', 'src/cli.ts', ...args], {
    cwd: root, env: { ...Object.fromEntries(inherited), DATABASE_URL: url }, stdio: ['ignore', 'pipe', 'pipe'],
  });
  onTestFinished(() => void child.kill('SIGKILL'));
  const exited = once(child, 'exit') as Promise<[number | null]>;
  let seen = '';
  let stopping = false;
  child.stdout.on('data', (piece: Buffer) => {
    seen += piece.toString();
    if (stopping || until?.test(seen) !== true) return;
    stopping = true;
    child.kill('SIGTERM');
  });
  const [[status], stdout, stderr] = await Promise.all([exited, text(child.stdout), text(child.stderr)]);
  return { status, stdout, stderr };
}

function changed(url: string, parts: Partial<Record<'username' | 'password' | 'port' | 'pathname' | 'hostname', string>>): string {
  return Object.assign(new URL(url), parts).href;
}

async function ordersDatabase(): Promise<TestDatabase> {
  const db = await freshDatabase();
  await createOrders(db);
  return db;
}

describe('the command, given what is not there,', () => {
  it.each<[string, string]>([
    ['mv_order', 'No materialized view matches mv_order. Did you mean public.mv_orders?'],
    ['public.orders', 'public.orders is a table, not a materialized view: it needs no refresh. Take it off --views.'],
    ['sales.*', 'No materialized view matches sales.*. The database has public.mv_orders.'],
  ])('says in one line what is wrong with --views %s, and has touched nothing', async (views, message) => {
    const db = await ordersDatabase();
    expect(await listener(db.url('worker'), ['--views', views])).toEqual({ status: 2, stdout: '', stderr: `listener: ${message}\n` });
    expect(await valueOf(db.admin, "SELECT to_regnamespace('refresh_listener')")).toBeNull();
    expect(await valueOf(db.admin, 'SELECT count(*)::int FROM pg_trigger WHERE NOT tgisinternal')).toBe(0);
  });

  it('refuses one wrong name among right ones', async () => {
    const db = await ordersDatabase();
    const { status, stderr } = await listener(db.url('worker'), ['--views', 'mv_orders,mv_nothing_like_it']);
    expect({ status, stderr }).toEqual({
      status: 2, stderr: 'listener: No materialized view matches mv_nothing_like_it. The database has public.mv_orders.\n',
    });
    expect(await valueOf(db.admin, "SELECT to_regnamespace('refresh_listener')")).toBeNull();
  });

  it.each<[string, (url: string, port: number) => string, RegExp]>([
    ['a wrong password', (url) => changed(url, { password: 'wrong-secret' }), /password authentication failed for user/],
    ['an unknown user', (url) => changed(url, { username: 'nobody_of_that_name' }), /check user and password/],
    ['a port where nothing listens', (url, port) => changed(url, { hostname: '127.0.0.1', port: String(port) }), /nothing listens at .* start PostgreSQL there/],
    ['a database that does not exist', (url) => changed(url, { pathname: '/no_such_database' }), /database "no_such_database" does not exist.*check the database's name/],
  ])('says in one line, without stack or password, that it could not connect with %s', async (_case, wrong, message) => {
    const db = await freshDatabase();
    const { status, stdout, stderr } = await listener(wrong(db.url('worker'), await freePort()), ['--views', 'mv_orders', '--log-format', 'json']);
    expect(status).toBe(1);
    expect(stderr).toBe('');
    expect(stdout.trimEnd()).not.toContain('\n');
    const line = JSON.parse(stdout) as Record<string, unknown>;
    expect(line).toMatchObject({ level: 'error', msg: expect.stringMatching(message) as string });
    expect(line).not.toHaveProperty('err');
    expect(stdout).not.toContain('secret');
    expect(stdout).not.toContain(new URL(db.url('worker')).password);
  });
});

describe('the log of a run', () => {
  it('is one JSON object a line, each with level, time and a sentence', async () => {
    const db = await ordersDatabase();
    const { status, stdout, stderr } = await listener(db.url('worker'), ['--views', 'mv_orders'], /"refresh.done"/);
    expect({ status, stderr }).toEqual({ status: 0, stderr: '' });
    const lines = stdout.trimEnd().split('\n').map((line) => JSON.parse(line) as Record<string, unknown>);
    expect(lines.map(({ event }) => event)).toEqual(['trigger.installed', 'ready', 'refresh.done', 'stopping', 'stopped']);
    for (const line of lines) {
      expect(line).toMatchObject({
        level: 'info', time: expect.stringMatching(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/) as string, msg: expect.stringMatching(/^[A-Z].*\.$/) as string,
      });
    }
    expect(lines[2]).toMatchObject({ view: 'public.mv_orders', plan: 'concurrent', reason: 'start', inserted: 0, updated: 0, deleted: 0 });
  });

  it('is one sentence a line as text', async () => {
    const db = await ordersDatabase();
    const { status, stdout } = await listener(db.url('worker'), ['--views', 'mv_orders', '--log-format', 'text'], /Refreshed /);
    expect(status).toBe(0);
    const lines = stdout.trimEnd().split('\n');
    for (const line of lines) expect(line).toMatch(/^\[\d{4}-\d\d-\d\d \d\d:\d\d:\d\d\.\d{3}\] INFO: [A-Z].*\.$/);
    expect(lines.map((line) => line.replace(/^.*?INFO: /, '').split(' ').slice(0, 2).join(' '))).toEqual([
      'Installed the', 'Ready: listener', 'Refreshed public.mv_orders', 'Received SIGTERM:', 'Stopped after',
    ]);
  });

  it('tells of a refresh that fails, and goes on', async () => {
    const db = await ordersDatabase();
    await db.app.query('UPDATE public.orders SET n = 0 WHERE id = 1');
    await db.worker.query('CREATE MATERIALIZED VIEW public.mv_bad AS SELECT 1 / n AS r FROM public.orders WITH NO DATA');
    const { status, stdout } = await listener(db.url('worker'), ['--views', 'mv_*', '--log-format', 'text', '--retry-base', '50ms'], /failure 2 in a row/);
    expect(status).toBe(0);
    expect(stdout).toMatch(/ERROR: Refreshing public\.mv_bad failed after \d+ms: division by zero \(SQLSTATE 22012\)\. This needs a change .*\(failure 1 in a row\)\.\n/);
    expect(stdout).toMatch(/Refreshed public\.mv_orders/);
    expect(stdout).not.toMatch(/^\s+at /m);
  });
});
