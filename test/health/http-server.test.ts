import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { connect } from 'node:net';
import { describe, expect, it, onTestFinished } from 'vitest';
import { bindProblem } from '../../src/health/bind-problem.js';
import { HttpServer, text, type HttpServerOptions } from '../../src/health/http-server.js';

/** A server on some port, stopped at the end of the test. */
async function serving(pages: HttpServerOptions['pages']): Promise<{ server: HttpServer; port: number; troubles: unknown[]; url: (path: string) => string }> {
  const troubles: unknown[] = [];
  const server = new HttpServer({ pages, onTrouble: (error) => troubles.push(error) });
  onTestFinished(() => server.stop());
  const port = await server.start(0, '127.0.0.1');
  return { server, port, troubles, url: (path) => `http://127.0.0.1:${port}${path}` };
}

describe('the server of health and metrics', () => {
  it('answers GET and HEAD, whatever the query', async () => {
    const { url } = await serving({ '/healthz': () => text(200, 'alive'), '/readyz': () => text(503, 'not yet') });
    const alive = await fetch(url('/healthz?from=probe'));
    expect([alive.status, alive.headers.get('content-type'), alive.headers.get('cache-control'), await alive.text()])
      .toEqual([200, 'text/plain; charset=utf-8', 'no-store', 'alive\n']);
    const head = await fetch(url('/readyz'), { method: 'HEAD' });
    expect([head.status, head.headers.get('content-length'), await head.text()]).toEqual([503, '8', '']);
  });

  it('refuses other methods, and names the paths that there are', async () => {
    const { url } = await serving({ '/healthz': () => text(200, 'alive'), '/metrics': () => text(200, 'none') });
    for (const method of ['POST', 'PUT', 'DELETE', 'OPTIONS']) {
      const refused = await fetch(url('/metrics'), { method });
      expect([method, refused.status, refused.headers.get('allow')]).toEqual([method, 405, 'GET, HEAD']);
    }
    for (const path of ['/', '/metrics/', '/constructor', '/__proto__', '/..%2fhealthz']) {
      const missing = await fetch(url(path));
      expect([path, missing.status, await missing.text()]).toEqual([path, 404, 'There is nothing here. There are /healthz, /metrics.\n']);
    }
  });

  it('outlives a page that throws, and tells of it', async () => {
    const { url, troubles } = await serving({ '/bad': () => Promise.reject(new Error('broke, at postgres://u:secret@h/d')), '/good': () => text(200, 'fine') });
    const failed = await fetch(url('/bad'));
    expect([failed.status, await failed.text()]).toEqual([500, 'This failed; the log says why.\n']);
    expect(troubles).toMatchObject([{ message: expect.stringContaining('broke') as string }]);
    expect((await fetch(url('/good'))).status).toBe(200);
  });

  it('answers junk with 400 and goes on', async () => {
    const { url, port } = await serving({ '/good': () => text(200, 'fine') });
    const socket = connect(port, '127.0.0.1');
    socket.end('\u0000junk\r\n\r\n');
    const [answer] = (await once(socket, 'data')) as [Buffer];
    expect(answer.toString()).toMatch(/^HTTP\/1\.1 400 /);
    expect((await fetch(url('/good'))).status).toBe(200);
  });

  it('stops at once while somebody waits for an answer, twice and before a start too', async () => {
    let isAsked = (): void => undefined;
    const asked = new Promise<void>((resolve) => (isAsked = resolve));
    const { server, url } = await serving({ '/slow': () => { isAsked(); return new Promise(() => undefined); } });
    const waiting = fetch(url('/slow')).then(() => 'answered', () => 'cut off');
    await asked;
    await Promise.all([server.stop(), server.stop()]);
    expect(await waiting).toBe('cut off');
    await server.stop();
    await new HttpServer({ pages: {}, onTrouble: () => undefined }).stop();
    await expect(fetch(url('/slow'))).rejects.toThrow();
  });

  it('keeps no process alive, nor does a client that stays connected', async () => {
    const module = JSON.stringify(new URL('../../src/health/http-server.ts', import.meta.url).href);
    const script = `
      const { HttpServer, text } = await import(${module});
      const { connect } = await import('node:net');
      const port = await new HttpServer({ pages: { '/': () => text(200, 'here') }, onTrouble: () => {} }).start(0, '127.0.0.1');
      const client = connect(port, '127.0.0.1', () => client.write('GET / HTTP/1.1\\r\\nHost: x\\r\\n\\r\\n'));
      client.once('data', () => client.unref());`;
    const child = spawn(process.execPath, ['--import', 'tsx', '--input-type=module', '--eval', script], { stdio: ['ignore', 'ignore', 'inherit'] });
    onTestFinished(() => void child.kill('SIGKILL'));
    expect(await once(child, 'close')).toEqual([0, null]);
  });
});

describe('a port that cannot be had', () => {
  /** The system's own error, as the server gets it. */
  async function errorOf(port: number, host: string): Promise<NodeJS.ErrnoException> {
    const server = new HttpServer({ pages: {}, onTrouble: () => undefined });
    onTestFinished(() => server.stop());
    return server.start(port, host).then(() => { throw new Error(`listens on ${host}`); }, (error: unknown) => error as NodeJS.ErrnoException);
  }

  it('is told of in one line, with where it was said and the remedy', async () => {
    const { port } = await serving({});
    const origins = { port: 'LISTENER_PORT' };
    expect(bindProblem(await errorOf(port, '127.0.0.1'), { port, host: '127.0.0.1', origins }).message)
      .toBe(`LISTENER_PORT: port ${port} of 127.0.0.1 is in use: choose another one, or stop what listens there`);
    expect(bindProblem(await errorOf(0, '192.0.2.1'), { port, host: '192.0.2.1', origins: {} }).message)
      .toBe('--host: 192.0.2.1 is no address of this machine: write 127.0.0.1, or 0.0.0.0 for all that it has');
    expect(bindProblem(await errorOf(0, 'no-such-host.invalid'), { port, host: 'no-such-host.invalid', origins: {} }).message)
      .toBe('--host: no address of no-such-host.invalid is known: write one, such as 127.0.0.1, or 0.0.0.0 for all of this machine');
  });

  it.each([
    ['EACCES', '--port: this user may not listen on port 80: choose one from 1024 on'],
    ['EAFNOSUPPORT', '--host: this machine has no addresses of the kind of ::1: write 127.0.0.1, or 0.0.0.0 for all that it has'],
    ['EMFILE', '--port: cannot listen on port 80 of ::1 (oh no): choose another port or --host'],
  ])('is told of with its remedy: %s', (code, message) => {
    expect(bindProblem(Object.assign(new Error('oh no'), { code }), { port: 80, host: '::1', origins: {} }).message).toBe(message);
  });
});
