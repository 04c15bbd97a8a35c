import { formatDuration } from '../config/duration.js';
import type { BackfillBegun, BackfillDone } from '../freshen/summary/backfill.js';
import { printable } from './printable.js';
import { count } from './sentence.js';

type Done = Omit<BackfillDone, 'next' | 'finished'>;

/** How a backfill begins: a sentence or more. */
export function backfillBegun(name: string, { first, last, next, total, done, resumedMs, givenUp }: BackfillBegun): string {
  const dropped = givenUp === undefined ? '' : `Gave up the backfill from ${givenUp.first} to ${givenUp.last}, which had come to ${givenUp.next}. `;
  const range = `from ${first} to ${last}`;
  if (resumedMs === undefined) return printable(`${dropped}Recomputing ${name} ${range}: ${count(total, 'bucket')}.`);
  return printable(
    `Going on at ${next} with the backfill of ${name} ${range} that began ${formatDuration(Math.round(resumedMs))} ago: ` +
      `${done.buckets.toLocaleString('en-US')} of ${count(total, 'bucket')} done (--restart begins anew).`,
  );
}

/** @param remainingMs at this pace; undefined: nothing is known yet */
export function backfillProgress(done: Done, total: number, remainingMs: number | undefined): string {
  const left = remainingMs === undefined ? '' : `; about ${formatDuration(Math.round(remainingMs))} left`;
  return `Recomputed ${done.buckets.toLocaleString('en-US')} of ${count(Math.max(total, done.buckets), 'bucket')}: ${effect(done)}${left}.`;
}

export function backfillEnded(name: string, done: Done, durationMs: number): string {
  return printable(`Recomputed ${count(done.buckets, 'bucket')} of ${name} in ${formatDuration(Math.round(durationMs))}: ${effect(done)}.`);
}

/** 'no row differed', '3 rows corrected (1 added, 2 replaced), 5 late rows taken up'. */
function effect({ inserted, updated, deleted, late }: Done): string {
  const parts = [{ rows: inserted, verb: 'added' }, { rows: updated, verb: 'replaced' }, { rows: deleted, verb: 'removed' }].filter(({ rows }) => rows > 0);
  const corrected = parts.length === 0 ? 'no row differed'
    : `${count(inserted + updated + deleted, 'row')} corrected (${parts.map(({ rows, verb }) => `${rows.toLocaleString('en-US')} ${verb}`).join(', ')})`;
  return late === 0 ? corrected : `${corrected}, ${count(late, 'late row')} taken up`;
}
