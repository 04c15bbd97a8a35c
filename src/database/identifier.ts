/**
 * Quotes one identifier for use in SQL. The only way names enter a statement's text; values are parameters.
 * Source: PostgreSQL, "Lexical Structure", quoted identifiers.
 */
export function quoteIdentifier(name: string): string {
  return `"${name.replaceAll('"', '""')}"`;
}
