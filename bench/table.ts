import type { Spread } from './statistics.js';

/** A table in Markdown, its columns padded so that it reads as plain text, too. Cells that look like numbers stand to the right. */
export function renderTable(header: readonly string[], rows: readonly (readonly string[])[]): string {
  const all = [header, ...rows].map((row) => header.map((_, column) => (row[column] ?? '').replaceAll('|', '\\|')));
  const widths = header.map((_, column) => Math.max(3, ...all.map((row) => row[column]?.length ?? 0)));
  const rightwards = header.map((_, column) => rows.length > 0 && rows.every((row) => isNumeric(row[column] ?? '')));
  const line = (row: readonly string[]): string =>
    `| ${row.map((cell, column) => (rightwards[column] === true ? cell.padStart(widths[column] ?? 0) : cell.padEnd(widths[column] ?? 0))).join(' | ')} |`;
  const rule = `|${widths.map((width, column) => (rightwards[column] === true ? `${'-'.repeat(width + 1)}:` : '-'.repeat(width + 2))).join('|')}|`;
  const [head = [], ...body] = all;
  return [line(head), rule, ...body.map(line)].join('\n');
}

function isNumeric(cell: string): boolean {
  return cell === '' || /^[-+]?\d/.test(cell);
}

/** `12,345`, `123`, `12.3`, `1.23`: about three digits, with thousands apart. */
export function formatNumber(value: number): string {
  const size = Math.abs(value);
  const digits = size >= 100 || Number.isInteger(value) ? 0 : size >= 10 ? 1 : 2;
  return value.toLocaleString('en-US', { minimumFractionDigits: digits, maximumFractionDigits: digits });
}

/** `0.87 (0.84 to 0.91)`: the median, and the quarters around it. */
export function formatRatio({ median, low, high }: Spread): string {
  return `${median.toFixed(2)} (${low.toFixed(2)} to ${high.toFixed(2)})`;
}

/** `3.4 s`, `270 ms`. */
export function formatMs(ms: number): string {
  return ms >= 1_000 ? `${formatNumber(ms / 1_000)} s` : `${formatNumber(ms)} ms`;
}

/** Bytes as `85.2 MB`, of 1024 * 1024 bytes. */
export function formatMegabytes(bytes: number): string {
  return `${formatNumber(bytes / 1_048_576)} MB`;
}
