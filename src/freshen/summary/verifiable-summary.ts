import { checkDefinition } from '../../catalog/definition/definition-check.js';
import type { ViewFreshness } from '../../catalog/freshness.js';
import { checkWatermark } from '../../catalog/watermark-source.js';
import { UsageError } from '../../config/usage-error.js';
import type { Transaction } from '../../database/database.js';
import { loadQuery } from '../../database/sql.js';
import { doubtClauses, statements, type Verifiable } from '../verifiable.js';
import { shapeOf } from './merge.js';
import { pinSettings } from './pin-settings.js';
import { openSides } from './replace-region.js';
import { readSummaryState, type SummaryState } from './summary-state.js';
import { isRestarted } from './take-batch.js';

const unabsorbedRewritesQuery = loadQuery('unabsorbed-rewrites');

/**
 * The two sides of a summary: its open buckets, and its definition over the rows that its watermark has absorbed. What is
 * beyond the watermark is therefore no difference, and no excuse, however much traffic there is.
 *
 * @param own how it stands in the snapshot of the comparison
 * @throws UsageError when it is gone, DefinitionRefused when its definition cannot be read any more
 */
export async function verifiableSummary(tx: Transaction, name: string, own: ViewFreshness | undefined, standby: boolean): Promise<Verifiable> {
  if (own !== undefined) await pinSettings(tx, own.id);
  const state = own === undefined ? undefined : await readSummaryState(tx, own.id);
  if (own === undefined || state === undefined) throw new UsageError(`${name} was dropped just now`);
  const { definition, closedBefore, filled } = state;
  const [plain] = await tx.rows<{ oid: number }>(
    `SELECT pg_catalog.to_regclass('refresh_listener.definition_' || $1::pg_catalog.int4)::pg_catalog.oid AS oid`, [own.id],
  );
  const checked = await checkDefinition(tx, plain?.oid ?? 0, definition);
  const { keys, values } = shapeOf(definition);
  return {
    ...(await openSides(tx, state, state, closedBefore ?? undefined)), kind: 'summary', columns: [...keys, ...values], floats: [],
    keys, manyImages: 'refusal' in checked ? [] : checked.manyImages, closedBefore, filled,
    unabsorbed: filled ? await excuses(tx, own, state, standby) : [doubtClauses['not-populated']],
    unsteady: 'refusal' in checked ? [`its definition ${checked.refusal}`] : [],
  };
}

/** Why rows below the watermark may differ, and need not yet: each is put right by the next absorb. */
async function excuses(tx: Transaction, own: Pick<ViewFreshness, 'id' | 'doubts'>, state: SummaryState, standby: boolean): Promise<string[]> {
  const doubts = own.doubts.map((doubt) => doubtClauses[doubt]);
  if (standby) return [...doubts, 'a standby cannot tell what it has absorbed'];
  const [rewrites] = await tx.rows<{ changes: number; sources: string[] }>(unabsorbedRewritesQuery, [own.id]);
  const { schema, relation } = state.definition.source;
  return [
    ...(rewrites === undefined || rewrites.changes === 0 ? []
      : [`it has not absorbed ${statements(rewrites.changes)} other than INSERT on ${rewrites.sources.join(', ')}`]),
    ...doubts,
    ...(await isSequenceRestarted(tx, state) ? [`ids of ${schema}.${relation} are given out once more`] : []),
  ];
}

async function isSequenceRestarted(tx: Transaction, state: SummaryState): Promise<boolean> {
  const [source] = await tx.rows<{ oid: number }>('SELECT pg_catalog.to_regclass($1)::pg_catalog.oid AS oid', [state.definition.source.name]);
  const checked = await checkWatermark(tx, source?.oid ?? 0, state.idColumn);
  return !('refusal' in checked) && isRestarted(state, { lastValue: BigInt(checked.lastValue ?? 0) });
}
