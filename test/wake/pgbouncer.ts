import { spawn, spawnSync, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { chmodSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { freePort } from '../../dev/free-port.js';

/** PgBouncer refuses to run as root; `nobody` has this number wherever PostgreSQL is packaged. */
const NOBODY = 65_534;

/** PgBouncer before the database of a URL. Its databases `transaction` and `session` are named for their pool modes. */
export class PgBouncer {
  readonly #process: ChildProcess;
  readonly #folder: string;
  readonly #port: number;

  static isInstalled(): boolean {
    const installed = spawnSync('pgbouncer', ['--version']).status === 0;
    if (!installed) console.log('The doorbell is not tested behind a transaction pooler: pgbouncer is not installed');
    return installed;
  }

  static async start(url: string): Promise<PgBouncer> {
    const bouncer = new PgBouncer(url, await freePort());
    await bouncer.#ready();
    return bouncer;
  }

  private constructor(url: string, port: number) {
    const { hostname, port: serverPort, pathname, username, password } = new URL(url);
    const database = `host=${hostname} port=${serverPort} dbname=${pathname.slice(1)} user=${username} password=${password}`;
    this.#port = port;
    this.#folder = mkdtempSync(join(tmpdir(), 'listener-pgbouncer-'));
    const settings = join(this.#folder, 'pgbouncer.ini');
    writeFileSync(
      settings,
      `[databases]
transaction = ${database} pool_mode=transaction
session = ${database} pool_mode=session
[pgbouncer]
listen_addr = 127.0.0.1
listen_port = ${port}
unix_socket_dir =
auth_type = any
ignore_startup_parameters = extra_float_digits
`,
    );
    chmodSync(this.#folder, 0o755);
    const user = process.getuid?.() === 0 ? { uid: NOBODY, gid: NOBODY } : {};
    this.#process = spawn('pgbouncer', [settings], { stdio: ['ignore', 'ignore', 'pipe'], ...user });
  }

  url(poolMode: 'transaction' | 'session'): string {
    return `postgres://anybody@127.0.0.1:${this.#port}/${poolMode}`;
  }

  async stop(): Promise<void> {
    if (this.#process.exitCode === null) {
      this.#process.kill('SIGKILL');
      await once(this.#process, 'exit');
    }
    rmSync(this.#folder, { recursive: true });
  }

  async #ready(): Promise<void> {
    if (this.#process.stderr === null) throw new Error('pgbouncer was started without its log');
    const said: string[] = [];
    for await (const line of createInterface(this.#process.stderr)) {
      said.push(line);
      if (line.includes('process up')) {
        this.#process.stderr.resume();
        return;
      }
    }
    await this.stop();
    throw new Error(`pgbouncer did not start:\n${said.join('\n')}`);
  }
}
