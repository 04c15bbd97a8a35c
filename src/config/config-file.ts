import { readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { z } from 'zod';
import { nearestNames } from './nearest-names.js';
import { isOptionName, optionNames, options, type Option, type OptionName } from './options.js';
import { redactUrl } from './redact-url.js';
import { UsageError } from './usage-error.js';

/** Read when it is there and no other is named. */
export const defaultConfigFile = 'listener.config.json';

/** Options as a config file has them, unread: each as one would write it on the command line. */
export interface ConfigFile {
  /** As it was named, for messages. */
  readonly path: string;
  readonly options: Readonly<Partial<Record<OptionName, string | readonly string[]>>>;
  /** By the name or the pattern of the views. */
  readonly views: readonly { readonly name: string; readonly options: Readonly<Partial<Record<OptionName, string>>> }[];
}

/** What a config file says that is not there. */
export const emptyFile: ConfigFile = { path: defaultConfigFile, options: {}, views: [] };

/** A value as one would write it on the command line. */
const scalar = z.union([z.string(), z.number().transform(String), z.boolean().transform((value) => (value ? 'on' : 'off'))]);
const viewList = z.array(z.string());

/**
 * Reads a config file: an object with the names of options as keys. `views` is a list of names, or an object that gives
 * each name its own settings: `{ "views": { "mv_dashboard": { "debounce": "1s" }, "analytics.*": {} } }`.
 *
 * @param named as given by --config; undefined: the default one, which need not be there
 * @throws UsageError naming the file and the key
 */
export function readConfigFile(named: string | undefined, folder = process.cwd()): ConfigFile {
  const path = named ?? defaultConfigFile;
  let text: string;
  try {
    text = readFileSync(resolve(folder, path), 'utf8');
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (named === undefined && code === 'ENOENT') return emptyFile;
    throw new UsageError(`the config file ${path} cannot be read (${code ?? String(error)}): check its path and its permissions`);
  }
  return parseConfigFile(text, path);
}

/** @throws UsageError */
export function parseConfigFile(text: string, path: string): ConfigFile {
  const { views, ...others } = asObject(parseJson(text, path), `${path}: the file`);
  const own = Object.entries(others).filter(([key]) => key !== '$schema').map(([key, value]) => [optionNamed(key, path), asText(value, `${path}: ${key}`)] as const);
  const listed = viewList.safeParse(views);
  if (typeof views === 'string' || listed.success) {
    return { path, options: { ...Object.fromEntries(own), views: listed.data ?? [String(views)] }, views: [] };
  }
  const perView = Object.entries(views === undefined ? {} : asObject(views, `${path}: views`)).map(([name, value]) => {
    const place = `${path}: views: ${redactUrl(name)}`;
    const texts = Object.entries(asObject(value, place)).map(([key, one]) => [perViewOptionNamed(key, place), asText(one, `${place}: ${key}`)] as const);
    return { name, options: Object.fromEntries(texts) };
  });
  const names = perView.length > 0 ? { views: perView.map(({ name }) => name) } : {};
  return { path, options: { ...Object.fromEntries(own), ...names }, views: perView };
}

function parseJson(text: string, path: string): unknown {
  try {
    return JSON.parse(text);
  } catch (error) {
    throw new UsageError(`${path} is not JSON: ${withoutExcerpt(error instanceof Error ? error.message : String(error))}`);
  }
}

/** V8 quotes the text around the mistake, which may be a connection URL with its password. */
function withoutExcerpt(message: string): string {
  return message.replace(/, (?:\.\.\.)?".*"(?:\.\.\.)? is not valid JSON$/s, '').replace(/\s+/g, ' ');
}

function asObject(value: unknown, what: string): Record<string, unknown> {
  // Not by zod, which passes over a key __proto__: here that is a mistake like any other, or the name of a view.
  if (typeof value === 'object' && value !== null && !Array.isArray(value)) return value as Record<string, unknown>;
  throw new UsageError(`${what} must be an object, such as { "debounce": "5s" }`);
}

function asText(value: unknown, what: string): string {
  const result = scalar.safeParse(value);
  if (result.success) return result.data;
  throw new UsageError(`${what}: write a text, a number, or true or false`);
}

function optionNamed(key: string, path: string): OptionName {
  if (key === 'config') throw new UsageError(`${path}: a config file cannot name another: take config out`);
  return known(key, optionNames.filter((name) => name !== 'config' && !isFlagOnly(name)), path);
}

function perViewOptionNamed(key: string, place: string): OptionName {
  const names = optionNames.filter((name) => (options[name] as Option).perView === true);
  if (isOptionName(key) && !names.includes(key)) {
    throw new UsageError(`${place}: ${key} cannot be set for a single view: move it to the top of the file, or write one of ${names.join(', ')}`);
  }
  return known(key, names, place);
}

function known(key: string, names: readonly OptionName[], place: string): OptionName {
  const found = names.find((name) => name === key);
  if (found !== undefined) return found;
  // camelCase is how people spell keys in JSON.
  const [nearest] = nearestNames(key.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`), names, 1);
  throw new UsageError(`${place}: there is no option ${redactUrl(key)}: ${nearest === undefined ? `write one of ${names.join(', ')}` : `did you mean ${nearest}?`}`);
}

function isFlagOnly(name: OptionName): boolean {
  return (options[name] as Option).flagOnly === true;
}
