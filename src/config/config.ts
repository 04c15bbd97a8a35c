import { z } from 'zod';
import { emptyFile, readConfigFile, type ConfigFile } from './config-file.js';
import { formatDuration } from './duration.js';
import type { Environment } from './environment.js';
import { isServiceVariable, refuseUnknownVariables } from './environment.js';
import type { Option, OptionName, OptionValue } from './options.js';
import { environmentNames, optionNames, options } from './options.js';
import type { Origins } from './setting-origin.js';
import { UsageError } from './usage-error.js';
import { parseViewPattern, type ViewPattern } from './view-pattern.js';
import type { ViewOverride, ViewSettings } from './view-settings.js';

/** What the worker was told, resolved and checked. Durations are in milliseconds. */
export interface Config extends ViewSettings {
  /** Empty only where a command does without. */
  readonly views: readonly ViewPattern[];
  /** What the config file says of single views: see `settingsOf`. */
  readonly overrides: readonly ViewOverride[];
  /** Where each general value was found; absent: its default. */
  readonly origins: Origins;
  /** Undefined: the driver reads the PG* variables. */
  readonly databaseUrl: string | undefined;
  /** The same as `databaseUrl` unless given. */
  readonly listenUrl: string | undefined;
  /** Whether to create what is missing in the database. */
  readonly install: boolean;
  readonly once: boolean;
  readonly sweepMs: number;
  readonly wake: 'notify' | 'poll';
  readonly pollMs: number;
  readonly concurrency: number;
  readonly graceMs: number;
  readonly canaryMs: number;
  readonly lapseMs: number;
  readonly historyMs: number;
  /** Where health and metrics are told; undefined: nowhere. */
  readonly port: number | undefined;
  readonly host: string;
  /** A secret: never to be told. */
  readonly alertUrl: string | undefined;
  /** Failures of a view in a row. */
  readonly alertAfter: number;
  readonly logLevel: OptionValue<'log-level'>;
  readonly logFormat: 'text' | 'json';
}

/** Options as given on the command line, unread; a list where an option was repeated. */
export type Flags = Readonly<Partial<Record<OptionName, string | readonly string[]>>>;

export interface Surroundings {
  readonly env: Environment;
  /** Whether the log goes to a terminal, which decides the default of its format. Default: that of this process. */
  readonly isTerminal?: boolean | undefined;
  /** Where relative paths begin. Default: the working folder. */
  readonly folder?: string | undefined;
  /** Whether a command can do without views; else they must be named. Default: false. */
  readonly viewsOptional?: boolean | undefined;
  /** How the caller writes an option, for messages. Default: `--max-wait`. */
  readonly spelling?: Spelling | undefined;
  /** Whether listener.config.json is read where no file is named. Default: true. */
  readonly defaultFile?: boolean | undefined;
  /** What the caller says of single views: closer than what the config file says of them. */
  readonly views?: ConfigFile['views'] | undefined;
}

type Spelling = (name: OptionName) => string;

const asFlag: Spelling = (name) => `--${name}`;

/**
 * Flags over environment over config file over defaults. A setting of a single view, in the config file, is closer than
 * any general one.
 *
 * @throws UsageError with one line that names the option, variable or key, what it was given, and what it accepts.
 */
export function resolveConfig(flags: Flags, surroundings: Surroundings): Config {
  const { env, isTerminal = process.stdout.isTTY, folder, viewsOptional = false, spelling = asFlag, defaultFile = true } = surroundings;
  refuseUnknownVariables(env);
  const given = { flags, env, spelling };
  const path = readOption('config', find('config', given));
  const file = path === undefined && !defaultFile ? emptyFile : readConfigFile(path, folder);
  const read = <Name extends OptionName>(name: Name): OptionValue<Name> | undefined => readOption(name, find(name, { ...given, file }));
  const readDefaulted = <Name extends OptionName>(name: Name): OptionValue<Name> => {
    const value = read(name);
    if (value === undefined) throw new Error(`option ${name} has neither a value nor a default`);
    return value;
  };

  const views = read('views');
  if (views === undefined && !viewsOptional) {
    throw new UsageError('no views are named: write --views mv_dashboard, or set LISTENER_VIEWS');
  }
  const databaseUrl = read('database-url');
  const config: Config = {
    views: views ?? [],
    overrides: [
      ...file.views.map((view) => readOverride(view, `${file.path}: views`, (name) => name)),
      ...(surroundings.views ?? []).map((view) => readOverride(view, 'views', spelling)),
    ],
    origins: originsOf({ ...given, file }),
    databaseUrl,
    listenUrl: read('listen-url') ?? databaseUrl,
    install: readDefaulted('install'),
    once: readDefaulted('once'),
    debounceMs: readDefaulted('debounce'),
    maxWaitMs: readDefaulted('max-wait'),
    maxAgeMs: read('max-age'),
    schedule: read('schedule'),
    freshnessMs: read('freshness'),
    sweepMs: readDefaulted('sweep'),
    wake: readDefaulted('wake'),
    pollMs: readDefaulted('poll'),
    concurrency: readDefaulted('concurrency'),
    lockTimeoutMs: readDefaulted('lock-timeout'),
    refreshTimeoutMs: readDefaulted('refresh-timeout'),
    batchRows: readDefaulted('batch'),
    repairEveryMs: readDefaulted('repair-every'),
    vacuum: readDefaulted('vacuum'),
    retryBaseMs: readDefaulted('retry-base'),
    retryMaxMs: readDefaulted('retry-max'),
    graceMs: readDefaulted('grace'),
    canaryMs: readDefaulted('canary'),
    lapseMs: readDefaulted('lapse'),
    historyMs: readDefaulted('history'),
    port: read('port'),
    host: readDefaulted('host'),
    alertUrl: read('alert-url'),
    alertAfter: readDefaulted('alert-after'),
    logLevel: readDefaulted('log-level'),
    logFormat: read('log-format') ?? (isTerminal ? 'text' : 'json'),
  };
  refuseContradictions(config, spelling);
  for (const [index, { pattern, settings }] of config.overrides.entries()) {
    const place = index < file.views.length ? `${file.path}: views` : 'views';
    refuseContradictingTimes({ ...config, ...settings }, `${place}: ${pattern.text}: `, spelling);
  }
  return Object.freeze(config);
}

