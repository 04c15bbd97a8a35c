import { describe, expect, it } from 'vitest';
import { whenDue } from '../../src/wake/timetable.js';

const hour = 3_600_000;
const schedule = '0 * * * *'; // at every full hour, whatever the time zone of the machine
const tick = new Date('2026-03-01T10:00:00Z').getTime();
const nowMs = tick + hour / 3;

describe('whenDue', () => {
  it('by age: once the last absorb began long enough ago, or there was none', () => {
    const times = { maxAgeMs: 60_000, schedule: undefined };
    expect(whenDue(times, { absorbedAtMs: nowMs - 50_000, nowMs })).toEqual({ nextInMs: 10_000 });
    expect(whenDue(times, { absorbedAtMs: nowMs - 60_001, nowMs })).toEqual({ overdueSince: nowMs - 60_000 });
    expect(whenDue(times, { absorbedAtMs: null, nowMs })).toEqual({ overdueSince: nowMs - 60_000 });
  });

  it('by schedule: when the last absorb began before the time that passed last', () => {
    const times = { maxAgeMs: undefined, schedule };
    expect(whenDue(times, { absorbedAtMs: tick, nowMs })).toEqual({ nextInMs: hour - hour / 3 });
    expect(whenDue(times, { absorbedAtMs: tick - 1, nowMs })).toEqual({ overdueSince: tick });
    expect(whenDue(times, { absorbedAtMs: tick - 5 * hour, nowMs })).toEqual({ overdueSince: tick });
    expect(whenDue(times, { absorbedAtMs: null, nowMs })).toEqual({ overdueSince: tick });
  });

  it('at the very moment of the schedule it is due', () => {
    expect(whenDue({ maxAgeMs: undefined, schedule }, { absorbedAtMs: tick - 1, nowMs: tick })).toEqual({ overdueSince: tick });
  });

  it('by both: whichever asks for more', () => {
    const times = { maxAgeMs: 60_000, schedule };
    expect(whenDue({ maxAgeMs: 2 * hour, schedule }, { absorbedAtMs: nowMs, nowMs })).toEqual({ nextInMs: hour - hour / 3 });
    expect(whenDue(times, { absorbedAtMs: nowMs, nowMs })).toEqual({ nextInMs: 60_000 });
    expect(whenDue(times, { absorbedAtMs: tick - hour, nowMs })).toEqual({ overdueSince: nowMs - 60_000 });
  });

  it('by neither: never', () => {
    expect(whenDue({ maxAgeMs: undefined, schedule: undefined }, { absorbedAtMs: null, nowMs })).toEqual({});
  });
});
