import { describe, expect, it } from 'vitest';
import { Readiness } from '../../src/health/readiness.js';
import type { EventOf, ListenerEvent } from '../../src/report/event.js';

const ready = (wake: EventOf<'ready'>['wake']): ListenerEvent =>
  ({ event: 'ready', version: '1', server: '17.2', database: 'd', views: ['public.mv'], sources: 1, wake });
const lost: ListenerEvent = { event: 'listen.lost', error: 'connection to postgres://u:secret@h/d was closed' };
const databaseLost: ListenerEvent = { event: 'database.lost', error: 'password secret', sqlstate: null, attempt: 1, retryInMs: 1 };

/** The reasons after these events. */
function after(...events: ListenerEvent[]): readonly string[] {
  const readiness = new Readiness();
  for (const event of events) readiness.note(event);
  const { ready: isReady, because } = readiness.report([], false);
  expect(isReady).toBe(because.length === 0);
  return because;
}

describe('a worker is ready', () => {
  it('from its start to its stop', () => {
    expect(after()).toEqual(['the worker is starting']);
    expect(after(ready('notify'))).toEqual([]);
    expect(after(ready('notify'), { event: 'stopping', signal: 'SIGTERM', force: false, graceMs: 1 })).toEqual(['the worker is stopping']);
    expect(after({ event: 'stopping', signal: 'SIGTERM', force: false, graceMs: 1 }, ready('notify'))).toEqual(['the worker is stopping']);
    const readiness = new Readiness();
    readiness.note(ready('notify'));
    expect(readiness.report([], true).because).toEqual(['the worker is stopping']);
  });

  it('when it polls because it was told to, or has found at its start that no notification arrives', () => {
    expect(after(ready('poll'))).toEqual([]);
    expect(after({ event: 'listen.deaf', waitedMs: 1, pollMs: 1 }, ready('poll'))).toEqual([]);
  });

  it('while it has its connections, and says which it lost without what they died of', () => {
    expect(after(ready('notify'), lost)).toEqual(['the listening connection is lost, and the worker polls until it is back']);
    expect(after(ready('notify'), lost, { event: 'listen.restored', lostForMs: 1, attempts: 1 })).toEqual([]);
    expect(after(ready('notify'), databaseLost, lost)).toHaveLength(2);
    expect(after(ready('notify'), databaseLost, { event: 'database.restored', lostForMs: 1, attempts: 1 })).toEqual([]);
    expect(JSON.stringify(after(ready('notify'), lost, databaseLost))).not.toContain('secret');
  });

  it('while no view is over its target, and says which is, and by how much', () => {
    const readiness = new Readiness();
    readiness.note(ready('notify'));
    const views = [{ view: 'public.mv', stalenessMs: 90_000, targetMs: 60_000 }];
    expect(readiness.report(views, false)).toEqual({
      ready: false, views, because: ['public.mv has been stale for 1m 30s, 30s over its target of 1m'],
    });
  });

  it('and listens only while notifications arrive', () => {
    const readiness = new Readiness();
    expect(readiness.listening).toBe(false);
    readiness.note(ready('notify'));
    expect(readiness.listening).toBe(true);
    readiness.note(lost);
    expect(readiness.listening).toBe(false);
    const polling = new Readiness();
    polling.note(ready('poll'));
    expect(polling.listening).toBe(false);
  });
});
