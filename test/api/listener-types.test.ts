import { pino } from 'pino';
import { describe, expect, expectTypeOf, it } from 'vitest';
import { createListener, type EventFields, type EventOf, type Listener, type ListenerEvent, type ListenerOptions, type ViewOptions } from '../../src/index.js';

/** Checked by the compiler (npm run types): none of these is ever called. */
const unchecked: readonly (() => unknown)[] = [
  () => createListener({ views: ['mv'], maxWait: 10_000, debounce: '1s', log: pino(), logLevel: 'debug' }),
  () => createListener({ views: { mv: { debounce: 100, maxAge: '1h' } }, log: console }),
  () => createListener({ config: 'listener.config.json' }),
  () => createListener({ env: process.env }),
  () => createListener({ views: 'mv', log: ({ level, msg, event }) => expectTypeOf({ level, msg, event }).toEqualTypeOf<{ level: 'debug' | 'info' | 'warn' | 'error'; msg: string; event: ListenerEvent['event'] | undefined }>() }),
  // @ts-expect-error views must be named
  () => createListener({ maxWait: '10s' }),
  // @ts-expect-error a misspelt option
  () => createListener({ views: 'mv', maxwait: '10s' }),
  // @ts-expect-error an option of a command
  () => createListener({ views: 'mv', force: true }),
  // @ts-expect-error the API has `log`
  () => createListener({ views: 'mv', logFormat: 'text' }),
  // @ts-expect-error no choice of this option
  () => createListener({ views: 'mv', wake: 'often' }),
  // @ts-expect-error a number, not a text
  () => createListener({ views: 'mv', concurrency: '2' }),
  // @ts-expect-error not for a single view
  () => createListener({ views: { mv: { grace: '1s' } } }),
  // @ts-expect-error no such event
  (listener?: Listener) => listener?.on('refresh.dome', () => undefined),
];

describe('the types of the API', () => {
  it('give each option the type of its values', () => {
    expect(unchecked.length).toBeGreaterThan(0);
    expectTypeOf<ListenerOptions['maxWait']>().toEqualTypeOf<string | number | undefined>();
    expectTypeOf<ListenerOptions['concurrency']>().toEqualTypeOf<number | undefined>();
    expectTypeOf<ListenerOptions['install']>().toEqualTypeOf<boolean | undefined>();
    expectTypeOf<ListenerOptions['wake']>().toEqualTypeOf<'notify' | 'poll' | undefined>();
    expectTypeOf<ListenerOptions['databaseUrl']>().toEqualTypeOf<string | undefined>();
    expectTypeOf<keyof ViewOptions>().toEqualTypeOf<
      'debounce' | 'maxWait' | 'maxAge' | 'schedule' | 'freshness' | 'lockTimeout' | 'refreshTimeout' | 'batch' | 'repairEvery' | 'vacuum' | 'retryBase' | 'retryMax'
    >();
  });

  it('give each handler the fields of its event', () => {
    const listener = createListener({ views: 'mv', shouldRefresh: ({ view, reason }) => view !== '' && reason !== 'sweep' });
    const returned = listener
      .on('refresh.done', (event) => {
        expectTypeOf(event).toEqualTypeOf<EventOf<'refresh.done'>>();
        expectTypeOf(event.stalenessMs).toEqualTypeOf<number | null>();
      })
      .on('freshness.missed', ({ targetMs, because }) => expectTypeOf([targetMs, because]).toEqualTypeOf<(number | string | null)[]>())
      .once('ready', ({ views }) => expectTypeOf(views).toEqualTypeOf<EventFields['ready']['views']>())
      .on('event', (event) => {
        expectTypeOf(event).toEqualTypeOf<ListenerEvent>();
        if (event.event === 'refresh.failed') expectTypeOf(event.retryInMs).toEqualTypeOf<number>();
      })
      .on('error', ({ message, error }) => expectTypeOf([message, error]).toEqualTypeOf<unknown[]>())
      .on('stopped', async () => Promise.resolve());
    expectTypeOf(returned).toEqualTypeOf<Listener>();
    expectTypeOf(listener).toExtend<AsyncDisposable>();
    expect(returned).toBe(listener);
  });
});
