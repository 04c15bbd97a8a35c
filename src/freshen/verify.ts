import { setTimeout as pause } from 'node:timers/promises';
import type { ListedView } from '../catalog/allowlist.js';
import { readFreshness } from '../catalog/freshness.js';
import type { ViewKind } from '../catalog/graph.js';
import type { ServerFacts } from '../catalog/server.js';
import { UsageError } from '../config/usage-error.js';
import type { Database, Transaction, TransactionLimits } from '../database/database.js';
import { loadQuery } from '../database/sql.js';
import { sqlstateOf } from '../database/sqlstate.js';
import { differencesSql, readImage, type Difference, type Differences } from './compare.js';
import { verifiable, type Verifiable } from './verifiable.js';

const rewrittenRelationsQuery = loadQuery('rewritten-relations');

/**
 * What a comparison of a view with its query says of it:
 * - `same`: it shows what its query returns
 * - `differs`: it does not, although nothing is known that it has not absorbed
 * - `behind`: it does not, or is not filled, and need not yet: see `because`
 */
export type Verdict = 'same' | 'differs' | 'behind';

/** What verifying one view found, in one snapshot. */
export interface Verification {
  /** Quoted as needed and with its schema. */
  readonly view: string;
  readonly kind: ViewKind;
  readonly verdict: Verdict;
  /** Why it need not show what its query returns at this moment, each a clause with its own subject; empty: it has to. */
  readonly because: readonly string[];
  /** Whether a listener keeps it, whose change log tells what it has absorbed. */
  readonly registered: boolean;
  readonly columns: readonly string[];
  /** Columns of floating-point numbers: sums of them depend on the order of the rows. */
  readonly floats: readonly string[];
  /** Of a summary, as JSON prints it: all buckets before this one are closed, and were left out. Null: none is. */
  readonly closedBefore: string | null;
  /** Rows that it holds, and how they differ from those that its query returns; all 0 where it is not filled. */
  readonly held: number;
  readonly missing: number;
  readonly surplus: number;
  /** The first of the rows that differ. */
  readonly rows: readonly DifferentRow[];
  readonly durationMs: number;
}

export interface DifferentRow {
  /** `missing`: the query returns it, and the view lacks it. `surplus`: the other way round. */
  readonly side: Difference['side'];
  /** How many such rows there are too few or too many. */
  readonly count: number;
  /** As texts, a column each; null is NULL. */
  readonly values: readonly (string | null)[];
}

export interface VerifyOptions {
  readonly lockTimeoutMs: number;
  /** 0: none. Of the comparison, which reruns the view's query. */
  readonly statementTimeoutMs: number;
  /** How many different rows to tell; all are counted. */
  readonly maxRows: number;
  /** Wait so long for somebody to refresh the view, where it has something to absorb, before comparing it as it is. */
  readonly waitMs: number;
}

type Verified = Pick<ListedView, 'oid' | 'name' | 'kind'>;

/** So many times in a row nothing is rewritten between a snapshot and a lock, unless somebody does nothing else. */
const maxAttempts = 10;
const lookAgainMs = 500;
/** From here on PostgreSQL fixes the search_path of a refresh. */
const fixedPathVersionNumber = 170_000;

/**
 * Compares a view with its defining query, as multisets of row images, both ways, in one snapshot. It reads only.
 *
 * The change log is read in the same snapshot: a write and its log row are committed together, and so are a refresh and
 * its cursor. Differences of a view that has nothing to absorb therefore prove it wrong, and all others prove nothing. A
 * summary is compared with what its watermark has absorbed: there only what is no INSERT has to be absorbed first.
 *
 * @throws UsageError when the view is gone, or the role may not read it or what its query reads
 */
