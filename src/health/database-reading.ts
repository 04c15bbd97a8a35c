import { setTimeout as pause } from 'node:timers/promises';
import type { Database } from '../database/database.js';
import { loadQuery } from '../database/sql.js';

const stalenessReadingQuery = loadQuery('staleness-reading');

/** A view in `staleness-reading.sql`, which says what each is. */
export interface ViewReading {
  readonly id: number;
  readonly stalenessMs: number | null;
  /** Seconds since 1970; null: it has never been refreshed. */
  readonly refreshedAt: number | null;
  /** Failures in a row. */
  readonly failures: number;
  readonly paused: boolean;
  readonly summary: { readonly rowsBehind: number; readonly gapIds: number; readonly waitingRows: number } | null;
}

/** The row of `staleness-reading.sql`. */
export interface Reading {
  readonly views: readonly ViewReading[];
  readonly logRows: number;
  readonly logBytes: number;
  /** 0 to 1. */
  readonly queueUsage: number;
}

export interface DatabaseReaderOptions {
  /** Makes connections of the reader's own: a scrape neither waits for the worker's looks nor holds them up. */
  readonly open: () => Database;
  /** It could not be read; the next scrape tries again. */
  readonly onTrouble: (error: unknown) => void;
  /** Who asks is answered within this time, whether the database answers or not. Default: 3 s. */
  readonly withinMs?: number;
}

/** On the server, which so gives up before we do. */
const limits = { lockTimeoutMs: 500, statementTimeoutMs: 2_000, readOnly: true } as const;

/** Reads the database for scrapes: never twice at a time, and never for long. */
export class DatabaseReader {
  readonly #options: DatabaseReaderOptions;
  #database: Database | undefined;
  #underWay: Promise<Reading | undefined> | undefined;
  #stopped = false;

  constructor(options: DatabaseReaderOptions) {
    this.#options = options;
  }

  /** Who asks while another is asking gets the same answer. Undefined when the database did not answer in time. */
  read(views: readonly number[]): Promise<Reading | undefined> {
    this.#underWay ??= this.#read(views).finally(() => (this.#underWay = undefined));
    return this.#underWay;
  }

  /** Complete when it returns: no connection is left, a reading under way is cut off. Harmless twice. */
  async stop(): Promise<void> {
    this.#stopped = true;
    await this.#abandon('the worker stops');
    await this.#underWay;
  }

  async #read(views: readonly number[]): Promise<Reading | undefined> {
    if (this.#isStopped()) return undefined;
    const { open, onTrouble, withinMs = 3_000 } = this.#options;
    const database = (this.#database ??= open());
    const answered = new AbortController();
    const silence = pause(withinMs, undefined, { signal: answered.signal, ref: false }).then(() => {
      // Nothing will come of this connection any more, and the next scrape must not wait behind it.
      this.#abandon('it did not answer a scrape').catch(onTrouble);
      throw new Error(`The database did not answer a scrape within ${withinMs} ms.`);
    });
    try {
      return await Promise.race([silence, readStaleness(database, views)]);
    } catch (error) {
      if (!this.#isStopped()) onTrouble(error);
      return undefined;
    } finally {
      answered.abort();
    }
  }

  #isStopped(): boolean {
    return this.#stopped;
  }

  async #abandon(reason: string): Promise<void> {
    const database = this.#database;
    this.#database = undefined;
    database?.sever(reason);
    await database?.close();
  }
}

async function readStaleness(database: Database, views: readonly number[]): Promise<Reading> {
  const [reading] = await database.transaction('look', (tx) => tx.rows<Reading>(stalenessReadingQuery, [views]), limits);
  if (reading === undefined) throw new Error('The database told nothing of its views.');
  return reading;
}
