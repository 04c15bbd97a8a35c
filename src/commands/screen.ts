import { cutToWidth } from '../report/printable.js';

/** The parts of a terminal that matter here. */
export interface Output {
  readonly isTTY?: boolean;
  readonly columns?: number;
  readonly rows?: number;
  write(text: string): unknown;
}

const enter = '\u001b[?1049h\u001b[?25l';
const leave = '\u001b[?25h\u001b[?1049l';
const home = '\u001b[H';
const eraseLine = '\u001b[K';
const eraseBelow = '\u001b[J';

/**
 * A terminal's second screen, as `less` and `top` use it: what was on the first one, and its scrollback, are there again
 * after it. The last picture is then written to the first screen, to be kept.
 */
export class Screen {
  readonly #output: Output;
  #last: readonly string[] = [];

  constructor(output: Output) {
    this.#output = output;
    output.write(enter);
  }

  /** Draws over what is there, so that nothing flickers. Of a table that is too long the last rows go; notes stay. */
  show(heading: string, table: readonly string[], notes: readonly string[]): void {
    this.#last = picture(heading, table, notes, Infinity, Infinity);
    const { columns = 80, rows = 24 } = this.#output;
    const lines = picture(heading, table, notes, columns, rows);
    this.#output.write(`${home}${lines.map((line) => `${line}${eraseLine}`).join('\n')}${eraseBelow}`);
  }

  close(): void {
    this.#output.write(`${leave}${this.#last.map((line) => `${line}\n`).join('')}`);
  }
}

/** The lines of a picture that fits. Pure. */
export function picture(heading: string, table: readonly string[], notes: readonly string[], columns: number, rows: number): string[] {
  const whole = (shown: readonly string[], left: readonly string[]): string[] => [heading, '', ...shown, ...(left.length > 0 ? ['', ...left] : [])];
  const surplus = whole(table, notes).length - rows;
  if (surplus <= 0) return whole(table, notes).map((line) => cutToWidth(line, columns));
  // Where the notes alone are too many, the first of them sums up.
  const keptNotes = notes.slice(0, Math.max(1, Math.floor(rows / 3)));
  const room = Math.max(1, rows - whole([], keptNotes).length - 1);
  const cut = [...table.slice(0, room), `... ${table.length - room} more lines: a larger terminal shows them`];
  return whole(table.length > room ? cut : table, keptNotes).slice(0, rows).map((line) => cutToWidth(line, columns));
}
