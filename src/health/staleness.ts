import { Cron } from 'croner';
import type { ViewSettings } from '../config/view-settings.js';

/** The row of `view-staleness.sql`. Times are in ms since 1970 by the server's clock. */
export interface StalenessRow {
  readonly id: number;
  /** As text: it differs once the view has been absorbed. */
  readonly cursor: string;
  readonly paused: boolean;
  /** A summary whose first fill has not ended: it was never fresh, and tells of itself by `summary.progress`. */
  readonly filling: boolean;
  /** It is stale, and nobody knows since when. */
  readonly doubtful: boolean;
  /** When the oldest change was made that it has not absorbed; null: there is none on record. */
  readonly oldestMs: number | null;
  /** When the last absorb began; null: there was none. */
  readonly absorbedAtMs: number | null;
  readonly lastDurationMs: number | null;
  readonly nowMs: number;
}

/** What is known of one view from look to look. Times as in the row. */
export interface Standing {
  readonly cursor: string;
  readonly paused: boolean;
  /** Since when it has not shown what was there to be shown; undefined: it is fresh, or left alone. */
  readonly staleSinceMs: number | undefined;
  /** When it was last known to be fresh: what it does not show was committed after that. */
  readonly freshAtMs: number | undefined;
  /** Until when it was left alone, as far as is known: what was missed before was meant to be. */
  readonly aloneUntilMs: number | undefined;
}

/**
 * Since when is a view stale? From the oldest change that it does not show, or from the moment at which it came due by age or
 * schedule.
 *
 * A change counts from its commit, which nobody records: it came after the view was last known to be fresh. Else a load of an
 * hour, in one transaction, would be an hour late in the moment that it ends. While the cursor stands still the answer only
 * grows: the row asks for the first change by transaction, which a long one that commits late takes the place of. Pure.
 *
 * @param before what the look before found; undefined: this is the first
 */
export function judgeStanding(before: Standing | undefined, row: StalenessRow, times: Pick<ViewSettings, 'maxAgeMs' | 'schedule'>): Standing {
  const { cursor, paused, nowMs } = row;
  if (paused || row.filling) return { cursor, paused, staleSinceMs: undefined, freshAtMs: undefined, aloneUntilMs: nowMs };
  const freshAtMs = before?.freshAtMs;
  // Whoever resumes a view begins anew: what it missed meanwhile was meant to be missed.
  const aloneUntilMs = before?.paused === true ? nowMs : before?.aloneUntilMs;
  const changedMs = earliest(row.oldestMs ?? undefined, row.doubtful ? before?.staleSinceMs ?? nowMs : undefined);
  const changeMs = changedMs === undefined ? undefined : Math.max(changedMs, freshAtMs ?? -Infinity);
  const since = earliest(changeMs, dueSinceMs(times, row));
  if (since === undefined) return { cursor, paused, staleSinceMs: undefined, freshAtMs: nowMs, aloneUntilMs };
  const found = Math.max(since, aloneUntilMs ?? -Infinity);
  const remembered = before?.cursor === cursor ? before.staleSinceMs : undefined;
  return { cursor, paused, staleSinceMs: earliest(found, remembered), freshAtMs, aloneUntilMs };
}

function earliest(...moments: readonly (number | undefined)[]): number | undefined {
  const known = moments.filter((moment) => moment !== undefined);
  return known.length === 0 ? undefined : Math.min(...known);
}

/** Since when is a view older than it may be, changed or not? Undefined: it is not. Pure. */
export function dueSinceMs(
  { maxAgeMs, schedule }: Pick<ViewSettings, 'maxAgeMs' | 'schedule'>, { absorbedAtMs, nowMs }: Pick<StalenessRow, 'absorbedAtMs' | 'nowMs'>,
): number | undefined {
  if (absorbedAtMs === null) return undefined;
  const byAge = maxAgeMs === undefined ? Infinity : absorbedAtMs + maxAgeMs;
  const bySchedule = schedule === undefined ? Infinity : new Cron(schedule, { paused: true }).nextRun(new Date(absorbedAtMs))?.getTime() ?? Infinity;
  const due = Math.min(byAge, bySchedule);
  return due <= nowMs ? due : undefined;
}

/**
 * A view is as stale as the stalest view that it reads, but for paused ones, whose staleness is meant. Pure.
 *
 * @param views their ids, each with the ids of the views that it reads
 * @returns by id, of those that are stale: since when, and through which view it has that if it is not its own
 */
export function spreadStaleness(
  views: ReadonlyMap<number, { readonly upstream: readonly number[] }>, standings: ReadonlyMap<number, Standing>,
): Map<number, { readonly sinceMs: number; readonly through: number | undefined }> {
  const spread = new Map<number, { sinceMs: number; through: number | undefined } | undefined>();
  function visit(id: number): { readonly sinceMs: number; readonly through: number | undefined } | undefined {
    if (spread.has(id)) return spread.get(id);
    spread.set(id, undefined);
    const own = standings.get(id);
    if (own === undefined || own.paused) return undefined;
    let stalest = own.staleSinceMs === undefined ? undefined : { sinceMs: own.staleSinceMs, through: undefined as number | undefined };
    for (const upstream of views.get(id)?.upstream ?? []) {
      const sinceMs = visit(upstream)?.sinceMs;
      if (sinceMs !== undefined && sinceMs < (stalest?.sinceMs ?? Infinity)) stalest = { sinceMs, through: upstream };
    }
    spread.set(id, stalest);
    return stalest;
  }
  for (const id of views.keys()) visit(id);
  return new Map([...spread].flatMap(([id, stale]) => (stale === undefined ? [] : [[id, stale] as const])));
}
