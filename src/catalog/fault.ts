/** Something that keeps a worker from its work, and how to put it right. */
export interface Fault {
  /** One sentence. */
  readonly what: string;
  /** Who has to run the remedy, when it is SQL. */
  readonly by?: 'an administrator' | 'its owner';
  /** SQL to be run as it stands, when `by` says by whom; else a sentence. */
  readonly remedy: string;
  /** Another statement that would do. */
  readonly alternative?: string;
}

/** A fault as one line for an error message. */
export function faultLine({ what, by, remedy, alternative }: Fault): string {
  return [what, by === undefined ? remedy : `Run as ${by}: ${remedy}`, ...(alternative === undefined ? [] : [`or: ${alternative}`])].join(' ');
}
