import { describe, expect, it } from 'vitest';
import type { TestDatabase } from '../support/database.js';
import { listener } from '../support/hand-command.js';
import { startWorker } from '../support/test-worker.js';
import { spawnListener } from './listener-process.js';
import { freshDatabase, valueOf } from '../worker/scene.js';

const sql = '; DROP TABLE public.keep; --';
const quoted = (name: string): string => `"${name.replaceAll('"', '""')}"`;

/** Each holds SQL, a quote of every kind, what a shell would run, a line break that begins a line of the log, and a sequence that clears a terminal. */
const schema = `s"'${sql}`;
const table = `t"'${sql}\n\u001b[2J`;
const column = `c"'$1 ${sql}`;
const view = `mv"'\`$(x)${sql}\nERROR: \u001b[2J\r`;
const viewName = `${quoted(schema)}.${quoted(view)}`;

async function hostileShop(): Promise<TestDatabase> {
  const db = await freshDatabase();
  await db.admin.query(`CREATE TABLE public.keep (n int); CREATE SCHEMA ${quoted(schema)}; GRANT ALL ON SCHEMA ${quoted(schema)} TO PUBLIC`);
  await db.app.query(`CREATE TABLE ${quoted(schema)}.${quoted(table)} (${quoted(column)} int)`);
  await db.worker.query(`CREATE MATERIALIZED VIEW ${viewName} AS SELECT ${quoted(column)} FROM ${quoted(schema)}.${quoted(table)};
    CREATE UNIQUE INDEX ON ${viewName} (${quoted(column)})`);
  return db;
}

/** What a terminal would obey, and lines that begin with what a name says. */
const steering = (text: string): string[] => [...['\u001b', '\r'].filter((character) => text.includes(character)), ...(text.match(/^ERROR.*$/gm) ?? [])];

const kept = (db: TestDatabase): Promise<string | null> => valueOf(db.admin, "SELECT to_regclass('public.keep')::text");

// Each of these starts the real command several times over.
describe('names that hold SQL, line breaks and escape sequences', { timeout: 180_000 }, () => {
  it('are names to the worker and to every command, and steer no terminal', async () => {
    const db = await hostileShop();
    const { events } = await startWorker(db.url('worker'), [viewName], { sweepMs: 300 });
    await events.next('refresh.done');
    const from = events.mark;
    await db.app.query(`INSERT INTO ${quoted(schema)}.${quoted(table)} VALUES (1)`);
    expect(await events.next('refresh.done', ({ inserted }) => inserted === 1, from)).toMatchObject({ view: viewName });
    await events.next('sweep.done', () => events.of('sweep.done', from).length > 1, from);
    expect(events.complaints).toEqual([]);
    expect(await kept(db)).toBe('keep');

    const calls = [
      ['status'], ['status', viewName], ['explain', viewName], ['verify', viewName, '--wait', '10s'], ['doctor'], ['pause', viewName], ['resume', viewName],
      ['refresh', viewName, '--force'], ['install', '--views', viewName], ['install', '--views', viewName, '--print'], ['uninstall', '--print'], ['status', `${viewName}x`],
    ];
    for (const args of calls) {
      const { status, stdout, stderr } = await listener(db.url('worker'), args);
      expect([0, 1, 2], `${args.join(' ')}: ${stderr}`).toContain(status);
      if (!args.includes('--print')) expect(steering(`${stdout}${stderr}`), args.join(' ')).toEqual([]);
      expect(await kept(db), args.join(' ')).toBe('keep');
    }
  });

  it('write no line of their own into a log for people', async () => {
    const db = await hostileShop();
    const child = spawnListener(db.url('worker'), ['--views', viewName, '--once', '--log-format', 'text']);
    let written = '';
    child.stdout.on('data', (piece: Buffer) => (written += piece.toString()));
    await new Promise((resolve) => child.once('close', resolve));
    expect(written).toContain('Refreshed');
    expect(steering(written)).toEqual([]);
    expect(written.trimEnd().split('\n').filter((line) => !line.startsWith('['))).toEqual([]);
  });
});
