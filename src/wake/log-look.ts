import type { ServedGraph } from '../catalog/graph.js';
import { longestHoldMs } from '../catalog/hold-register.js';
import type { Database } from '../database/database.js';
import { loadQuery } from '../database/sql.js';

const newLogRowsQuery = loadQuery('new-log-rows');
const probeHoldsQuery = loadQuery('probe-holds');

/** A snapshot to which every transaction is yet to come. */
const seenNothing = '3:3:';

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

  /**
   * The log came back from a crash or a fail-over: transaction ids that this look has seen may be given out once more, so
   * that all there is in the log counts as new.
   */
  forget(): void {
    if (this.#snapshot !== undefined) this.#snapshot = seenNothing;
  }

  /**
   * @param graph what is served. A look with an older graph than there is when it ends would pass over rows of a new
   *   source, after the sweep that told of it had asked what is stale: then it looks once more, from the same place.
   * @returns what is new since the look before; at the first look nothing is
   */
  async look(graph: () => ServedGraph): Promise<NewLogRows> {
    if (this.#snapshot === undefined) {
      const [now] = await this.#database.rows<{ snapshot: string }>(
        'SELECT pg_catalog.pg_current_snapshot()::pg_catalog.text AS snapshot',
      );
      this.#snapshot = now?.snapshot;
      return { sources: [], views: [] };
    }
    const since = this.#snapshot;
    const served = graph();
    const [answer] = await this.#database.rows<NewLogRows & { snapshot: string }>(newLogRowsQuery, [
      [...served.sources.keys()], [...served.views.keys()], since,
    ]);
    if (answer === undefined) return { sources: [], views: [] };
    if (graph() !== served) return this.look(graph);
    if (this.#snapshot === since) this.#snapshot = answer.snapshot; // else it was told to forget meanwhile
    return answer;
  }
}

/** What the server says of a source's hold. */
export interface HoldProbe {
  readonly id: number;
  /** 0: it is over. The longest hold, for as long as the source is silent. */
  readonly remainingMs: number;
  readonly hasWriters: boolean;
}

/** To be asked before the look whose result it completes. */
export async function probeHolds(
  database: Database, sources: readonly { readonly id: number; readonly oid: number }[],
): Promise<Map<number, HoldProbe>> {
  if (sources.length === 0) return new Map();
  const probes = await database.rows<HoldProbe>(probeHoldsQuery, [
    sources.map((source) => source.id), sources.map((source) => source.oid), longestHoldMs,
  ]);
  return new Map(probes.map((probe) => [probe.id, probe]));
}
