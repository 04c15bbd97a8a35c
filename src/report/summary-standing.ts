import { listHolders, type Backlog, type Holder } from '../catalog/run-record.js';
import { catchUpMs, type SummaryStanding } from '../catalog/summary-standing.js';
import { formatDuration } from '../config/duration.js';
import { ago } from './freshness-table.js';
import { holderNames } from './holder-name.js';
import { printable } from './printable.js';
import { count } from './sentence.js';

/**
 * What `listener status --json` says of a summary. Names and fields are stable: they are added, never renamed or reused.
 * Times are ISO 8601 in UTC, durations in milliseconds.
 */
export interface SummaryJson {
  readonly capture: 'watermark';
  readonly watermark: {
    readonly column: string;
    /** As text: 64 bits. */
    readonly lastId: string;
    /** Ids between it and the greatest visible one, when the last batch had been taken. */
    readonly rowsBehind: number;
    /** Whether that grows or shrinks; null: nothing is left, or nobody knows yet. */
    readonly backlog: Backlog;
    /** At that pace. */
    readonly catchUpMs: number | null;
    /** Rows that the next transaction takes at most; null: it is the first. */
    readonly batch: number | null;
    readonly rowsPerSecond: number | null;
  };
  readonly gaps: {
    readonly ids: number;
    readonly since: string | null;
    readonly holders: readonly Holder[];
  };
  readonly bucket: string | null;
  readonly latenessMs: number | null;
  readonly freshnessMs: number | null;
  readonly closedBefore: string | null;
  readonly filledAt: string | null;
  readonly repairedAt: string | null;
  /** Of the runs on record: rows that came late, rows for closed buckets, rows that repairs put right. */
  readonly late: number;
  readonly closedLate: number;
  readonly corrections: number;
  /** Rows for closed buckets that no backfill has taken up. */
  readonly waitingForBackfill: { readonly rows: number; readonly buckets: number };
}

export function summaryJson(standing: SummaryStanding): SummaryJson {
  const { capture, idColumn, lastId, rowsBehind, batch, rowsPerSecond, gapIds, gapsSince, holders } = standing;
  return {
    capture,
    watermark: {
      column: idColumn, lastId, rowsBehind, backlog: backlogOf(standing), catchUpMs: catchUpMs(standing), batch,
      rowsPerSecond: rowsPerSecond === null ? null : Math.round(rowsPerSecond),
    },
    gaps: {
      ids: gapIds, since: gapsSince?.toISOString() ?? null, holders: listHolders(holders),
    },
    bucket: standing.bucket, latenessMs: standing.latenessMs, freshnessMs: standing.freshnessMs, closedBefore: standing.closedBefore,
    filledAt: standing.filledAt?.toISOString() ?? null, repairedAt: standing.repairedAt?.toISOString() ?? null,
    late: standing.late, closedLate: standing.closedLate, corrections: standing.corrections,
    waitingForBackfill: { rows: standing.waitingRows, buckets: standing.waitingBuckets },
  };
}

function backlogOf({ rowsBehind, growth }: SummaryStanding): Backlog {
  if (rowsBehind === 0 || growth === null || growth === 0) return null;
  return growth > 0 ? 'growing' : 'shrinking';
}

/** Sentences for people: what `status NAME` and `explain` say of a summary. */
export function summaryLines(standing: SummaryStanding, name: string, at: Date): string[] {
  const { rowsBehind, lastId, idColumn, gapIds, gapsSince, holders, bucket, closedBefore, latenessMs } = standing;
  const lines = [`A summary by watermark: ${printable(idColumn)} up to ${lastId}${rowsBehind === 0 ? ', nothing left' : `, ${backlogText(standing)}`}.`];
  if (standing.filledAt === null) lines.push('It is still being filled, and empty until that has ended.');
  if (gapIds > 0) {
    const who = holderNames(listHolders(holders), at);
    const from = gapsSince === null ? '' : `, the oldest seen ${ago(gapsSince, at)}`;
    lines.push(`${count(gapIds, 'id')} below it not seen yet${from}: ${who.length === 0 ? 'rolled back, most likely; the next refreshes make sure' : `may still be committed by ${who.join(', ')}`}.`);
  }
  if (bucket !== null && latenessMs !== null) {
    lines.push(`Buckets by ${printable(bucket)}, closed ${formatDuration(latenessMs)} after they end${closedBefore === null ? '' : `: now those before ${closedBefore}`}.`);
  }
  if (standing.late + standing.closedLate > 0) {
    lines.push(`On record ${count(standing.late, 'row')} came late, ${standing.closedLate.toLocaleString('en-US')} for closed buckets.`);
  }
  if (standing.waitingRows > 0) {
    lines.push(`${count(standing.waitingRows, 'row')} for ${count(standing.waitingBuckets, 'closed bucket')} not shown: listener backfill ${name} --from ... takes them up.`);
  }
  if (standing.repairedAt !== null) {
    lines.push(`Compared with its source ${ago(standing.repairedAt, at)}${standing.corrections === 0 ? '; no row was wrong so far' : `; ${count(standing.corrections, 'row')} put right, of the runs on record`}.`);
  }
  return lines;
}

function backlogText(standing: SummaryStanding): string {
  const left = catchUpMs(standing);
  const pace = backlogOf(standing) === 'growing' ? ', and growing' : left === null ? '' : `, done in about ${formatDuration(left)}`;
  return `${standing.rowsBehind.toLocaleString('en-US')} behind${pace}`;
}
