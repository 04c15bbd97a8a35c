import { setTimeout as pause } from 'node:timers/promises';
import pg from 'pg';
import type { TestDatabase } from '../support/database.js';

const readAhead = 'SELECT id::text FROM public.plain_usage WHERE id > $1 ORDER BY id LIMIT 500';

/** Follows a table as one would write it first: rows beyond the greatest id seen. */
export class NaiveFollower {
  readonly #db: TestDatabase;
  readonly #stop = new AbortController();
  readonly #seen = new Set<string>();
  #following: Promise<void> = Promise.resolve();

  constructor(db: TestDatabase) {
    this.#db = db;
  }

  start(): void {
    this.#following = this.#follow();
  }

  /** How many rows there are, and how many of them it has never seen. While rows are only added. */
  async stop(): Promise<{ readonly rows: number; readonly missed: number }> {
    this.#stop.abort();
    await this.#following;
    const { rows } = await this.#db.admin.query<{ id: string }>('SELECT id::text FROM public.plain_usage');
    return { rows: rows.length, missed: rows.filter(({ id }) => !this.#seen.has(id)).length };
  }

  async #follow(): Promise<void> {
    const client = new pg.Client(this.#db.url('admin'));
    client.on('error', () => undefined); // a restart of the server ends it, where a test does that
    await client.connect();
    let last = '-1';
    // One look more after the stop: what has committed by then is to be seen.
    for (let done = false; !done;) {
      done = this.#stop.signal.aborted;
      for (;;) {
        const { rows } = await client.query<{ id: string }>(readAhead, [last]);
        for (const { id } of rows) this.#seen.add(id);
        last = rows.at(-1)?.id ?? last;
        if (rows.length === 0) break;
      }
      if (!done) await pause(5);
    }
    await client.end();
  }
}
