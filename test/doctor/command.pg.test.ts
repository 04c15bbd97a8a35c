import { execFile } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { servedShop, shop } from './scene.js';
import { cli } from '../support/cli.js';

const root = fileURLToPath(new URL('../..', import.meta.url));

async function doctor(url: string, ...args: readonly string[]): Promise<{ status: number; stdout: string; stderr: string }> {
  const inherited = Object.entries(process.env).filter(([name]) => !name.startsWith('LISTENER_') && !name.startsWith('PG'));
  return new Promise((resolve) => {
    const child = execFile(
      process.execPath, [...cli, 'doctor', ...args],
      { cwd: root, env: { ...Object.fromEntries(inherited), DATABASE_URL: url } },
      (_error, stdout, stderr) => resolve({ status: child.exitCode ?? -1, stdout, stderr }),
    );
  });
}

describe('listener doctor', () => {
  it('exits 0 where nothing failed, warnings or not, in lines that fit', async () => {
    const db = await servedShop();
    await db.worker.query('DROP INDEX public.mv_orders_id_idx');
    const { status, stdout, stderr } = await doctor(db.url('worker'));
    expect(stderr).toBe('');
    expect(status).toBe(0);
    expect(stdout).toMatch(/\nNo failure, \d warnings?, \d+ checks passed\.\n$/);
    expect(stdout).toContain('  warning  public.mv_orders has no unique index');
    expect(stdout).toContain('\n               CREATE UNIQUE INDEX ON public.mv_orders ("id");\n');
    expect(stdout.split('\n').filter((line) => line.length > 80 && !line.endsWith(';'))).toEqual([]);
  });

  it('exits 1 where something failed, before anything is installed', async () => {
    const db = await shop();
    const { status, stdout } = await doctor(db.url('worker'), '--views', 'mv_orders', '--json');
    expect(status).toBe(1);
    const diagnosis = JSON.parse(stdout) as { findings: { level: string; check: string }[] };
    expect(diagnosis).toMatchObject({ database: db.name, role: db.roles.worker, views: ['public.mv_orders'], summary: { failures: 1 } });
    // By the calendar of today a release may be out of support.
    expect(diagnosis.findings.filter(({ level, check }) => level === 'warning' && check !== 'versions')).toEqual([]);
    expect(diagnosis.findings.filter(({ level }) => level === 'failure')).toEqual([{
      group: 'Server', check: 'installation', level: 'failure', what: expect.stringContaining('Nothing is installed') as string,
      why: expect.any(String) as string, remedy: 'listener install --views mv_orders',
    }]);
  });

  it('exits 2, with one line, for a server that does not answer', async () => {
    const { status, stdout, stderr } = await doctor('postgres://nobody@127.0.0.1:1/nothing');
    expect([status, stdout]).toEqual([2, '']);
    expect(stderr).toMatch(/^listener: .*nothing listens at postgres:\/\/nobody@127\.0\.0\.1:1\/nothing.*\n$/);
  });

  it('exits 2, with one line, for a view that does not exist', async () => {
    const { status, stdout, stderr } = await doctor((await shop()).url('worker'), '--views', 'mv_order');
    expect([status, stdout]).toEqual([2, '']);
    expect(stderr).toBe('listener: No materialized view matches mv_order. Did you mean public.mv_orders?\n');
  });
});
