/** What a client sends that the server has to work on: simple queries, and executions of prepared ones. */
export interface ClientQuery {
  /** Of a simple query; undefined for an execution. */
  readonly sql: string | undefined;
}

const simpleQuery = 'Q'.charCodeAt(0);
const execute = 'E'.charCodeAt(0);
const headerBytes = 5;

/**
 * Reads what one client sends, chunk by chunk, in whatever pieces it arrives. No TLS, no COPY.
 * Source: PostgreSQL documentation, "Message Formats": a start-up message of its own form, then type, length and content.
 */
export class FrontendMessages {
  #unread = Buffer.alloc(0);
  #started = false;

  /** The queries that this chunk completes. */
  read(chunk: Buffer): ClientQuery[] {
    this.#unread = Buffer.concat([this.#unread, chunk]);
    const queries: ClientQuery[] = [];
    for (;;) {
      const message = this.#next();
      if (message === undefined) return queries;
      if (message[0] === simpleQuery && this.#started) queries.push({ sql: message.toString('utf8', headerBytes, message.length - 1) });
      else if (message[0] === execute && this.#started) queries.push({ sql: undefined });
      this.#started = true;
    }
  }

  #next(): Buffer | undefined {
    const lengthAt = this.#started ? 1 : 0;
    if (this.#unread.length < lengthAt + 4) return undefined;
    const end = lengthAt + this.#unread.readInt32BE(lengthAt);
    if (this.#unread.length < end) return undefined;
    const message = this.#unread.subarray(0, end);
    this.#unread = this.#unread.subarray(end);
    return message;
  }
}
