import type { Log } from '../report/log.js';
import type { Worker } from '../worker.js';

const signals = ['SIGTERM', 'SIGINT'] as const;

/**
 * The same signal twice in a moment is one: Heroku and a terminal signal every process of a group, and npm passes
 * its own on besides. Taken for two, an ordinary stop would cancel the running refresh at once.
 */
const echoMs = 200;

/** The parts of the process that matter here. */
export interface SignalSource {
  on(signal: NodeJS.Signals, listener: (signal: NodeJS.Signals) => void): unknown;
  off(signal: NodeJS.Signals, listener: (signal: NodeJS.Signals) => void): unknown;
  exit(status: number): void;
}

export interface StopSignals {
  /** Whether a signal has come. */
  readonly received: boolean;
  /** Back to the default: a signal ends the process. */
  dispose(): void;
}

/** First signal: the worker stops and lets a running refresh finish. Second: it cancels it. Third: the process ends at once. */
export function stopOnSignals(options: {
  worker: Pick<Worker, 'stop'>;
  log: Log;
  graceMs: number;
  source?: SignalSource;
  now?: () => number;
}): StopSignals {
  const { worker, log, graceMs, source = process, now = () => performance.now() } = options;
  let count = 0;
  const lastAt = new Map<NodeJS.Signals, number>();

  function receive(signal: NodeJS.Signals): void {
    const at = now();
    const isEcho = at - (lastAt.get(signal) ?? -Infinity) < echoMs;
    lastAt.set(signal, at);
    if (isEcho) return;
    count += 1;
    if (count > 2) {
      log.warn(`Received ${signal} a third time: ending at once.`);
      source.exit(1);
      return;
    }
    const force = count === 2;
    log.emit({ event: 'stopping', signal, force, graceMs });
    worker.stop({ force }).catch((error: unknown) => {
      log.error('Stopping failed; ending at once. PostgreSQL cancels what was still running.', { err: error });
      source.exit(1);
    });
  }

  for (const signal of signals) source.on(signal, receive);
  return {
    get received() {
      return count > 0;
    },
    dispose() {
      for (const signal of signals) source.off(signal, receive);
    },
  };
}
