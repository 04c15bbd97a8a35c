import { once } from 'node:events';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';

/** What a path answers. */
export interface Page {
  readonly status: number;
  readonly contentType: string;
  readonly body: string;
}

export interface HttpServerOptions {
  /** By path. */
  readonly pages: Readonly<Record<string, () => Page | Promise<Page>>>;
  /** A page, or the server itself, failed; it goes on. */
  readonly onTrouble: (error: unknown) => void;
}

/** More than any monitoring opens; what comes beyond is refused, so that nobody can take all the descriptors of the process. */
const mostConnections = 64;
/** For the head of a request, and for all of it: nobody who asks us has much to say. */
const requestMs = 5_000;

/** Answers GET and HEAD on a few paths. It keeps no process alive, and ends at once. */
export class HttpServer {
  readonly #options: HttpServerOptions;
  readonly #server: Server;

  constructor(options: HttpServerOptions) {
    this.#options = options;
    this.#server = createServer(
      { headersTimeout: requestMs, requestTimeout: requestMs, connectionsCheckingInterval: requestMs / 5 },
      (request, response) => void this.#answer(request, response),
    );
    this.#server.maxConnections = mostConnections;
    this.#server.on('connection', (socket) => socket.unref());
  }

  /**
   * Returns when it listens.
   *
   * @param port 0: any that is free
   * @returns the port
   * @throws the error of the system when it cannot
   */
  async start(port: number, host: string): Promise<number> {
    // Exclusive: under node:cluster every process has a worker of its own, and they would share the port.
    this.#server.listen({ port, host, exclusive: true });
    await once(this.#server, 'listening');
    this.#server.unref();
    // One that nobody listened to would end the process.
    this.#server.on('error', this.#options.onTrouble);
    const address = this.#server.address();
    return typeof address === 'object' && address !== null ? address.port : port;
  }

  /** Complete when it returns: no socket is left; answers under way are cut off. Harmless twice, and before a start. */
  async stop(): Promise<void> {
    if (!this.#server.listening) return;
    const closed = once(this.#server, 'close');
    this.#server.close();
    this.#server.closeAllConnections();
    await closed;
  }

  async #answer({ method = '', url = '' }: IncomingMessage, response: ServerResponse): Promise<void> {
    const { status, contentType, body, ...page } = await this.#pageFor(method, url.split('?', 1)[0] ?? '');
    response.writeHead(status, {
      ...('allow' in page ? { allow: page.allow } : {}),
      'content-type': contentType, 'content-length': Buffer.byteLength(body), 'cache-control': 'no-store',
    });
    // To HEAD, node writes no body.
    response.end(body);
  }

  async #pageFor(method: string, path: string): Promise<Page & { readonly allow?: string }> {
    const { pages, onTrouble } = this.#options;
    const page = Object.hasOwn(pages, path) ? pages[path] : undefined;
    if (page === undefined) return text(404, `There is nothing here. There are ${Object.keys(pages).join(', ')}.`);
    if (method !== 'GET' && method !== 'HEAD') return { ...text(405, 'GET and HEAD are all that is answered.'), allow: 'GET, HEAD' };
    try {
      return await page();
    } catch (error) {
      onTrouble(error);
      return text(500, 'This failed; the log says why.');
    }
  }
}

/** A page of one line. */
export function text(status: number, line: string): Page {
  return { status, contentType: 'text/plain; charset=utf-8', body: `${line}\n` };
}
