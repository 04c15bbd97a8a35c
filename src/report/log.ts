import { isatty } from 'node:tty';
import { destination as openDestination, pino, stdTimeFunctions } from 'pino';
import pretty from 'pino-pretty';
import { redactUrls } from '../config/redact-url.js';
import { errorFields } from './error-fields.js';
import type { ListenerEvent } from './event.js';
import { eventLevel, type EventLevel } from './event-level.js';
import { eventMessage } from './event-message.js';
import { printable } from './printable.js';
import { clause } from './sentence.js';

export type LogFields = Readonly<Record<string, unknown>>;

/** Where the worker tells what it does. `emit` is for what an operator may rely on; the rest is free text. */
export interface Log {
  emit(event: ListenerEvent): void;
  debug(msg: string, fields?: LogFields): void;
  info(msg: string, fields?: LogFields): void;
  warn(msg: string, fields?: LogFields): void;
  /** Give the error itself as the field `err`: it is written with its SQLSTATE and without secrets. */
  error(msg: string, fields?: LogFields): void;
}

export interface LogOptions {
  readonly level: 'trace' | 'debug' | 'info' | 'warn' | 'error';
  readonly format: 'text' | 'json';
  /** Takes whole lines. Default: standard output. */
  readonly destination?: { write(line: string): void };
}

/**
 * Lines are written synchronously and in this thread, so the last ones before an exit are not lost.
 * A reader that goes away (EPIPE) ends the log, not the worker.
 */
export function createLog({ level, format, destination }: LogOptions): Log {
  const output = destination ?? openDestination({ dest: 1, sync: true });
  const colors = destination === undefined && isatty(1) && (process.env.NO_COLOR ?? '') === '';
  const logger = pino(
    {
      level,
      base: null,
      timestamp: stdTimeFunctions.isoTime,
      formatters: { level: (label) => ({ level: label }) },
      // Pino's own would write every field of an error; presentable() has chosen already.
      serializers: { err: (fields: unknown) => fields },
    },
    format === 'text' ? textLines(output, level, colors) : output,
  );
  return logTo((level, fields, msg) => logger[level](fields, msg));
}

/** Takes one line: its fields are without secrets, and errors among them are plain objects. */
export type LogWriter = (level: EventLevel, fields: Readonly<Record<string, unknown>>, msg: string) => void;

/** A log whose lines go to `write`. */
export function logTo(write: LogWriter): Log {
  const line = (level: EventLevel) => (msg: string, fields: LogFields = {}): void => write(level, presentable(fields), redactUrls(msg));
  return {
    emit: (event) => write(eventLevel(event), presentable(event), redactUrls(eventMessage(event))),
    debug: line('debug'),
    info: line('info'),
    warn: line('warn'),
    error: line('error'),
  };
}

/** The sentence alone, one line, for a reader at a terminal; with the stack of an error when somebody debugs. */
function textLines(output: { write(line: string): void }, level: LogOptions['level'], colors: boolean): { write(line: string): void } {
  const prettify = pretty.prettyFactory({
    colorize: colors,
    translateTime: 'SYS:yyyy-mm-dd HH:MM:ss.l',
    hideObject: true,
    // A name may hold a line break or an escape sequence: it must neither write a line of its own nor steer the terminal.
    messageFormat: ({ msg, err }) => withReason(printable(String(msg)), err, level === 'debug' || level === 'trace'),
  });
  return {
    write(line) {
      output.write(prettify(line));
    },
  };
}

function presentable(fields: LogFields): Record<string, unknown> {
  return Object.fromEntries(
    Object.entries(fields).map(([name, value]) => {
      if (value instanceof Error) return [name, errorFields(value)];
      return [name, typeof value === 'string' ? redactUrls(value) : value];
    }),
  );
}

/** The fields are hidden in text, and a failure without its reason helps nobody. */
function withReason(msg: string, err: unknown, withStack: boolean): string {
  if (typeof err !== 'object' || err === null || !('message' in err)) return msg;
  if (withStack && 'stack' in err) return [msg, ...String(err.stack).split('\n').map(printable)].join('\n');
  const reason = printable(clause(String(err.message)));
  return reason === '' || msg.includes(reason) ? msg : `${clause(msg)}: ${reason}`;
}
