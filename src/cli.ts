#!/usr/bin/env node
import { hideBin } from 'yargs/helpers';
import type { Argv, Options as OptionDescription } from 'yargs';
import yargs from 'yargs';
import { z } from 'zod';
import { isGroup, type Command, type CommandGroup } from './commands/command.js';
import { commands } from './commands/index.js';
import type { Flags } from './config/config.js';
import { isSet, readFlag, resolveConfig } from './config/config.js';
import { nearestNames } from './config/nearest-names.js';
import type { Option, OptionName } from './config/options.js';
import { isOptionName, optionNames, options } from './config/options.js';
import { packageVersion } from './config/package-version.js';
import { redactUrls } from './config/redact-url.js';
import { UsageError } from './config/usage-error.js';
import { printable } from './report/printable.js';

const commandNames = [...commands.map(({ name }) => name), 'completion', 'help'];
const epilogue =
  'Every option can be set by a variable (--max-wait by LISTENER_MAX_WAIT), or in listener.config.json. ' +
  'Durations read 250ms, 5s, 10m, 1h, 3 days.\n' +
  'Exit status: 0 done, 1 failed, 2 wrong usage or configuration.';

/** Arguments -> config -> command -> exit status: 0 done, 1 failed, 2 wrong usage or configuration. */
async function main(args: readonly string[]): Promise<number> {
  if (args[0] === 'help') return main([...args.slice(1), '--help']);
  let status = 0;
  refuseUnknownCommand(args);
  // A group by itself does nothing: it shows what is in it.
  if (args.length === 1 && groupNamed(args[0]) !== undefined) return main([...args, '--help']);
  let parser = yargs(args.map(spelledOut))
    .scriptName('listener')
    .locale('en')
    .wrap(Math.min(100, process.stdout.columns || 100))
    // What yargs would guess (numbers, --no-x, a.b) is read by the option table alone, from the text as given.
    .parserConfiguration({
      'boolean-negation': false,
      'camel-case-expansion': false,
      'dot-notation': false,
      'parse-numbers': false,
      'parse-positional-numbers': false,
      'short-option-groups': false,
    })
    .usage('$0 --views mv_dashboard\n\nKeeps PostgreSQL materialized views fresh: refreshes them when what they read has changed.');
  const run = (command: Command) => async (argv: Readonly<Record<string, unknown>>): Promise<void> => {
    const { names, flags } = given(command, argv);
    const config = resolveConfig(flags, { env: process.env, viewsOptional: command.viewsOptional });
    status = await command.run({ config, names, isSet: (flag) => isSet(flag, flags), valueOf: (flag) => readFlag(flag, flags) });
  };
  for (const [index, entry] of commands.entries()) {
    parser = isGroup(entry)
      ? parser.command(entry.name, entry.summary, (builder) => grouped(builder, entry, run), () => refuseNoCommand(entry))
      : parser.command(index === 0 ? [usageOf(entry), '$0'] : usageOf(entry), entry.summary, (builder) => described(builder, entry), run(entry));
  }
  parser = parser
    .completion('completion', 'Print a script for the shell: listener completion >> ~/.bashrc', completeOptions)
    .version(packageVersion)
    .exitProcess(false)
    .help()
    .alias('help', 'h')
    .fail((message, error: Error | undefined) => {
      // An error of our own passes; yargs's own are about arguments.
      throw error === undefined || error.name === 'YError' ? new UsageError(argumentProblem(message)) : error;
    });
  // Left to yargs, the script would be followed by the default command.
  if (args[0] === 'completion') parser.showCompletionScript();
  else await parser.parseAsync();
  return status;
}

