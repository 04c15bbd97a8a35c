import type { Transaction } from '../database/database.js';
import { loadQuery } from '../database/sql.js';
import { fingerprintChange, readFingerprints, type Fingerprint, type FingerprintChange } from './fingerprint.js';
import type { SurveyedSource } from './survey.js';
import { needsTrigger } from './survey.js';

const viewSourcesQuery = loadQuery('view-sources');
const sourceRegistersQuery = loadQuery('source-registers');
const sourceTriggersQuery = loadQuery('source-triggers');

/**
 * How changes of a source are seen:
 * - `trigger`: its trigger records them; `always` also under session_replication_role = replica
 * - `missing`, `disabled`, `altered`: its trigger does not, until the next sweep mends it
 * - `no-privilege`: the role may not create one
 * - `refreshes`: a materialized view that is served: its own refreshes tell
 * - `sweep`: a materialized view that nobody serves: the sweep notices when it was refreshed
 * - `never`: a foreign table, of which nothing tells
 * - `not-installed`: it will have a trigger once a worker serves the view
 */
export type Watch =
  | 'always' | 'trigger' | 'missing' | 'disabled' | 'altered' | 'no-privilege' | 'refreshes' | 'sweep' | 'never' | 'not-installed';

/** Whether a source's writers ring: `quiet` for a short hold, `silent` for good (polling mode, or no worker yet). */
export type Bell = 'rings' | 'quiet' | 'silent';

/** A source of a view, and how it is watched. */
export interface WatchedSource {
  readonly oid: number;
  readonly name: string;
  readonly kind: SurveyedSource['kind'];
  readonly isChild: boolean;
  readonly watch: Watch;
  /** Whether the view is linked to it already: then what follows is known. */
  readonly linked: boolean;
  /** Until when its writers record changes; null: for good, or not known. */
  readonly recordsUntil: Date | null;
  readonly bell: Bell | null;
  /** Whether what it looked like at the view's last refresh is remembered. */
  readonly remembered: boolean;
  /** What differs from that now; undefined: nothing. */
  readonly difference: FingerprintChange | undefined;
}

/** The row of `source-registers.sql`. */
interface Registers {
  readonly id: number;
  readonly oid: number;
  readonly name: string;
  readonly fingerprint: Fingerprint | null;
  readonly logUntilMs: number | null;
  readonly holdUntilMs: number | null;
  readonly nowMs: number;
  readonly standsFor: number | null;
}

/** The row of `source-triggers.sql`. */
interface TriggerRow {
  readonly oid: number;
  readonly enabled: 'O' | 'A' | 'R' | 'D';
  readonly intact: boolean;
}

/**
 * The sources of a view, each with how it is watched, in a fixed number of queries. Reads only.
 *
 * @param oid of the relation whose query the view shows
 * @param viewId its id in the registry; undefined: it is not registered, or nothing is installed
 */
export async function readWatchedSources(tx: Transaction, oid: number, viewId: number | undefined): Promise<WatchedSource[]> {
  const sources = await tx.rows<SurveyedSource>(viewSourcesQuery, [[oid]]);
  if (viewId === undefined) return sources.map((source) => watched(source, undefined, undefined, undefined));
  const registers = new Map((await tx.rows<Registers>(sourceRegistersQuery, [viewId])).map((row) => [row.oid, row]));
  const triggers = new Map((await tx.rows<TriggerRow>(sourceTriggersQuery, [sources.map((source) => source.oid)])).map((row) => [row.oid, row]));
  const now = (await mayReadFingerprints(tx)) ? await readFingerprints(tx, [...registers.values()].map(({ id }) => id)) : undefined;
  return sources.map((source) => {
    const linked = registers.get(source.oid);
    return watched(source, linked, triggers.get(source.oid), linked === undefined ? undefined : now?.get(linked.id));
  });
}

/** A role that merely may read the tables does without: what differs is then not known. */
async function mayReadFingerprints(tx: Transaction): Promise<boolean> {
  const [row] = await tx.rows<{ may: boolean }>(
    "SELECT pg_catalog.has_function_privilege('refresh_listener.fingerprints(pg_catalog.int4[])', 'EXECUTE') AS may",
  );
  return row?.may === true;
}

function watched(
  source: SurveyedSource, linked: Registers | undefined, trigger: TriggerRow | undefined, now: Fingerprint | undefined,
): WatchedSource {
  const { oid, name, kind, isChild } = source;
  const before = linked?.fingerprint ?? null;
  return {
    oid, name, kind, isChild,
    watch: watchOf(source, linked, trigger),
    linked: linked !== undefined,
    recordsUntil: linked === undefined || linked.logUntilMs === null ? null : new Date(linked.logUntilMs),
    bell: linked === undefined ? null : bellOf(linked.holdUntilMs, linked.nowMs),
    remembered: before !== null,
    difference: before === null || now === undefined ? undefined : fingerprintChange(before, now),
  };
}

/** How is a source watched? Pure. */
export function watchOf(
  source: Pick<SurveyedSource, 'kind' | 'mayTrigger'>, linked: Pick<Registers, 'standsFor'> | undefined,
  trigger: Pick<TriggerRow, 'enabled' | 'intact'> | undefined,
): Watch {
  if (source.kind === 'f') return 'never';
  if (source.kind === 'm') return linked !== undefined && linked.standsFor !== null ? 'refreshes' : 'sweep';
  if (!needsTrigger(source)) return 'never';
  if (trigger === undefined) {
    if (!source.mayTrigger) return 'no-privilege';
    return linked === undefined ? 'not-installed' : 'missing';
  }
  if (!trigger.intact) return 'altered';
  if (trigger.enabled === 'A') return 'always';
  return trigger.enabled === 'O' ? 'trigger' : 'disabled';
}

/** What does a hold register say to writers? Pure. Null: unset, or not ours to read. */
export function bellOf(holdUntilMs: number | null, nowMs: number): Bell {
  if (holdUntilMs === 0) return 'silent';
  return holdUntilMs === null || holdUntilMs <= nowMs ? 'rings' : 'quiet';
}
