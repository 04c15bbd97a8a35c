import type { ServerFacts } from '../catalog/server.js';
import type { SurveyedView } from '../catalog/survey.js';
import type { Config } from '../config/config.js';
import type { Database } from '../database/database.js';
import type { Finding } from './finding.js';
import type { Thresholds } from './thresholds.js';

/** How a registered view fares; see `sql/queries/view-conditions.sql`. Durations in ms. */
export interface ViewCondition {
  readonly id: number;
  readonly oid: number;
  readonly name: string;
  readonly exists: boolean;
  readonly served: boolean;
  /** Since the last worker's lease ran out; negative while it has not. */
  readonly unservedMs: number;
  readonly lastError: string | null;
  /** One after another. */
  readonly failures: number;
  readonly paused: boolean;
  /** What a refresh usually takes; null when none has succeeded. */
  readonly usualMs: number | null;
  /** Since the oldest change that it has not absorbed; null when it is fresh. */
  readonly waitingMs: number | null;
}

/** What all checks look at. */
export interface Examination {
  readonly config: Config;
  readonly database: Database;
  readonly facts: ServerFacts;
  /** Whether everything of ours is there, and this role may read it. */
  readonly installed: boolean;
  readonly views: readonly SurveyedView[];
  /** By the oid of the view; every registered view, also those that are not examined. */
  readonly conditions: ReadonlyMap<number, ViewCondition>;
  readonly thresholds: Thresholds;
  /** By the clock of this process: for what depends on the calendar. */
  readonly today: Date;
}

/** One thing that may be wrong. */
export interface Check {
  readonly name: string;
  readonly group: 'Server' | 'Views' | 'Changes' | 'Upkeep';
  /** Whether it reads the tables of ours, and is left out where there are none, or none for this role. */
  readonly needsInstallation?: true;
  /** At least one finding. */
  readonly examine: (examination: Examination) => Promise<readonly Finding[]>;
}
