import type { BackfillBegun, BackfillDone } from '../freshen/summary/backfill.js';
import { backfillBegun, backfillProgress } from '../report/backfill.js';
import { say } from './opened.js';
import { progressBar, type ProgressBar } from './progress-bar.js';

/** Where there is no terminal, a line so often at most. */
const lineEveryMs = 5_000;

/** What one sees of a backfill: a bar on a terminal, lines elsewhere, an object a line with --json. */
export class BackfillScreen {
  readonly #name: string;
  readonly #json: boolean;
  #bar: ProgressBar | undefined;
  #begun: BackfillBegun | undefined;
  #startedMs = 0;
  #saidMs = 0;

  constructor(name: string, json: boolean) {
    this.#name = name;
    this.#json = json;
  }

  begin(begun: BackfillBegun): void {
    this.#begun = begun;
    this.#startedMs = this.#saidMs = performance.now();
    if (this.#json) {
      const { first, last, next, total, done, resumedMs } = begun;
      say(JSON.stringify({ summary: this.#name, state: resumedMs === undefined ? 'begun' : 'resumed', from: first, to: last, next, total, buckets: done.buckets })); return;
    }
    say(backfillBegun(this.#name, begun));
    this.#bar = progressBar('{percentage}% | {value} of {total} buckets | {corrected} rows corrected | {eta_formatted} left');
    this.#bar?.update(begun.done.buckets, begun.total, { corrected: correctedOf(begun.done) });
  }

  progress(done: BackfillDone): void {
    const begun = this.#begun;
    if (begun === undefined) return;
    const { buckets, inserted, updated, deleted, late, finished } = done;
    if (this.#json) {
      say(JSON.stringify({ summary: this.#name, state: finished ? 'done' : 'running', total: Math.max(begun.total, buckets), buckets, inserted, updated, deleted, late, next: done.next })); return;
    }
    const now = performance.now();
    if (this.#bar !== undefined) {
      this.#bar.update(buckets, Math.max(begun.total, buckets), { corrected: correctedOf(done) });
    } else if (!finished && now - this.#saidMs >= lineEveryMs) {
      this.#saidMs = now;
      const fresh = buckets - begun.done.buckets;
      say(backfillProgress(done, begun.total, fresh === 0 ? undefined : (Math.max(0, begun.total - buckets) * (now - this.#startedMs)) / fresh));
    }
  }

  /** A remark on the way. */
  note(text: string): void {
    if (!this.#json && this.#bar === undefined) say(text);
  }

  /** Leaves the terminal as it was. Harmless twice. */
  end(): void {
    this.#bar?.stop();
    this.#bar = undefined;
  }
}

function correctedOf({ inserted, updated, deleted }: Pick<BackfillDone, 'inserted' | 'updated' | 'deleted'>): string {
  return (inserted + updated + deleted).toLocaleString('en-US');
}
