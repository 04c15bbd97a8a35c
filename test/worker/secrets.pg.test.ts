import { expect, it } from 'vitest';
import { runCommand } from '../support/command.js';
import { listener } from '../support/hand-command.js';
import { spawnWorker } from '../support/worker-process.js';
import { createOrders, createView, freshDatabase, valueOf } from './scene.js';

/** What a function of the application may say when it cannot reach something, in its own words. */
const spoken = [
  'no answer from postgres://reporter:hunter2@replica.example.com:5432/shop',
  'could not connect: host=replica.example.com user=reporter password=hunter2 dbname=shop',
  "could not connect with password='hunter2 and more' to the replica",
  "postgres://reporter:hunter2's@replica.example.com/shop is not there",
];
const secret = 'hunter2';

it('passwords reach neither the log, nor an error, nor the record of refreshes', { timeout: 120_000 }, async () => {
  const db = await freshDatabase();
  await createOrders(db);
  for (const [index, words] of spoken.entries()) {
    await db.worker.query(`CREATE FUNCTION public.ask_${index}(int) RETURNS int LANGUAGE plpgsql AS $f$ BEGIN
      IF $1 > 10 THEN RAISE EXCEPTION $s$${words}$s$ USING HINT = $s$${words}$s$, DETAIL = $s$${words}$s$; END IF; RETURN $1; END $f$`);
    await createView(db, `mv_failing_${index}`, `SELECT public.ask_${index}(id) AS id FROM public.orders`);
  }
  const url = db.url('worker');
  const { password } = new URL(url);
  const worker = spawnWorker(url, ['mv_*'], ['--concurrency=4']);
  await worker.events.next('ready');
  await db.app.query('INSERT INTO public.orders (n) VALUES (1)');
  for (const index of spoken.keys()) await worker.events.next('refresh.failed', ({ view }) => view === `public.mv_failing_${index}`);
  await expect.poll(() => valueOf<number>(db.admin, 'SELECT count(DISTINCT view)::int FROM refresh_listener.run WHERE error IS NOT NULL'), { timeout: 20_000 }).toBe(spoken.length);
  const sessions = await valueOf<string>(db.admin, `SELECT jsonb_agg(to_jsonb(a))::text FROM pg_stat_activity AS a WHERE application_name LIKE 'listener (%'`);
  await worker.terminate();

  const said = [worker.events.all.map((event) => JSON.stringify(event)), worker.output].flat().join('\n');
  expect(said).toContain('no answer from postgres://reporter:***@replica.example.com:5432/shop');
  const { rows: tables } = await db.admin.query<{ name: string }>(
    "SELECT c.oid::regclass::text AS name FROM pg_class AS c WHERE c.relnamespace = 'refresh_listener'::regnamespace AND c.relkind = 'r'");
  const kept = await Promise.all(tables.map(({ name }) => valueOf<string | null>(db.admin, `SELECT jsonb_agg(to_jsonb(t))::text FROM ${name} AS t`)));
  const shown = await Promise.all([['status'], ['status', 'mv_failing_0'], ['status', '--json'], ['explain', 'mv_failing_1'], ['doctor'], ['refresh', 'mv_failing_2'], ['refresh', 'mv_failing_3']]
    .map((args) => listener(url, args)));
  for (const [where, text] of Object.entries({ said, kept: kept.join('\n'), shown: JSON.stringify(shown), sessions })) {
    expect(text, where).not.toContain(secret);
    expect(text, where).not.toContain(password);
  }
  expect(kept.join('\n')).toContain('reporter:***@replica.example.com');
});

it.each<[string[], Record<string, string>]>([
  [['--views', 'mv', '--database-url', 'postgres://u:hunter2@'], {}],
  [['--views', 'postgres://u:hunter2@h/d'], {}],
  [['postgres://u:hunter2@h/d'], {}],
  [['status', 'postgres://u:hunter2@h/d', 'x'], {}],
  [['--database_url=postgres://u:hunter2@h/d', '--views', 'mv'], {}],
  [['--views', 'mv', '--wake', 'postgres://u:hunter2@h/d'], {}],
  [['--views', 'mv'], { DATABASE_URL: 'postgres://u:hunter2@127.0.0.1:1/d' }],
  [['--views', 'mv'], { DATABASE_URL: 'postgres://u:hunter2@h/d?sslmode=perhaps' }],
  [['--views', 'mv'], { LISTENER_LISTEN_URL: 'http://u:hunter2@h/d' }],
  [['--views', 'mv'], { LISTENER_DEBOUNCE: 'postgres://u:hunter2@h/d' }],
])('nor what the command says of %j with %j', async (args, env) => {
  const { status, stdout, stderr } = await runCommand(args, env);
  expect(status).toBe(2);
  expect(stdout + stderr).not.toContain('hunter2');
  expect(stderr).toMatch(/^listener: [^\n]+\n$/);
});
