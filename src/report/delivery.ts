import { request as httpRequest } from 'node:http';
import { request as httpsRequest } from 'node:https';
import { formatDuration } from '../config/duration.js';

/** A webhook did not take what was posted. The message says why, and names neither the URL nor anything of it. */
export class DeliveryError extends Error {
  override readonly name = 'DeliveryError';
  /** Whether the same would be refused again. */
  readonly isFinal: boolean;

  constructor(message: string, isFinal = false) {
    super(message);
    this.isFinal = isFinal;
  }
}

/** Refused now, and perhaps taken later. */
const passing = [408, 425, 429];

/** Posts JSON to one URL, each time on a connection of its own, which is closed when it returns; follows no redirect. */
export class Delivery {
  readonly host: string;
  readonly #url: URL;
  readonly #attemptMs: number;
  readonly #signal: AbortSignal;

  /**
   * @param url http or https; a name and a password in it are sent as Basic authorization
   * @param attemptMs limit on one attempt, from the look-up of the name to the answer
   * @param signal ends an attempt
   */
  constructor(url: string, attemptMs: number, signal: AbortSignal) {
    this.#url = new URL(url);
    this.host = this.#url.hostname;
    this.#attemptMs = attemptMs;
    this.#signal = signal;
  }

  /** Resolves when it was taken. @throws DeliveryError */
  async post(body: object): Promise<void> {
    const attempt = new AbortController();
    const abort = (): void => attempt.abort();
    const limit = setTimeout(abort, this.#attemptMs);
    this.#signal.addEventListener('abort', abort, { once: true });
    if (this.#signal.aborted) abort();
    let status: number;
    try {
      status = await this.#answer(JSON.stringify(body), attempt.signal);
    } catch (error) {
      throw new DeliveryError(attempt.signal.aborted ? `it did not answer within ${formatDuration(this.#attemptMs)}` : failureOf(error));
    } finally {
      clearTimeout(limit);
      this.#signal.removeEventListener('abort', abort);
    }
    if (status < 200 || status > 299) throw new DeliveryError(`it answered ${status}`, status < 500 && !passing.includes(status));
  }

  /** Not by fetch: an attempt that is given up makes it open another connection, which outlives a stop. */
  #answer(body: string, signal: AbortSignal): Promise<number> {
    const request = this.#url.protocol === 'https:' ? httpsRequest : httpRequest;
    return new Promise((resolve, reject) => {
      const posted = request(this.#url, { method: 'POST', agent: false, headers: { 'content-type': 'application/json' }, signal }, (response) => {
        resolve(response.statusCode ?? 0);
        // What it says besides is of no use, and may never end.
        response.on('error', () => undefined).destroy();
      });
      posted.on('error', reject);
      posted.end(body);
    });
  }
}

/** A code alone: the message of an error may hold the URL. */
function failureOf(error: unknown): string {
  const code: unknown = error instanceof Error ? Reflect.get(error, 'code') : undefined;
  return typeof code === 'string' ? `it cannot be reached (${code})` : 'it cannot be reached';
}
