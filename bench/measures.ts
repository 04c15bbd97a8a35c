import type { Measure } from './measure.js';
import { flood } from './measures/flood.js';
import { freshness } from './measures/freshness.js';
import { idle } from './measures/idle.js';
import { manyViewsMeasure } from './measures/many-views.js';
import { pinnedVacuum } from './measures/pinned-vacuum.js';
import { summary } from './measures/summary.js';
import { writeCost } from './measures/write-cost.js';

/** All there are, in the order in which they run and stand in RESULTS.md. */
export const measures: readonly Measure[] = [writeCost, pinnedVacuum, freshness, idle, manyViewsMeasure, flood, summary];