/** yargs does not offer the options of the default command, which are what one types most. */
function completeOptions(
  current: string, argv: unknown, completionFilter: (onCompleted?: (error: Error | null, found: string[] | undefined) => void) => void,
  done: (found: string[]) => void,
): void {
  const words = wordsOf((argv as { readonly _?: unknown })._);
  const isDefault = !words.some((word) => commandNames.includes(word));
  const [first] = commands;
  const options = first === undefined || isGroup(first) ? [] : first.options;
  const own = isDefault && current.startsWith('-') ? options.flatMap((name) => Object.keys(describedOption(name))) : [];
  completionFilter((_error, found) => done([...new Set([...(found ?? []), ...own.map((name) => `--${name}`)])]));
}

/** As yargs takes it: of a command in a group the last word. */
function usageOf({ name: words, names }: Command): string {
  const name = words.split(' ').at(-1) ?? words;
  if (names === undefined) return name;
  const word = names.many ? 'names..' : 'name';
  return `${name} ${names.required ? `<${word}>` : `[${word}]`}`;
}

function grouped(
  builder: Argv, group: CommandGroup, run: (command: Command) => (argv: Readonly<Record<string, unknown>>) => Promise<void>,
): Argv {
  let parser = builder;
  for (const command of group.commands) {
    parser = parser.command(usageOf(command), command.summary, (own) => described(own, command), run(command));
    for (const [example, what] of command.examples) parser = parser.example(example, what);
  }
  return parser.epilogue(epilogue);
}

function described(builder: Argv, command: Command): Argv {
  for (const name of command.options) builder.options(describedOption(name, command.meanings?.[name]));
  if (command.names !== undefined) {
    builder.positional(command.names.many ? 'names' : 'name', { type: 'string', description: command.names.description });
  }
  for (const [example, what] of command.examples) builder.example(example, what);
  return builder.epilogue(epilogue);
}

function describedOption(name: OptionName, meaning?: string): Record<string, OptionDescription> {
  const option: Option = options[name];
  const choices = option.type.choices === undefined ? '' : ` (${option.type.choices.join(', ')})`;
  const group = `${option.group}:`;
  const description = (meaning ?? option.description) + choices;
  if (option.type.name === 'switch') {
    // What is on by default is shown by how one turns it off; yargs knows the other form as well.
    return option.default === 'on'
      ? { [`no-${name}`]: { type: 'boolean', group, description: option.negation ?? description }, [name]: { nargs: 1, hidden: true } }
      : { [name]: { type: 'boolean', group, description } };
  }
  // Only shown. A default that yargs filled in would hide the environment.
  const shownDefault = option.default ?? option.fallback;
  return { [name]: { nargs: 1, group, description, ...(shownDefault === undefined ? {} : { defaultDescription: shownDefault }) } };
}

/** @throws UsageError for an option that does not exist, or that the command does not take. */
function given(command: Command, argv: Readonly<Record<string, unknown>>): { names: string[]; flags: Flags } {
  const flags: Record<string, string | readonly string[]> = {};
  const names = command.names === undefined ? [] : wordsOf(argv[command.names.many ? 'names' : 'name']);
  for (const [name, value] of Object.entries(argv)) {
    if (['$0', '_', 'help', 'h', 'version', 'name', 'names'].includes(name)) continue;
    const negated = name.startsWith('no-') && isSwitch(name.slice(3));
    const option = negated ? name.slice(3) : name;
    if (!isOptionName(option)) refuseUnknownOption(name, command);
    if (!command.options.includes(option)) throw new UsageError(`${command.name} takes no --${name}: see listener ${command.name} --help`);
    if (negated && value !== true) throw new UsageError(`--${name} takes no value: leave it out, or write --${option} on`);
    flags[option] = negated ? 'off' : Array.isArray(value) ? value.map(textOf) : textOf(value);
  }
  const words = wordsOf(argv._);
  const own = command.name.split(' ');
  const surplus = words.slice(own.every((word, place) => words[place] === word) ? own.length : 0);
  if (surplus[0] !== undefined) {
    const named = command.options.includes('views') ? `views are named by --views ${surplus[0]}` : 'it is about all there is';
    const remedy = command.names === undefined ? named : 'one name is enough';
    throw new UsageError(`${command.name} takes no ${surplus[0]}: ${remedy}`);
  }
  return { names, flags };
}

