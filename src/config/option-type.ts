import { isIP } from 'node:net';
import { urlToHttpOptions } from 'node:url';
import { Cron } from 'croner';
import { z } from 'zod';
import { formatDuration, longestTimerMs, parseDuration } from './duration.js';
import { splitNames } from './name-list.js';
import { redactUrl } from './redact-url.js';
import { UsageError } from './usage-error.js';
import type { ViewPattern } from './view-pattern.js';
import { parseViewPattern } from './view-pattern.js';

export type OptionTypeName = 'duration' | 'integer' | 'names' | 'choice' | 'switch' | 'url' | 'schedule' | 'path' | 'role' | 'column' | 'moment' | 'port' | 'host';

/** How the text of an option is read. Every type reads text, since flags and the environment hold nothing else. */
export interface OptionType<Value, Name extends OptionTypeName = OptionTypeName> {
  readonly name: Name;
  /** Whether the option may be repeated; its schema then takes a list of texts. */
  readonly repeatable: boolean;
  /** The only texts that are accepted, if they can be counted. */
  readonly choices?: readonly string[];
  readonly schema: z.ZodType<Value>;
}

/**
 * Milliseconds.
 * @param limits.minMs the shortest accepted (default 0).
 * @param limits.maxMs the longest accepted (default: what a timer takes).
 * @param limits.none whether 'none' is accepted; it reads as 0.
 */
export function duration(limits: { minMs?: number; maxMs?: number; none?: boolean } = {}): OptionType<number, 'duration'> {
  const { minMs = 0, maxMs = longestTimerMs, none = false } = limits;
  return {
    name: 'duration',
    repeatable: false,
    schema: text((given) => {
      if (none && given.trim().toLowerCase() === 'none') return 0;
      const value = parseDuration(given, maxMs);
      if (value === 0 && none) return 0;
      if (value < minMs) {
        throw new UsageError(`${JSON.stringify(given)} is too short: the shortest is ${formatDuration(minMs)}${none ? ", or 'none'" : ''}`);
      }
      return value;
    }),
  };
}

/** A whole number between two bounds, both included. */
export function integer(min: number, max: number): OptionType<number, 'integer'> {
  return {
    name: 'integer',
    repeatable: false,
    schema: text((given) => {
      const value = /^\s*\d{1,15}\s*$/.test(given) ? Number(given) : NaN;
      if (value >= min && value <= max) return value;
      throw new UsageError(`${JSON.stringify(given)} is not accepted: write a whole number from ${min} to ${max}`);
    }),
  };
}

export function choice<const Choice extends string>(...choices: readonly Choice[]): OptionType<Choice, 'choice'> {
  return {
    name: 'choice',
    repeatable: false,
    choices,
    schema: text((given) => {
      const found = choices.find((one) => one === given.trim().toLowerCase());
      if (found !== undefined) return found;
      throw new UsageError(`${JSON.stringify(given)} is not accepted: write ${choices.join(' or ')}`);
    }),
  };
}

/** On or off: `--json`, `--no-install`, LISTENER_INSTALL=off. */
export function onOff(): OptionType<boolean, 'switch'> {
  const words: Readonly<Record<string, boolean>> = { on: true, true: true, yes: true, 1: true, off: false, false: false, no: false, 0: false };
  return {
    name: 'switch',
    repeatable: false,
    schema: text((given) => {
      const value = words[given.trim().toLowerCase()];
      if (value === undefined) throw new UsageError(`${JSON.stringify(given)} is not accepted: write on or off`);
      return value;
    }),
  };
}

/** A cron expression of five fields (minute, hour, day, month, weekday) or of six, seconds first; or a nickname such as @daily. */
export function cronExpression(): OptionType<string, 'schedule'> {
  return {
    name: 'schedule',
    repeatable: false,
    schema: text((given) => {
      const expression = given.trim().replace(/\s+/g, ' ');
      const example = "write five fields, such as '*/15 * * * *' (every quarter of an hour) or '0 6 * * 1-5' (at six, on weekdays)";
      // The library would read a text such as 2026-01-01 as a single date.
      const fields = expression.split(' ').length;
      if (!expression.startsWith('@') && fields !== 5 && fields !== 6) {
        throw new UsageError(`${JSON.stringify(given)} is no cron expression: ${example}`);
      }
      try {
        const cron = new Cron(expression, { paused: true });
        if (cron.nextRun() !== null) return expression;
      } catch (error) {
        const reason = error instanceof Error ? error.message.replace(/^CronPattern: /, '') : String(error);
        throw new UsageError(`${JSON.stringify(given)} is no cron expression (${reason}): ${example}`);
      }
      throw new UsageError(`${JSON.stringify(given)} never comes: ${example}`);
    }),
  };
}

/** A path of a file. */
export function filePath(): OptionType<string, 'path'> {
  return { name: 'path', repeatable: false, schema: text((given) => given.trim()) };
}

/** PostgreSQL cuts longer names off, and would then mean another role. */
const longestNameBytes = 63;

