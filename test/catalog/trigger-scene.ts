import pg from 'pg';
import { afterAll, beforeAll, onTestFinished } from 'vitest';
import { mendTrigger } from '../../src/catalog/trigger.js';
import { Database } from '../../src/database/database.js';
import { migrate } from '../../src/database/migrate.js';
import { createDatabase, type Role, type TestDatabase } from '../support/database.js';

/** A source with our trigger on it, without a worker: its registers are set by the test. */
export interface WatchedSource {
  readonly id: number;
  readonly oid: number;
  readonly name: string;
}

export type Register = 'log' | 'hold';
/** In a hold register: never ring, as polling mode sets it. */
export const silence = '0';
/** No register can hold more. */
export const largest = '9223372036854775807';

let lastId = 0;

/** A migrated database and one connection that hears the bell. Tests take a source each, and writers of their own. */
export class TriggerScene {
  database!: TestDatabase;
  /** The worker's way to it. */
  own!: Database;
  #ear!: pg.Client;
  #rings: string[] = [];

  /** To be called where hooks may be: at the top of a test file. */
  static here(): TriggerScene {
    const scene = new TriggerScene();
    beforeAll(() => scene.#open());
    afterAll(() => scene.#close());
    return scene;
  }

  async #open(): Promise<void> {
    this.database = await createDatabase();
    await migrate(this.database.url('worker'), new AbortController().signal);
    this.own = new Database(this.database.url('worker'), 1);
    this.#ear = new pg.Client(this.database.url('admin'));
    await this.#ear.connect();
    this.#ear.on('notification', ({ payload }) => this.#rings.push(payload ?? ''));
    await this.#ear.query('LISTEN refresh_listener');
  }

  async #close(): Promise<void> {
    await this.#ear.end();
    await this.own.close();
    await this.database.drop();
  }

  /** A connection of its own, in no pool: what a session did before is part of what the trigger sees. */
  async writer(role: Role = 'app', setup = ''): Promise<pg.Client> {
    const client = new pg.Client(this.database.url(role));
    client.on('error', () => undefined); // ended by the database's drop, when a test failed
    await client.connect();
    onTestFinished(() => client.end());
    if (setup !== '') await client.query(setup);
    return client;
  }

  /** A table of the application's with two rows, and our trigger. */
  async table(): Promise<WatchedSource> {
    const name = `public.source_${String(lastId + 1)}`;
    await this.database.app.query(`CREATE TABLE ${name} (id int PRIMARY KEY, amount int); INSERT INTO ${name} VALUES (1, 1), (2, 2)`);
    return this.watch(name);
  }

  /** Puts the product's own trigger on a relation, with unset registers and an empty log. */
  async watch(name: string): Promise<WatchedSource> {
    lastId += 1;
    const id = lastId;
    const { rows } = await this.database.worker.query<{ oid: number }>(
      `INSERT INTO refresh_listener.source (id, oid, name) VALUES ($1, $2::pg_catalog.regclass, $2) RETURNING oid`, [id, name],
    );
    for (const register of ['log', 'hold']) {
      await this.database.worker.query(`CREATE SEQUENCE refresh_listener.${register}_${id} MINVALUE 0`);
    }
    const oid = rows[0]?.oid ?? 0;
    const target = { id, oid, name, owned: false };
    if (!(await mendTrigger(this.own, target, { signal: new AbortController().signal, onWait: () => undefined }))) throw new Error(`${name} had a trigger already`);
    await this.database.worker.query('DELETE FROM refresh_listener.change_log WHERE source = $1', [id]);
    return { id, oid, name };
  }

  /** Sets a register to so many ms from now by the server's clock, or to a value as it is. */
  async setRegister(register: Register, source: WatchedSource, to: { readonly inMs: number } | { readonly value: string }): Promise<void> {
    const value = 'inMs' in to
      ? `(pg_catalog.date_part('epoch', pg_catalog.clock_timestamp()) * 1000)::pg_catalog.int8 + (${to.inMs})`
      : to.value;
    await this.database.worker.query(`SELECT pg_catalog.setval('refresh_listener.${register}_${source.id}', ${value})`);
  }

  /** Operations in the log, in the order of writing. */
  async operations(source: WatchedSource): Promise<string> {
    return (await this.logRows(source)).map((row) => row.operation).join('');
  }

  /** The log rows of a source. `rowXid` is that of the row itself, a savepoint's perhaps. */
  async logRows(source: WatchedSource): Promise<{ operation: string; xid: string; rowXid: string }[]> {
    const { rows } = await this.database.worker.query<{ operation: string; xid: string; rowXid: string }>(
      `SELECT operation, xid::pg_catalog.text, xmin::pg_catalog.text AS "rowXid"
       FROM refresh_listener.change_log WHERE source = $1 ORDER BY changed_at`, [source.id],
    );
    return rows;
  }

  /** How often a source has rung so far. Notifications arrive in the order of commits, so our own comes after them all. */
  async rings(source: WatchedSource): Promise<number> {
    const mark = `mark ${String(Math.random())}`;
    const heard = new Promise<void>((resolve) => {
      const listen = ({ payload }: pg.Notification): void => {
        if (payload !== mark) return;
        this.#ear.off('notification', listen);
        resolve();
      };
      this.#ear.on('notification', listen);
    });
    await this.#ear.query('SELECT pg_catalog.pg_notify($1, $2)', ['refresh_listener', mark]);
    await heard;
    return this.#rings.filter((payload) => payload === String(source.id)).length;
  }
}
