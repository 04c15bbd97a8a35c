import { once } from 'node:events';
import { createServer, connect, type AddressInfo, type Server, type Socket } from 'node:net';

/**
 * What becomes of a query: passed on to the server; swallowed, never answered; answered as if done while the server
 * never sees it; or refused with an error of the server's form.
 */
export type Verdict = 'pass' | 'swallow' | 'pretend' | 'refuse';

const SIMPLE_QUERY = 'Q'.charCodeAt(0);

/** A proxy before a real server that reads the client's simple queries and lets a test decide about each. */
export class QueryProxy {
  /** Asked about each query, in the order of arrival, over all connections. */
  verdict: (sql: string) => Verdict = () => 'pass';
  readonly #server: Server;
  readonly #clients = new Set<Socket>();

  static async open(host: string, port: number): Promise<QueryProxy> {
    const proxy = new QueryProxy(host, port);
    proxy.#server.listen(0, '127.0.0.1');
    await once(proxy.#server, 'listening');
    return proxy;
  }

  private constructor(host: string, port: number) {
    this.#server = createServer((client) => this.#serve(client, connect(port, host)));
  }

  get port(): number {
    return (this.#server.address() as AddressInfo).port;
  }

  /** Sends bytes to every client, as if the server had. */
  inject(bytes: Buffer): void {
    for (const client of this.#clients) client.write(bytes);
  }

  async close(): Promise<void> {
    for (const client of this.#clients) client.destroy();
    this.#server.close();
    await once(this.#server, 'close');
  }

  #serve(client: Socket, server: Socket): void {
    this.#clients.add(client);
    client.on('close', () => {
      this.#clients.delete(client);
      server.destroy();
    });
    server.on('close', () => client.destroy());
    // A connection reset is one of the things that tests cause.
    client.on('error', () => server.destroy());
    server.on('error', () => client.destroy());
    server.pipe(client);

    let unread = Buffer.alloc(0);
    let started = false;
    client.on('data', (chunk: Buffer) => {
      unread = Buffer.concat([unread, chunk]);
      for (;;) {
        // The startup message has no type; every other message has one byte of it before its length.
        const lengthAt = started ? 1 : 0;
        if (unread.length < lengthAt + 4) return;
        const end = lengthAt + unread.readUInt32BE(lengthAt);
        if (unread.length < end) return;
        const message = unread.subarray(0, end);
        unread = unread.subarray(end);
        if (started && message[0] === SIMPLE_QUERY) this.#judge(message, client, server);
        else server.write(message);
        started = true;
      }
    });
  }

  #judge(message: Buffer, client: Socket, server: Socket): void {
    const sql = message.toString('utf8', 5, message.length - 1);
    const verdict = this.verdict(sql);
    if (verdict === 'pass') server.write(message);
    if (verdict === 'pretend') client.write(Buffer.concat([serverMessage('C', 'LISTEN\0'), serverMessage('Z', 'I')]));
    if (verdict === 'refuse') client.write(Buffer.concat([errorMessage('ERROR', '55000', 'refused by the test'), serverMessage('Z', 'I')]));
  }
}

/** An ErrorResponse. */
export function errorMessage(severity: string, sqlState: string, text: string): Buffer {
  return serverMessage('E', `S${severity}\0V${severity}\0C${sqlState}\0M${text}\0\0`);
}

function serverMessage(type: string, body: string): Buffer {
  const message = Buffer.alloc(5 + Buffer.byteLength(body));
  message.write(type, 0);
  message.writeUInt32BE(message.length - 1, 1);
  message.write(body, 5);
  return message;
}
