import { expect, it } from 'vitest';
import type { ViewRecord } from '../../../dev/demo/record.js';
import { summaryLines, type Summary } from '../../../dev/demo/summary.js';

const dashboard: ViewRecord = {
  view: 'public.mv_dashboard', kind: 'matview', concurrent: 9, plain: 0, merges: 0, rebuilds: 0, failed: 0,
  p50: 536.4, p95: 3_012, max: 3_050, firstAt: 11_400, firstChangeAt: 12_200,
};
const summary: Summary = {
  durationMs: 19_800,
  committed: { statements: 1, rows: 1_310 },
  rolledBack: { statements: 2, rows: 1 },
  records: [dashboard],
  agreements: [{ view: 'public.mv_dashboard', kind: 'matview', rows: 210, differing: 0 }],
  serverStartedAt: 10_000,
};

it('tells what was done, how late it was seen, and whether it is right', () => {
  expect(summaryLines(summary)).toEqual([
    'Summary of 19.8s',
    '  changes     1 statement (1,310 rows) committed; 2 statements (1 row) rolled back',
    '  refreshes   public.mv_dashboard  9 concurrent, 0 plain',
    '  freshness   public.mv_dashboard  p50 536ms, p95 3s, max 3.1s from the first change to visible',
    '  first event 1.4s after the start of the server; for live traffic: 2.2s',
    '  agreement   public.mv_dashboard  view and defining query agree (210 rows)',
  ]);
});

it('tells of a summary what was added, and how often it was compared', () => {
  const daily: ViewRecord = { ...dashboard, view: 'public.daily_departures', kind: 'summary', concurrent: 0, merges: 12, rebuilds: 1 };
  const lines = summaryLines({ ...summary, records: [daily], agreements: [{ view: daily.view, kind: 'summary', rows: 90, differing: 0 }] });
  expect(lines).toContain('  refreshes   public.daily_departures  12 merges, 1 repair');
  expect(lines).toContain('  agreement   public.daily_departures  summary and defining query agree (90 rows)');
});

it('does not gloss over failures', () => {
  const lines = summaryLines({
    ...summary,
    records: [{ ...dashboard, failed: 2, p50: null, p95: null, max: null, firstChangeAt: null }],
    agreements: [{ view: 'public.mv_dashboard', kind: 'matview', rows: 210, differing: 1 }],
  });
  expect(lines).toContain('  refreshes   public.mv_dashboard  9 concurrent, 0 plain, 2 FAILED');
  expect(lines).toContain('  freshness   public.mv_dashboard  no change came');
  expect(lines).toContain('  first event 1.4s after the start of the server; for live traffic: never');
  expect(lines).toContain('  agreement   public.mv_dashboard  DIFFERS from its defining query: 1 row in only one of them');
});
