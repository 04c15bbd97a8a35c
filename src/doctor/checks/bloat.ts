import { readDeadRows, readOwnDeadRows, type DeadRows } from '../../catalog/dead-rows.js';
import type { SurveyedView } from '../../catalog/survey.js';
import { formatDuration } from '../../config/duration.js';
import { settingsOf } from '../../config/view-settings.js';
import { count } from '../../report/sentence.js';
import type { Check } from '../examination.js';
import { orPass, type Finding } from '../finding.js';
import type { Thresholds } from '../thresholds.js';

/** Do views, and the worker's own tables, consist of dead rows, and will anybody clear them? */
export const bloatCheck: Check = {
  name: 'bloat',
  group: 'Upkeep',
  examine: async ({ database, views, config, thresholds, installed }) => {
    return database.transaction('look', async (tx) => {
      const [setting] = await tx.rows<{ on: boolean }>("SELECT pg_catalog.current_setting('autovacuum')::pg_catalog.bool AS \"on\"");
      const tables = new Map((await readDeadRows(tx, views.map(({ oid }) => oid))).map((table) => [table.oid, table]));
      const findings = views.flatMap((view) => {
        const table = tables.get(view.oid);
        return table === undefined ? [] : viewBloatFindings(view, table, settingsOf(config, view).vacuum, thresholds);
      });
      const ours = installed ? (await readOwnDeadRows(tx)).flatMap((table) => ownBloatFindings(table, thresholds)) : [];
      return orPass([...(setting?.on === false ? [autovacuumFinding] : []), ...findings, ...ours], 'Neither views nor the tables of the listener are bloated');
    });
  },
};

const autovacuumFinding: Finding = {
  level: 'warning',
  what: 'autovacuum is off on this server',
  why: 'Nobody clears the dead rows of the tables that views read, nor renews their statistics, and refreshes slow down. The worker sees to views and its own tables alone.',
  remedy: 'ALTER SYSTEM SET autovacuum = on;\nSELECT pg_catalog.pg_reload_conf();',
};

type Counted = Pick<DeadRows, 'name' | 'liveRows' | 'deadRows' | 'vacuumFrom' | 'vacuumedMsAgo' | 'autovacuum'>;
type Limits = Pick<Thresholds, 'deadRows' | 'deadShare'>;

/** Pure. @param vacuum whether the worker vacuums the view */
export function viewBloatFindings({ name, kind }: Pick<SurveyedView, 'name' | 'kind'>, table: Counted, vacuum: boolean, limits: Limits): Finding[] {
  const alter = kind === 'summary' ? 'ALTER TABLE' : 'ALTER MATERIALIZED VIEW';
  if (!isBloated(table, limits)) {
    if (table.autovacuum || vacuum) return [];
    return [{
      level: 'warning', view: name,
      what: `Nobody clears the dead rows of ${name}: autovacuum is off for it, and so is --vacuum`,
      why: 'Each refresh leaves the rows that it replaced dead, and the view grows without end.',
      remedy: `${alter} ${name} RESET (autovacuum_enabled);`,
    }];
  }
  const worker = vacuum
    ? 'The worker clears them in the pause after a refresh, unless a long transaction might still see them (see there), or no session of its own is to be had behind a pooler (--listen-url).'
    : '--no-vacuum leaves that to autovacuum, which each refresh drives away.';
  return [{
    level: 'warning', view: name, what: bloat(table),
    why: `A refresh leaves the rows that it replaced dead. Whoever reads the view reads past them, and each refresh takes longer. ${worker}`,
    remedy: `VACUUM (ANALYZE) ${name};\n${alter} ${name} SET (${eagerSettings(table.liveRows)});`,
  }];
}

/** Pure. */
export function ownBloatFindings(table: Counted, limits: Limits): Finding[] {
  if (!isBloated(table, limits)) return [];
  return [{
    level: 'warning', what: bloat(table),
    why: 'The worker clears them in the sweep, unless a long transaction might still see them (see there), or --no-vacuum leaves it to autovacuum.',
    remedy: `VACUUM (ANALYZE) ${table.name};`,
  }];
}

function isBloated({ liveRows, deadRows, vacuumFrom }: Counted, limits: Limits): boolean {
  return deadRows >= limits.deadRows && deadRows > liveRows * limits.deadShare && deadRows > vacuumFrom;
}

function bloat({ name, liveRows, deadRows, vacuumedMsAgo }: Counted): string {
  const last = vacuumedMsAgo === null ? 'and was never vacuumed' : `last vacuumed ${formatDuration(vacuumedMsAgo)} ago`;
  return `${name} has ${count(deadRows, 'dead row')} for ${liveRows.toLocaleString('en-US')} live ones, ${last}`;
}

/** So that it is cleared once a tenth of it is dead, without pauses. Autovacuum and the worker both go by it. */
function eagerSettings(liveRows: number): string {
  const threshold = Math.max(1_000, Math.round(liveRows / 10));
  return `autovacuum_enabled = on, autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = ${threshold}, autovacuum_vacuum_cost_delay = 0`;
}
