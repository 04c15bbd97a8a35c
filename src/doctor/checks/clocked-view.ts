import { findClockedViews } from '../../catalog/unwritten-change.js';
import { settingsOf, type ViewSettings } from '../../config/view-settings.js';
import { listing } from '../../report/sentence.js';
import type { Check } from '../examination.js';
import { orPass, pass, type Finding } from '../finding.js';

/** Views that change without a write must be refreshed by the clock. */
export const clockedViewCheck: Check = {
  name: 'changes without a write',
  group: 'Views',
  examine: async ({ database, views, config }) => {
    const clocked = await database.transaction('look', (tx) => findClockedViews(tx, views.map((view) => view.oid)));
    if (clocked.length === 0) return [pass('Every view changes by writes to its sources alone')];
    const findings = views.flatMap((view) => {
      const because = clocked.find(({ oid }) => oid === view.oid)?.because;
      return because === undefined ? [] : clockedViewFinding(view.name, because, settingsOf(config, view));
    });
    return orPass(findings, `Views that change without a write have --max-age or --schedule (${clocked.length})`);
  },
};

/** Pure. */
export function clockedViewFinding(
  view: string, because: readonly string[], { maxAgeMs, schedule }: Pick<ViewSettings, 'maxAgeMs' | 'schedule'>,
): Finding[] {
  if (maxAgeMs !== undefined || schedule !== undefined) return [];
  return [{
    level: 'warning', view,
    what: `${view} changes without a write: it ${listing(because)}`,
    why: 'Nothing tells the worker of such a change, so that the view shows it only when something else has changed too.',
    remedy: `Set --max-age 15m, or --schedule '*/15 * * * *', or in the config file: "views": { ${JSON.stringify(view)}: { "max-age": "15m" } }`,
  }];
}
