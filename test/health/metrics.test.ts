import { describe, expect, it } from 'vitest';
import type { Reading, ViewReading } from '../../src/health/database-reading.js';
import { Metrics } from '../../src/health/metrics.js';
import type { EventOf, ListenerEvent } from '../../src/report/event.js';
import { samplesOf } from './samples.js';

const worker = { ready: true, listening: true, rings: { heard: 7, ignored: 2 }, overTarget: [], targetsMs: new Map<string, number>() };
const quiet: ViewReading = { id: 1, stalenessMs: 0, refreshedAt: 1_700_000_000, failures: 0, paused: false, summary: null };

function reading(...views: ViewReading[]): Reading {
  return { views, logRows: 12, logBytes: 8_192, queueUsage: 0.25 };
}

function done(view: string, fields: Partial<EventOf<'refresh.done'>> = {}): EventOf<'refresh.done'> {
  return {
    event: 'refresh.done', view, plan: 'concurrent', reason: 'change', sources: [], stalenessMs: 1_500, durationMs: 40,
    inserted: 1, updated: 0, deleted: 0, ...fields,
  };
}

/** The samples of our own metrics after these events, while these views are served. */
async function shown(events: readonly ListenerEvent[], names: readonly string[], said?: Reading, metrics = new Metrics()): Promise<Map<string, number>> {
  for (const event of events) metrics.note(event);
  return samplesOf(await metrics.text(new Map(names.map((name, index) => [index + 1, name])), worker, said));
}

describe('events are counted', () => {
  it('refreshes by view, reason and outcome, with their durations and their staleness', async () => {
    const samples = await shown([
      done('public.a'), done('public.a', { reason: 'sweep', stalenessMs: null, durationMs: 3_000 }),
      { event: 'refresh.failed', view: 'public.b', reason: 'change', attempt: 1, sqlstate: null, kind: 'transient', error: 'x', retryInMs: 1, durationMs: 9 },
    ], ['public.a', 'public.b']);
    expect(samples.get('refresh_listener_refreshes_total{view="public.a",reason="change",outcome="done"}')).toBe(1);
    expect(samples.get('refresh_listener_refreshes_total{view="public.a",reason="sweep",outcome="done"}')).toBe(1);
    expect(samples.get('refresh_listener_refreshes_total{view="public.b",reason="change",outcome="failed"}')).toBe(1);
    expect(samples.get('refresh_listener_refreshes_total{view="public.b",reason="change",outcome="done"}')).toBe(0);
    expect(samples.get('refresh_listener_refresh_duration_seconds_sum{view="public.a"}')).toBeCloseTo(3.04);
    expect(samples.get('refresh_listener_refresh_duration_seconds_bucket{le="0.05",view="public.a"}')).toBe(1);
    expect(samples.get('refresh_listener_refresh_duration_seconds_count{view="public.b"}')).toBeUndefined();
    expect(samples.get('refresh_listener_refresh_staleness_seconds_count{view="public.a"}')).toBe(1);
    expect(samples.get('refresh_listener_refresh_staleness_seconds_sum{view="public.a"}')).toBe(1.5);
  });

  it('what was skipped, gave way, was not seen, and came back', async () => {
    const skipped = (because: EventOf<'refresh.skipped'>['because']): ListenerEvent => ({ event: 'refresh.skipped', view: 'public.a', reason: 'change', because });
    const samples = await shown([
      skipped('locked'), skipped('locked'), skipped('paused'),
      { event: 'refresh.yielded', view: 'public.a', durationMs: 1, waiters: 1, times: 1, maxTimes: 3, retryInMs: 1 },
      { event: 'change.unseen', source: 'public.t', views: ['public.a'], because: 'counters' },
      { event: 'listen.restored', lostForMs: 1, attempts: 1 }, { event: 'database.restored', lostForMs: 1, attempts: 1 },
      { event: 'database.restored', lostForMs: 1, attempts: 1 },
    ], ['public.a']);
    expect(samples.get('refresh_listener_refreshes_skipped_total{view="public.a",outcome="locked"}')).toBe(2);
    expect(samples.get('refresh_listener_refreshes_skipped_total{view="public.a",outcome="paused"}')).toBe(1);
    expect(samples.get('refresh_listener_refresh_yields_total{view="public.a"}')).toBe(1);
    expect(samples.get('refresh_listener_unseen_changes_total')).toBe(1);
    expect(samples.get('refresh_listener_reconnects_total{connection="listen"}')).toBe(1);
    expect(samples.get('refresh_listener_reconnects_total{connection="database"}')).toBe(2);
    expect(samples.get('refresh_listener_events_total{event="refresh.skipped"}')).toBe(3);
    expect(samples.get('refresh_listener_rings_total{outcome="heard"}')).toBe(7);
    expect(samples.get('refresh_listener_rings_total{outcome="ignored"}')).toBe(2);
  });

  it('what a summary absorbed, batch by batch', async () => {
    const samples = await shown([
      { event: 'summary.progress', view: 'public.s', phase: 'catch-up', rows: 100, rowsBehind: 50, rowsPerSecond: 1, backlog: null, remainingMs: 1, gaps: 0, holders: [], late: 10, closedLate: 0, corrections: null },
      done('public.s', { plan: 'merge', rowsRead: 50, batches: 1, late: 3, closedLate: 2, corrections: null, gaps: 1 }),
      done('public.s', { plan: 'rebuild', rowsRead: 0, batches: 1, late: 0, closedLate: 0, corrections: 4, gaps: 0 }),
    ], ['public.s']);
    expect(samples.get('refresh_listener_absorbed_rows_total{view="public.s"}')).toBe(150);
    expect(samples.get('refresh_listener_late_rows_total{view="public.s"}')).toBe(13);
    expect(samples.get('refresh_listener_closed_late_rows_total{view="public.s"}')).toBe(2);
    expect(samples.get('refresh_listener_corrections_total{view="public.s"}')).toBe(4);
  });
});

