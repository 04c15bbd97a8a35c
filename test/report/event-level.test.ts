import { describe, expect, it } from 'vitest';
import type { EventOf, ListenerEvent } from '../../src/report/event.js';
import { eventLevel } from '../../src/report/event-level.js';

const failed: EventOf<'refresh.failed'> = {
  event: 'refresh.failed',
  view: 'mv',
  reason: 'change',
  attempt: 1,
  sqlstate: null,
  kind: 'transient',
  error: 'it broke',
  retryInMs: 1000,
  durationMs: 10,
};
const yielded: EventOf<'refresh.yielded'> = {
  event: 'refresh.yielded',
  view: 'mv',
  durationMs: 10,
  waiters: 1,
  times: 1,
  maxTimes: 3,
  retryInMs: 10,
};

describe('eventLevel', () => {
  it.each<[string, ListenerEvent]>([
    ['warn', failed],
    ['warn', { ...failed, attempt: 4 }],
    ['error', { ...failed, attempt: 5 }],
    ['error', { ...failed, kind: 'permanent' }],
    ['info', yielded],
    ['warn', { ...yielded, times: 3 }],
    ['debug', { event: 'refresh.skipped', view: 'mv', reason: 'change', because: 'fresh' }],
    ['debug', { event: 'sweep.done', views: 1, stale: 0, unseen: 0, healed: 0, ignoredRings: 0, durationMs: 1 }],
    ['warn', { event: 'listen.lost', error: 'gone' }],
    ['warn', { event: 'change.unseen', source: 's', views: [], because: 'columns' }],
    ['info', { event: 'stopped', exitStatus: 0, uptimeMs: 1 }],
    ['error', { event: 'stopped', exitStatus: 1, uptimeMs: 1 }],
  ])('is %s for %j', (level, event) => {
    expect(eventLevel(event)).toBe(level);
  });
});
