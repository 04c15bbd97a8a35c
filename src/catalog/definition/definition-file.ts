import { UsageError } from '../../config/usage-error.js';
import { nodeOf } from './parse-tree.js';

/** One SELECT, as somebody wrote it into a file. */
export interface DefinitionFile {
  /** As it was named, for messages. */
  readonly path: string;
  /** The whole text. */
  readonly text: string;
  /** The SELECT in it, without its semicolon: ready to follow `CREATE VIEW ... AS`. */
  readonly select: string;
  /** Where the SELECT begins in the text, in characters. */
  readonly offset: number;
}

/**
 * Finds the one SELECT that a file must hold. Needs no server: what the names in it mean is found out there.
 *
 * @throws UsageError: a syntax error with its line, several statements, another statement
 */
export async function readDefinitionFile(path: string, content: string): Promise<DefinitionFile> {
  // Editors of one platform put it there; to PostgreSQL it is no space.
  const text = content.replace(/^\uFEFF/, '');
  const { parse, hasSqlDetails } = await import('libpg-query');
  let statements: readonly { readonly stmt?: unknown; readonly stmt_location?: number; readonly stmt_len?: number }[];
  try {
    // Of nothing at all the parser says that it was called wrongly.
    statements = text.trim() === '' ? [] : ((await parse(text)).stmts ?? []);
  } catch (error) {
    if (!hasSqlDetails(error)) throw error;
    throw new UsageError(`${path}, line ${lineAt(text, error.sqlDetails?.cursorPosition ?? 0)}: ${error.message}${psqlRemedy(text)}`);
  }
  const [statement, second] = statements;
  if (statement === undefined) throw new UsageError(`${path} holds no statement: write one SELECT ... FROM ... GROUP BY ... into it`);
  const bytes = Buffer.from(text);
  const startOf = (one: typeof statement): number => charactersIn(bytes, one.stmt_location ?? 0);
  if (second !== undefined) {
    throw new UsageError(`${path} holds ${statements.length} statements, the second at line ${lineAt(text, firstWord(text, startOf(second)))}: leave the one SELECT that the summary is to show`);
  }
  const node = nodeOf(statement.stmt);
  if (node?.kind !== 'SelectStmt') {
    throw new UsageError(`${path} holds another statement than a SELECT${kindOf(node?.kind)}: write the SELECT alone, without CREATE ... AS before it`);
  }
  if (node.fields.intoClause !== undefined) throw new UsageError(`${path} holds SELECT ... INTO: leave INTO out, the summary is the table`);
  const start = statement.stmt_location ?? 0;
  const end = statement.stmt_len === undefined || statement.stmt_len === 0 ? bytes.length : start + statement.stmt_len;
  return { path, text, select: bytes.toString('utf8', start, end), offset: startOf(statement) };
}

/** The line of a character, from 1. Pure. */
export function lineAt(text: string, place: number): number {
  return text.slice(0, place).split('\n').length;
}

/** Between two statements stand spaces and comments that belong to neither. */
function firstWord(text: string, from: number): number {
  const space = /^(?:\s|--[^\n]*(?:\n|$)|\/\*[^]*?\*\/)*/.exec(text.slice(from));
  return from + (space?.[0].length ?? 0);
}

function charactersIn(bytes: Buffer, length: number): number {
  return bytes.toString('utf8', 0, length).length;
}

/** `CreateStmt` is ' (CREATE)'. */
function kindOf(kind: string | undefined): string {
  const [, word] = /^([A-Z][a-z]+)/.exec(kind ?? '') ?? [];
  return word === undefined ? '' : ` (${word.toUpperCase()})`;
}

function psqlRemedy(text: string): string {
  return /^\s*\\/m.test(text) ? ' (commands of psql, which begin with a backslash, mean nothing here)' : '';
}
