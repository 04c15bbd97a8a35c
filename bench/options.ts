import { parseArgs } from 'node:util';

export interface BenchOptions {
  /** Names of the measures to run, in the order of `measures`. */
  readonly only: readonly string[];
  /** Short rounds and few: to see that everything runs. Its figures are not kept. */
  readonly quick: boolean;
  /** For how long writers run beside a transaction that keeps vacuum from cleaning up; undefined: not at all. */
  readonly minutes: number | undefined;
}

const usage = 'npm run bench [-- --only NAME,... --quick --minutes 10]';

/**
 * Reads the command line. Pure.
 *
 * @param measures names of all measures
 * @param long those that run only when named, or when `--minutes` is given
 * @throws Error in one line, with what can be written instead
 */
export function parseBenchOptions(args: readonly string[], measures: readonly string[], long: readonly string[]): BenchOptions {
  const values = parsed(args);
  const named = (values.only ?? []).flatMap((names) => names.split(',')).map((name) => name.trim()).filter((name) => name !== '');
  const unknown = named.find((name) => !measures.includes(name));
  if (unknown !== undefined) throw new Error(`There is no measure "${unknown}": --only takes ${measures.join(', ')}`);

  const minutes = values.minutes === undefined ? undefined : Number(values.minutes);
  if (minutes !== undefined && !(minutes > 0 && minutes <= 120)) throw new Error(`--minutes ${values.minutes ?? ''} is not a number of minutes up to 120: ${usage}`);
  const isWanted = (name: string): boolean => (named.length > 0 ? named.includes(name) : !long.includes(name) || minutes !== undefined);
  return { only: measures.filter(isWanted), quick: values.quick ?? false, minutes };
}

function parsed(args: readonly string[]): { only?: string[] | undefined; quick?: boolean | undefined; minutes?: string | undefined } {
  try {
    return parseArgs({
      args: [...args],
      options: { only: { type: 'string', multiple: true }, quick: { type: 'boolean' }, minutes: { type: 'string' } },
    }).values;
  } catch (error) {
    throw new Error(`${error instanceof Error ? error.message : String(error)}: ${usage}`, { cause: error });
  }
}
