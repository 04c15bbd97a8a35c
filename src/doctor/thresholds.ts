const minute = 60_000;

/** From where on something is too much. */
export interface Thresholds {
  /** How long a transaction may be open, in ms. */
  readonly transactionMs: number;
  /** How many transactions may have begun since, where the role cannot see for how long, and for replication slots. */
  readonly transactions: number;
  /** How long a prepared transaction may wait for its end, in ms. */
  readonly preparedMs: number;
  /** How full the notification queue may be, 0 to 1: at 1 the commits of writers fail. */
  readonly queueUsage: number;
  /** How large the change log may be, in bytes. */
  readonly logBytes: number;
  /** How many dead rows a table may have, and how many for each live one. */
  readonly deadRows: number;
  readonly deadShare: number;
  /** How many minor releases the server may be behind. */
  readonly minorReleases: number;
  /** How long a change may wait beyond --max-wait and two refreshes until its view shows it, in ms. */
  readonly waitingMs: number;
  /** How often a view without an index may have been read, and how large such a view may be, in bytes. */
  readonly scans: number;
  readonly scannedBytes: number;
  /** How many refreshes in a row may fail before it is a failure and no warning. */
  readonly failures: number;
  /** How long a notification may take, in ms. */
  readonly canaryMs: number;
}

export const defaultThresholds: Thresholds = {
  transactionMs: 5 * minute,
  transactions: 1_000_000,
  preparedMs: 5 * minute,
  queueUsage: 0.1,
  logBytes: 100 * 2 ** 20,
  deadRows: 10_000,
  deadShare: 0.5,
  // A year of them: there are four a year.
  minorReleases: 4,
  waitingMs: 5 * minute,
  scans: 10,
  scannedBytes: 2 ** 20,
  failures: 3,
  canaryMs: 5_000,
};
