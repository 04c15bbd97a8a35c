import { execFileSync } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { connect, createServer, type AddressInfo, type Server, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createSecureContext, TLSSocket, type SecureContext } from 'node:tls';

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

/** A certificate that nobody trusts; none where there is no `openssl` to make one. */
export function selfSignedIdentity(): SecureContext | undefined {
  const folder = mkdtempSync(join(tmpdir(), 'listener-tls-'));
  try {
    const [key, cert] = [join(folder, 'key.pem'), join(folder, 'cert.pem')];
    const args = 'req -x509 -newkey rsa:2048 -nodes -days 2 -subj /CN=nobody.invalid'.split(' ');
    execFileSync('openssl', [...args, '-keyout', key, '-out', cert], { stdio: 'ignore' });
    return createSecureContext({ key: readFileSync(key), cert: readFileSync(cert) });
  } catch (error) {
    console.log(`The doorbell's tests over TLS are skipped: openssl made no certificate (${String(error)})`);
    return undefined;
  } finally {
    rmSync(folder, { recursive: true });
  }
}
