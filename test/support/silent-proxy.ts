import { once } from 'node:events';
import { connect, createServer, type Server, type Socket } from 'node:net';
import { freePort } from '../../dev/free-port.js';

/** A TCP proxy that can fail in the ways networks do. The half-open connection is the one that no server can be asked to produce. */
export interface SilentProxy {
  readonly port: number;
  /** Accepted since the start. */
  readonly connectionCount: number;
  /** How many pieces were swallowed: it grows when somebody speaks into a silence. */
  readonly swallowedCount: number;
  /** Swallows what both sides send, and their goodbyes, without closing anything. New connections are accepted and hang. */
  silence(): void;
  /** The same for the connections of today that call themselves so (`application_name`); others, and new ones, work. */
  silenceNamed(applicationName: string): void;
  /** New connections work again. Silenced ones stay dead, as behind a firewall that has forgotten them. */
  resume(): void;
  /** Destroys all connections, or those that call themselves so; new ones work. */
  cut(applicationName?: string): void;
  /** New connections are refused; existing ones go on. */
  refuse(): void;
  /** Ends `refuse()`, on the same port. */
  accept(): Promise<void>;
  /** The given connection URL, leading through the proxy. */
  url(original: string): string;
  close(): void;
}

/** Starts a proxy before the server that a connection URL leads to. */
export async function startSilentProxy(target: string): Promise<SilentProxy> {
  const { hostname, port } = new URL(target);
  const proxy = new Proxy(hostname, Number(port || 5432));
  await proxy.start();
  return proxy;
}

interface Pair {
  readonly client: Socket;
  /** None when the connection came during a silence. */
  readonly server?: Socket;
  silent: boolean;
  /** What the client sent first: the startup message, in which it names itself. */
  startup?: string;
}

class Proxy implements SilentProxy {
  readonly #host: string;
  readonly #hostPort: number;
  readonly #pairs = new Set<Pair>();
  #listener: Server | undefined;
  #silent = false;
  #port = 0;
  #connectionCount = 0;
  #swallowedCount = 0;

  constructor(host: string, hostPort: number) {
    this.#host = host;
    this.#hostPort = hostPort;
  }

  get port(): number {
    return this.#port;
  }

  get connectionCount(): number {
    return this.#connectionCount;
  }

  get swallowedCount(): number {
    return this.#swallowedCount;
  }

  async start(): Promise<void> {
    this.#port = await freePort();
    await this.accept();
  }

  silence(): void {
    this.#silent = true;
    for (const pair of this.#pairs) pair.silent = true;
  }

  silenceNamed(applicationName: string): void {
    for (const pair of this.#pairs) if (isNamed(pair, applicationName)) pair.silent = true;
  }

  resume(): void {
    this.#silent = false;
  }

  cut(applicationName?: string): void {
    for (const pair of this.#pairs) {
      if (applicationName !== undefined && !isNamed(pair, applicationName)) continue;
      pair.client.destroy();
      pair.server?.destroy();
      this.#pairs.delete(pair);
    }
  }

  refuse(): void {
    // Stops listening at once; only its `close` event waits for the connections, which go on.
    this.#listener?.close();
    this.#listener = undefined;
  }

  async accept(): Promise<void> {
    if (this.#listener) return;
    const listener = createServer({ allowHalfOpen: true, noDelay: true }, (client) => this.#take(client));
    await once(listener.listen(this.#port, '127.0.0.1'), 'listening');
    this.#listener = listener;
  }

  url(original: string): string {
    const url = new URL(original);
    url.hostname = '127.0.0.1';
    url.port = String(this.#port);
    return url.href;
  }

  close(): void {
    this.refuse();
    this.cut();
  }

  #take(client: Socket): void {
    this.#connectionCount++;
    if (this.#silent) {
      const pair: Pair = { client, silent: true };
      this.#pairs.add(pair);
      this.#carry(pair, client);
      return;
    }
    const server = connect({ host: this.#host, port: this.#hostPort, allowHalfOpen: true, noDelay: true });
    const pair: Pair = { client, server, silent: false };
    this.#pairs.add(pair);
    this.#carry(pair, client, server);
    this.#carry(pair, server, client);
  }

  /** Silence is looked up for each piece, so that it takes effect in the middle of a conversation. */
  #carry(pair: Pair, from: Socket, to?: Socket): void {
    from.on('data', (piece) => {
      if (from === pair.client) pair.startup ??= piece.toString('latin1');
      if (pair.silent || !to) {
        this.#swallowedCount++;
        return;
      }
      if (!to.write(piece)) {
        from.pause();
        to.once('drain', () => from.resume());
      }
    });
    from.on('end', () => {
      if (!pair.silent) to?.end();
    });
    // A reset is passed on as one; `close` follows.
    from.on('error', () => {
      if (!pair.silent) to?.destroy();
    });
    from.on('close', () => {
      if (pair.silent) return;
      to?.destroy();
      this.#pairs.delete(pair);
    });
  }
}

function isNamed(pair: Pair, applicationName: string): boolean {
  return pair.startup?.includes(`application_name\0${applicationName}\0`) === true;
}
