import type { BenchServer } from './server.js';

/** What a measure is given. */
export interface Bench {
  readonly server: BenchServer;
  readonly quick: boolean;
  /** See `BenchOptions`. */
  readonly minutes: number | undefined;
  /** A line of progress. */
  readonly say: (line: string) => void;
}

/** What was promised, and whether it was kept. */
export interface Target {
  readonly text: string;
  readonly met: boolean;
}

export interface Findings {
  /** Markdown. */
  readonly body: string;
  readonly targets: readonly Target[];
}

export interface Measure {
  readonly name: string;
  readonly title: string;
  /** Takes long: runs only when asked for. */
  readonly long?: boolean;
  run(bench: Bench): Promise<Findings>;
}
