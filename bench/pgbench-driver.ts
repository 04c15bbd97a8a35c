import { execFile, execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { availableParallelism, tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { customers, type Driver, type Workload } from './workload.js';

const run = promisify(execFile);

/** Undefined where `pgbench` is not installed. */
export function findPgbench(): Driver | undefined {
  try {
    const version = /\d+(\.\d+)*/.exec(execFileSync('pgbench', ['--version'], { encoding: 'utf8' }))?.[0] ?? '';
    return { name: `pgbench ${version}, -M prepared`, run: runPgbench };
  } catch {
    return undefined;
  }
}

async function runPgbench(url: string, { statements, clients, seconds }: Workload): Promise<number> {
  const folder = mkdtempSync(join(tmpdir(), 'pg-refresh-listener-bench-'));
  try {
    const script = join(folder, 'script.sql');
    writeFileSync(script, pgbenchScript(statements));
    const threads = Math.min(clients, availableParallelism());
    const args = ['-n', '-M', 'prepared', '-c', String(clients), '-j', String(threads), '-T', String(seconds), '-f', script];
    const { stdout } = await run('pgbench', args, { env: { ...process.env, ...connectionVariables(url) } });
    return transactionsPerSecond(stdout);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

/** Pure. */
export function pgbenchScript(statements: readonly string[]): string {
  return `\\set customer random(1, ${customers})\n${statements.map((statement) => `${statement};\n`).join('')}`;
}

/**
 * Reads what pgbench reports. Pure.
 *
 * @throws when clients were aborted or nothing was done, whose rate means nothing
 */
export function transactionsPerSecond(report: string): number {
  const rate = Number(/^tps = ([\d.]+) /m.exec(report)?.[1]);
  if (!(rate > 0) || /aborted/i.test(report)) throw new Error(`pgbench failed:\n${report}`);
  return rate;
}

/** In the environment and not on the command line, which everybody can read. */
function connectionVariables(url: string): NodeJS.ProcessEnv {
  const { hostname, port, username, password, pathname } = new URL(url);
  return { PGHOST: hostname, PGPORT: port, PGUSER: username, PGPASSWORD: password, PGDATABASE: pathname.slice(1) };
}
