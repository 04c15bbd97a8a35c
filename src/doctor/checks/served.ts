import { formatDuration } from '../../config/duration.js';
import { clause } from '../../report/sentence.js';
import type { SurveyedView } from '../../catalog/survey.js';
import type { Check, ViewCondition } from '../examination.js';
import { orPass, type Finding } from '../finding.js';
import { refreshStatement } from '../refresh-statement.js';

/** Does a worker serve each view, and do its refreshes succeed? */
export const servedCheck: Check = {
  name: 'served',
  group: 'Views',
  needsInstallation: true,
  examine: ({ views, conditions, thresholds }) => {
    const gone = [...conditions.values()].filter((condition) => !condition.exists).map(goneFinding);
    const findings = views.flatMap((view) => servedFindings(view, conditions.get(view.oid), thresholds.failures));
    return Promise.resolve(orPass([...findings, ...gone], 'A worker serves every view, and their refreshes succeed'));
  },
};

/** Pure. */
export function servedFindings(
  view: Pick<SurveyedView, 'name'>, condition: ViewCondition | undefined, mayFail: number,
): Finding[] {
  if (condition === undefined) {
    return [{
      level: 'warning', view: view.name,
      what: `No worker has ever served ${view.name}`,
      why: 'Its changes are not recorded yet.',
      remedy: `listener --views '${view.name}'`,
    }];
  }
  const findings: Finding[] = [];
  if (!condition.served) {
    findings.push({
      level: 'warning', view: view.name,
      what: `No worker has served ${view.name} for ${formatDuration(condition.unservedMs)}`,
      why: 'It is not refreshed. Changes are recorded for the time of --lapse, then no more; a worker that comes later refreshes it whole.',
      remedy: `listener --views '${view.name}'`,
    });
  }
  if (condition.paused) {
    findings.push({
      level: 'warning', view: view.name,
      what: `${view.name} is paused`,
      why: 'Workers leave it alone until it is resumed.',
      remedy: `listener resume '${view.name}'`,
    });
  }
  if (condition.failures > 0) {
    const times = condition.failures === 1 ? 'has failed' : `has failed ${condition.failures} times in a row`;
    findings.push({
      level: condition.failures >= mayFail ? 'failure' : 'warning', view: view.name,
      what: `The refresh of ${view.name} ${times}: ${clause(condition.lastError ?? 'the reason is not known')}`,
      why: 'It stays as it is, and so do the views that read it, until a refresh succeeds. Mend what the error says; the worker tries again by itself, or at once:',
      remedy: refreshStatement(view.name),
    });
  }
  return findings;
}

function goneFinding({ name }: ViewCondition): Finding {
  return {
    level: 'warning', view: name,
    what: `${name} was served and is no longer there`,
    why: 'It is served again when it comes back; until --lapse is over its changes go on being recorded.',
    remedy: `Create it again, or take ${name} off --views`,
  };
}
