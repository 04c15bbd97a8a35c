import { checkDefinition } from '../../catalog/definition/definition-check.js';
import type { Refusal } from '../../catalog/definition/definition.js';
import { readDefinition } from '../../catalog/definition/read-definition.js';
import { readSummaryStandings, type SummaryStanding } from '../../catalog/summary-standing.js';
import type { SurveyedView } from '../../catalog/survey.js';
import { checkWatermark, sequenceGrant } from '../../catalog/watermark-source.js';
import { formatDuration } from '../../config/duration.js';
import type { Transaction } from '../../database/database.js';
import { quoteIdentifier } from '../../database/identifier.js';
import { readRefreshTarget } from '../../freshen/refresh.js';
import { shapeOf } from '../../freshen/summary/merge.js';
import { count } from '../../report/sentence.js';
import type { Check } from '../examination.js';
import { orPass, pass, type Finding } from '../finding.js';
import { terminate } from '../session.js';
import type { Thresholds } from '../thresholds.js';

/** Can the summaries be kept as they are, and does anything hold them up? */
export const summaryCheck: Check = {
  name: 'summaries',
  group: 'Views',
  needsInstallation: true,
  examine: async ({ database, facts, views, thresholds }) => {
    const summaries = views.filter(({ kind }) => kind === 'summary');
    if (summaries.length === 0) return [pass('No summary is among the views')];
    return database.transaction('look', async (tx) => {
      const standings = await readSummaryStandings(tx);
      const byTable = new Map((await tx.rows<{ id: number; oid: number }>('SELECT v.id, v.oid FROM refresh_listener.view AS v')).map(({ id, oid }) => [oid, standings.get(id)]));
      const findings: Finding[] = [];
      for (const view of summaries) {
        const standing = byTable.get(view.oid);
        if (standing === undefined) continue;
        findings.push(...(await refusals(tx, facts.role, view, standing)), ...summaryFindings(view.name, standing, Date.now(), thresholds));
      }
      return orPass(findings, `${count(summaries.length, 'summary', 'summaries')} can be kept, and nothing holds ${summaries.length === 1 ? 'it' : 'them'} up`);
    });
  },
};

/** What a worker would refuse at its next absorb, and what it cannot see. */
async function refusals(tx: Transaction, role: string, view: SurveyedView, { definition, idColumn }: SummaryStanding): Promise<Finding[]> {
  if (definition === null) return [];
  const cannot = (subject: string, { refusal, remedy, sql }: Refusal): Finding => ({
    level: 'failure', view: view.name, what: `${view.name} cannot be kept any more: ${subject} ${refusal}`,
    why: `Each refresh of it fails, and it stays as it is.${sql === undefined ? '' : ` What would help: ${remedy}.`}`, remedy: sql ?? remedy,
  });
  const reading = await readDefinition(definition);
  if ('refusal' in reading) return [cannot('its definition', reading)];
  const checked = await checkDefinition(tx, view.definedBy, reading.definition);
  if ('refusal' in checked) return [cannot('its definition', checked)];
  const watermark = await checkWatermark(tx, checked.source, idColumn);
  if ('refusal' in watermark) return [cannot(reading.definition.source.name, watermark)];
  const blind: Finding[] = watermark.mayReadSequence ? [] : [{
    level: 'warning', view: view.name, what: `This role may not read ${watermark.sequence}, which ${view.name} follows`,
    why: 'Ids that are given out once more (TRUNCATE ... RESTART IDENTITY), and ids below one that was written by hand, are found only by the next repair (--repair-every).',
    remedy: sequenceGrant(watermark, role),
  }];
  const { keys } = shapeOf(reading.definition);
  const [key] = await tx.rows<{ there: boolean }>(
    `SELECT EXISTS (
       SELECT FROM pg_catalog.pg_index AS i
       WHERE i.indrelid = $1 AND i.indisunique AND i.indisvalid AND i.indnullsnotdistinct AND i.indpred IS NULL AND i.indexprs IS NULL
         AND ARRAY(SELECT a.attname::pg_catalog.text FROM pg_catalog.pg_attribute AS a
                   WHERE a.attrelid = i.indrelid AND a.attnum = ANY (i.indkey::pg_catalog.int2[]) ORDER BY 1)
             = ARRAY(SELECT k FROM pg_catalog.unnest($2::pg_catalog.text[]) AS k ORDER BY 1)) AS there`,
    [view.oid, keys],
  );
  if (key?.there === true || (await readRefreshTarget(tx, view.oid)) === undefined) return blind;
  return [...blind, {
    level: 'failure', view: view.name, what: `${view.name} has lost the key over its dimensions`,
    why: 'What is new is added to the row of its group, which is found by that key: without it each refresh fails.',
    remedy: `ALTER TABLE ${view.name} ADD UNIQUE NULLS NOT DISTINCT (${keys.map(quoteIdentifier).join(', ')});`,
  }];
}

/** Pure. */
export function summaryFindings(view: string, standing: SummaryStanding, nowMs: number, { transactionMs }: Pick<Thresholds, 'transactionMs'>): Finding[] {
  const findings: Finding[] = [];
  for (const { pid, since } of Object.values(standing.holders)) {
    const forMs = since === null ? 0 : nowMs - new Date(since).getTime();
    if (forMs < transactionMs) continue;
    findings.push({
      level: 'warning', view,
      what: `${view} waits for rows that a transaction${pid === null ? '' : ` (pid ${pid})`} may still commit, open for ${formatDuration(forMs)}`,
      why: 'It has written to the source and not ended: what it has inserted is shown once it commits, and each refresh looks for that.',
      ...(pid === null ? {} : { remedy: terminate({ pid }) }),
    });
  }
  if (standing.waitingRows > 0) {
    findings.push({
      level: 'warning', view,
      what: `${view} does not show ${count(standing.waitingRows, 'row')} that came for ${count(standing.waitingBuckets, 'closed bucket')}`,
      why: 'They came later than its --lateness allows, and are counted in refresh_listener.late_bucket.',
      remedy: `listener backfill ${view} --from ...`,
    });
  }
  return findings;
}
