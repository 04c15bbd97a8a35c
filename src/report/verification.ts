import stringWidth from 'string-width';
import type { DifferentRow, Verdict, Verification } from '../freshen/verify.js';
import { formatDuration } from '../config/duration.js';
import { cutToWidth, printable } from './printable.js';
import { count } from './sentence.js';
import { renderTable } from './table.js';

/** What `listener verify --json` prints, an object a view. Names and fields are stable: they are added, never renamed or reused. */
export interface VerificationJson {
  readonly view: string;
  readonly verdict: Verdict;
  /** Why it need not show what its query returns at this moment; empty: it has to. */
  readonly because: readonly string[];
  /** Whether a listener keeps it. */
  readonly registered: boolean;
  /** Rows that it holds, that it lacks, and that it has too many, with their multiplicity. */
  readonly held: number;
  readonly missing: number;
  readonly surplus: number;
  readonly columns: readonly string[];
  /** Of a summary: all buckets before this one are closed, and were left out; null: none is. */
  readonly closedBefore: string | null;
  /** The first of the rows that differ, their values as texts. */
  readonly rows: readonly DifferentRow[];
  readonly durationMs: number;
}

export function verificationJson({ view, verdict, because, registered, held, missing, surplus, columns, closedBefore, rows, durationMs }: Verification): VerificationJson {
  return { view, verdict, because, registered, held, missing, surplus, columns, closedBefore, rows, durationMs: Math.round(durationMs) };
}

/**
 * One sentence, the rows that differ, and what to do.
 * @param width columns of the terminal; Infinity where there is none
 */
export function verificationText(found: Verification, width: number): string {
  const view = printable(found.view);
  const closed = found.closedBefore === null ? '' : ` Buckets before ${printable(found.closedBefore)} are closed, and were left out.`;
  if (found.verdict === 'same') {
    return `${view} shows what its query returns: ${count(found.held, 'row')}, no difference (compared in ${formatDuration(Math.round(found.durationMs))}).${closed}`;
  }
  const because = printable(found.because.join('; '));
  if (found.missing + found.surplus === 0) return `${view} cannot be compared: ${because}.`;
  const amount = `${count(found.missing, 'row')} missing and ${found.surplus.toLocaleString('en-US')} surplus, beside ${count(found.held - found.surplus, 'equal row')}`;
  const table = differenceTable(found.columns, found.rows, width);
  const lines = found.verdict === 'behind'
    ? [`${view} is behind, which proves nothing: ${because}. ${amount}.${closed}`, '', table]
    : [`${view} differs from its query: ${amount}.${closed}`, '', table, '', ...remedies(found)];
  return lines.join('\n');
}

function remedies({ view, kind, registered, floats }: Verification): string[] {
  const name = printable(view);
  if (kind === 'summary') {
    return [
      'Nothing that the change log tells explains it. An id that was drawn long before its INSERT would, or one that was moved; so would a row that somebody else has written.',
      `listener refresh ${name} --force puts it right.`,
    ];
  }
  return [
    ...(floats.length === 0 ? [] : [`The last digits of ${printable(floats.join(', '))} may depend on the order in which floating-point numbers are added up.`]),
    registered
      ? `The change log knows of nothing that it has not absorbed. listener refresh ${name} --force puts it right; listener doctor tells what triggers may not see.`
      : `No listener keeps it: REFRESH MATERIALIZED VIEW ${name}; puts it right.`,
  ];
}

const narrowest = 6;
const widest = 40;
const gap = 2;

/**
 * The rows, the two images of one key together. Where the terminal is too narrow every column gives way, and then the last ones go. Pure.
 */
export function differenceTable(columns: readonly string[], rows: readonly DifferentRow[], width: number): string {
  const counted = rows.some((row) => row.count > 1);
  const heads = [{ title: 'row' }, ...(counted ? [{ title: 'times', align: 'right' as const }] : [])];
  const own = (row: DifferentRow): string[] => [row.side, ...(counted ? [row.count.toLocaleString('en-US')] : [])];
  const cellsOf = (row: DifferentRow): string[] => row.values.map((value) => (value === null ? 'NULL' : printable(value)));
  const titles = columns.map(printable);
  const needed = titles.map((title, index) => Math.max(stringWidth(title), ...rows.map((row) => stringWidth(cellsOf(row)[index] ?? ''))));
  const room = width - heads.reduce((sum, { title }) => sum + Math.max(title.length, 'missing'.length) + gap, 0);
  const { cap, kept } = fitting(needed, room);
  const fit = (texts: readonly string[]): string[] => texts.slice(0, kept).map((text) => cutToWidth(text, cap));
  const omitted = titles.length - kept;
  const shown = [...heads, ...fit(titles).map((title) => ({ title }))];
  const table = renderTable(shown, rows.map((row) => [...own(row), ...fit(cellsOf(row))]), Infinity);
  return omitted === 0 ? table : `${table}\n(${count(omitted, 'more column')}: --json shows all.)`;
}

/** How wide a column may be, and how many there is room for: at least one. */
function fitting(needed: readonly number[], room: number): { readonly cap: number; readonly kept: number } {
  const total = (cap: number, kept: number): number => needed.slice(0, kept).reduce((sum, one) => sum + Math.min(one, cap) + gap, -gap);
  for (let kept = needed.length; ; kept -= 1) {
    for (let cap = widest; cap >= narrowest; cap -= 1) if (total(cap, kept) <= room || (kept <= 1 && cap === narrowest)) return { cap, kept };
  }
}
