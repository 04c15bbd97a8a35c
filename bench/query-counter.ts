import { once } from 'node:events';
import { connect, createServer, type AddressInfo, type Server, type Socket } from 'node:net';
import { FrontendMessages, type ClientQuery } from './frontend-messages.js';

/** How often a client has asked the server for something. */
export interface QueryCount {
  readonly transactions: number;
  /** Round trips: a BEGIN with its settings is one, a COMMIT another. */
  readonly roundTrips: number;
}

/** A proxy before the server that counts what passes; the client is the real command, and knows nothing of it. */
export class QueryCounter {
  readonly #server: Server;
  readonly #target: URL;
  readonly #sockets = new Set<Socket>();
  #transactions = 0;
  #roundTrips = 0;

  static async open(url: string): Promise<QueryCounter> {
    const counter = new QueryCounter(new URL(url));
    counter.#server.listen(0, '127.0.0.1');
    await once(counter.#server, 'listening');
    return counter;
  }

  private constructor(target: URL) {
    this.#target = target;
    this.#server = createServer((client) => this.#serve(client, connect(Number(target.port), target.hostname)));
  }

  /** The same connection string, through here; without the question for TLS, which is no message. */
  get url(): string {
    const url = Object.assign(new URL(this.#target), { port: String((this.#server.address() as AddressInfo).port) });
    url.searchParams.set('sslmode', 'disable');
    return url.href;
  }

  /** @throws when nothing has passed: a worker that has started has asked something. */
  get count(): QueryCount {
    if (this.#roundTrips === 0) throw new Error('The counter has seen no message of the worker.');
    return { transactions: this.#transactions, roundTrips: this.#roundTrips };
  }

  async close(): Promise<void> {
    for (const socket of this.#sockets) socket.destroy();
    this.#server.close();
    await once(this.#server, 'close');
  }

  #serve(client: Socket, server: Socket): void {
    const messages = new FrontendMessages();
    client.on('data', (chunk: Buffer) => {
      for (const query of messages.read(chunk)) this.#add(query);
    });
    for (const [one, other] of [[client, server], [server, client]] as const) {
      this.#sockets.add(one);
      one.pipe(other);
      one.on('error', () => other.destroy()); // either side may go away as it likes
      one.on('close', () => {
        this.#sockets.delete(one);
        other.destroy();
      });
    }
  }

  #add({ sql }: ClientQuery): void {
    this.#roundTrips += 1;
    if (sql?.startsWith('BEGIN') === true) this.#transactions += 1;
  }
}

/** What came between two counts. Pure. */
export function countBetween(before: QueryCount, after: QueryCount): QueryCount {
  return { transactions: after.transactions - before.transactions, roundTrips: after.roundTrips - before.roundTrips };
}
