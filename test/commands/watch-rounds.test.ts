import { describe, expect, it } from 'vitest';
import { watchRounds, type Rounds } from '../../src/commands/watch-rounds.js';

/** Rounds that answer or fail as listed, and end when the list does. Returns what was written, and the exit status. */
async function play(answers: readonly (string | Error)[], differing: Partial<Rounds<string>> & { readonly isTTY?: boolean } = {}): Promise<{ status: number; written: string[] }> {
  const ending = new AbortController();
  const written: string[] = [];
  const left = [...answers];
  const status = await watchRounds<string>({
    read: () => {
      const answer = left.shift();
      if (answer === undefined) ending.abort();
      return answer instanceof Error ? Promise.reject(answer) : Promise.resolve(answer ?? '');
    },
    show: (answer) => ({ table: [answer], notes: [] }),
    json: undefined, trouble: (error) => (error as Error).message, title: 'app',
    output: { isTTY: differing.isTTY ?? false, columns: 60, rows: 20, write: (text) => written.push(text) },
    signal: ending.signal, everyMs: 1, ...differing,
  });
  return { status, written };
}

const time = /\d\d:\d\d:\d\d/g;

describe('watching', () => {
  it('prints a block a round where there is no terminal, and goes on when the database is lost', async () => {
    const { status, written } = await play(['one', new Error('it is gone'), 'two']);
    expect(status).toBe(0);
    expect(written.map((text) => text.replace(time, 'T'))).toEqual([
      'app, T\none\n\n', 'app, T: no answer (it is gone); trying again every 0.001s.\n', 'app, T\ntwo\n\n',
    ]);
  });

  it('prints a line of JSON a round, of an error too', async () => {
    const { written } = await play(['one', new Error('it is gone'), 'two'], { json: (answer) => ({ answer }) });
    expect(written.map((text) => JSON.parse(text) as unknown)).toEqual([
      { answer: 'one' }, { at: expect.stringMatching(/Z$/) as string, error: 'it is gone' }, { answer: 'two' },
    ]);
    for (const line of written) expect(line).toMatch(/^[^\n]+\n$/);
  });

  it('keeps what it knew last on the screen of a terminal, and says of when that is', async () => {
    const { written } = await play(['one', new Error('it is gone')], { isTTY: true });
    expect(written[0]).toBe('\u001b[?1049h\u001b[?25l');
    expect(written[2]).toMatch(/no answer \(it is gone\).*one.*As of \d\d:\d\d:\d\d\./s);
    expect(written.at(-1)?.startsWith('\u001b[?25h\u001b[?1049l')).toBe(true);
  });

  it('fails when the first answer does not come: then it was called wrongly', async () => {
    await expect(play([new Error('nothing is installed')])).rejects.toThrow('nothing is installed');
  });

  it('ends at once while an answer is still awaited', async () => {
    const ending = new AbortController();
    const reading = new Promise<string>(() => undefined);
    const watching = play([], { read: () => { ending.abort(); return reading; }, signal: ending.signal });
    expect(await watching).toEqual({ status: 0, written: [] });
  });
});
