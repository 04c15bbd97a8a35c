import { UsageError } from '../config/usage-error.js';
import type { Config } from '../config/config.js';
import { Database } from '../database/database.js';
import { pendingMigrations } from '../database/migrate.js';
import { loadQuery } from '../database/sql.js';
import { readServerFacts, serverFault, type ServerFacts } from '../catalog/server.js';
import { survey, surveyOids, type SurveyedView } from '../catalog/survey.js';
import { quoteIdentifier } from '../database/identifier.js';
import { sqlstateOf } from '../database/sqlstate.js';
import { checks } from './checks.js';
import { serverFinding } from './checks/server.js';
import type { Check, Examination, ViewCondition } from './examination.js';
import type { CheckedFinding, Finding } from './finding.js';
import { defaultThresholds, type Thresholds } from './thresholds.js';

const ourTablesReadableQuery = loadQuery('our-tables-readable');
const viewConditionsQuery = loadQuery('view-conditions');

/** What the doctor found, in the order of the checks. */
export interface Diagnosis {
  readonly facts: ServerFacts;
  /** Names of the views that were examined. */
  readonly views: readonly string[];
  readonly findings: readonly (CheckedFinding & { readonly group: Check['group'] })[];
}

/**
 * Runs every check. Changes nothing, and says of what it may not see that it may not.
 *
 * @throws UsageError for a name in --views that means no view
 * @throws the error of a connection that could not be made
 */
export async function examine(config: Config, thresholds: Thresholds = defaultThresholds, today = new Date()): Promise<Diagnosis> {
  const database = new Database(config.databaseUrl, 1);
  try {
    const facts = await readServerFacts(database);
    const server = { check: 'server', group: 'Server' as const, ...serverFinding(facts, serverFault(facts)) };
    // Nothing else could be asked there, or would mean anything.
    if (facts.inRecovery || facts.versionNumber < 150_000) return { facts, views: [], findings: [server] };

    const installation = await examineInstallation(database, facts, config);
    const conditions = installation.installed ? await database.rows<ViewCondition>(viewConditionsQuery) : [];
    const views = await viewsToExamine(database, config, conditions);
    const examination: Examination = {
      config, database, facts, views, thresholds, today,
      installed: installation.installed,
      conditions: new Map(conditions.map((condition) => [condition.oid, condition])),
    };
    const findings: Diagnosis['findings'][number][] = [server, { check: 'installation', group: 'Server', ...installation.finding }];
    for (const check of checks) {
      if (check.needsInstallation === true && !examination.installed) continue;
      const found = await examineOne(check, examination);
      findings.push(...found.map((finding) => ({ check: check.name, group: check.group, ...finding })));
    }
    return { facts, views: views.map((view) => view.name), findings };
  } finally {
    await database.close();
  }
}

async function examineOne(check: Check, examination: Examination): Promise<readonly Finding[]> {
  try {
    return await check.examine(examination);
  } catch (error) {
    if (sqlstateOf(error) !== insufficientPrivilege) throw error;
    return [{
      level: 'warning',
      what: `Role ${examination.facts.role} may not examine ${check.name}: ${error instanceof Error ? error.message : String(error)}`,
      why: 'What cannot be seen may be wrong.',
      remedy: 'Run listener doctor with the --database-url of the worker',
    }];
  }
}

const insufficientPrivilege = '42501';

/** The views that --views names; without it, those that workers have registered. */
async function viewsToExamine(database: Database, config: Config, conditions: readonly ViewCondition[]): Promise<readonly SurveyedView[]> {
  if (config.views.length === 0) return surveyOids(database, conditions.map((condition) => condition.oid));
  const found = await survey(database, config.views, []);
  const [missing] = [...found.missing, ...found.ambiguous];
  if (missing !== undefined) throw new UsageError(missing.explanation);
  return found.views;
}

async function examineInstallation(
  database: Database, facts: ServerFacts, config: Config,
): Promise<{ readonly installed: boolean; readonly finding: Finding }> {
  const views = config.views.length > 0 ? config.views.map((pattern) => pattern.text).join(',') : 'mv_dashboard';
  if (!facts.schemaExists) {
    return {
      installed: false,
      finding: {
        level: 'failure',
        what: 'Nothing is installed in this database: there is no schema refresh_listener',
        why: 'Without its triggers no change is recorded. A worker installs what is missing when it starts.',
        remedy: `listener install --views ${views}`,
      },
    };
  }
  const [access] = await database.rows<{ readable: boolean }>(ourTablesReadableQuery);
  if (access?.readable !== true) {
    const role = quoteIdentifier(facts.role);
    return {
      installed: false,
      finding: {
        level: 'warning',
        what: `Role ${facts.role} may not read what the worker keeps in schema refresh_listener`,
        why: 'Views, triggers and the change log were not examined.',
        remedy: `GRANT USAGE ON SCHEMA refresh_listener TO ${role};\nGRANT SELECT ON ALL TABLES IN SCHEMA refresh_listener TO ${role};`,
      },
    };
  }
  const pending = await pendingMigrations(database);
  if (pending.length > 0) {
    return {
      installed: false,
      finding: {
        level: 'failure',
        what: `The schema refresh_listener is of another version: it lacks ${pending.join(', ')}`,
        why: 'A worker of this version brings it up to date when it starts.',
        remedy: `listener install --views ${views}`,
      },
    };
  }
  return { installed: true, finding: { level: 'ok', what: 'The schema refresh_listener is installed and up to date' } };
}
