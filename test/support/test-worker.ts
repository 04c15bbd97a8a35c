import { onTestFinished } from 'vitest';
import type { Config } from '../../src/config/config.js';
import { parseViewPattern } from '../../src/config/view-pattern.js';
import type { Log } from '../../src/report/log.js';
import { createWorker, type Worker } from '../../src/worker.js';
import { EventRecord } from './event-record.js';

export interface TestWorker {
  readonly worker: Worker;
  readonly events: EventRecord;
  /** Stops it, letting refreshes finish. Done at the end of the test in any case. */
  stop(): Promise<void>;
}

/** Short times, so that tests are quick, and a sweep too rare to help out, so that they show what the bell does. */
const testConfig: Omit<Config, 'views' | 'databaseUrl' | 'listenUrl'> = {
  debounceMs: 50, maxWaitMs: 1_000, sweepMs: 600_000, wake: 'notify', pollMs: 50, concurrency: 2, lockTimeoutMs: 5_000,
  refreshTimeoutMs: 0, batchRows: 50_000, repairEveryMs: 3_600_000, vacuum: true, retryBaseMs: 50, retryMaxMs: 500, graceMs: 10_000, canaryMs: 30_000, lapseMs: 3_600_000,
  historyMs: 86_400_000, overrides: [], origins: {}, install: true, once: false, maxAgeMs: undefined, schedule: undefined, freshnessMs: 600_000,
  alertUrl: undefined, alertAfter: 3, port: undefined, host: '127.0.0.1', logLevel: 'debug', logFormat: 'json',
};

export function configFor(url: string, views: readonly string[], overrides: Partial<Config> = {}): Config {
  return { ...testConfig, views: views.map(parseViewPattern), databaseUrl: url, listenUrl: url, ...overrides };
}

/** A worker in this process, ready when it returns. */
export async function startWorker(url: string, views: readonly string[], overrides: Partial<Config> = {}): Promise<TestWorker> {
  const made = makeWorker(url, views, overrides);
  await made.worker.start();
  return made;
}

/** A worker in this process that has not been started. */
export function makeWorker(url: string, views: readonly string[], overrides: Partial<Config> = {}): TestWorker {
  const events = new EventRecord();
  const worker = createWorker({ config: configFor(url, views, overrides), log: recordingLog(events) });
  const stop = (): Promise<void> => worker.stop({ force: false });
  onTestFinished(stop);
  return { worker, events, stop };
}

function recordingLog(events: EventRecord): Log {
  const complain = (msg: string, fields: Readonly<Record<string, unknown>> = {}): void => {
    events.complaints.push(`${msg} ${fields.err instanceof Error ? fields.err.message : ''}`.trim());
  };
  return { emit: events.push, debug: () => undefined, info: () => undefined, warn: complain, error: complain };
}
