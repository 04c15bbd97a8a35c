import { formatDuration } from '../../config/duration.js';
import { settingsOf, type ViewSettings } from '../../config/view-settings.js';
import type { Check } from '../examination.js';
import { orPass, type Finding } from '../finding.js';

/** Do refreshes take longer than the times that were asked for allow? */
export const paceCheck: Check = {
  name: 'pace',
  group: 'Views',
  needsInstallation: true,
  examine: ({ views, conditions, config }) => {
    const findings = views.flatMap((view) => {
      const usualMs = conditions.get(view.oid)?.usualMs ?? null;
      return usualMs === null ? [] : paceFindings(view.name, usualMs, settingsOf(config, view));
    });
    return Promise.resolve(orPass(findings, 'Refreshes are shorter than their intervals'));
  },
};

const second = 1000;
/** A refresh that takes this part of its time limit will exceed it on a bad day. */
const nearLimit = 0.8;

/** Pure. @param usualMs what a refresh usually takes */
export function paceFindings(
  view: string, usualMs: number, settings: Pick<ViewSettings, 'maxWaitMs' | 'maxAgeMs' | 'refreshTimeoutMs'>,
): Finding[] {
  const { maxWaitMs, maxAgeMs, refreshTimeoutMs } = settings;
  const usual = formatDuration(usualMs);
  const roomy = formatDuration(Math.ceil((usualMs * 2) / second) * second);
  const findings: Finding[] = [];
  const tooSlow = (option: string, intervalMs: number): void => {
    findings.push({
      level: 'warning', view,
      what: `A refresh of ${view} usually takes ${usual}, longer than its ${option} ${formatDuration(intervalMs)}`,
      why: `It rests as long as it ran, so that under steady traffic it is refreshed every ${formatDuration(usualMs * 2)} at best, and is busy half of the time. `
        + 'A faster query, or an index for it, helps; a longer interval at least spares the server.',
      remedy: `Set ${option} ${roomy}, or in the config file: "views": { ${JSON.stringify(view)}: { "${option.slice(2)}": "${roomy}" } }`,
    });
  };
  if (usualMs > maxWaitMs && maxWaitMs > 0) tooSlow('--max-wait', maxWaitMs);
  if (maxAgeMs !== undefined && usualMs > maxAgeMs) tooSlow('--max-age', maxAgeMs);
  if (refreshTimeoutMs > 0 && usualMs > refreshTimeoutMs * nearLimit) {
    findings.push({
      level: 'warning', view,
      what: `A refresh of ${view} usually takes ${usual}, close to its --refresh-timeout ${formatDuration(refreshTimeoutMs)}`,
      why: 'One that takes a little longer is cancelled, and the view stays as it is.',
      remedy: `Set --refresh-timeout ${roomy}`,
    });
  }
  return findings;
}
