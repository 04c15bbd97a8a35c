/** A token of libpg-query's scanner: where it stands, in bytes, and what stands there. */
export interface Token {
  readonly start: number;
  readonly end: number;
  readonly text: string;
}

/**
 * The text of a definition, to be cut at its tokens. Positions are those of libpg-query: bytes of UTF-8, not characters.
 * Tokens are known by their number.
 */
export class DefinitionText {
  readonly #bytes: Buffer;
  readonly #tokens: readonly Token[];

  constructor(sql: string, tokens: readonly Token[]) {
    this.#bytes = Buffer.from(sql);
    this.#tokens = tokens;
  }

  /** The number of the token that begins at a position of the parse tree. */
  tokenAt(position: number): number {
    const found = this.#tokens.findIndex((token) => token.start === position);
    if (found < 0) throw new Error(`No token of the definition begins at byte ${position}.`);
    return found;
  }

  /** The number of the last token but for a semicolon. */
  get last(): number {
    return this.#tokens.length - (this.is(this.#tokens.length - 1, ';') ? 2 : 1);
  }

  /** Whether a token is this word or sign, in capital letters. A quoted name never is: its quotes belong to it. */
  is(token: number, word: string): boolean {
    return this.#tokens[token]?.text.toUpperCase() === word;
  }

  /** From the first token to the last one, both with it, as the text has them. Empty when the last is before the first. */
  between(first: number, last: number): string {
    const [from, to] = [this.#tokens[first], this.#tokens[last]];
    return from === undefined || to === undefined || last < first ? '' : this.#bytes.toString('utf8', from.start, to.end);
  }

  /** The bracket that closes the one at `open`. */
  closing(open: number): number {
    let depth = 0;
    for (let token = open; token < this.#tokens.length; token += 1) {
      if (this.is(token, '(')) depth += 1;
      else if (this.is(token, ')')) depth -= 1;
      if (depth === 0) return token;
    }
    throw new Error('The brackets of the definition do not match.');
  }
}
