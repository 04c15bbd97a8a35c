import { z } from 'zod';
import { formatDuration } from './duration.js';
import type { Environment } from './environment.js';
import { refuseUnknownVariables } from './environment.js';
import type { Option, OptionName, OptionValue } from './options.js';
import { environmentNames, options } from './options.js';
import { UsageError } from './usage-error.js';
import type { ViewPattern } from './view-pattern.js';

/** What the worker was told, resolved and checked. Durations are in milliseconds. */
export interface Config {
  readonly views: readonly ViewPattern[];
  /** Undefined: the driver reads the PG* variables. */
  readonly databaseUrl: string | undefined;
  /** The same as `databaseUrl` unless given. */
  readonly listenUrl: string | undefined;
  readonly debounceMs: number;
  readonly maxWaitMs: number;
  readonly sweepMs: number;
  readonly wake: 'notify' | 'poll';
  readonly pollMs: number;
  readonly concurrency: number;
  readonly lockTimeoutMs: number;
  /** 0: none. */
  readonly refreshTimeoutMs: number;
  readonly retryBaseMs: number;
  readonly retryMaxMs: number;
  readonly graceMs: number;
  readonly canaryMs: number;
  readonly lapseMs: number;
  readonly historyMs: number;
  readonly logLevel: OptionValue<'log-level'>;
  readonly logFormat: 'text' | 'json';
}

/** Options as given on the command line, unread; a list where an option was repeated. */
export type Flags = Readonly<Partial<Record<OptionName, string | readonly string[]>>>;

/**
 * Flags over environment over defaults.
 * @param isTerminal whether the log goes to a terminal, which decides the default of the log's format.
 * @throws UsageError with one line that names the option or variable, what it was given, and what it accepts.
 */
export function resolveConfig(flags: Flags, env: Environment, isTerminal = process.stdout.isTTY): Config {
  refuseUnknownVariables(env);

  function read<Name extends OptionName>(name: Name): OptionValue<Name> | undefined {
    const given = find(name, flags, env);
    if (given === undefined) return undefined;
    const result = z.safeParse(options[name].type.schema as z.ZodType<OptionValue<Name>>, given.value);
    if (result.success) return result.data;
    throw new UsageError(`${given.origin}: ${result.error.issues[0]?.message ?? 'is not accepted'}`);
  }

  function readDefaulted<Name extends OptionName>(name: Name): OptionValue<Name> {
    const value = read(name);
    if (value === undefined) throw new Error(`option ${name} has neither a value nor a default`);
    return value;
  }

  const views = read('views');
  if (views === undefined) throw new UsageError('no views are named: write --views mv_dashboard, or set LISTENER_VIEWS');
  const databaseUrl = read('database-url');
  const config: Config = {
    views,
    databaseUrl,
    listenUrl: read('listen-url') ?? databaseUrl,
    debounceMs: readDefaulted('debounce'),
    maxWaitMs: readDefaulted('max-wait'),
    sweepMs: readDefaulted('sweep'),
    wake: readDefaulted('wake'),
    pollMs: readDefaulted('poll'),
    concurrency: readDefaulted('concurrency'),
    lockTimeoutMs: readDefaulted('lock-timeout'),
    refreshTimeoutMs: readDefaulted('refresh-timeout'),
    retryBaseMs: readDefaulted('retry-base'),
    retryMaxMs: readDefaulted('retry-max'),
    graceMs: readDefaulted('grace'),
    canaryMs: readDefaulted('canary'),
    lapseMs: readDefaulted('lapse'),
    historyMs: readDefaulted('history'),
    logLevel: readDefaulted('log-level'),
    logFormat: read('log-format') ?? (isTerminal ? 'text' : 'json'),
  };
  refuseContradictions(config);
  return Object.freeze(config);
}

/** The text of an option and where it stands. An empty variable counts as unset, as `${X:-}` in a compose file makes it. */
function find(name: OptionName, flags: Flags, env: Environment): { value: unknown; origin: string } | undefined {
  const option: Option = options[name];
  const flag = flags[name];
  if (flag !== undefined) {
    const texts = typeof flag === 'string' ? [flag] : flag;
    if (texts.some((text) => text.trim() === '')) {
      throw new UsageError(`--${name} needs a value${option.default === undefined ? '' : `, such as ${option.default}`}; listener --help describes it`);
    }
    if (!option.type.repeatable && texts.length > 1) {
      throw new UsageError(`--${name} is given ${texts.length} times: give it once`);
    }
    return { value: option.type.repeatable ? texts : texts[0], origin: `--${name}` };
  }
  for (const variable of environmentNames(name)) {
    const text = env[variable];
    if (text === undefined || text.trim() === '') continue;
    return { value: option.type.repeatable ? [text] : text, origin: variable };
  }
  if (option.default === undefined) return undefined;
  return { value: option.type.repeatable ? [option.default] : option.default, origin: `--${name}` };
}

function refuseContradictions(config: Config): void {
  if (config.debounceMs > config.maxWaitMs) {
    throw new UsageError(
      `--debounce ${formatDuration(config.debounceMs)} is longer than --max-wait ${formatDuration(config.maxWaitMs)}: lower the first or raise the second`,
    );
  }
  if (config.retryBaseMs > config.retryMaxMs) {
    throw new UsageError(
      `--retry-base ${formatDuration(config.retryBaseMs)} is longer than --retry-max ${formatDuration(config.retryMaxMs)}: lower the first or raise the second`,
    );
  }
  // Workers renew with each sweep: with a shorter lapse, writers would stop recording while a worker lives.
  if (config.lapseMs < config.sweepMs) {
    throw new UsageError(
      `--lapse ${formatDuration(config.lapseMs)} is shorter than --sweep ${formatDuration(config.sweepMs)}: raise the first or lower the second`,
    );
  }
}
