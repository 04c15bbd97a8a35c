import { renderDiagnosis, tally } from '../doctor/diagnosis-text.js';
import { examine } from '../doctor/examine.js';
import { connectionOptions, type Command, type Invocation } from './command.js';
import { connectionProblem } from '../database/connection-problem.js';
import { say } from './opened.js';

export const doctorCommand: Command = {
  name: 'doctor',
  summary: 'Find out what makes views late or slow, or the worker deaf, with the remedy for each',
  viewsOptional: true,
  options: [
    'views', ...connectionOptions, 'wake', 'sweep', 'max-wait', 'max-age', 'schedule', 'refresh-timeout', 'vacuum', 'json',
  ],
  examples: [
    ['listener doctor', 'examines the views that workers serve; exit status 1 if something failed'],
    ['listener doctor --views mv_dashboard', 'before a worker has ever run'],
    ['listener doctor --json', 'for scripts'],
  ],
  run: tellDiagnosis,
};

async function tellDiagnosis({ config, isSet }: Invocation): Promise<number> {
  const diagnosis = await examine(config).catch((error: unknown) => {
    throw connectionProblem(error, config) ?? error;
  });
  const { facts, views, findings } = diagnosis;
  const summary = tally(findings);
  if (isSet('json')) {
    say(JSON.stringify({ database: facts.database, role: facts.role, server: facts.version, views, summary, findings }, null, 2));
  } else {
    const colour = process.stdout.isTTY && process.env.NO_COLOR === undefined;
    say(renderDiagnosis(diagnosis, { width: Math.min(100, process.stdout.columns || 80), colour }));
  }
  return summary.failures > 0 ? 1 : 0;
}
