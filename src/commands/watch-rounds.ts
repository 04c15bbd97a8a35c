import { setTimeout as sleep } from 'node:timers/promises';
import { blockText, type FreshnessBlock } from '../report/freshness-table.js';
import { Screen, type Output } from './screen.js';

const roundMs = 2_000;

export interface Rounds<Answer> {
  readonly read: () => Promise<Answer>;
  readonly show: (answer: Answer, width: number) => FreshnessBlock;
  /** Given: a line of JSON a round, in place of a block. */
  readonly json: ((answer: Answer) => object) | undefined;
  /** What an error means, in one clause. */
  readonly trouble: (error: unknown) => string;
  /** Stands above each block, beside the time. */
  readonly title: string;
  /** Default: standard output. */
  readonly output?: Output;
  /** Ends it; default: SIGINT or SIGTERM. */
  readonly signal?: AbortSignal;
  /** Default: two seconds. */
  readonly everyMs?: number;
}

/**
 * Shows an answer again and again: in place on a terminal, one block after the other elsewhere. The first one must come,
 * or else the call was wrong; after that a lost database is told of, and waited for.
 *
 * @returns exit status 0, when a signal ends it
 * @throws what the first `read` throws
 */
export async function watchRounds<Answer>(rounds: Rounds<Answer>): Promise<number> {
  const ending = new AbortController();
  const end = (): void => ending.abort();
  rounds.signal?.addEventListener('abort', end, { once: true });
  if (rounds.signal === undefined) for (const name of ['SIGINT', 'SIGTERM'] as const) process.on(name, end);
  // `listener status --watch | head` reads no further.
  if (rounds.output === undefined) process.stdout.on('error', end);
  try {
    const first = await untilEnded(rounds.read(), ending.signal);
    if (first !== ended) await goOn(rounds, first, ending.signal);
    return 0;
  } finally {
    for (const name of ['SIGINT', 'SIGTERM'] as const) process.off(name, end);
    process.stdout.off('error', end);
  }
}

const ended = Symbol('ended');

async function goOn<Answer>(rounds: Rounds<Answer>, first: Answer, signal: AbortSignal): Promise<void> {
  const { output = process.stdout, everyMs = roundMs, json, title, trouble, show, read } = rounds;
  const screen = json === undefined && output.isTTY === true ? new Screen(output) : undefined;
  const tell = (line: string): void => void output.write(`${line}\n`);
  let last: Answer = first;
  let lastAt = clock();

  function showRound(problem: string | undefined): void {
    const now = new Date();
    if (json !== undefined) {
      tell(JSON.stringify(problem === undefined ? json(last) : { at: now.toISOString(), error: problem }));
      return;
    }
    const width = output.columns ?? Infinity;
    const heading = problem === undefined ? `${title}, ${lastAt}` : `${title}, ${clock()}: no answer (${problem}); trying again every ${everyMs / 1000}s.`;
    if (screen === undefined) {
      tell(problem === undefined ? `${heading}\n${blockText(show(last, width))}\n` : heading);
      return;
    }
    // What was known last stays in sight, under its time.
    const { table, notes } = show(last, width);
    screen.show(heading, table, problem === undefined ? notes : [`As of ${lastAt}.`, ...notes]);
  }

  try {
    showRound(undefined);
    while (await pause(everyMs, signal)) {
      try {
        const answer = await untilEnded(read(), signal);
        if (answer === ended) return;
        last = answer;
        lastAt = clock();
        showRound(undefined);
      } catch (error) {
        showRound(trouble(error));
      }
    }
  } finally {
    screen?.close();
  }
}

/** A Ctrl-C does not wait for a server that no longer answers. */
async function untilEnded<T>(work: Promise<T>, signal: AbortSignal): Promise<T | typeof ended> {
  const aborted = new Promise<typeof ended>((resolve) => {
    if (signal.aborted) resolve(ended);
    else signal.addEventListener('abort', () => resolve(ended), { once: true });
  });
  const first = await Promise.race([work, aborted]);
  return signal.aborted ? ended : first;
}

/** @returns false when it was ended meanwhile */
async function pause(ms: number, signal: AbortSignal): Promise<boolean> {
  try {
    await sleep(ms, undefined, { signal });
    return true;
  } catch {
    return false;
  }
}

function clock(): string {
  return new Date().toTimeString().slice(0, 8);
}
