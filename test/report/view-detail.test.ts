import stringWidth from 'string-width';
import { describe, expect, it } from 'vitest';
import type { RunHistory, RunRecord } from '../../src/catalog/run-record.js';
import type { WatchedSource } from '../../src/catalog/source-watch.js';
import { historyLines, viewDetail } from '../../src/report/view-detail.js';
import { at, before, changesOf, judged, viewState } from './freshness-scene.js';

const view = viewState('public.mv_dashboard', { failures: 1, lastError: 'division by zero\n', lastSqlstate: '22012', lastErrorAt: before(60) });
const source: WatchedSource = {
  oid: 1, name: 'public.orders', kind: 'r', isChild: false, watch: 'always', linked: true, recordsUntil: before(-3600), bell: 'rings', remembered: true,
  difference: undefined,
};
const sources: WatchedSource[] = [
  source,
  { ...source, oid: 2, name: 'public.orders_2025', isChild: true, watch: 'missing', recordsUntil: null, bell: 'silent' },
  { ...source, oid: 3, name: 'public.parts', kind: 'p', recordsUntil: before(5) },
  { ...source, oid: 4, name: 'public.mv_other', kind: 'm', watch: 'refreshes' },
];
const done: RunRecord = {
  startedAt: before(75), reason: 'change', plan: 'concurrent', durationMs: 67.4, stalenessMs: 875, inserted: 1200, updated: 0, deleted: 3, rowsRead: null, late: null, closedLate: null, corrections: null, batches: null, gaps: null, holders: null, rowsBehind: null,
  sources: ['public.orders', 'public.parts'], sqlstate: null, error: null,
};
const failed: RunRecord = {
  ...done, startedAt: before(60), plan: null, stalenessMs: null, inserted: null, updated: null, deleted: null, sources: [], sqlstate: '22012', error: 'division by zero\n',
};

const history: RunHistory = { since: before(6 * 86_400), refreshes: 1240, failures: 3, medianMs: 27.2, longestMs: 1180, worstStalenessMs: 31_000 };
const nothing: RunHistory = { since: null, refreshes: 0, failures: 0, medianMs: null, longestMs: null, worstStalenessMs: null };

describe('what status tells of one view', () => {
  it('is how it stands, its sources, and its last refreshes', () => {
    expect(viewDetail({ view: judged(view, [changesOf(view, 95, ['public.orders'], 2)]), sources, runs: [failed, done], history }, at, 120)).toBe(
      [
        'public.mv_dashboard is failing, stale for 1m 35s; refreshed 12s ago in 67ms (concurrent).',
        '2 statements changed public.orders and are not shown yet.',
        'public.mv_dashboard failed 1m ago: division by zero (SQLSTATE 22012).',
        '',
        'source              kind               watched             recording    bell',
        'public.orders       table              by trigger, always  for 1h more  rings',
        'public.orders_2025  partition          trigger missing     on           silent',
        'public.parts        partitioned table  by trigger, always  off: lapsed  rings',
        'public.mv_other     materialized view  by its refreshes    -            -',
        '',
        ' refreshed  reason  plan        took  staleness  inserted  updated  deleted  changed',
        '    1m ago  change  failed      67ms          -         -        -        -  division by zero (22012)',
        '1m 15s ago  change  concurrent  67ms      875ms     1,200        0        3  public.orders, public.parts',
        '',
        'On record since 6d ago: 1,240 refreshes, 3 of them failed; half took 27ms or less, the longest 1.2s; a change waited 31s at most.',
      ].join('\n'),
    );
  });

  it('keeps its tables within 60 columns', () => {
    const [, ...tables] = viewDetail({ view: judged(view), sources, runs: [failed, done], history: nothing }, at, 60).split('\n\n');
    for (const line of tables.join('\n').split('\n')) expect(stringWidth(line)).toBeLessThanOrEqual(60);
  });

  it('says when there is nothing to list', () => {
    const text = viewDetail({ view: judged(viewState('public.mv', { whole: true, lastSuccess: null, sources: 0 })), sources: [], runs: [], history: nothing }, at, 80);
    expect(text.split('\n')).toEqual([
      'public.mv has not been refreshed yet.',
      'It is refreshed whatever changed: it is new, reads something new, or something changed that no trigger saw.',
      '', 'It has no source to watch.', '', 'No refresh is on record.',
    ]);
  });

  it('shows of a summary what was read, what came late and what was corrected, where there is room', () => {
    const run: RunRecord = { ...done, plan: 'rebuild', rowsRead: 5000, late: 12, closedLate: 0, corrections: 2 };
    const tables = (width: number): string => viewDetail({ view: judged(view), sources: [], runs: [run], history: nothing }, at, width);
    expect(tables(140)).toContain('inserted  updated  deleted   read  late  corrected  changed');
    expect(tables(140)).toContain('   1,200        0        3  5,000    12          2  public.orders, public.parts');
    expect(tables(100)).not.toContain('corrected');
  });
});

describe('all on record', () => {
  it.each([
    [nothing, []],
    [{ ...history, failures: 0, worstStalenessMs: null }, ['', 'On record since 6d ago: 1,240 refreshes, none failed; half took 27ms or less, the longest 1.2s.']],
    [{ ...nothing, since: before(60), refreshes: 1, failures: 1 }, ['', 'On record since 1m ago: 1 refresh, 1 of them failed.']],
  ])('%#', (record, lines) => {
    expect(historyLines(record, at)).toEqual(lines);
  });
});
