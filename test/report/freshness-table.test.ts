import stringWidth from 'string-width';
import { describe, expect, it } from 'vitest';
import { blockText, freshnessBlock } from '../../src/report/freshness-table.js';
import { before, changesOf, freshnessOf, viewState } from './freshness-scene.js';

const dashboard = viewState('public.mv_dashboard');
const airports = viewState('public.mv_worst_airports', { upstream: [dashboard.id], sources: 1, lastSuccess: before(3900), lastDurationMs: 1240 });
const broken = viewState('public.mv_broken', {
  failures: 3, lastError: 'division by zero', lastSqlstate: '22012', lastErrorAt: before(60), lastPlan: 'plain', sources: 12,
});
const every = [
  airports, broken, dashboard,
  viewState('public.mv_gone', { exists: false, populated: false }),
  viewState('public.mv_new', { lastSuccess: null, lastDurationMs: null, lastPlan: null, whole: true }),
  viewState('public.mv_old', { served: false, servedUntil: before(7200), lapsed: true }),
  viewState('public.mv_paused', { pausedAt: before(600) }),
];
const scene = freshnessOf(every, [changesOf(dashboard, 95)]);

function shown(width: number): string {
  return blockText(freshnessBlock(scene, 'app', width));
}

describe('the table of all views', () => {
  it('tells each state at a glance, and below it what needs a sentence', () => {
    expect(shown(100)).toBe(
      [
        'view                      state       stale for  refreshed  took  plan        sources',
        'public.mv_worst_airports  stale          1m 35s  1h 5m ago  1.2s  concurrent        1',
        'public.mv_broken          failing             -    12s ago  67ms  plain            12',
        'public.mv_dashboard       stale          1m 35s    12s ago  67ms  concurrent        3',
        'public.mv_gone            gone                ?    12s ago  67ms  concurrent        3',
        'public.mv_new             never               ?          -     -  -                 3',
        'public.mv_old             not served          ?    12s ago  67ms  concurrent        3',
        'public.mv_paused          paused              -    12s ago  67ms  concurrent        3',
        '',
        '7 views: 2 stale, 1 failing, 1 paused, 1 not served, 1 never, 1 gone.',
        'public.mv_broken failed 1m ago, 3 times in a row: division by zero (SQLSTATE 22012).',
        'public.mv_gone was dropped: it is served again when it comes back.',
        'public.mv_old has been served by no worker for 2h: run listener --views ...',
        'public.mv_old: writers no longer record changes, since no worker was seen for --lapse; the next one…',
        'public.mv_paused was paused 10m ago: listener resume goes on.',
      ].join('\n'),
    );
  });

  it('leaves out columns where 60 do not hold them all', () => {
    expect(shown(60).split('\n').slice(0, 4)).toEqual([
      'view                      state       stale for  refreshed',
      'public.mv_worst_airports  stale          1m 35s  1h 5m ago',
      'public.mv_broken          failing             -    12s ago',
      'public.mv_dashboard       stale          1m 35s    12s ago',
    ]);
  });

  it.each([20, 30, 40, 60, 80, 100])('never says more than one line holds, on %i columns', (width) => {
    // Three columns stay, whose titles and states take 30 with an 8 letter name.
    for (const line of shown(width).split('\n')) expect(stringWidth(line)).toBeLessThanOrEqual(Math.max(width, 31));
  });

  it('shows odd names on one line, and lets none of them speak to the terminal', () => {
    const odd = freshnessOf([viewState('public."Größe ""x"" \n\u001b[2J表"')]);
    const [, row] = blockText(freshnessBlock(odd, 'app', 100)).split('\n');
    expect(row).toMatch(/^public\."Größe ""x"" \\u\{a\}\\u\{1b\}\[2J表" {2}fresh /);
  });

  it('says in one line that there is no view', () => {
    expect(blockText(freshnessBlock(freshnessOf([]), 'app', 60))).toBe('No view is registered in database app: run listener --views ... to keep some fresh.');
  });

  it('says of a standby what it does not know', () => {
    const standby = { ...freshnessOf([{ ...dashboard }]), standby: true, log: undefined };
    expect(blockText(freshnessBlock(standby, 'app', 100))).toContain('This server is a standby: what was refreshed is known here, what is stale is not.');
  });
});