describe('series', () => {
  it('of views that are no longer served are dropped, and begin anew when they come back', async () => {
    const metrics = new Metrics();
    await shown([done('public.a'), done('public.b')], ['public.a', 'public.b'], reading(quiet, { ...quiet, id: 2 }), metrics);
    const without = await shown([], ['public.a'], reading(quiet), metrics);
    expect([...without.keys()].filter((series) => series.includes('public.b'))).toEqual([]);
    expect(without.get('refresh_listener_refresh_duration_seconds_count{view="public.a"}')).toBe(1);
    const again = await shown([], ['public.a', 'public.b'], reading(quiet), metrics);
    expect(again.get('refresh_listener_refreshes_total{view="public.b",reason="change",outcome="done"}')).toBe(0);
  });

  it('are as many as the served views allow, whatever has happened', async () => {
    const metrics = new Metrics();
    const before = await shown([], ['public.a'], undefined, metrics);
    const strangers = Array.from({ length: 500 }, (_, index) => done(`public.gone_${index}`));
    expect((await shown(strangers, ['public.a'], undefined, metrics)).size).toBe(before.size + 1); // the event's own counter
  });

  it('take any name that a view can have', async () => {
    const name = 'public."a\\ ""b"" \n{x=\'y\'} DROP"';
    const metrics = new Metrics();
    metrics.note(done(name));
    const text = await metrics.text(new Map([[1, name]]), worker, reading(quiet));
    expect(text).toContain('refresh_listener_refresh_duration_seconds_count{view="public.\\"a\\\\ \\"\\"b\\"\\" \\n{x=\'y\'} DROP\\""} 1\n');
    expect(text).toContain('refresh_listener_view_staleness_seconds{view="public.\\"a\\\\ \\"\\"b\\"\\" \\n{x=\'y\'} DROP\\""} 0\n');
  });
});

