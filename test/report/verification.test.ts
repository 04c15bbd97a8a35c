import stringWidth from 'string-width';
import { describe, expect, it } from 'vitest';
import type { Verification } from '../../src/freshen/verify.js';
import { differenceTable, verificationText } from '../../src/report/verification.js';

const same: Verification = {
  view: 'public.mv', kind: 'matview', verdict: 'same', because: [], registered: true, columns: ['day', 'n'], floats: [], closedBefore: null, held: 1234, missing: 0, surplus: 0, rows: [], durationMs: 12.3,
};
const differs: Verification = {
  ...same, verdict: 'differs', missing: 2, surplus: 1,
  rows: [{ side: 'surplus', count: 1, values: ['2026-01-01', '1'] }, { side: 'missing', count: 2, values: ['2026-01-01', null] }],
};
const table = 'row      times  day         n\nsurplus      1  2026-01-01  1\nmissing      2  2026-01-01  NULL';

describe('what verify tells', () => {
  it('is one line of a view that is right', () => {
    expect(verificationText(same, 80)).toBe('public.mv shows what its query returns: 1,234 rows, no difference (compared in 12ms).');
  });

  it('is the rows that differ, and what puts them right', () => {
    expect(verificationText(differs, 80)).toBe(
      `public.mv differs from its query: 2 rows missing and 1 surplus, beside 1,233 equal rows.\n\n${table}\n\n` +
      'The change log knows of nothing that it has not absorbed. listener refresh public.mv --force puts it right; listener doctor tells what triggers may not see.',
    );
    expect(verificationText({ ...differs, registered: false }, 80)).toContain('\n\nNo listener keeps it: REFRESH MATERIALIZED VIEW public.mv; puts it right.');
    expect(verificationText({ ...differs, floats: ['n'] }, 80)).toContain('The last digits of n may depend on the order');
  });

  it('raises no alarm for a view that is behind, or that cannot be compared', () => {
    const behind: Verification = { ...differs, verdict: 'behind', because: ['it has not absorbed 1 statement on public.orders', 'it reads the clock by now()'] };
    expect(verificationText(behind, 80)).toBe(
      `public.mv is behind, which proves nothing: it has not absorbed 1 statement on public.orders; it reads the clock by now(). 2 rows missing and 1 surplus, beside 1,233 equal rows.\n\n${table}`,
    );
    expect(verificationText({ ...same, verdict: 'behind', because: ['it has not been filled yet'] }, 80)).toBe('public.mv cannot be compared: it has not been filled yet.');
  });
});

describe('the table of rows that differ', () => {
  const wide = Array.from({ length: 12 }, (_, index) => `column_number_${index}`);
  const rows = [{ side: 'missing' as const, count: 1, values: wide.map((name) => `${name} 日本語 with a long text`) }];

  it.each([20, 40, 80, 120, 200])('fits a terminal of %i columns', (width) => {
    const lines = differenceTable(wide, rows, width).split('\n');
    expect(Math.max(...lines.slice(0, 2).map((line) => stringWidth(line)))).toBeLessThanOrEqual(width);
    expect(lines[1]).toMatch(/^missing {2}colum/);
  });

  it('says what it leaves out', () => {
    expect(differenceTable(wide, rows, 40)).toMatch(/\n\(8 more columns: --json shows all\.\)$/);
  });

  it('is cut at no width without a terminal, but for very long values', () => {
    const [, line] = differenceTable(wide, rows, Infinity).split('\n');
    expect(line).toContain('column_number_11 日本語 with a long text');
    expect(differenceTable(['a'], [{ side: 'missing', count: 1, values: ['\u001b[1m' + 'x'.repeat(500) ] }], Infinity).split('\n')[1]).toBe(`missing  \\u{1b}[1m${'x'.repeat(30)}…`);
  });

  it('has no column where the view has none', () => {
    expect(differenceTable([], [{ side: 'surplus', count: 3, values: [] }], 80)).toBe('row      times\nsurplus      3');
  });
});
