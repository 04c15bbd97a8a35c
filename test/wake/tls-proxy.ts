import { once } from 'node:events';
import { connect, createServer, type AddressInfo, type Server, type Socket } from 'node:net';
import { createSecureContext, TLSSocket, type SecureContext } from 'node:tls';
import { authority } from '../support/certificates.js';

/** A proxy that speaks TLS, as PostgreSQL does, to the client and plain TCP to the server. */
export class TlsProxy {
  readonly #server: Server;
  readonly #clients = new Set<Socket>();

  static async open(host: string, port: number, identity: SecureContext): Promise<TlsProxy> {
    const proxy = new TlsProxy(host, port, identity);
    proxy.#server.listen(0, '127.0.0.1');
    await once(proxy.#server, 'listening');
    return proxy;
  }

  private constructor(host: string, port: number, identity: SecureContext) {
    this.#server = createServer((client) => {
      this.#clients.add(client);
      client.on('close', () => this.#clients.delete(client));
      // A connection reset is one of the things that tests cause.
      client.on('error', () => client.destroy());
      // The client's first message, SSLRequest, is always answered with yes; the handshake follows.
      client.once('data', () => {
        client.write('S');
        const secure = new TLSSocket(client, { isServer: true, secureContext: identity });
        const server = connect(port, host);
        for (const [one, other] of [
          [secure, server],
          [server, secure],
        ] as const) {
          one.on('error', () => other.destroy());
          one.on('close', () => other.destroy());
          one.pipe(other);
        }
      });
    });
  }

  get port(): number {
    return (this.#server.address() as AddressInfo).port;
  }

  async close(): Promise<void> {
    for (const client of this.#clients) client.destroy();
    this.#server.close();
    await once(this.#server, 'close');
  }
}

/** A certificate that nobody trusts. */
export async function selfSignedIdentity(): Promise<SecureContext> {
  return createSecureContext(await authority('nobody.invalid'));
}
