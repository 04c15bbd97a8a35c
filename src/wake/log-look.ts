import type { Database } from '../database/database.js';
import { loadQuery } from '../database/sql.js';

const newLogRowsQuery = loadQuery('new-log-rows');
const probeHoldsQuery = loadQuery('probe-holds');

/**
 * Looks at the change log, each time at what is new since the time before. Its memory is a snapshot, as a cursor is: a
 * row is found once, however late its transaction commits, and a look costs what is new.
 */
export class LogLook {
  readonly #database: Database;
  #snapshot: string | undefined;

  constructor(database: Database) {
    this.#database = database;
  }

  /** @returns ids of those of `sources` that have new log rows; of all rows, at the first look, none count as new */
  async look(sources: readonly number[]): Promise<number[]> {
    if (this.#snapshot === undefined) {
      const [now] = await this.#database.rows<{ snapshot: string }>(
        'SELECT pg_catalog.pg_current_snapshot()::pg_catalog.text AS snapshot',
      );
      this.#snapshot = now?.snapshot;
      return [];
    }
    const [answer] = await this.#database.rows<{ snapshot: string; sources: number[] }>(newLogRowsQuery, [
      sources, this.#snapshot,
    ]);
    if (answer === undefined) return [];
    this.#snapshot = answer.snapshot;
    return answer.sources;
  }
}

/** What the server says of a source's hold. */
export interface HoldProbe {
  readonly id: number;
  readonly remainingMs: number;
  readonly hasWriters: boolean;
}

/** To be asked before the look whose result it completes. */
export async function probeHolds(
  database: Database, sources: readonly { readonly id: number; readonly oid: number }[],
): Promise<Map<number, HoldProbe>> {
  if (sources.length === 0) return new Map();
  const probes = await database.rows<HoldProbe>(probeHoldsQuery, [
    sources.map((source) => source.id), sources.map((source) => source.oid),
  ]);
  return new Map(probes.map((probe) => [probe.id, probe]));
}
