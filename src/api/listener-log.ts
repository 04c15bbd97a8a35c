import type { Config } from '../config/config.js';
import { UsageError } from '../config/usage-error.js';
import type { EventLevel } from '../report/event-level.js';
import type { EventName } from '../report/event.js';
import { createLog, logTo, type Log } from '../report/log.js';

/** One line of the log, as a function takes it: an event with its fields, or free text without an `event`. */
export interface LogEntry {
  readonly level: EventLevel;
  /** A whole sentence. */
  readonly msg: string;
  readonly event?: EventName;
  readonly [field: string]: unknown;
}

/** A logger as pino, bunyan and others have it: fields first, then the sentence. */
export interface Logger {
  debug(fields: object, msg: string): void;
  info(fields: object, msg: string): void;
  warn(fields: object, msg: string): void;
  error(fields: object, msg: string): void;
}

export type LogOption = false | 'text' | 'json' | ((entry: LogEntry) => void) | Logger;

const levels = ['trace', 'debug', 'info', 'warn', 'error'];

/**
 * The log of a listener, from `logLevel` on. None for false.
 * @throws UsageError
 */
export function openLog(option: unknown, level: Config['logLevel']): Log | undefined {
  if (option === undefined || option === false) return undefined;
  if (option === 'text' || option === 'json') return createLog({ level, format: option });
  const wanted = (one: EventLevel): boolean => levels.indexOf(one) >= levels.indexOf(level);
  if (typeof option === 'function') {
    const write = option as (entry: LogEntry) => void;
    return logTo((one, fields, msg) => (wanted(one) ? write({ ...fields, level: one, msg }) : undefined));
  }
  if (isLogger(option)) return logTo((one, fields, msg) => (wanted(one) ? option[one](fields, msg) : undefined));
  throw new UsageError("log: write false, 'text', 'json', a function, or a logger with debug, info, warn and error");
}

function isLogger(value: unknown): value is Logger {
  if (typeof value !== 'object' || value === null) return false;
  return ['debug', 'info', 'warn', 'error'].every((level) => typeof Reflect.get(value, level) === 'function');
}
