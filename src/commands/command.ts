import type { Config } from '../config/config.js';
import type { OptionName, OptionValue } from '../config/options.js';

/** What a command is called with. */
export interface Invocation {
  readonly config: Config;
  /** The words after the command: names of views, as they were written. */
  readonly names: readonly string[];
  /** Whether a flag of one call is set: `--json`. */
  readonly isSet: (flag: OptionName) => boolean;
  /** The value of an option of one call, if it is given: `--role app`. */
  readonly valueOf: <Name extends OptionName>(flag: Name) => OptionValue<Name> | undefined;
}

/** A subcommand: `listener NAME ...`, or `listener GROUP NAME ...`. */
export interface Command {
  /** As it is typed: of one in a group both words. */
  readonly name: string;
  readonly summary: string;
  /** The words after it, if it takes any. */
  readonly names?: { readonly required: boolean; readonly many: boolean; readonly description: string };
  /** Whether it can do without --views. */
  readonly viewsOptional: boolean;
  readonly options: readonly OptionName[];
  /** What an option is to this command, where that is something else than to others. */
  readonly meanings?: Partial<Readonly<Record<OptionName, string>>>;
  /** Each with what it does. */
  readonly examples: readonly (readonly [string, string])[];
  /**
   * @returns the exit status: 0 done, 1 failed
   * @throws UsageError for what the caller can put right: exit status 2
   */
  readonly run: (invocation: Invocation) => Promise<number>;
}

/** Several subcommands under one word, which by itself only lists them. */
export interface CommandGroup {
  readonly name: string;
  readonly summary: string;
  readonly commands: readonly Command[];
}

export function isGroup(entry: Command | CommandGroup): entry is CommandGroup {
  return 'commands' in entry;
}

/** The options of every command. */
export const connectionOptions: readonly OptionName[] = ['config', 'database-url', 'listen-url'];