/** A role of the database, as it is called: quotes would be part of its name. */
export function roleName(): OptionType<string, 'role'> {
  return {
    name: 'role',
    repeatable: false,
    schema: text((given) => {
      if (Buffer.byteLength(given) > longestNameBytes) throw new UsageError(`${JSON.stringify(given)} is too long for a role: ${longestNameBytes} bytes at most`);
      if (given.startsWith('"')) throw new UsageError(`${given} has quotes: write the name without them`);
      return given;
    }),
  };
}

/** A column, as it is called, or as SQL writes it. */
export function columnName(): OptionType<string, 'column'> {
  return { name: 'column', repeatable: false, schema: text((given) => given.trim()) };
}

/** A moment, as SQL writes it: the database reads it. */
export function moment(): OptionType<string, 'moment'> {
  return { name: 'moment', repeatable: false, schema: text((given) => given.trim()) };
}

/** A TCP port; undefined: off. */
export function portNumber(): OptionType<number | undefined, 'port'> {
  return {
    name: 'port',
    repeatable: false,
    schema: text((given) => {
      if (given.trim().toLowerCase() === 'off') return undefined;
      const value = /^\s*\d{1,5}\s*$/.test(given) ? Number(given) : NaN;
      if (value >= 1 && value <= 65_535) return value;
      throw new UsageError(`${JSON.stringify(given)} is no port: write a number from 1 to 65535, or off`);
    }),
  };
}

/** An address of this machine, or a name of it; an IPv6 address with or without its brackets. */
export function hostName(): OptionType<string, 'host'> {
  return {
    name: 'host',
    repeatable: false,
    schema: text((given) => {
      const host = given.trim().replace(/^\[(.*)\]$/, '$1');
      if (isIP(host) !== 0 || /^[a-z0-9_-]+(\.[a-z0-9_-]+)*\.?$/i.test(host)) return host;
      throw new UsageError(`${JSON.stringify(given)} is no host: write an address of this machine such as 127.0.0.1, or 0.0.0.0 for all of them; a port goes into --port`);
    }),
  };
}

/** Names and patterns of views, comma separated or one a text. */
export function viewNames(): OptionType<readonly ViewPattern[], 'names'> {
  return {
    name: 'names',
    repeatable: true,
    schema: z.array(z.string()).transform((given, context) =>
      reported(context, () => {
        const names = given.flatMap(splitNames);
        if (names.length === 0) throw new UsageError('names no view: write for example mv_dashboard, analytics.mv or \'mv_*\'');
        return names.map(parseViewPattern);
      }),
    ),
  };
}

/** A PostgreSQL connection URL. */
export function postgresUrl(): OptionType<string, 'url'> {
  return {
    name: 'url',
    repeatable: false,
    schema: text((given) => {
      const url = given.trim();
      const example = 'write postgres://user:password@host:5432/database';
      if (!/^postgres(ql)?:\/\//i.test(url)) {
        throw new UsageError(`${JSON.stringify(redactUrl(url))} is not a PostgreSQL URL: ${example}`);
      }
      const authority = /^[^:]*:\/\/([^/?]*)/.exec(url)?.[1] ?? '';
      if (authority.slice(authority.lastIndexOf('@') + 1).includes(',')) {
        throw new UsageError(`${JSON.stringify(redactUrl(url))} names several hosts: give the one that is the primary, or a name that always leads to it`);
      }
      // A user before an empty host (socket in ?host=) is usual for PostgreSQL, but no URL to the standard.
      const standard = url.replace('@/', '@socket/');
      if (!URL.canParse(standard) || new URL(standard).hash !== '' || new URL(standard).pathname.includes('@')) {
        throw new UsageError(
          `${JSON.stringify(redactUrl(url))} cannot be read: ${example}, and in the password %40 for @, %2F for /, %23 for #, %3F for ?, %25 for %`,
        );
      }
      return url;
    }),
  };
}

/** A webhook. Whoever knows its URL may post to it, so that no message repeats it. */
export function webhookUrl(): OptionType<string, 'url'> {
  return {
    name: 'url',
    repeatable: false,
    schema: text((given) => {
      const problem = 'is no URL of a webhook (it is not shown here, since it is a secret): write https://hooks.example.com/...';
      try {
        const url = new URL(given.trim());
        if (url.protocol !== 'https:' && url.protocol !== 'http:') throw new UsageError(problem);
        urlToHttpOptions(url); // throws for credentials that are not encoded as they must be
        return url.href;
      } catch {
        throw new UsageError(problem);
      }
    }),
  };
}

function text<Value>(read: (given: string) => Value): z.ZodType<Value> {
  return z.string().transform((given, context) => reported(context, () => read(given)));
}

/** A UsageError is an issue of the value; anything else is a fault of ours and passes. */
function reported<Value>(context: z.RefinementCtx, read: () => Value): Value {
  try {
    return read();
  } catch (error) {
    if (!(error instanceof UsageError)) throw error;
    context.addIssue({ code: 'custom', message: error.message });
    return z.NEVER;
  }
}