export async function verify(
  database: Database, view: Verified, facts: ServerFacts, options: VerifyOptions,
): Promise<Verification> {
  const { lockTimeoutMs, statementTimeoutMs, waitMs } = options;
  const limits: TransactionLimits = { lockTimeoutMs, statementTimeoutMs, readOnly: true, isolation: 'repeatable read' };
  const deadline = performance.now() + waitMs;
  let attempts = 0;
  for (;;) {
    const mayWait = performance.now() < deadline;
    const found = await database.transaction('look', (tx) => verifyOnce(tx, view, facts, options, mayWait), limits).catch((error: unknown) => {
      throw explained(error, view.name, facts) ?? error;
    });
    if (typeof found === 'object') return found;
    if (found === 'unabsorbed') {
      await pause(Math.min(lookAgainMs, Math.max(0, deadline - performance.now())));
    } else if ((attempts += 1) === maxAttempts) {
      throw new Error(`${view.name}, or what it reads, is rewritten over and over: try again later.`);
    }
  }
}

async function verifyOnce(
  tx: Transaction, view: Verified, facts: ServerFacts, { maxRows }: VerifyOptions, mayWait: boolean,
): Promise<Verification | 'unabsorbed' | 'rewritten'> {
  const startedMs = performance.now();
  const own = facts.schemaExists ? (await readFreshness(tx, facts.inRecovery)).views.find(({ oid }) => oid === view.oid) : undefined;
  const subject = await verifiable(tx, view, own, facts.inRecovery);
  if (mayWait && subject.unabsorbed.length > 0) return 'unabsorbed';
  const because = [...subject.unabsorbed, ...subject.unsteady];
  const { held, missing, surplus, rows } = subject.filled ? await differences(tx, subject, maxRows, facts) : nothing;
  if ((await tx.rows(rewrittenRelationsQuery)).length > 0) return 'rewritten';
  const isSame = subject.filled && missing + surplus === 0;
  return {
    view: subject.table, kind: subject.kind, verdict: isSame ? 'same' : because.length > 0 ? 'behind' : 'differs',
    because, registered: own !== undefined, columns: subject.columns, floats: subject.floats, closedBefore: subject.closedBefore, held, missing, surplus,
    rows: rows.map(({ side, count, image }) => ({ side, count, values: readImage(image).slice(0, subject.columns.length) })),
    durationMs: performance.now() - startedMs,
  };
}

const nothing: Differences = { held: 0, missing: 0, surplus: 0, rows: [] };

async function differences(tx: Transaction, subject: Verifiable, limit: number, facts: ServerFacts): Promise<Differences> {
  if (subject.kind === 'matview') {
    await setRefreshPath(tx, facts);
    await tx.rows('SET LOCAL extra_float_digits TO DEFAULT');
  }
  const [found] = await tx.rows<Differences>(differencesSql({ ...subject, limit }), subject.parameters);
  if (found === undefined) throw new Error('A comparison returned no row.');
  return found;
}

/**
 * As the role would refresh by hand, functions that the definition calls may rely on its search_path; PostgreSQL itself fixes
 * that of a refresh since version 17. What PostgreSQL has stands first in it, unless it is named behind others: the comparison's
 * own operators must not be looked for there, where anybody may create.
 */
async function setRefreshPath(tx: Transaction, facts: ServerFacts): Promise<void> {
  if (facts.versionNumber >= fixedPathVersionNumber) {
    await tx.rows('SET LOCAL search_path TO pg_catalog, pg_temp');
    return;
  }
  await tx.rows('SET LOCAL search_path TO DEFAULT');
  const [now] = await tx.rows<{ path: string }>("SELECT pg_catalog.current_setting('search_path') AS path");
  const path = now?.path ?? '';
  if (/,\s*"?pg_catalog"?\s*(?:,|$)/i.test(path)) await tx.rows("SELECT pg_catalog.set_config('search_path', $1, true)", [`pg_catalog, ${path}`]);
}

function explained(error: unknown, view: string, facts: ServerFacts): Error | undefined {
  const message = error instanceof Error ? error.message : String(error);
  switch (sqlstateOf(error)) {
    case '42501':
      return new UsageError(`${view} cannot be verified by role ${facts.role}: ${message}. It needs SELECT on the view and on all that its query reads`, { cause: error });
    case '55P03':
      return new Error(`${view} could not be read, since somebody holds a lock on it or on what it reads: try again later, or with a longer --lock-timeout.`, { cause: error });
    default:
      return undefined;
  }
}
