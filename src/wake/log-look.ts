import type { ServedGraph } from '../catalog/graph.js';
import type { Database } from '../database/database.js';
import { loadQuery } from '../database/sql.js';

const newLogRowsQuery = loadQuery('new-log-rows');
const probeHoldsQuery = loadQuery('probe-holds');

/** Log rows that the look before did not see. */
export interface NewLogRows {
  /** Ids of their sources. */
  readonly sources: readonly number[];
  /** Ids of the views that have not absorbed them. */
  readonly views: readonly number[];
}

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

  /** @returns what is new since the look before; at the first look nothing is */
  async look(graph: ServedGraph): Promise<NewLogRows> {
    if (this.#snapshot === undefined) {
      const [now] = await this.#database.rows<{ snapshot: string }>(
        'SELECT pg_catalog.pg_current_snapshot()::pg_catalog.text AS snapshot',
      );
      this.#snapshot = now?.snapshot;
      return { sources: [], views: [] };
    }
    const parameters = [[...graph.sources.keys()], [...graph.views.keys()], this.#snapshot];
    const [answer] = await this.#database.rows<NewLogRows & { snapshot: string }>(newLogRowsQuery, parameters);
    if (answer === undefined) return { sources: [], views: [] };
    this.#snapshot = answer.snapshot;
    return answer;
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
