import { pino } from 'pino';
import { describe, expect, it } from 'vitest';
import { Handlers } from '../../src/api/listener-events.js';
import { openLog, type LogEntry } from '../../src/api/listener-log.js';
import { createListener, UsageError, type ListenerEventName, type ListenerEvent } from '../../src/index.js';

const lost: ListenerEvent & { event: 'listen.lost' } = { event: 'listen.lost', error: 'gone' };

function recorded(): { handlers: Handlers; faults: [string, unknown][] } {
  const faults: [string, unknown][] = [];
  return { handlers: new Handlers((name, error) => faults.push([name, error])), faults };
}

describe('handlers', () => {
  it('are called in order, until they are taken off', () => {
    const { handlers, faults } = recorded();
    const calls: string[] = [];
    const first = (): void => void calls.push('first');
    handlers.add('listen.lost', first, 'on');
    handlers.add('listen.lost', ({ error }) => calls.push(error), 'once');
    expect(handlers.call('listen.lost', lost)).toBe(2);
    expect(handlers.call('listen.lost', lost)).toBe(1);
    handlers.remove('listen.lost', first);
    expect(handlers.call('listen.lost', lost)).toBe(0);
    expect(calls).toEqual(['first', 'gone', 'first']);
    expect(faults).toEqual([]);
  });

  it('that throw or reject are told of, and keep nothing from the others', async () => {
    const { handlers, faults } = recorded();
    let calls = 0;
    handlers.add('event', () => { throw new Error('at once'); }, 'on');
    handlers.add('event', () => Promise.reject(new Error('later')), 'on');
    handlers.add('event', () => (calls += 1), 'on');
    handlers.call('event', lost);
    await Promise.resolve();
    expect(calls).toBe(1);
    expect(faults).toEqual([['event', new Error('at once')], ['event', new Error('later')]]);
  });

  it('for what is no event are refused, with the nearest name', () => {
    const listener = createListener({ views: 'mv' });
    const misspelt = 'refresh.don' as ListenerEventName;
    expect(() => listener.on(misspelt, () => undefined)).toThrow(new UsageError('there is no event refresh.don: did you mean refresh.done?'));
  });
});

describe('the log', () => {
  it('is none unless asked for', () => {
    expect([openLog(undefined, 'info'), openLog(false, 'info')]).toEqual([undefined, undefined]);
  });

  it('may be a function, from the level wanted on', () => {
    const entries: LogEntry[] = [];
    const log = openLog((entry: LogEntry) => entries.push(entry), 'info');
    log?.emit(lost);
    log?.debug('Too quiet.');
    log?.error('Broken at postgres://u:secret@h/db.', { err: new Error('why') });
    expect(entries).toMatchObject([
      { level: 'warn', event: 'listen.lost', error: 'gone', msg: 'Lost the listening connection: gone. Polling until it is back.' },
      { level: 'error', msg: 'Broken at postgres://u:***@h/db.', err: { type: 'Error', message: 'why' } },
    ]);
    expect(entries).toHaveLength(2);
  });

  it('may be a logger of pino', () => {
    const lines: string[] = [];
    openLog(pino({ level: 'debug', base: null }, { write: (line: string) => void lines.push(line) }), 'debug')?.emit(lost);
    expect(lines.map((line) => JSON.parse(line) as unknown)).toMatchObject([{ level: 40, event: 'listen.lost', error: 'gone' }]);
  });
});
