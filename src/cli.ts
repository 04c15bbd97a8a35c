#!/usr/bin/env node
import { hideBin } from 'yargs/helpers';
import type { Options as OptionDescription } from 'yargs';
import yargs from 'yargs';
import { z } from 'zod';
import { run } from './commands/run.js';
import type { Flags } from './config/config.js';
import { resolveConfig } from './config/config.js';
import { nearestNames } from './config/nearest-names.js';
import type { Option } from './config/options.js';
import { isOptionName, optionNames, options } from './config/options.js';
import { packageVersion } from './config/package-version.js';
import { UsageError } from './config/usage-error.js';

const commandNames = ['run'];

/** Arguments -> config -> command -> exit status: 0 done, 1 failed, 2 wrong usage or configuration. */
async function main(args: readonly string[]): Promise<number> {
  let status = 0;
  await yargs([...args])
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
    .usage(
      'listener [run] --views mv_dashboard\n\n' +
        'Keeps PostgreSQL materialized views fresh: refreshes them when what they read has changed.',
    )
    .command(
      ['run', '$0'],
      false,
      (command) =>
        command
          .options(describedOptions())
          .example('listener --views mv_dashboard', 'with DATABASE_URL set')
          .example("listener --views mv_sales,'analytics.*'", 'several, and all of a schema')
          .example('listener --views mv_sales --max-wait 10s', 'wait 10s at most, however busy the tables')
          .epilogue(
            'Every option can be set by a variable: --max-wait by LISTENER_MAX_WAIT. ' +
              'Durations read 250ms, 5s, 10m, 1h, 3 days.\n' +
              'Exit status: 0 done, 1 failed, 2 wrong usage or configuration.',
          ),
      async (argv) => {
        status = await run(resolveConfig(flagsOf(argv), process.env));
      },
    )
    .version(packageVersion)
    .exitProcess(false)
    .help()
    .alias('help', 'h')
    .fail((message, error: Error | undefined) => {
      // An error of our own passes; yargs's own are about arguments.
      throw error === undefined || error.name === 'YError' ? new UsageError(argumentProblem(message)) : error;
    })
    .parseAsync();
  return status;
}

function describedOptions(): Record<string, OptionDescription> {
  return Object.fromEntries(
    optionNames.map((name) => {
      const option: Option = options[name];
      const choices = option.type.choices === undefined ? '' : ` (${option.type.choices.join(', ')})`;
      const shownDefault = option.default ?? option.fallback;
      return [
        name,
        {
          nargs: 1,
          group: `${option.group}:`,
          description: option.description + choices,
          // Only shown. A default that yargs filled in would hide the environment.
          ...(shownDefault === undefined ? {} : { defaultDescription: shownDefault }),
        },
      ];
    }),
  );
}

/** @throws UsageError for an option or a command that does not exist. */
function flagsOf(argv: Readonly<Record<string, unknown>>): Flags {
  const flags: Record<string, string | readonly string[]> = {};
  for (const [name, value] of Object.entries(argv)) {
    if (name === '$0' || name === 'help' || name === 'h' || name === 'version') continue;
    if (name === '_') refuseUnknownCommand(value);
    else if (!isOptionName(name)) refuseUnknownOption(name);
    else flags[name] = Array.isArray(value) ? value.map(textOf) : textOf(value);
  }
  return flags;
}

function argumentProblem(message: string): string {
  const lacking = /^Not enough arguments following: (.+)$/.exec(message)?.[1];
  return lacking === undefined ? `${message}; see listener --help` : `--${lacking} needs a value; listener --help describes it`;
}

/** yargs makes truth values of the words true and false, whatever they are meant for. */
function textOf(value: unknown): string {
  return typeof value === 'boolean' ? String(value) : z.string().parse(value);
}

function refuseUnknownCommand(words: unknown): void {
  const [word, surplus] = Array.isArray(words) ? words.map(String) : [];
  if (word === undefined) return;
  if (commandNames.includes(word)) {
    if (surplus !== undefined) throw new UsageError(`${word} takes no ${surplus}: views are named by --views ${surplus}`);
    return;
  }
  const [nearest] = nearestNames(word, commandNames, 1);
  const remedy = nearest === undefined ? `views are named by --views ${word}` : `did you mean ${nearest}?`;
  throw new UsageError(`there is no command ${word}: ${remedy}`);
}

function refuseUnknownOption(name: string): never {
  const [nearest] = nearestNames(name, [...optionNames, 'help', 'version'], 1);
  const remedy = nearest === undefined ? 'see listener --help' : `did you mean --${nearest}?`;
  throw new UsageError(`there is no option ${name.length === 1 ? '-' : '--'}${name}: ${remedy}`);
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
  process.stderr.write(`listener: ${message.replace(/\s+/g, ' ')}\n`);
  process.exit(error instanceof UsageError ? 2 : 1);
}
