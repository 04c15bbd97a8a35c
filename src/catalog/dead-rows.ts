import type { Transaction } from '../database/database.js';
import { loadQuery } from '../database/sql.js';

const deadRowsQuery = loadQuery('dead-rows');
const vacuumHorizonQuery = loadQuery('vacuum-horizon');

/** What a table has to be cleared of; the row of `dead-rows.sql`. */
export interface DeadRows {
  readonly oid: number;
  /** Quoted as needed and with its schema. */
  readonly name: string;
  readonly liveRows: number;
  readonly deadRows: number;
  /** Since it was analyzed. */
  readonly changedRows: number;
  /** With more dead rows than this autovacuum would vacuum it, with more changed ones analyze it. */
  readonly vacuumFrom: number;
  readonly analyzeFrom: number;
  /** Of its file, as it was vacuumed or analyzed last. */
  readonly bytes: number;
  /** Since somebody vacuumed it last, by hand or not; null: never. */
  readonly vacuumedMsAgo: number | null;
  /** Whether the table lets autovacuum come. */
  readonly autovacuum: boolean;
  /** How often it was vacuumed and analyzed by hand. */
  readonly vacuums: number;
  readonly analyzes: number;
  /** Whether this role may do either. */
  readonly may: boolean;
}

/** Dead rows of some tables and materialized views; those that are gone are missing. */
export async function readDeadRows(tx: Transaction, oids: readonly number[]): Promise<DeadRows[]> {
  return tx.rows<DeadRows>(deadRowsQuery, [oids]);
}

/** Dead rows of the tables that the worker keeps for itself. */
export async function readOwnDeadRows(tx: Transaction): Promise<DeadRows[]> {
  return tx.rows<DeadRows>(deadRowsQuery, [null]);
}

/** Up to where VACUUM can clear dead rows now, as xid8. */
export interface VacuumHorizon {
  /** Somebody may still see rows that this transaction, or a later one, has deleted. */
  readonly horizon: bigint;
  /** The first that has not begun. */
  readonly next: bigint;
}

export async function readVacuumHorizon(tx: Transaction): Promise<VacuumHorizon> {
  const [row] = await tx.rows<{ horizon: string; next: string }>(vacuumHorizonQuery);
  if (row === undefined) throw new Error('An aggregate over one row returned none.');
  return { horizon: BigInt(row.horizon), next: BigInt(row.next) };
}

/** `vacuum` analyzes as well. */
export type Chore = 'vacuum' | 'analyze';

/**
 * What does a table need? Never for nothing: from as many dead rows on as autovacuum itself would come for, and not while a
 * vacuum before this one could not clear them and what it waited for has not ended. Pure.
 *
 * @param clearable whether more could be cleared than by the last vacuum
 */
export function choreFor(
  table: Pick<DeadRows, 'name' | 'liveRows' | 'deadRows' | 'vacuumFrom' | 'changedRows' | 'analyzeFrom' | 'bytes' | 'may'>, clearable: boolean,
): Chore | undefined {
  const { deadRows, vacuumFrom, changedRows, analyzeFrom, may } = table;
  if (!may) return undefined;
  if (clearable && (deadRows > vacuumFrom || isRoomyLog(table))) return 'vacuum';
  return changedRows > analyzeFrom ? 'analyze' : undefined;
}

/** The one table that writers of the application write to. */
export const changeLog = 'refresh_listener.change_log';
const roomyFromBytes = 16 * 2 ** 20;
/** A row of the log takes 60 bytes, its header included: a file with less than a quarter of it in use is roomy. */
const roomyRowBytes = 4 * 60;

/**
 * Is the file of the change log mostly room, as after a long transaction that had kept all its rows? Then its end is worth giving
 * back. Under steady traffic it is not: the room is needed again within the minute, and to give it back holds up the writers
 * for a moment. Pure.
 */
export function isRoomyLog({ name, liveRows, deadRows, bytes }: Pick<DeadRows, 'name' | 'liveRows' | 'deadRows' | 'bytes'>): boolean {
  return name === changeLog && deadRows > 0 && bytes >= roomyFromBytes && (liveRows + deadRows) * roomyRowBytes < bytes;
}

/**
 * SQL of a chore. A table that somebody else has locked is skipped: nobody waits for it. Of the log, room that is needed again is
 * kept; to give room back the indexes must be cleared as well, since pages that they still point to cannot go, and VACUUM
 * would leave out so few. Pure.
 */
export function choreStatement(chore: Chore, table: Pick<DeadRows, 'name' | 'liveRows' | 'deadRows' | 'bytes'>): string {
  if (chore === 'analyze') return `ANALYZE (SKIP_LOCKED) ${table.name}`;
  const room = table.name !== changeLog ? '' : isRoomyLog(table) ? ', INDEX_CLEANUP true' : ', TRUNCATE false';
  return `VACUUM (ANALYZE, SKIP_LOCKED${room}) ${table.name}`;
}