/** Whether a flag that only a command line gives is set: `--json`. @throws UsageError */
export function isSet(name: OptionName, flags: Flags): boolean {
  return readFlag(name, flags) === true;
}

/** The value of an option that only a command line gives: `--role app`. @throws UsageError */
export function readFlag<Name extends OptionName>(name: Name, flags: Flags): OptionValue<Name> | undefined {
  return readOption(name, find(name, { flags, env: {}, spelling: asFlag }));
}

interface Given {
  readonly value: unknown;
  readonly origin: string;
  readonly isDefault?: true;
}

function readOption<Name extends OptionName>(name: Name, given: Given | undefined): OptionValue<Name> | undefined {
  if (given === undefined) return undefined;
  const result = z.safeParse(options[name].type.schema as unknown as z.ZodType<OptionValue<Name>>, given.value);
  if (result.success) return result.data;
  throw new UsageError(`${given.origin}: ${result.error.issues[0]?.message ?? 'is not accepted'}`);
}

/**
 * The text of an option and where it stands. An empty variable counts as unset, as `${X:-}` in a compose file makes it; so does
 * one that Kubernetes has made of a service.
 */
function find(
  name: OptionName,
  { flags, env, file, spelling }: { readonly flags: Flags; readonly env: Environment; readonly file?: ConfigFile; readonly spelling: Spelling },
): Given | undefined {
  const option: Option = options[name];
  const flag = flags[name];
  if (flag !== undefined) {
    const texts = typeof flag === 'string' ? [flag] : flag;
    if (texts.some((text) => text.trim() === '')) {
      throw new UsageError(`${spelling(name)} needs a value${option.default === undefined ? '' : `, such as ${option.default}`}; listener --help describes it`);
    }
    if (!option.type.repeatable && texts.length > 1) {
      throw new UsageError(`${spelling(name)} is given ${texts.length} times: give it once`);
    }
    return { value: option.type.repeatable ? texts : texts[0], origin: spelling(name) };
  }
  for (const variable of environmentNames(name)) {
    const text = env[variable];
    if (text === undefined || text.trim() === '' || isServiceVariable(variable, text)) continue;
    return { value: option.type.repeatable ? [text] : text, origin: variable };
  }
  const filed = file?.options[name];
  if (filed !== undefined) {
    return { value: option.type.repeatable && typeof filed === 'string' ? [filed] : filed, origin: `${file?.path ?? ''}: ${name}` };
  }
  if (option.default === undefined) return undefined;
  return { value: option.type.repeatable ? [option.default] : option.default, origin: spelling(name), isDefault: true };
}

function originsOf(given: { readonly flags: Flags; readonly env: Environment; readonly file: ConfigFile; readonly spelling: Spelling }): Origins {
  return Object.fromEntries(
    optionNames.flatMap((name) => {
      const found = find(name, given);
      return found === undefined || found.isDefault === true ? [] : [[name, found.origin]];
    }),
  );
}

function readOverride({ name, options: given }: ConfigFile['views'][number], place: string, spelling: Spelling): ViewOverride {
  const read = <Name extends OptionName>(option: Name): OptionValue<Name> | undefined => {
    const value = given[option];
    return value === undefined ? undefined : readOption(option, { value, origin: `${place}: ${name}: ${spelling(option)}` });
  };
  const settings = {
    debounceMs: read('debounce'),
    maxWaitMs: read('max-wait'),
    maxAgeMs: read('max-age'),
    schedule: read('schedule'),
    freshnessMs: read('freshness'),
    lockTimeoutMs: read('lock-timeout'),
    refreshTimeoutMs: read('refresh-timeout'),
    batchRows: read('batch'),
    repairEveryMs: read('repair-every'),
    vacuum: read('vacuum'),
    retryBaseMs: read('retry-base'),
    retryMaxMs: read('retry-max'),
  };
  const set = Object.fromEntries(Object.entries(settings).filter(([, value]) => value !== undefined));
  return { pattern: parseViewPattern(name), settings: set };
}

function refuseContradictions(config: Config, spelling: Spelling): void {
  refuseContradictingTimes(config, '', spelling);
  // Workers renew with each sweep: with a shorter lapse, writers would stop recording while a worker lives.
  if (config.lapseMs < config.sweepMs) {
    throw new UsageError(
      `${spelling('lapse')} ${formatDuration(config.lapseMs)} is shorter than ${spelling('sweep')} ${formatDuration(config.sweepMs)}: raise the first or lower the second`,
    );
  }
}

function refuseContradictingTimes(settings: ViewSettings, place: string, spelling: Spelling): void {
  const { debounceMs, maxWaitMs, retryBaseMs, retryMaxMs } = settings;
  refuseLonger(place, spelling('debounce'), debounceMs, spelling('max-wait'), maxWaitMs);
  refuseLonger(place, spelling('retry-base'), retryBaseMs, spelling('retry-max'), retryMaxMs);
}

function refuseLonger(place: string, one: string, oneMs: number, other: string, otherMs: number): void {
  if (oneMs <= otherMs) return;
  throw new UsageError(
    `${place}${one} ${formatDuration(oneMs)} is longer than ${other} ${formatDuration(otherMs)}: lower the first or raise the second`,
  );
}
