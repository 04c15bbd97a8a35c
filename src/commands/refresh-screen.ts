import type { Absorbed, BatchProgress, Skipped } from '../freshen/absorption.js';
import { eventMessage } from '../report/event-message.js';
import { absorbedEvent } from '../worker-report.js';
import { say, tell } from './opened.js';
import { progressBar, type ProgressBar } from './progress-bar.js';

/** What one sees of refreshes: a sentence each, an object a line with --json; of a summary with much to do a bar on a terminal. */
export class RefreshScreen {
  readonly #json: boolean;
  #bar: ProgressBar | undefined;
  #rows = 0;

  constructor(json: boolean) {
    this.#json = json;
  }

  wait(view: string): void {
    if (!this.#json) tell(`Another worker is refreshing ${view}: waiting for it.`);
  }

  /** A batch of a summary. One that leaves nothing needs no bar. */
  batch(view: string, { filling, rows, rowsBehind }: BatchProgress): void {
    this.#rows += rows;
    if (this.#json || (this.#bar === undefined && rowsBehind === 0)) return;
    this.#bar ??= progressBar('{percentage}% | {doing} {view}: {rows} rows, {left} left | {eta_formatted}');
    this.#bar?.update(this.#rows, this.#rows + rowsBehind, {
      doing: filling ? 'filling' : 'catching up', view, rows: this.#rows.toLocaleString('en-US'), left: rowsBehind.toLocaleString('en-US'),
    });
  }

  /** A part of a summary's absorb; the rest follows. */
  part(view: string, outcome: Absorbed): void {
    if (this.#bar === undefined) this.#tell(view, outcome);
  }

  /** What became of a view. */
  done(view: string, outcome: Absorbed | Skipped): void {
    this.end();
    this.#tell(view, outcome);
  }

  /** Leaves the terminal as it was. Harmless twice. */
  end(): void {
    this.#bar?.stop();
    this.#bar = undefined;
    this.#rows = 0;
  }

  #tell(view: string, outcome: Absorbed | Skipped): void {
    if (outcome.outcome === 'absorbed') {
      const done = absorbedEvent('manual', outcome);
      if (this.#json) say(JSON.stringify(done));
      else tell(eventMessage(done));
    } else if (this.#json) {
      say(JSON.stringify({ event: 'refresh.skipped', view, reason: 'manual', because: outcome.outcome }));
    } else {
      tell(skipped[outcome.outcome](view));
    }
  }
}

const skipped: Readonly<Record<Skipped['outcome'], (view: string) => string>> = {
  fresh: (view) => `${view} is fresh: nothing has changed since it was last refreshed (--force refreshes it all the same).`,
  paused: (view) => `${view} is paused: listener resume ${view}, or --force.`,
  locked: (view) => `Another worker is refreshing ${view}.`,
  gone: (view) => `${view} is no longer there.`,
};
