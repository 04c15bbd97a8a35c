/** `failure`: it will not work, or not by itself. `warning`: it is late, slow or in danger. */
export type Level = 'ok' | 'warning' | 'failure';

/** What a check has to say about one thing. */
export interface Finding {
  readonly level: Level;
  /** Quoted as needed and with its schema. */
  readonly view?: string;
  readonly source?: string;
  /** One sentence, without the full stop. */
  readonly what: string;
  /** Why it matters: sentences. Absent where all is well. */
  readonly why?: string;
  /** SQL, one statement a line, each with its semicolon; or a command; or what to set. Absent where all is well. */
  readonly remedy?: string;
}

/** A finding with the name of its check. */
export interface CheckedFinding extends Finding {
  readonly check: string;
}

export const pass = (what: string): Finding => ({ level: 'ok', what });

/** What was found, or else the sentence for a check that all have passed. */
export function orPass(findings: readonly Finding[], what: string): readonly Finding[] {
  return findings.length > 0 ? findings : [pass(what)];
}
