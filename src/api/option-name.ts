import { optionNames, options, type Option, type OptionName } from '../config/options.js';

/** `max-wait` as TypeScript writes it: `maxWait`. */
export type CamelCase<Name extends string> = Name extends `${infer Head}-${infer Tail}` ? `${Head}${Capitalize<CamelCase<Tail>>}` : Name;

/** Options that only a command takes: they belong to one call of it, or to the process whose log it writes. */
type CommandOnly = 'log-format' | { [Name in OptionName]: (typeof options)[Name] extends { flagOnly: true } ? Name : never }[OptionName];

/** The options of the API, by their names in the option table. */
export type ApiOptionName = Exclude<OptionName, CommandOnly>;
export type PerViewOptionName = { [Name in OptionName]: (typeof options)[Name] extends { perView: true } ? Name : never }[OptionName];

export const apiOptionNames = optionNames.filter((name): name is ApiOptionName => name !== 'log-format' && !flagged(name, 'flagOnly'));
export const perViewOptionNames = optionNames.filter((name): name is PerViewOptionName => flagged(name, 'perView'));

export function camelCase(name: OptionName): string {
  return name.replace(/-([a-z])/g, (_hyphen, letter: string) => letter.toUpperCase());
}

function flagged(name: OptionName, flag: 'flagOnly' | 'perView'): boolean {
  const option: Option = options[name];
  return option[flag] === true;
}
