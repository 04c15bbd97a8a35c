import type { Config } from '../config/config.js';
import { redactUrl } from '../config/redact-url.js';
import { UsageError } from '../config/usage-error.js';
import { explainConnectionError } from '../database/connection-error.js';
import type { Log } from '../report/log.js';
import { createLog } from '../report/log.js';
import type { Worker } from '../worker.js';
import { createWorker } from '../worker.js';
import type { Command } from './command.js';
import { stopOnSignals } from './signals.js';
import { optionNames, options, type Option } from '../config/options.js';

export const runCommand: Command = {
  name: 'run',
  summary: 'Keep views fresh (the main job, and the default)',
  viewsOptional: false,
  options: optionNames.filter((name) => (options[name] as Option).flagOnly !== true),
  examples: [
    ['listener --views mv_dashboard', 'with DATABASE_URL set'],
    ["listener --views mv_sales,'analytics.*'", 'several, and all of a schema'],
    ['listener --views mv_sales --max-wait 10s', 'wait 10s at most, however busy the tables'],
    ["listener --views mv_today --schedule '0 0 * * *'", 'also at midnight, changed or not'],
    ['listener --views mv_sales --once', 'refresh what is stale, and exit'],
  ],
  run: ({ config }) => run(config),
};

/**
 * Keeps the views fresh until a signal comes.
 * @returns the exit status.
 * @throws UsageError
 */
export async function run(config: Config): Promise<number> {
  const log = createLog({ level: config.logLevel, format: config.logFormat });
  const worker = createWorker({ config, log });
  const signals = stopOnSignals({ worker, log, graceMs: config.graceMs });
  try {
    await worker.start();
    return await worker.finished;
  } catch (error) {
    await abandon(worker, log);
    if (error instanceof UsageError) throw error;
    tell(error, config, log);
    return 1;
  } finally {
    signals.dispose();
  }
}

/** What did start must not outlive a failure: connections, timers, locks. */
async function abandon(worker: Worker, log: Log): Promise<void> {
  try {
    await worker.stop({ force: true });
  } catch (error) {
    log.warn('Could not clean up after the failure below.', { err: error });
  }
}

function tell(error: unknown, config: Config, log: Log): void {
  const url = config.databaseUrl === undefined ? undefined : redactUrl(config.databaseUrl);
  const reason = explainConnectionError(error, url);
  if (reason === undefined) {
    log.error('The worker failed.', { err: error });
  } else {
    log.error(`Could not connect: ${reason}.`);
    log.debug('The error behind this:', { err: error });
  }
}
