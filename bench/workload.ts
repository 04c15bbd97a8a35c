/** One transaction, run again and again by so many clients. In a statement, `:customer` is a number that is drawn anew each time. */
export interface Workload {
  readonly statements: readonly string[];
  readonly clients: number;
  readonly seconds: number;
}

/** Something that runs workloads and counts transactions. Each statement is prepared once and then executed. */
export interface Driver {
  /** As RESULTS.md names it. */
  readonly name: string;
  /** @returns transactions a second, without the time that connecting takes */
  run(url: string, workload: Workload): Promise<number>;
}

export const customers = 1_000;
