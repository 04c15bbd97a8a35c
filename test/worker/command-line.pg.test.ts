import { describe, expect, it, onTestFinished } from 'vitest';
import { freePort } from '../../dev/free-port.js';
import { runCommand, type Outcome } from '../support/command.js';
import type { TestDatabase } from '../support/database.js';
import { startSilentProxy } from '../support/silent-proxy.js';
import { createOrders, freshDatabase, valueOf } from './scene.js';

function listener(url: string, args: readonly string[], until?: RegExp): Promise<Outcome> {
  return runCommand(args, { DATABASE_URL: url }, until);
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
    ['a host that nobody knows', (url) => changed(url, { hostname: 'no-such-host.invalid' }), /the host of .* (is not known|cannot be looked up now)/],
  ])('says in one line, without stack or password, that it could not connect with %s', async (_case, wrong, message) => {
    const db = await freshDatabase();
    const { status, stdout, stderr } = await listener(wrong(db.url('worker'), await freePort()), ['--views', 'mv_orders', '--log-format', 'json']);
    expect({ status, stdout }).toEqual({ status: 2, stdout: '' });
    expect(stderr).toMatch(/^listener: could not connect: [^\n]+\n$/);
    expect(stderr).toMatch(message);
    expect(stderr).not.toContain('secret');
    expect(stderr).not.toContain(new URL(db.url('worker')).password);
  });

  it('gives up on a server that does not answer, after connect_timeout', async () => {
    const db = await freshDatabase();
    const proxy = await startSilentProxy(db.url('worker'));
    onTestFinished(() => proxy.close());
    proxy.silence();
    const { status, stdout, stderr } = await listener(`${proxy.url(db.url('worker'))}?connect_timeout=1`, ['--views', 'mv_orders']);
    expect({ status, stdout }).toEqual({ status: 2, stdout: '' });
    expect(stderr).toMatch(/^listener: could not connect: no answer from [^\n]+: check host and port[^\n]+\n$/);
  });

  it('says the same for a command that is not the worker', async () => {
    const { status, stdout, stderr } = await listener(`postgres://u:secret@127.0.0.1:${await freePort()}/shop`, ['refresh', 'mv_orders']);
    expect({ status, stdout }).toEqual({ status: 2, stdout: '' });
    expect(stderr).toMatch(/^listener: could not connect: nothing listens at postgres:\/\/u:\*\*\*@127\.0\.0\.1:\d+\/shop [^\n]+\n$/);
  });

  it('names the listen URL when that is what leads nowhere, and not the other', async () => {
    const db = await ordersDatabase();
    const { status, stderr } = await listener(db.url('worker'), ['--views', 'mv_orders', '--listen-url', `postgres://u:secret@127.0.0.1:${await freePort()}/direct`]);
    expect(status).toBe(2);
    expect(stderr).toMatch(/^listener: could not connect: nothing listens at postgres:\/\/u:\*\*\*@127\.0\.0\.1:\d+\/direct [^\n]+\n$/);
    expect(await valueOf(db.admin, "SELECT to_regnamespace('refresh_listener')")).toBeNull();
  });

  it('says what would let it into a database without CONNECT, and that does', async () => {
    const db = await ordersDatabase();
    await db.admin.query(`REVOKE CONNECT ON DATABASE ${db.name} FROM PUBLIC`);
    const { status, stderr } = await listener(db.url('worker'), ['--views', 'mv_orders']);
    expect(status).toBe(2);
    const grant = new RegExp(`: run as an administrator (GRANT CONNECT ON DATABASE "${db.name}" TO "${db.roles.worker}";)\n$`).exec(stderr)?.[1];
    await db.admin.query(grant ?? stderr);
    expect((await listener(db.url('worker'), ['--views', 'mv_orders'], /"refresh.done"/)).status).toBe(0);
  });

  it('warns once of parameters that have no effect', async () => {
    const db = await ordersDatabase();
    const { status, stdout } = await listener(`${db.url('worker')}?pgbouncer=true&schema=public`, ['--views', 'mv_orders'], /"refresh.done"/);
    expect(status).toBe(0);
    expect(stdout.match(/Of the connection URL, pgbouncer, schema have no effect here\./g)).toHaveLength(1);
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
