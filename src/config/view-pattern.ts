import { redactUrl } from './redact-url.js';
import { UsageError } from './usage-error.js';

/** One part of a name: exactly that name, or every name that fits a pattern in which * stands for any characters. */
export type NamePart =
  | { readonly kind: 'exact'; readonly name: string }
  | { readonly kind: 'pattern'; readonly glob: string };

/** What `--views` names: one view, or every view that fits. Without a schema, the caller's search path decides. */
export interface ViewPattern {
  readonly schema: NamePart | undefined;
  readonly name: NamePart;
  /** As it was written, for messages. */
  readonly text: string;
}

/** PostgreSQL cuts longer identifiers off (NAMEDATALEN - 1), when it creates and when it looks up. */
const longestNameBytes = 63;

const quotedPart = /^"((?:[^"]|"")*)"/;
const barePart = /^[A-Za-z_*\u0080-\uffff][\w$*\u0080-\uffff]*/;

/**
 * Reads one name as SQL does: `mv`, `analytics.mv`, `"Odd.Schema"."a ""b"""`; upper case is folded unless quoted.
 * Beyond SQL, an unquoted * stands for any characters: `mv_*`, `analytics.*`, `*`.
 * @throws UsageError
 */
export function parseViewPattern(text: string): ViewPattern {
  const parts: NamePart[] = [];
  let rest = text.trim();
  for (;;) {
    const { part, length } = readPart(rest, text);
    parts.push(part);
    rest = rest.slice(length).trimStart();
    if (rest === '') break;
    if (!rest.startsWith('.')) throw new UsageError(misspelt(text));
    rest = rest.slice(1).trimStart();
  }
  const [first, second, third] = parts;
  if (first === undefined || third !== undefined) {
    throw new UsageError(`${shown(text)} has too many parts: write view or schema.view`);
  }
  return second === undefined
    ? { schema: undefined, name: first, text: text.trim() }
    : { schema: first, name: second, text: text.trim() };
}

/** Whether the pattern covers this view. A pattern without a schema covers the name in every schema: choose them first. */
export function matches(pattern: ViewPattern, schema: string, name: string): boolean {
  return (pattern.schema === undefined || partMatches(pattern.schema, schema)) && partMatches(pattern.name, name);
}

function readPart(rest: string, text: string): { part: NamePart; length: number } {
  const quoted = quotedPart.exec(rest);
  if (quoted) {
    const name = (quoted[1] ?? '').replaceAll('""', '"');
    if (name === '') throw new UsageError(`${shown(text)} holds an empty name: write view or schema.view`);
    return { part: { kind: 'exact', name: cutOff(name) }, length: quoted[0].length };
  }
  if (rest.startsWith('"')) throw new UsageError(`${shown(text)} lacks its closing double quote`);
  const bare = barePart.exec(rest);
  if (!bare) throw new UsageError(misspelt(text));
  const folded = foldCase(bare[0]);
  const part: NamePart = folded.includes('*')
    ? { kind: 'pattern', glob: folded }
    : { kind: 'exact', name: cutOff(folded) };
  return { part, length: bare[0].length };
}

/** PostgreSQL folds A to Z only, and leaves other letters as they are. */
function foldCase(name: string): string {
  return name.replace(/[A-Z]/g, (letter) => letter.toLowerCase());
}

function cutOff(name: string): string {
  if (Buffer.byteLength(name) <= longestNameBytes) return name;
  let kept = '';
  for (const character of name) {
    if (Buffer.byteLength(kept + character) > longestNameBytes) break;
    kept += character;
  }
  return kept;
}

function partMatches(part: NamePart, name: string): boolean {
  return part.kind === 'exact' ? part.name === name : globMatches(part.glob, name);
}

/** Greedy from the left, which is exact for patterns with nothing but *, and linear where a regular expression may not be. */
function globMatches(glob: string, name: string): boolean {
  const [head = '', ...others] = glob.split('*');
  const tail = others.pop();
  if (tail === undefined) return glob === name;
  if (name.length < head.length + tail.length || !name.startsWith(head) || !name.endsWith(tail)) return false;
  let middle = name.slice(head.length, name.length - tail.length);
  for (const piece of others) {
    const at = middle.indexOf(piece);
    if (at < 0) return false;
    middle = middle.slice(at + piece.length);
  }
  return true;
}

function misspelt(text: string): string {
  return `${shown(text)} is not a name: write view, schema.view or a pattern such as 'mv_*', and put odd names in double quotes ('"Odd Name"')`;
}

/** A URL in the place of a name is a common slip. */
function shown(text: string): string {
  return text.trim() === '' ? 'an empty text' : redactUrl(text.trim().replace(/\s+/g, ' '));
}
