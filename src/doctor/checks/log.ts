import { formatDuration } from '../../config/duration.js';
import { settingsOf, type ViewSettings } from '../../config/view-settings.js';
import { loadQuery } from '../../database/sql.js';
import { count } from '../../report/sentence.js';
import type { Check, ViewCondition } from '../examination.js';
import { refreshStatement } from '../refresh-statement.js';
import { pass, type Finding } from '../finding.js';
import { bytes } from '../measure.js';

const logSizeQuery = loadQuery('log-size');

export interface LogSize {
  /** At most a million: then it may be more. */
  readonly rows: number;
  readonly bytes: number;
}

/** Does the change log grow, and which view keeps it from being cleaned? */
export const logCheck: Check = {
  name: 'change log',
  group: 'Upkeep',
  needsInstallation: true,
  examine: async ({ database, views, conditions, config, thresholds }) => {
    const [size = { rows: 0, bytes: 0 }] = await database.rows<LogSize>(logSizeQuery);
    const waiting = views.flatMap((view) => {
      const condition = conditions.get(view.oid);
      return condition === undefined ? [] : waitingFinding(condition, settingsOf(config, view), thresholds.waitingMs);
    });
    const findings = [...waiting, ...sizeFinding(size, oldestOf(conditions.values()), thresholds.logBytes)];
    return findings.length > 0 ? findings : [pass(`The change log has ${count(size.rows, 'row')} in ${bytes(size.bytes)}`)];
  },
};

/** Has a view not absorbed a change that it should have absorbed long ago? Pure. */
export function waitingFinding(
  { name, waitingMs, usualMs, paused }: Pick<ViewCondition, 'name' | 'waitingMs' | 'usualMs' | 'paused'>, settings: Pick<ViewSettings, 'maxWaitMs'>, marginMs: number,
): Finding[] {
  if (waitingMs === null || paused || waitingMs < settings.maxWaitMs + 2 * (usualMs ?? 0) + marginMs) return [];
  return [{
    level: 'warning', view: name,
    what: `${name} has not absorbed a change from ${formatDuration(waitingMs)} ago`,
    why: 'It is late, and the change log keeps every row from then on for its sake, until --lapse is over.',
    remedy: refreshStatement(name),
  }];
}

/** Bytes of the log that one row accounts for, its entry in the index and room for some dead ones included. */
const roomyRowBytes = 400;

/** Is it large, because much waits in it, or because vacuum has not come to clear it? Pure. */
export function sizeFinding(size: LogSize, oldest: ViewCondition | undefined, maxBytes: number): Finding[] {
  if (size.bytes < maxBytes) return [];
  if (size.bytes > size.rows * roomyRowBytes) {
    return [{
      level: 'warning',
      what: `The change log takes ${bytes(size.bytes)} for ${count(size.rows, 'row')}`,
      why: 'What was deleted from it was not cleared away. A long transaction may hold vacuum back (see there); else:',
      remedy: 'VACUUM refresh_listener.change_log;\nREINDEX INDEX CONCURRENTLY refresh_listener.change_log_xid;',
    }];
  }
  const million = size.rows >= 1_000_000 ? 'a million rows or more' : count(size.rows, 'row');
  if (oldest === undefined) {
    return [{
      level: 'warning',
      what: `The change log takes ${bytes(size.bytes)}: ${million}`,
      why: 'All views have absorbed them. A worker cleans up in each sweep what no running transaction may still ask for.',
      remedy: 'listener --once --views ...',
    }];
  }
  return [{
    level: 'warning', view: oldest.name,
    what: `The change log takes ${bytes(size.bytes)}: ${million}, kept for ${oldest.name}`,
    why: `It has not absorbed a change from ${formatDuration(oldest.waitingMs ?? 0)} ago, and everything since then is kept for it, until --lapse is over.`,
    remedy: refreshStatement(oldest.name),
  }];
}

function oldestOf(conditions: Iterable<ViewCondition>): ViewCondition | undefined {
  return [...conditions].filter(({ waitingMs }) => waitingMs !== null).sort((a, b) => (b.waitingMs ?? 0) - (a.waitingMs ?? 0))[0];
}
