import type { Database } from '../database/database.js';
import { loadQuery } from '../database/sql.js';
import type { ServedGraph, ServedSource } from './graph.js';

const logRegistersQuery = loadQuery('log-registers');
const renewLogRegistersQuery = loadQuery('renew-log-registers');
const settleLapseQuery = loadQuery('settle-lapse');
const setSilenceQuery = loadQuery('set-silence');

/** Until when a source's trigger may append, and the server's clock, in ms since 1970. */
interface LogRegister {
  readonly source: number;
  readonly untilMs: number | null;
  readonly nowMs: number;
}

/**
 * Within this of its end a register counts as lapsed: between reading it and renewing it the worker may stall, or die.
 * Half of the lapse at most, or a worker with a short one would find a lapse in each of its sweeps.
 */
const lapseMarginMs = 5_000;
/** So long after the end of a lease writers still ring: a worker may be restarted, or late with a sweep. */
const ringingGraceMs = 60_000;
/** `settle_xid` while the registers are being renewed: which transactions may have read the old value is not known yet. */
const unsettled = '18446744073709551615';

/** Which registers have lapsed, or may have before they can be renewed? Pure. Unset ones let the trigger append. */
export function lapsedSources(registers: readonly LogRegister[], marginMs = lapseMarginMs): number[] {
  return registers.flatMap((register) =>
    register.untilMs !== null && register.nowMs >= register.untilMs - marginMs ? [register.source] : [],
  );
}

/** How long before the end of its log register the bell of a source falls silent, in ms. Pure. */
export function silenceMs(lapseMs: number): number {
  return Math.max(0, lapseMs - ringingGraceMs);
}

/** What a renewal finds. */
export interface Renewal {
  /** Sources whose register had lapsed: changes may be missing from the log. */
  readonly lapsed: readonly ServedSource[];
  /** Sources whose bell had fallen silent: whoever wrote to them since, and has not committed yet, will not have rung. */
  readonly unheard: readonly ServedSource[];
}

/**
 * Renews this worker's lease on its views, and with it the time for which triggers append.
 *
 * Where the old time had run out, changes may be missing from the log. Their views are marked stale whole *before* the
 * register is renewed, so that a crash in between cannot hide the lapse; and once more after every transaction that may
 * have read the old value has ended (`settle_xid`).
 *
 * @param leaseMs 0 for an installation, which serves nobody: it does not cut short the lease of a worker
 */
export async function renewLease(
  database: Database, graph: ServedGraph, leaseMs: number, lapseMs: number,
): Promise<Renewal> {
  const sources = [...graph.sources.keys()];
  const readRegisters = (): Promise<LogRegister[]> => database.rows<LogRegister>(logRegistersQuery, [sources]);
  // Whoever called refresh() in a transaction holds the view's row until that ends: it must not hold up all the others.
  await database.rows(
    `WITH free AS MATERIALIZED (
       SELECT k.id FROM refresh_listener.view AS k WHERE k.id = ANY ($1::pg_catalog.int4[]) FOR NO KEY UPDATE SKIP LOCKED
     )
     UPDATE refresh_listener.view AS v
     SET served_until = pg_catalog.clock_timestamp() + pg_catalog.make_interval(secs => $2::pg_catalog.float8 / 1000)
     FROM free WHERE v.id = free.id AND ($2::pg_catalog.float8 > 0 OR v.served_until < pg_catalog.clock_timestamp())`,
    [[...graph.views.keys()], leaseMs],
  );
  const before = await readRegisters();
  const lapsed = new Set(lapsedSources(before, Math.min(lapseMarginMs, lapseMs / 2)));
  await mark(database, [...lapsed]);
  // First: beside a shorter lapse the old silence would begin before the lease is over.
  await database.rows(setSilenceQuery, [silenceMs(lapseMs)]);
  await database.rows(renewLogRegistersQuery, [sources, lapseMs]);
  const [after] = await readRegisters();
  const asOfRenewal = before.map((register) => ({ ...register, nowMs: after?.nowMs ?? register.nowMs }));
  const late = lapsedSources(asOfRenewal, 0);
  await mark(database, late.filter((source) => !lapsed.has(source)));
  for (const source of late) lapsed.add(source);
  await settle(database, [...lapsed]);
  const named = (ids: Iterable<number>): ServedSource[] => [...ids].flatMap((id) => graph.sources.get(id) ?? []);
  return { lapsed: named(lapsed), unheard: named(lapsedSources(asOfRenewal, silenceMs(lapseMs))) };
}

async function mark(database: Database, sources: readonly number[]): Promise<void> {
  if (sources.length === 0) return;
  await database.rows(
    `UPDATE refresh_listener.view AS v SET whole_marks = v.whole_marks + 1, settle_xid = $2::pg_catalog.xid8
     WHERE EXISTS (SELECT FROM refresh_listener.view_source AS vs
                   WHERE vs.view = v.id AND vs.source = ANY ($1::pg_catalog.int4[]))`,
    [sources, unsettled],
  );
}

/**
 * Says which transactions may have read an old value: those that run now, after the renewal. Also takes up what another
 * worker marked and did not live to settle, but only once none of the view's registers is in the past any more: before
 * that worker's renewal it would be too early.
 */
async function settle(database: Database, lapsed: readonly number[]): Promise<void> {
  await database.rows(settleLapseQuery, [lapsed, unsettled]);
}
