import { z } from 'zod';
import type { ConfigFile } from '../config/config-file.js';
import { resolveConfig, type Config } from '../config/config.js';
import type { Environment } from '../config/environment.js';
import { nearestNames } from '../config/nearest-names.js';
import { options as optionTable, type OptionName, type OptionValue } from '../config/options.js';
import { UsageError } from '../config/usage-error.js';
import type { RefreshQuestion } from '../freshen/freshener.js';
import { apiOptionNames, camelCase, perViewOptionNames, type ApiOptionName, type CamelCase, type PerViewOptionName } from './option-name.js';
import type { LogOption } from './listener-log.js';

/** How the value of an option is given. A duration is a text with its unit ('10s', '3 days') or a number of milliseconds. */
interface Given {
  duration: string | number;
  integer: number;
  switch: boolean;
  schedule: string;
  path: string;
  url: string;
  names: Views;
  port: number | 'off';
}
type TypeNameOf<Name extends OptionName> = (typeof optionTable)[Name]['type']['name'];
type ValueGiven<Name extends OptionName> = TypeNameOf<Name> extends keyof Given ? Given[TypeNameOf<Name>] : OptionValue<Name>;

/** What can be set for a single view: `{ debounce: '1s', maxAge: '1h' }`. */
export type ViewOptions = { readonly [Name in PerViewOptionName as CamelCase<Name>]?: ValueGiven<Name> | undefined };

/** Names of views as in SQL, or patterns: one, several, or each with settings of its own. */
export type Views = string | readonly string[] | Readonly<Record<string, ViewOptions>>;

/** The options of the command, but in camelCase: `--max-wait 10s` is `maxWait: '10s'`, or `maxWait: 10_000`. */
type CommandOptions = { readonly [Name in Exclude<ApiOptionName, 'views'> as CamelCase<Name>]?: ValueGiven<Name> | undefined };

interface OwnOptions {
  /** Where the log goes: nowhere (the default), to standard output as text or JSON, or to a function or a logger such as pino's. */
  readonly log?: LogOption | undefined;
  /**
   * Variables to read options from, `LISTENER_MAX_WAIT` for `maxWait`; an option that is given here is stronger. Default:
   * none but the database's own, `DATABASE_URL` and `PG*`.
   */
  readonly env?: Environment | undefined;
  /**
   * A rule of yours, asked before each refresh. With false the view stays stale (`refresh.skipped` because `declined`) and
   * the next sweep asks again. Default: always. A rule that throws is told of as an `error`, and the view is refreshed.
   */
  readonly shouldRefresh?: ((question: RefreshQuestion) => boolean | Promise<boolean>) | undefined;
}

/** Views must be named, unless a config file or the environment does so. */
type ViewsNamed =
  | { readonly views: Views }
  | { readonly config: string; readonly views?: Views | undefined }
  | { readonly env: Environment; readonly views?: Views | undefined };

/**
 * Options of `createListener`. They have the defaults of the command's; see the README for each.
 *
 * What is written here is all that counts: neither the `LISTENER_` variables nor a `listener.config.json` is read, unless
 * `env: process.env` or `config: 'listener.config.json'` asks for it. Only where the database is comes from `DATABASE_URL`,
 * or else the `PG*` variables, when `databaseUrl` is not given.
 */
export type ListenerOptions = CommandOptions & OwnOptions & ViewsNamed;

const ownNames = ['log', 'shouldRefresh', 'env'] as const satisfies readonly (keyof OwnOptions)[];
const scalar = z.union([z.string(), z.number(), z.boolean()]);
const record = z.record(z.string(), z.unknown());
const nameList = z.array(z.string());

/** @throws UsageError that names the option in camelCase, what it was given, and what it accepts. */
export function readListenerOptions(given: ListenerOptions): Config {
  const { views, ...others } = asObject(given, 'the options of createListener', "{ views: 'mv_dashboard' }");
  const flags: Partial<Record<OptionName, string | readonly string[]>> = {};
  for (const [key, value] of Object.entries(others)) {
    if (value === undefined || ownNames.some((name) => name === key)) continue;
    const name = named(key, apiOptionNames, ownNames, '');
    flags[name] = asText(name, value, key);
  }
  const perView = readViews(views);
  if (perView !== undefined) flags.views = perView.map(({ name }) => name);
  const config = resolveConfig(flags, {
    // What no variable names is read from the option table alone.
    env: given.env ?? { DATABASE_URL: process.env.DATABASE_URL },
    defaultFile: false, viewsOptional: true, spelling: camelCase,
    views: perView?.filter(({ options }) => Object.keys(options).length > 0),
  });
  if (config.views.length === 0) throw new UsageError("no views are named: write views: 'mv_dashboard'");
  return config;
}

function readViews(views: unknown): ConfigFile['views'] | undefined {
  if (views === undefined) return undefined;
  if (typeof views === 'string') return [{ name: views, options: {} }];
  const list = nameList.safeParse(views);
  if (list.success) return list.data.map((name) => ({ name, options: {} }));
  return Object.entries(asObject(views, 'views', "'mv_dashboard', ['mv_a', 'mv_b'] or { mv_a: { debounce: '1s' } }")).map(([name, settings]) => {
    const place = `views: ${name}: `;
    const texts = Object.entries(asObject(settings, `views: ${name}`, "{ debounce: '1s' }"))
      .filter(([, value]) => value !== undefined)
      .map(([key, value]) => {
        const option = named(key, perViewOptionNames, [], place);
        return [option, asText(option, value, `${place}${key}`)] as const;
      });
    return { name, options: Object.fromEntries(texts) };
  });
}

function asObject(value: unknown, what: string, example: string): Record<string, unknown> {
  const result = Array.isArray(value) ? undefined : record.safeParse(value);
  if (result?.success === true) return result.data;
  throw new UsageError(`${what}: write ${example}`);
}

/** A value as one would write it on the command line. */
function asText(name: OptionName, value: unknown, place: string): string {
  const result = scalar.safeParse(value);
  if (!result.success) throw new UsageError(`${place}: write ${wanted(name)}`);
  const { data } = result;
  if (typeof data === 'boolean') return data ? 'on' : 'off';
  if (typeof data === 'string') return data;
  // As a decimal, whatever its size; what is no number is refused by the reader of the option.
  return optionTable[name].type.name === 'duration' ? `${data.toLocaleString('en-US', { useGrouping: false, maximumFractionDigits: 3 })}ms` : String(data);
}

function wanted(name: OptionName): string {
  switch (optionTable[name].type.name) {
    case 'duration': return "a text with its unit, such as '10s', or a number of milliseconds";
    case 'integer': return 'a number';
    case 'port': return "a number, or 'off'";
    case 'switch': return 'true or false';
    default: return 'a text';
  }
}

function named<Name extends OptionName>(key: string, names: readonly Name[], others: readonly string[], place: string): Name {
  const found = names.find((name) => camelCase(name) === key);
  if (found !== undefined) return found;
  const candidates = [...names.map(camelCase), ...others];
  const [nearest] = nearestNames(key.replaceAll('-', ''), candidates, 1);
  if (nearest === undefined && apiOptionNames.some((name) => camelCase(name) === key)) {
    throw new UsageError(`${place}${key} cannot be set for a single view: set it for all, or write one of ${candidates.join(', ')}`);
  }
  throw new UsageError(`${place}there is no option ${key}: ${nearest === undefined ? `write one of ${candidates.join(', ')}` : `did you mean ${nearest}?`}`);
}
