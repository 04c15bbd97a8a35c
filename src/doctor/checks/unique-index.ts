import { adviseUniqueIndex } from '../../catalog/unique-index.js';
import { choosePlan, readRefreshTarget } from '../../freshen/refresh.js';
import type { Check } from '../examination.js';
import { orPass, type Finding } from '../finding.js';

export const uniqueIndexCheck: Check = {
  name: 'unique index',
  group: 'Views',
  examine: ({ database, views }) => database.transaction('look', async (tx) => {
    const findings: Finding[] = [];
    for (const view of views.filter(({ kind }) => kind === 'matview')) {
      const target = await readRefreshTarget(tx, view.oid);
      // One that was never filled is filled plain, whatever indexes it has.
      if (target === undefined || choosePlan({ ...target, populated: true }) === 'concurrent') continue;
      const advice = await adviseUniqueIndex(tx, view.oid);
      findings.push({
        level: 'warning', view: view.name,
        what: `${view.name} has no unique index that a concurrent refresh could use`,
        why: `Readers wait while it is refreshed, and every row is written anew.${advice === undefined ? '' : ` ${advice.because}`}`,
        remedy: advice?.statement ?? `Give ${view.name} a column that tells its rows apart, and a unique index on it`,
      });
    }
    return orPass(findings, 'Every view can be refreshed while it is read');
  }),
};
