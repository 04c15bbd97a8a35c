import stringWidth from 'string-width';
import { overTargetMs, type Freshness, type FreshnessState, type ViewFreshness } from '../catalog/freshness.js';
import { formatDuration } from '../config/duration.js';
import { cutToWidth, printable } from './printable.js';
import { clause, count } from './sentence.js';
import { renderTable, type Column } from './table.js';

/** What status shows, in the parts that a small screen cuts apart: rows may go, what follows them stays. */
export interface FreshnessBlock {
  readonly table: readonly string[];
  readonly notes: readonly string[];
}

interface Cell extends Column {
  readonly of: (view: ViewFreshness, at: Date) => string;
  /** The greatest goes first where the terminal is too narrow. Absent: it stays. */
  readonly dispensable?: number;
  /** It is left out when it would be empty in every row. */
  readonly optional?: true;
}

const cells: readonly Cell[] = [
  { title: 'view', elastic: true, of: (view) => printable(view.name) },
  { title: 'state', of: (view) => stateNames[view.state] },
  { title: 'stale for', align: 'right', of: staleFor },
  { title: 'target', of: target, dispensable: 1, optional: true },
  { title: 'refreshed', align: 'right', of: (view, at) => ago(view.lastSuccess, at), dispensable: 2 },
  { title: 'took', align: 'right', of: (view) => took(view.lastDurationMs), dispensable: 3 },
  { title: 'plan', of: (view) => view.lastPlan ?? '-', dispensable: 4 },
  { title: 'sources', align: 'right', of: (view) => String(view.sources), dispensable: 5 },
];
const gap = 2;
/** A name that is cut shorter than this cannot be told from its neighbours: rather a column less. */
const readableName = 24;

export const stateNames: Readonly<Record<FreshnessState, string>> = {
  gone: 'gone', paused: 'paused', 'not-served': 'not served', failing: 'failing', never: 'never', stale: 'stale', unknown: 'unknown',
  fresh: 'fresh',
};

/**
 * A row a view, and below the table what needs a sentence.
 * @param width columns of the terminal; Infinity where there is none
 */
export function freshnessBlock(freshness: Freshness, database: string, width: number): FreshnessBlock {
  const { views, at } = freshness;
  if (views.length === 0) {
    return { table: [], notes: [`No view is registered in database ${printable(database)}: run listener --views ... to keep some fresh.`] };
  }
  const columns = fitting(views, at, width);
  const rows = views.map((view) => columns.map((cell) => cell.of(view, at)));
  const notes = [summary(views, at), ...remarks(freshness), ...views.flatMap((view) => troubleOf(view, at))];
  return { table: renderTable(columns, rows, width).split('\n'), notes: notes.map((note) => cutToWidth(note, width)) };
}

export function blockText({ table, notes }: FreshnessBlock): string {
  return [...table, ...(table.length > 0 && notes.length > 0 ? [''] : []), ...notes].join('\n');
}

/** Leaves columns out, the least important first, until the rest fits beside a name that can be read. */
function fitting(views: readonly ViewFreshness[], at: Date, width: number): Cell[] {
  let chosen = cells.filter((cell) => cell.optional !== true || views.some((view) => cell.of(view, at) !== '-'));
  for (;;) {
    const needed = chosen.reduce((sum, cell) => {
      const own = Math.max(cell.title.length, ...views.map((view) => stringWidth(cell.of(view, at))));
      return sum + gap + (cell.elastic === true ? Math.min(own, readableName) : own);
    }, -gap);
    const last = chosen.reduce<Cell | undefined>((most, cell) => ((cell.dispensable ?? 0) > (most?.dispensable ?? 0) ? cell : most), undefined);
    if (needed <= width || last === undefined) return chosen;
    chosen = chosen.filter((cell) => cell !== last);
  }
}

/** How long it has been stale: '-' when it is not, '?' when nobody knows since when. */
export function staleFor(view: Pick<ViewFreshness, 'stale' | 'staleSince'>, at: Date): string {
  if (view.stale === false) return '-';
  return view.staleSince === null ? '?' : formatDuration(Math.max(0, at.getTime() - view.staleSince.getTime()));
}

/** How long it may be stale, and whether it has been stale for longer. */
function target(view: ViewFreshness, at: Date): string {
  if (view.targetMs === null) return '-';
  return `${formatDuration(view.targetMs)}${overTargetMs(view, at) === undefined ? '' : ' MISSED'}`;
}

export function ago(date: Date | null, at: Date): string {
  return date === null ? '-' : `${formatDuration(Math.max(0, at.getTime() - date.getTime()))} ago`;
}

export function took(durationMs: number | null): string {
  return durationMs === null ? '-' : formatDuration(durationMs);
}

const order: readonly FreshnessState[] = ['fresh', 'stale', 'failing', 'paused', 'not-served', 'never', 'unknown', 'gone'];

function summary(views: readonly ViewFreshness[], at: Date): string {
  const counted = order.flatMap((state) => {
    const number = views.filter((view) => view.state === state).length;
    return number === 0 ? [] : [`${number} ${stateNames[state]}`];
  });
  const missed = views.filter((view) => overTargetMs(view, at) !== undefined).length;
  return `${count(views.length, 'view')}: ${counted.join(', ')}${missed === 0 ? '' : `; ${missed} over ${missed === 1 ? 'its' : 'their'} freshness target`}.`;
}

/** What concerns all views. */
export function remarks({ standby, log }: Pick<Freshness, 'standby' | 'log'>): string[] {
  if (standby) return ['This server is a standby: what was refreshed is known here, what is stale is not. Ask the primary.'];
  if (log === 'reset') return ['The change log was emptied by a crash of the server: the next sweep of a worker refreshes every view.'];
  if (log === 'moved') return ['This database is a copy or a restored one: the next sweep of a worker refreshes every view.'];
  return [];
}

/** What one view needs a sentence for. */
export function troubleOf(view: ViewFreshness, at: Date): string[] {
  const name = printable(view.name);
  const troubles: string[] = [];
  const over = overTargetMs(view, at);
  if (over !== undefined && view.targetMs !== null) {
    troubles.push(`${name} is ${formatDuration(over)} over its freshness target of ${formatDuration(view.targetMs)}.`);
  }
  if (view.lastError !== null) {
    const code = view.lastSqlstate === null ? '' : ` (SQLSTATE ${view.lastSqlstate})`;
    const row = view.failures > 1 ? `, ${view.failures} times in a row` : '';
    troubles.push(`${name} failed ${ago(view.lastErrorAt, at)}${row}: ${printable(clause(view.lastError))}${code}.`);
  }
  if (view.state === 'paused' && view.pausedAt !== null) troubles.push(`${name} was paused ${ago(view.pausedAt, at)}: listener resume goes on.`);
  if (view.state === 'not-served') troubles.push(`${name} has been served by no worker for ${took(at.getTime() - view.servedUntil.getTime())}: run listener --views ...`);
  if (view.state === 'gone') troubles.push(`${name} was dropped: it is served again when it comes back.`);
  if (view.lapsed) troubles.push(`${name}: writers no longer record changes, since no worker was seen for --lapse; the next one refreshes it.`);
  return troubles;
}
