import Table from 'cli-table3';
import stringWidth from 'string-width';

/** One column of a table for a terminal. */
export interface Column {
  readonly title: string;
  /** Numbers and durations are read from the right. Default: left. */
  readonly align?: 'left' | 'right';
  /** The column that is cut short when the terminal is too narrow for all. */
  readonly elastic?: true;
}

const noBorders = {
  top: '', 'top-mid': '', 'top-left': '', 'top-right': '', bottom: '', 'bottom-mid': '', 'bottom-left': '', 'bottom-right': '',
  left: '', 'left-mid': '', mid: '', 'mid-mid': '', right: '', 'right-mid': '', middle: '  ',
};
const gap = 2;
const narrowest = 8;

/**
 * A plain table that fits the terminal: no borders, two spaces between columns; the elastic column gives way, with an
 * ellipsis.
 *
 * @param width columns of the terminal; default: those of standard output, or unlimited where it is none
 */
export function renderTable(columns: readonly Column[], rows: readonly (readonly string[])[], width = process.stdout.columns || Infinity): string {
  const widths = columns.map(({ title }, index) => Math.max(title.length, ...rows.map((row) => stringWidth(row[index] ?? ''))));
  const elastic = columns.findIndex((column) => column.elastic === true);
  const surplus = widths.reduce((sum, one) => sum + one + gap, -gap) - width;
  if (elastic >= 0 && surplus > 0) widths[elastic] = Math.max(narrowest, (widths[elastic] ?? 0) - surplus);
  const table = new Table({
    chars: noBorders,
    style: { 'padding-left': 0, 'padding-right': 0, head: [], border: [] },
    head: columns.map(({ title }) => title),
    colWidths: widths,
    colAligns: columns.map(({ align }) => align ?? 'left'),
  });
  table.push(...rows.map((row) => [...row]));
  return table.toString().split('\n').map((line) => line.trimEnd()).join('\n');
}
