import { createServer, type IncomingHttpHeaders, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { onTestFinished } from 'vitest';

export interface Post {
  readonly path: string;
  readonly headers: IncomingHttpHeaders;
  readonly body: Readonly<Record<string, unknown>>;
  readonly at: number;
}

/** A webhook that answers what it is told to, or nothing at all. Closed when the test is finished. */
export class Webhook {
  /** All there were, in order, also those that were refused. */
  readonly posts: Post[] = [];
  /** Sockets that are open now. */
  open = 0;
  /** A status, or `hang`: no answer. */
  answer: number | 'hang' = 200;
  url = '';
  #waiting: (() => void)[] = [];

  static async start(path = '/services/SECRET?token=SECRET'): Promise<Webhook> {
    const webhook = new Webhook();
    const server = createServer((request, response) => {
      const chunks: Buffer[] = [];
      request.on('data', (chunk: Buffer) => chunks.push(chunk));
      request.on('end', () => {
        const body = JSON.parse(Buffer.concat(chunks).toString()) as Post['body'];
        webhook.posts.push({ path: request.url ?? '', headers: request.headers, body, at: performance.now() });
        webhook.#respond(response);
        for (const look of webhook.#waiting.splice(0)) look();
      });
    });
    server.on('connection', (socket) => {
      webhook.open += 1;
      socket.on('close', () => (webhook.open -= 1));
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    onTestFinished(async () => {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    });
    webhook.url = `http://127.0.0.1:${(server.address() as AddressInfo).port}${path}`;
    return webhook;
  }

  /** Returns when `test` holds; asked after every post. The test's own time limit ends a wait in vain. */
  async until(test: () => boolean): Promise<void> {
    while (!test()) await new Promise<void>((resolve) => this.#waiting.push(resolve));
  }

  /** The first post for whose body `test` holds. */
  async next(test: (body: Post['body']) => boolean): Promise<Post> {
    for (;;) {
      const found = this.posts.find(({ body }) => test(body));
      if (found !== undefined) return found;
      await new Promise<void>((resolve) => this.#waiting.push(resolve));
    }
  }

  #respond(response: ServerResponse): void {
    if (this.answer === 'hang') return;
    response.writeHead(this.answer, this.answer === 302 ? { location: this.url } : {});
    response.end('ok');
  }
}