/** yargs takes `--once=yes`, and whatever else it does not know, for false. */
function spelledOut(argument: string): string {
  const [, name, value] = /^--([a-z-]+)=(.*)$/s.exec(argument) ?? [];
  if (name === undefined || value === undefined || !isOptionName(name) || !isSwitch(name)) return argument;
  return isSet(name, { [name]: value }) ? `--${name}` : `--no-${name}`;
}

function isSwitch(name: string): boolean {
  return isOptionName(name) && options[name].type.name === 'switch';
}

function wordsOf(value: unknown): string[] {
  if (value === undefined) return [];
  return Array.isArray(value) ? value.map(String) : [z.string().parse(value)];
}

function argumentProblem(message: string): string {
  const lacking = /^Not enough arguments following: (.+)$/.exec(message)?.[1];
  if (lacking !== undefined) return `--${lacking} needs a value; listener --help describes it`;
  if (message.startsWith('Not enough non-option arguments')) return 'the name of a view is missing: see listener --help';
  return `${message}; see listener --help`;
}

/** yargs makes truth values of the words true and false, whatever they are meant for. */
function textOf(value: unknown): string {
  return typeof value === 'boolean' ? String(value) : z.string().parse(value);
}

/** The first word is a command, and after a group the second. yargs would take an unknown one for a word of the default command. */
function refuseUnknownCommand([word, second]: readonly string[]): void {
  if (word === undefined || word.startsWith('-')) return;
  const group = groupNamed(word);
  if (group !== undefined) {
    const known = lastWords(group);
    if (second === undefined || second.startsWith('-') || known.includes(second)) return;
    const [nearest] = nearestNames(second, known, 1);
    throw new UsageError(`there is no command ${word} ${second}: ${nearest === undefined ? `there are ${known.join(', ')}` : `did you mean ${word} ${nearest}?`}`);
  }
  if (commandNames.includes(word)) return;
  const [nearest] = nearestNames(word, commandNames, 1);
  const remedy = nearest === undefined ? `views are named by --views ${word}` : `did you mean ${nearest}?`;
  throw new UsageError(`there is no command ${word}: ${remedy}`);
}

function refuseNoCommand(group: CommandGroup): never {
  throw new UsageError(`${group.name} does nothing by itself: write listener ${group.name} ${lastWords(group).join(', ')}`);
}

function groupNamed(word: string | undefined): CommandGroup | undefined {
  return commands.filter(isGroup).find(({ name }) => name === word);
}

function lastWords(group: CommandGroup): string[] {
  return group.commands.map(({ name }) => name.split(' ').at(-1) ?? name);
}

function refuseUnknownOption(name: string, command: Command): never {
  const [nearest] = nearestNames(name, [...command.options, 'help', 'version'], 1) ;
  const [elsewhere] = nearest === undefined ? nearestNames(name, optionNames, 1) : [];
  const remedy = nearest ?? elsewhere;
  throw new UsageError(
    `there is no option ${name.length === 1 ? '-' : '--'}${name}: ${remedy === undefined ? 'see listener --help' : `did you mean --${remedy}?`}`,
  );
}

// `listener --help | head -1` closes the pipe early, which is no failure.
process.stdout.on('error', (error: NodeJS.ErrnoException) => {
  if (error.code !== 'EPIPE') throw error;
});

try {
  // Not left to an empty event loop: a connection that hangs must not keep a finished worker alive.
  process.exit(await main(hideBin(process.argv)));
} catch (error) {
  const message = error instanceof Error ? error.message : String(error);
  // Whatever was given in the wrong place is quoted back: not its password, nor what would steer the terminal.
  process.stderr.write(`listener: ${printable(redactUrls(message.replace(/\s+/g, ' ')))}\n`);
  process.exit(error instanceof UsageError ? 2 : 1);
}
