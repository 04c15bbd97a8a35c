import { onTestFinished } from 'vitest';
import pg from 'pg';
import type { TestDatabase } from '../support/database.js';
import { isCanary } from '../../src/wake/canary.js';

/** A LISTEN of the test's own: what is rung on the worker's channel, canaries left out. */
export class Rings {
  readonly #client: pg.Client;
  readonly #heard: string[] = [];
  #markers = 0;

  static async listen(db: TestDatabase): Promise<Rings> {
    const client = new pg.Client(db.url('app'));
    await client.connect();
    onTestFinished(() => client.end());
    const rings = new Rings(client);
    await client.query('LISTEN refresh_listener');
    return rings;
  }

  private constructor(client: pg.Client) {
    this.#client = client;
    client.on('notification', ({ payload = '' }) => {
      if (!isCanary(payload)) this.#heard.push(payload);
    });
  }

  /** All payloads of transactions that had committed before this call. Notifications come in the order of commits. */
  async all(): Promise<string[]> {
    this.#markers += 1;
    const marker = `marker ${this.#markers}`;
    await this.#client.query("SELECT pg_notify('refresh_listener', $1)", [marker]);
    // The server sends a session its notifications before it is ready for the next query.
    await this.#client.query('SELECT 1');
    if (!this.#heard.includes(marker)) throw new Error('the marker was not heard');
    return this.#heard.filter((payload) => !payload.startsWith('marker '));
  }
}