it('the targets of the served views are shown, and how many are over theirs', async () => {
  const metrics = new Metrics();
  const missed = { view: 'public.a', stalenessMs: 90_000, targetMs: 60_000 };
  const text = (targetsMs: ReadonlyMap<string, number>, overTarget = [missed]): Promise<string> => metrics.text(new Map([[1, 'public.a']]), { ...worker, targetsMs, overTarget }, undefined);
  const samples = samplesOf(await text(new Map([['public.a', 60_000], ['public.b', 1_500]])));
  expect(samples.get('refresh_listener_view_freshness_target_seconds{view="public.a"}')).toBe(60);
  expect(samples.get('refresh_listener_view_freshness_target_seconds{view="public.b"}')).toBe(1.5);
  expect(samples.get('refresh_listener_views_over_target')).toBe(1);
  const later = samplesOf(await text(new Map([['public.a', 60_000]]), []));
  expect(later.has('refresh_listener_view_freshness_target_seconds{view="public.b"}')).toBe(false);
  expect(later.get('refresh_listener_views_over_target')).toBe(0);
});

describe('what the database says', () => {
  it('is shown by view, a staleness that nobody knows as NaN', async () => {
    const samples = await shown([], ['public.a', 'public.s'], reading(
      { ...quiet, stalenessMs: null, refreshedAt: null, failures: 3, paused: true },
      { ...quiet, id: 2, stalenessMs: 2_500, summary: { rowsBehind: 9, gapIds: 4, waitingRows: 5 } },
    ));
    expect(samples.get('refresh_listener_database_up')).toBe(1);
    expect(samples.get('refresh_listener_view_staleness_seconds{view="public.a"}')).toBeNaN();
    expect(samples.get('refresh_listener_view_staleness_seconds{view="public.s"}')).toBe(2.5);
    expect(samples.has('refresh_listener_view_last_refresh_timestamp_seconds{view="public.a"}')).toBe(false);
    expect(samples.get('refresh_listener_view_last_refresh_timestamp_seconds{view="public.s"}')).toBe(1_700_000_000);
    expect(samples.get('refresh_listener_view_consecutive_failures{view="public.a"}')).toBe(3);
    expect(samples.get('refresh_listener_view_paused{view="public.a"}')).toBe(1);
    expect(samples.has('refresh_listener_watermark_lag_rows{view="public.a"}')).toBe(false);
    expect(samples.get('refresh_listener_watermark_lag_rows{view="public.s"}')).toBe(9);
    expect(samples.get('refresh_listener_gap_rows{view="public.s"}')).toBe(4);
    expect(samples.get('refresh_listener_backfill_waiting_rows{view="public.s"}')).toBe(5);
    expect(samples.get('refresh_listener_log_rows')).toBe(12);
    expect(samples.get('refresh_listener_log_size_bytes')).toBe(8_192);
    expect(samples.get('refresh_listener_notification_queue_usage_ratio')).toBe(0.25);
    expect(samples.get('refresh_listener_views')).toBe(2);
  });

  it('is left out when it does not answer, and what the process knows is not', async () => {
    const metrics = new Metrics();
    await shown([done('public.a')], ['public.a'], reading(quiet), metrics);
    const samples = await shown([], ['public.a'], undefined, metrics);
    expect(samples.get('refresh_listener_database_up')).toBe(0);
    expect([...samples.keys()].filter((series) => /staleness_seconds\{|_log_|queue|paused|failures/.test(series))).toEqual([]);
    expect(samples.get('refresh_listener_refreshes_total{view="public.a",reason="change",outcome="done"}')).toBe(1);
    expect(samples.get('refresh_listener_ready')).toBe(1);
    expect([...samples.keys()].some((series) => series.startsWith('process_resident_memory_bytes'))).toBe(true);
    const back = await shown([], ['public.a'], reading(quiet), metrics);
    expect(back.get('refresh_listener_log_rows')).toBe(12);
  });
});
