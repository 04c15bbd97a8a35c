import { describe, expect, it } from 'vitest';
import { dueSinceMs, judgeStanding, spreadStaleness, type Standing, type StalenessRow } from '../../src/health/staleness.js';

const untimed = { maxAgeMs: undefined, schedule: undefined };

function row(differing: Partial<StalenessRow> = {}): StalenessRow {
  return {
    id: 1, cursor: 'a', paused: false, filling: false, doubtful: false, oldestMs: null, absorbedAtMs: null, lastDurationMs: null, nowMs: 100_000, ...differing,
  };
}

describe('since when a view is stale', () => {
  it('is since its oldest change, at the first look', () => {
    expect(judgeStanding(undefined, row({ oldestMs: 40_000 }), untimed)).toEqual({ cursor: 'a', paused: false, staleSinceMs: 40_000, freshAtMs: undefined, aloneUntilMs: undefined });
  });

  it('is not before it was last known to be fresh: a long transaction is not late when it commits', () => {
    const fresh = judgeStanding(undefined, row({ nowMs: 90_000 }), untimed);
    expect(judgeStanding(fresh, row({ oldestMs: 40_000 }), untimed).staleSinceMs).toBe(90_000);
  });

  it('only grows while the view is not absorbed, whichever change the database names first', () => {
    const before = judgeStanding(undefined, row({ oldestMs: 40_000 }), untimed);
    expect(judgeStanding(before, row({ oldestMs: 95_000, nowMs: 110_000 }), untimed).staleSinceMs).toBe(40_000);
    expect(judgeStanding(before, row({ oldestMs: 95_000, nowMs: 110_000, cursor: 'b' }), untimed).staleSinceMs).toBe(95_000);
  });

  it('is since it was found so, where nobody knows better', () => {
    const before = judgeStanding(undefined, row({ doubtful: true }), untimed);
    expect(before.staleSinceMs).toBe(100_000);
    expect(judgeStanding(before, row({ doubtful: true, nowMs: 150_000, cursor: 'b' }), untimed).staleSinceMs).toBe(100_000);
  });

  it('is not at all while it is paused, or filled for the first time, and begins anew when it is resumed', () => {
    expect(judgeStanding(undefined, row({ filling: true, doubtful: true }), untimed).staleSinceMs).toBeUndefined();
    const paused = judgeStanding(undefined, row({ paused: true, oldestMs: 40_000 }), untimed);
    expect(paused).toMatchObject({ staleSinceMs: undefined, paused: true });
    expect(judgeStanding(paused, row({ oldestMs: 40_000, nowMs: 200_000 }), untimed).staleSinceMs).toBe(200_000);
    expect(judgeStanding(paused, row({ absorbedAtMs: 10_000, nowMs: 200_000 }), { ...untimed, maxAgeMs: 30_000 }).staleSinceMs).toBe(200_000);
  });

  it('is over once it shows everything', () => {
    const before = judgeStanding(undefined, row({ oldestMs: 40_000 }), untimed);
    expect(judgeStanding(before, row({ nowMs: 120_000 }), untimed)).toMatchObject({ staleSinceMs: undefined, freshAtMs: 120_000 });
  });

  it('counts from the moment at which it came due by age or by schedule', () => {
    expect(judgeStanding(undefined, row({ absorbedAtMs: 10_000 }), { ...untimed, maxAgeMs: 30_000 }).staleSinceMs).toBe(40_000);
    // That a sweep found no change meanwhile says nothing about it.
    const swept = { cursor: 'a', paused: false, staleSinceMs: undefined, freshAtMs: 95_000, aloneUntilMs: undefined };
    expect(judgeStanding(swept, row({ absorbedAtMs: 10_000 }), { ...untimed, maxAgeMs: 30_000 }).staleSinceMs).toBe(40_000);
    expect(dueSinceMs({ ...untimed, maxAgeMs: 90_001 }, { absorbedAtMs: 10_000, nowMs: 100_000 })).toBeUndefined();
    const [six, seven] = [new Date(2026, 0, 1, 6), new Date(2026, 0, 1, 7)].map(Number);
    expect(dueSinceMs({ ...untimed, schedule: '0 6 * * *' }, { absorbedAtMs: (six ?? 0) - 1_000, nowMs: seven ?? 0 })).toBe(six);
    expect(dueSinceMs({ ...untimed, schedule: '0 6 * * *' }, { absorbedAtMs: (six ?? 0) + 1_000, nowMs: seven ?? 0 })).toBeUndefined();
    expect(dueSinceMs({ ...untimed, maxAgeMs: 1 }, { absorbedAtMs: null, nowMs: 5 })).toBeUndefined();
  });
});

describe('a view over views', () => {
  const views = new Map([[1, { upstream: [] }], [2, { upstream: [1] }], [3, { upstream: [2] }]]);
  const standing = (staleSinceMs?: number, paused = false): Standing => ({ cursor: 'a', paused, staleSinceMs, freshAtMs: undefined, aloneUntilMs: undefined });
  const spread = (...standings: Standing[]): unknown[] =>
    [...spreadStaleness(views, new Map(standings.map((one, index) => [index + 1, one])))].sort(([a], [b]) => a - b);

  it('is as stale as the stalest below it, and says through which', () => {
    expect(spread(standing(10), standing(), standing(50))).toEqual([
      [1, { sinceMs: 10, through: undefined }], [2, { sinceMs: 10, through: 1 }], [3, { sinceMs: 10, through: 2 }],
    ]);
  });

  it('counts its own change where that is older', () => {
    expect(spread(standing(50), standing(10), standing())).toEqual([
      [1, { sinceMs: 50, through: undefined }], [2, { sinceMs: 10, through: undefined }], [3, { sinceMs: 10, through: 2 }],
    ]);
  });

  it('is not stale through one that is paused', () => {
    expect(spread(standing(10, true), standing(), standing(50))).toEqual([[3, { sinceMs: 50, through: undefined }]]);
  });
});
