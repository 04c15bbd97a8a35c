import type { Config } from '../config/config.js';
import { UsageError } from '../config/usage-error.js';
import { unusedParameters } from '../database/connection.js';
import type { Log } from '../report/log.js';
import { createLog } from '../report/log.js';
import type { Worker } from '../worker.js';
import { createWorker } from '../worker.js';
import type { Command } from './command.js';
import { connectionProblem } from '../database/connection-problem.js';
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
 * @throws UsageError, also when the database cannot be reached at the start
 */
export async function run(config: Config): Promise<number> {
  const log = createLog({ level: config.logLevel, format: config.logFormat });
  for (const url of new Set([config.databaseUrl, config.listenUrl])) warnOfUnused(url, log);
  const worker = createWorker({ config, log });
  const signals = stopOnSignals({ worker, log, graceMs: config.graceMs });
  try {
    await worker.start();
    return await worker.finished;
  } catch (error) {
    await abandon(worker, log);
    if (error instanceof UsageError) throw error;
    const problem = connectionProblem(error, config);
    if (problem !== undefined) {
      log.debug('The error behind what follows:', { err: error });
      throw problem;
    }
    log.error('The worker failed.', { err: error });
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

/** Parameters meant for another program do no harm, but one that was to do something here must not be missed in silence. */
function warnOfUnused(url: string | undefined, log: Log): void {
  const unused = unusedParameters(url);
  if (unused.length === 0) return;
  log.warn(`Of the connection URL, ${unused.join(', ')} ${unused.length === 1 ? 'has' : 'have'} no effect here.`);
}
