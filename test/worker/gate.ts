import { expect, onTestFinished } from 'vitest';
import type pg from 'pg';
import type { TestDatabase } from '../support/database.js';
import { valueOf } from './scene.js';

const LOCK_CLASS = 4711;

/**
 * Holds refreshes at a known point: a view that reads `gate.relation` waits there, with its locks on its sources, while
 * the gate is closed. The worker's lock timeout counts there too.
 */
export class Gate {
  readonly #db: TestDatabase;
  readonly #key: number;
  #client: pg.PoolClient | undefined;

  static async create(db: TestDatabase, key = 1): Promise<Gate> {
    await db.admin.query(`CREATE OR REPLACE FUNCTION public.gate(key int) RETURNS int LANGUAGE plpgsql VOLATILE AS $$
      BEGIN
        PERFORM pg_catalog.pg_advisory_xact_lock_shared(${LOCK_CLASS}, key);
        RETURN key;
      END $$`);
    return new Gate(db, key);
  }

  private constructor(db: TestDatabase, key: number) {
    this.#db = db;
    this.#key = key;
  }

  /** One row, for the FROM of a view's definition. */
  get relation(): string {
    return `public.gate(${this.#key})`;
  }

  /** Lets those that have passed it finish, and holds those that come. */
  async close(): Promise<void> {
    const client = await this.#db.admin.connect();
    this.#client = client;
    onTestFinished(() => this.open());
    await client.query('SELECT pg_advisory_lock($1, $2)', [LOCK_CLASS, this.#key]);
  }

  async open(): Promise<void> {
    const client = this.#client;
    this.#client = undefined;
    if (client === undefined) return;
    await client.query('SELECT pg_advisory_unlock($1, $2)', [LOCK_CLASS, this.#key]);
    client.release();
  }

  /** How many wait at it. */
  async waiting(): Promise<number> {
    return valueOf<number>(
      this.#db.admin,
      `SELECT count(*)::int FROM pg_locks
       WHERE locktype = 'advisory' AND classid = $1 AND objid = $2 AND NOT granted AND mode = 'ShareLock'
         AND database = (SELECT oid FROM pg_database WHERE datname = current_database())`,
      [LOCK_CLASS, this.#key],
    );
  }

  /** Returns when so many wait at it. */
  async reached(count = 1): Promise<void> {
    await expect.poll(() => this.waiting(), { timeout: 20_000, interval: 10 }).toBe(count);
  }
}
