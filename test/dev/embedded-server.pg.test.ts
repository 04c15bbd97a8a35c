import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { stat } from 'node:fs/promises';
import { createServer } from 'node:net';
import { dirname } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import pg from 'pg';
import { beforeAll, beforeEach, describe, expect, it, vi } from 'vitest';
import { startEmbeddedServer } from '../../dev/embedded-server.js';
import { startOwnServer } from '../support/own-server.js';

async function query(url: string, sql: string): Promise<unknown[]> {
  const client = new pg.Client(url);
  await client.connect();
  const { rows } = await client.query<Record<string, unknown>>(sql);
  await client.end();
  return rows;
}

function isRunning(pid: number): boolean {
  try {
    return process.kill(pid, 0);
  } catch {
    return false; // no such process
  }
}

describe('startEmbeddedServer', () => {
  it('starts a server with the settings of all test servers and extra ones', async (context) => {
    const server = await startOwnServer(context, { max_connections: '20' });
    const [row] = await query(
      server.url,
      `SELECT current_setting('server_version') AS version, current_setting('max_connections') AS max_connections,
              current_setting('max_prepared_transactions') AS max_prepared, current_setting('timezone') AS timezone,
              current_setting('wal_level') AS wal_level, current_setting('listen_addresses') AS addresses,
              (SELECT datcollate || ' ' || pg_encoding_to_char(encoding) FROM pg_database WHERE datname = 'postgres') AS locale`,
    );
    expect(row).toEqual({
      version: server.version,
      max_connections: '20',
      max_prepared: '50',
      timezone: 'UTC',
      wal_level: 'logical',
      addresses: '127.0.0.1',
      locale: 'C UTF8',
    });
    expect((await stat(server.dataDir)).mode & 0o777).toBe(0o700);
  });

  it('lets nobody in without the password', async (context) => {
    const server = await startOwnServer(context);
    const url = new URL(server.url);
    url.password = 'guess';
    await expect(query(url.href, 'SELECT 1')).rejects.toThrow('password authentication failed');
  });

  it('restarts on the same port, in order, by a crash, and after being killed', async (context) => {
    const server = await startOwnServer(context);
    const { url } = server;
    await query(url, 'CREATE TABLE kept AS SELECT 1 AS id');
    const pids = [server.pid];
    await server.restart('fast');
    pids.push(server.pid);
    await server.restart('immediate');
    pids.push(server.pid);
    process.kill(server.pid, 'SIGKILL');
    await server.restart('immediate');
    pids.push(server.pid);
    expect(server.url).toBe(url);
    expect(await query(url, 'SELECT id FROM kept')).toEqual([{ id: 1 }]);
    expect(new Set(pids).size).toBe(4);
  });

  it('waits for its port when somebody else has it during a restart', async (context) => {
    const server = await startOwnServer(context);
    const thief = createServer();
    process.kill(server.pid, 'SIGKILL');
    await vi.waitFor(() => once(thief.listen(server.port, '127.0.0.1'), 'listening'), 5_000);
    const restarted = server.restart('fast');
    setTimeout(() => thief.close(), 500);
    await restarted;
    expect(await query(server.url, 'SELECT 1 AS id')).toEqual([{ id: 1 }]);
  });

  it('says what PostgreSQL wrote when it does not start', async (context) => {
    await startOwnServer(context);
    await expect(startEmbeddedServer({ settings: { shared_buffers: 'plenty' } })).rejects.toThrow('invalid value for parameter "shared_buffers": "plenty"');
  });

  it('leaves neither process nor folder behind after stop(), which may be called twice', async (context) => {
    const server = await startOwnServer(context);
    await server.stop();
    await server.stop();
    expect(isRunning(server.pid)).toBe(false);
    expect(existsSync(dirname(server.dataDir))).toBe(false);
  });

  describe('when its process ends', () => {
    // One probe for all of them: a process that cannot start a server has nothing to leave behind.
    let failure: string | undefined;
    beforeAll(async () => {
      failure = await startEmbeddedServer().then((server) => server.stop()).then(() => undefined, String);
    });
    beforeEach((context) => context.skip(failure !== undefined, failure));

    it.for([
      ['a forgotten stop()', 'return'],
      ['an uncaught exception', 'throw'],
      ['SIGINT', 'wait', 'SIGINT'],
      ['SIGTERM', 'wait', 'SIGTERM'],
      ['SIGHUP', 'wait', 'SIGHUP'],
      ['kill -9', 'wait', 'SIGKILL'],
    ] as const)('leaves nothing behind: %s', async ([, argument, signal]) => {
      const script = fileURLToPath(new URL('server-owner.ts', import.meta.url));
      const owner = spawn(process.execPath, ['--import', 'tsx', script, argument], { stdio: ['ignore', 'pipe', 'ignore'] });
      const ended = once(owner, 'exit');
      const [line] = (await once(createInterface(owner.stdout), 'line')) as [string];
      const { pid, dataDir } = JSON.parse(line) as { pid: number; dataDir: string };
      if (signal) owner.kill(signal);
      await ended;
      await vi.waitFor(() => expect({ running: isRunning(pid), folder: existsSync(dirname(dataDir)) }).toEqual({ running: false, folder: false }), 5_000);
    });
  });
});
