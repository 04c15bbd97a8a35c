import { beforeEach, describe, expect, it } from 'vitest';
import { runCommand } from '../support/command.js';
import type { TestDatabase } from '../support/database.js';
import { tlsServerHere } from '../support/tls-server.js';
import { spawnWorker } from '../support/worker-process.js';
import { atRest, createOrders, difference, freshDatabase, sessionsOf, valueOf } from './scene.js';

/** Lets nobody in without TLS: whatever gets in has it. */
const server = tlsServerHere();

let db: TestDatabase;
beforeEach(async () => {
  db = await freshDatabase(server().adminUrl);
  await createOrders(db);
});

function workerUrl(parameters: Readonly<Record<string, string>>, hostname = 'localhost'): string {
  const url = Object.assign(new URL(db.url('worker')), { hostname, search: '' });
  for (const [name, value] of Object.entries(parameters)) url.searchParams.set(name, value);
  return url.href;
}

/** The sessions of workers, each with whether it uses TLS. */
async function lanes(): Promise<Record<string, boolean>> {
  const { rows } = await db.admin.query<{ name: string; ssl: boolean }>(
    `SELECT a.application_name AS name, bool_and(s.ssl) AS ssl FROM pg_stat_activity AS a JOIN pg_stat_ssl AS s USING (pid)
     WHERE a.datname = current_database() AND a.application_name LIKE 'listener (%' GROUP BY 1 ORDER BY 1`,
  );
  return Object.fromEntries(rows.map(({ name, ssl }) => [name, ssl]));
}

const allOverTls = { 'listener (absorb)': true, 'listener (doorbell)': true, 'listener (look)': true };

async function expectFresh(): Promise<void> {
  expect(await difference(db, 'public.mv_orders', 'SELECT id, n FROM public.orders')).toBe(0);
}

describe('a worker over TLS', () => {
  it.each<[string, () => Record<string, string>]>([
    ['nothing said about it', () => ({})],
    ['sslmode=require', () => ({ sslmode: 'require' })],
    ['sslmode=verify-full', () => ({ sslmode: 'verify-full', sslrootcert: server().ca })],
  ])('keeps a view fresh by all its connections, and by those made anew, with %s', async (_mode, parameters) => {
    const worker = spawnWorker(workerUrl(parameters()), ['mv_orders']);
    const { events } = worker;
    expect((await events.next('ready')).wake).toBe('notify'); // with that, migrations and canary have got through
    await events.next('refresh.done');
    await db.app.query('INSERT INTO public.orders (n) VALUES (1)');
    await events.next('refresh.done', ({ inserted }) => inserted === 1);
    await expectFresh();
    expect(await lanes()).toEqual(allOverTls);

    const from = events.mark;
    for (const pid of await sessionsOf(db)) await db.admin.query('SELECT pg_terminate_backend($1)', [pid]);
    await events.next('listen.restored', () => true, from);
    await db.app.query('INSERT INTO public.orders (n) VALUES (2)');
    await events.next('refresh.done', ({ inserted }) => inserted === 1, from);
    await expectFresh();
    expect(await lanes()).toEqual(allOverTls);
    await atRest(db);
    expect(await worker.terminate()).toBe(0);
  });

  it('takes all of it from the PG* variables', async () => {
    const { username, password, port, pathname } = new URL(db.url('worker'));
    const env = {
      PGHOST: 'localhost', PGPORT: port, PGUSER: username, PGPASSWORD: password, PGDATABASE: pathname.slice(1),
      PGSSLMODE: 'verify-full', PGSSLROOTCERT: server().ca,
    };
    const { status, stderr } = await runCommand(['--views', 'mv_orders'], env, /"refresh.done"/);
    expect({ status, stderr }).toEqual({ status: 0, stderr: '' });
    const wrong = await runCommand(['--views', 'mv_orders'], { ...env, PGSSLROOTCERT: server().otherCa });
    expect(wrong).toMatchObject({ status: 2, stdout: '' });
    expect(wrong.stderr).toMatch(/^listener: could not connect: the certificate of the server that the PG\* variables name is not signed by [^\n]+\n$/);
  });

  it.each<[string, () => string, RegExp]>([
    ['another CA', () => workerUrl({ sslmode: 'verify-full', sslrootcert: server().otherCa }), /is not signed by an authority that is trusted here/],
    ['another host name', () => workerUrl({ sslmode: 'verify-full', sslrootcert: server().ca }, '127.0.0.1'), /is for another host name/],
    ['no TLS', () => workerUrl({ sslmode: 'disable' }), /add sslmode=require to the URL, or sslmode=no-verify/],
    ['a file that is not there', () => workerUrl({ sslmode: 'verify-full', sslrootcert: '/nowhere/ca.pem' }), /sslrootcert=\/nowhere\/ca\.pem cannot be read \(ENOENT\)/],
    ['a mode that does not exist', () => workerUrl({ sslmode: 'verify' }), /sslmode=verify is not known: write sslmode=disable, allow/],
  ])('says in one line why it does not start with %s, and has touched nothing', async (_case, url, message) => {
    const { status, stdout, stderr } = await runCommand(['--views', 'mv_orders'], { DATABASE_URL: url() });
    expect({ status, stdout }).toEqual({ status: 2, stdout: '' });
    expect(stderr).toMatch(/^listener: [^\n]+\n$/);
    expect(stderr).toMatch(message);
    expect(stderr).not.toContain(new URL(db.url('worker')).password);
    expect(await valueOf(db.admin, "SELECT to_regnamespace('refresh_listener')")).toBeNull();
  });
});
