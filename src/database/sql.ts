import { readFileSync } from 'node:fs';

/** The folder that holds the migrations and the queries, beside `src` and `dist` alike. */
export const sqlFolder = new URL('../../sql/', import.meta.url);

/**
 * Reads one query of `sql/queries`, a file each, named for what it answers.
 *
 * @param name the file's name without `.sql`
 * @throws when there is no such file: at import, so a missing file never waits for its first use
 */
export function loadQuery(name: string): string {
  return readFileSync(new URL(`queries/${name}.sql`, sqlFolder), 'utf8');
}

/** Reads one part of the SQL that `listener install --print` and `listener uninstall --print` write: `sql/scripts`. */
export function loadScript(name: string): string {
  return readFileSync(new URL(`scripts/${name}.sql`, sqlFolder), 'utf8');
}
