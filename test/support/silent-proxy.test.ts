import { once } from 'node:events';
import { connect, createServer, type AddressInfo, type Server, type Socket } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { startSilentProxy, type SilentProxy } from './silent-proxy.js';

describe('SilentProxy', () => {
  let echo: Server;
  let proxy: SilentProxy;
  let clients: Socket[];

  beforeEach(async () => {
    echo = createServer((socket) => socket.on('error', () => undefined).pipe(socket));
    await once(echo.listen(0, '127.0.0.1'), 'listening');
    proxy = await startSilentProxy(`postgres://user@127.0.0.1:${(echo.address() as AddressInfo).port}/db`);
    clients = [];
  });

  afterEach(() => {
    for (const client of clients) client.destroy();
    proxy.close();
    echo.close();
  });

  async function open(): Promise<Socket> {
    const client = connect(proxy.port, '127.0.0.1');
    clients.push(client);
    await once(client, 'connect');
    return client;
  }

  async function ask(client: Socket, text: string): Promise<string> {
    client.write(text);
    const [answer] = (await once(client, 'data')) as [Buffer];
    return answer.toString();
  }

  /** True if nothing at all happened to the socket for a while. Absence can only be waited for. */
  async function staysQuiet(client: Socket): Promise<boolean> {
    const something = Promise.race(['data', 'end', 'close', 'error'].map((event) => once(client, event)));
    return (await Promise.race([something, sleep(200, 'quiet')])) === 'quiet';
  }

  it('passes traffic in both directions and counts connections', async () => {
    expect(await ask(await open(), 'hello')).toBe('hello');
    expect(await ask(await open(), 'again')).toBe('again');
    expect(proxy.connectionCount).toBe(2);
  });

  it('passes on the end of a connection', async () => {
    const client = await open();
    await ask(client, 'hello');
    client.end();
    await once(client, 'close');
  });

  it('swallows traffic while silent and closes nothing', async () => {
    const client = await open();
    await ask(client, 'hello');
    proxy.silence();
    client.write('lost');
    expect(await staysQuiet(client)).toBe(true);
    expect(client.destroyed).toBe(false);
  });

  it('swallows the end of the server while silent', async () => {
    const accepted = once(echo, 'connection') as Promise<[Socket]>;
    const client = await open();
    const [server] = await accepted;
    proxy.silence();
    server.destroy();
    expect(await staysQuiet(client)).toBe(true);
  });

  it('accepts new connections while silent and lets them hang, also after the silence', async () => {
    proxy.silence();
    const client = await open();
    client.write('anyone?');
    expect(await staysQuiet(client)).toBe(true);
    proxy.resume();
    client.write('now?');
    expect(await staysQuiet(client)).toBe(true);
    expect(proxy.connectionCount).toBe(1);
  });

  it('leaves silenced connections dead after the silence, while new ones work', async () => {
    const silenced = await open();
    await ask(silenced, 'hello');
    proxy.silence();
    proxy.resume();
    silenced.write('lost');
    expect(await staysQuiet(silenced)).toBe(true);
    expect(await ask(await open(), 'hello')).toBe('hello');
  });

  it('cuts all connections, silenced ones too', async () => {
    const silenced = await open();
    await ask(silenced, 'hello');
    proxy.silence();
    proxy.resume();
    const open2 = await open();
    const closed = Promise.all([silenced, open2].map((client) => once(client.on('error', () => undefined), 'close')));
    proxy.cut();
    await closed;
    expect(await ask(await open(), 'hello')).toBe('hello');
  });

  it('refuses new connections, keeps the existing ones, and accepts again on the same port', async () => {
    const { port } = proxy;
    const client = await open();
    proxy.refuse();
    await expect(open()).rejects.toThrow('ECONNREFUSED');
    expect(await ask(client, 'hello')).toBe('hello');
    await proxy.accept();
    expect(proxy.port).toBe(port);
    expect(await ask(await open(), 'hello')).toBe('hello');
  });

  it('puts itself into a connection URL', () => {
    expect(proxy.url('postgres://me:secret@db.example:5433/shop?application_name=x')).toBe(
      `postgres://me:secret@127.0.0.1:${proxy.port}/shop?application_name=x`,
    );
  });
});
