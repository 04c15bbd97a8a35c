/** When the demo ends. It is asked politely once; whoever asks again does not wait for the summary. */
export interface Ending {
  /** The time is over, or Ctrl-C or SIGTERM came: the traffic stops, and the summary follows. */
  readonly enough: AbortSignal;
  /** It came a second time, or nobody is left to read a summary: the terminal, the reader or our parent is gone. */
  readonly atOnce: AbortSignal;
  /** The result of `work`, unless everything has to end at once. @throws Interrupted */
  unlessAtOnce<T>(work: Promise<T>): Promise<T>;
  /** From now on, so many ms until `enough`. */
  endIn(ms: number): void;
}

export class Interrupted extends Error {
  override readonly name = 'Interrupted';
}

/** A Ctrl-C reaches every process of the terminal's group, and npm passes it on besides: twice in a moment is once. */
const echoMs = 300;
const parentLookMs = 500;

export function watchForEnding(): Ending {
  const enough = new AbortController();
  const atOnce = new AbortController();
  const endAtOnce = (): void => {
    enough.abort();
    atOnce.abort(new Interrupted('The demo was interrupted'));
  };
  let askedAt = -Infinity;
  const ask = (): void => {
    const now = performance.now();
    if (now - askedAt < echoMs) return;
    askedAt = now;
    if (atOnce.signal.aborted) process.exit(130); // a third time; the guards of server and worker clean up
    if (enough.signal.aborted) endAtOnce();
    enough.abort();
  };

  process.on('SIGINT', ask);
  process.on('SIGTERM', ask);
  process.on('SIGHUP', endAtOnce);
  for (const stream of [process.stdout, process.stderr]) stream.on('error', endAtOnce); // EPIPE, or EIO of a terminal that was closed
  // A kill -9 of npm, say, reaches nobody else.
  const parent = process.ppid;
  setInterval(() => {
    if (process.ppid !== parent) endAtOnce();
  }, parentLookMs).unref();

  return {
    enough: enough.signal,
    atOnce: atOnce.signal,
    endIn: (ms) => void setTimeout(() => enough.abort(), ms).unref(),
    unlessAtOnce: (work) =>
      new Promise((resolve, reject) => {
        const interrupt = (): void => reject(atOnce.signal.reason as Error);
        if (atOnce.signal.aborted) interrupt();
        atOnce.signal.addEventListener('abort', interrupt, { once: true });
        work.then(resolve, reject);
      }),
  };
}
