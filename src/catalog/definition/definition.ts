/** A column of a summary, as its definition's select list has it. */
export type SummaryColumn =
  | { readonly role: 'dimension'; readonly name: string }
  | { readonly role: 'count' | 'sum' | 'min' | 'max'; readonly name: string }
  /** An average is kept as the two hidden columns that it is the quotient of. */
  | { readonly role: 'avg'; readonly name: string; readonly sum: string; readonly count: string };

/** Why a definition cannot be kept, and what would work. */
export interface Refusal {
  /** A clause to follow "it": 'has no GROUP BY'. */
  readonly refusal: string;
  /** What would work, as an order: 'select the aggregates alone, and compute ...'. */
  readonly remedy: string;
  /** Its first step as SQL, where that is known to the letter. */
  readonly sql?: string;
}

/** A definition that the plan `merge` can keep, and the queries that are made of it. Names in SQL are quoted. */
export interface MergeDefinition {
  /** In the order of the select list; hidden columns are no entries of their own. */
  readonly columns: readonly SummaryColumn[];
  /** `name` is the two others, quoted and qualified. */
  readonly source: { readonly schema: string; readonly relation: string; readonly name: string };
  /** Whether it has a WHERE: then its groups do not tell how many rows were read. */
  readonly isFiltered: boolean;
  /**
   * The definition, reading `rows` in place of the source; after its own columns come the hidden ones of each avg, in the
   * order of `columns`, sum before count, and `_rows`, how many rows made the group.
   *
   * @param rows a SELECT with or without brackets around it, whose columns bear the names of the source's
   */
  readonly select: (rows: string) => string;
  /**
   * One dimension of each of `rows`, as a column `bucket`: neither WHERE nor GROUP BY.
   *
   * @throws when there is no such dimension
   */
  readonly selectDimension: (dimension: string, rows: string) => string;
  /**
   * What each sum, avg, min and max takes, of each of `rows`, as a column of the same name: for its type. Undefined when
   * there is no such column.
   */
  readonly selectArguments: (rows: string) => string | undefined;
  /**
   * Names of the source's columns that a dimension reads, each once, in the order of their first use.
   *
   * @throws when there is no such dimension
   */
  readonly columnsOf: (dimension: string) => readonly string[];
  /**
   * Name of the source's column that a dimension takes the beginning of, as date_trunc('hour', occurred_at) does: see
   * `beginning.ts`. Undefined for every other expression.
   *
   * @throws when there is no such dimension
   */
  readonly beginningOf: (dimension: string) => string | undefined;
}

export type Reading = { readonly definition: MergeDefinition } | Refusal;
