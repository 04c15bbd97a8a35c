import type { ListedView } from '../catalog/allowlist.js';
import type { Doubt, ViewFreshness } from '../catalog/freshness.js';
import type { ViewKind } from '../catalog/graph.js';
import { findClockedViews } from '../catalog/unwritten-change.js';
import { UsageError } from '../config/usage-error.js';
import type { Transaction } from '../database/database.js';
import { loadQuery } from '../database/sql.js';
import type { Sides } from './compare.js';
import { verifiableSummary } from './summary/verifiable-summary.js';

const verifyTargetQuery = loadQuery('verify-target');

/** What is compared when a view is verified, and what excuses a difference. */
export interface Verifiable extends Sides {
  readonly kind: ViewKind;
  /** Of `now` and `region`. */
  readonly parameters: readonly unknown[];
  readonly columns: readonly string[];
  /** Columns of floating-point numbers: sums of them depend on the order of the rows. */
  readonly floats: readonly string[];
  /** Columns that identify a row, for `manyImages`: those of them of which equal values may look different, by chance. */
  readonly keys: readonly string[];
  readonly manyImages: readonly string[];
  /** The bucket before which all are closed, and not compared, as JSON prints it; null: none is. */
  readonly closedBefore: string | null;
  /** False: it cannot be read. */
  readonly filled: boolean;
  /** What it has still to absorb, each a clause with its own subject; empty: it is fresh. Passes, once somebody refreshes it. */
  readonly unabsorbed: readonly string[];
  /** Why it may differ although it has absorbed everything. Does not pass. */
  readonly unsteady: readonly string[];
}

/** The row of `verify-target.sql`. */
interface VerifyTarget {
  readonly name: string;
  readonly populated: boolean;
  readonly definition: string;
  readonly columns: readonly string[];
  readonly floats: readonly string[];
}

/**
 * Reads the two sides of a view: its rows, and the query that a refresh would run; of a summary see `verifiable-summary.ts`.
 *
 * @param own how it stands in the snapshot of the comparison; undefined: no listener keeps it, so nobody promised that it is
 *   fresh, and it is simply compared
 * @throws UsageError when it is gone
 */
export async function verifiable(
  tx: Transaction, view: Pick<ListedView, 'oid' | 'name' | 'kind'>, own: ViewFreshness | undefined, standby: boolean,
): Promise<Verifiable> {
  if (view.kind === 'summary') return verifiableSummary(tx, view.name, own, standby);
  const [target] = await tx.rows<VerifyTarget>(verifyTargetQuery, [view.oid]);
  if (target === undefined) throw new UsageError(`${view.name} was dropped just now`);
  const { name, populated, definition, columns, floats } = target;
  const [clocked] = own === undefined ? [] : await findClockedViews(tx, [view.oid]);
  return {
    kind: 'matview', table: name, now: definition.replace(/;\s*$/, ''), parameters: [], columns, floats, keys: [], manyImages: [],
    closedBefore: null, filled: populated,
    unabsorbed: populated ? unabsorbed(own) : [doubtClauses['not-populated']],
    unsteady: (clocked?.because ?? []).map((clause) => `it ${clause}`),
  };
}

/** What the view has still to absorb, as the log tells of it. That a view which it reads is stale does not count: it is read as it is. */
function unabsorbed(own: Pick<ViewFreshness, 'changes' | 'changedSources' | 'doubts' | 'stale'> | undefined): string[] {
  if (own === undefined) return [];
  const { changes, changedSources, doubts, stale } = own;
  return [
    ...(changes === 0 ? [] : [`it has not absorbed ${statements(changes)} on ${changedSources.join(', ')}`]),
    ...doubts.map((doubt) => doubtClauses[doubt]),
    ...(stale === null ? ['a standby cannot tell what it has absorbed'] : []),
  ];
}

export function statements(count: number): string {
  return count === 1 ? '1 statement' : `${count.toLocaleString('en-US')} statements`;
}

export const doubtClauses: Readonly<Record<Doubt, string>> = {
  marked: 'a worker has still to look at all of it',
  lapsed: 'writers have stopped recording, since no worker was seen for --lapse',
  'log-reset': 'a crash of the server emptied the change log',
  'cluster-changed': 'this database is a copy or a restored one',
  'not-populated': 'it has not been filled yet',
  gone: 'it was dropped',
};
