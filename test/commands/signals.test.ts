import { EventEmitter } from 'node:events';
import { describe, expect, it } from 'vitest';
import type { SignalSource } from '../../src/commands/signals.js';
import { stopOnSignals } from '../../src/commands/signals.js';
import { createLog } from '../../src/report/log.js';

function scene(stop: () => Promise<void> = () => Promise.resolve()) {
  const events = new EventEmitter();
  const happened: string[] = [];
  let clock = 0;
  const source: SignalSource = {
    on: (signal, listener) => events.on(signal, listener),
    off: (signal, listener) => events.off(signal, listener),
    exit: (status) => happened.push(`exit ${status}`),
  };
  const lines: string[] = [];
  const signals = stopOnSignals({
    worker: {
      stop: ({ force }) => {
        happened.push(force ? 'cancel' : 'drain');
        return stop();
      },
    },
    log: createLog({ level: 'info', format: 'json', destination: { write: (line) => lines.push(line) } }),
    graceMs: 20_000,
    source,
    now: () => clock,
  });
  const receive = (signal: string, afterMs = 1000) => {
    clock += afterMs;
    events.emit(signal, signal);
  };
  return { signals, happened, lines, receive, events };
}

describe('stopOnSignals', () => {
  it('drains at the first signal, cancels at the second, ends at the third', () => {
    const { happened, lines, receive } = scene();
    receive('SIGTERM');
    expect(happened).toEqual(['drain']);
    receive('SIGINT');
    expect(happened).toEqual(['drain', 'cancel']);
    receive('SIGTERM');
    expect(happened).toEqual(['drain', 'cancel', 'exit 1']);
    expect(lines.map((line) => (JSON.parse(line) as { msg: string }).msg)).toEqual([
      'Received SIGTERM: stopping, a running refresh has 20s to finish.',
      'Received SIGINT: stopping now, running refreshes are cancelled.',
      'Received SIGTERM a third time: ending at once.',
    ]);
  });

  it('takes the echo of a signal, as npm makes it, for the same signal', () => {
    const { happened, receive } = scene();
    receive('SIGTERM');
    receive('SIGTERM', 3);
    expect(happened).toEqual(['drain']);
    receive('SIGTERM', 500);
    expect(happened).toEqual(['drain', 'cancel']);
  });

  it('ends when stopping fails', async () => {
    const { happened, lines, receive } = scene(() => Promise.reject(new Error('stuck')));
    receive('SIGTERM');
    await new Promise(setImmediate);
    expect(happened).toEqual(['drain', 'exit 1']);
    expect(lines[1]).toContain('stuck');
  });

  it('leaves nothing behind', () => {
    const { signals, events } = scene();
    signals.dispose();
    expect(events.listenerCount('SIGTERM') + events.listenerCount('SIGINT')).toBe(0);
  });
});
