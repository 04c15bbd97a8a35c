import { Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import type pg from 'pg';

/**
 * The sockets of some connections, from the moment they are made: over a network that has fallen silent `pg` waits for ever,
 * for an answer as for the end of a connection, and only to destroy a socket ends that wait in every state.
 */
export class Sockets {
  readonly #open = new Set<Duplex>();
  #severed: Error | undefined;

  /** Settings of connections whose sockets are kept here. */
  watched<Settings extends pg.ClientConfig>(settings: Settings): Settings {
    const { stream: make } = settings;
    const watch = (socket: Duplex): void => this.#watch(socket);
    return {
      ...settings,
      // pg calls this as a method of its protocol connection, of which a factory may make use.
      stream(this: unknown) {
        const socket = (make === undefined ? undefined : Reflect.apply(make, this, [])) ?? new Socket();
        watch(socket);
        return socket;
      },
    };
  }

  /** Destroys all there are, and every one that is made from now on: whatever waits for them rejects. */
  sever(reason: string): void {
    this.#severed ??= new Error(`connection terminated: ${reason}`);
    for (const socket of this.#open) socket.destroy(this.#severed);
  }

  /** Resolves when all are closed, at the latest after `patienceMs`, when those that are left are destroyed. */
  async closed(patienceMs: number): Promise<void> {
    const timer = setTimeout(() => {
      for (const socket of this.#open) socket.destroy();
    }, patienceMs);
    await Promise.all([...this.#open].map((socket) => new Promise((resolve) => socket.once('close', resolve))));
    clearTimeout(timer);
  }

  #watch(socket: Duplex): void {
    this.#open.add(socket);
    socket.once('close', () => this.#open.delete(socket));
    const severed = this.#severed;
    // Not before pg has begun to connect: it would make a socket that is destroyed already work again.
    if (severed !== undefined) queueMicrotask(() => socket.destroy(severed));
  }
}

/** The socket under one client: `pg` does not type its connection, which has held its socket as `stream` since 2012. */
export function socketOf(client: pg.ClientBase): { destroy(error?: Error): void } {
  return (client as unknown as { connection: { stream: { destroy(error?: Error): void } } }).connection.stream;
}
