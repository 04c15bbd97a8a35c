import type { Transaction } from '../database/database.js';
import { loadQuery } from '../database/sql.js';
import { adviseUniqueIndex, type UniqueIndexAdvice } from '../catalog/unique-index.js';
import { choosePlan, readRefreshTarget, type RefreshPlan, type RefreshTarget } from './refresh.js';

const uniqueIndexesQuery = loadQuery('unique-indexes');

/** A unique index of a view. */
export interface UniqueIndex {
  readonly name: string;
  /** Columns or expressions, as in SQL. */
  readonly columns: readonly string[];
  /** Why a concurrent refresh cannot use it; null: it can. */
  readonly fault: string | null;
}

/** How a view is refreshed, and why so. */
export interface PlanReason {
  readonly plan: RefreshPlan;
  /** The index that lets it be refreshed concurrently; null when there is none. */
  readonly index: UniqueIndex | null;
  /** One clause. */
  readonly reason: string;
  /** The statement that would let it be refreshed concurrently; null where none is needed. */
  readonly advice: string | null;
}

/** Reads only. @returns undefined when the view is gone */
export async function readPlanReason(tx: Transaction, oid: number): Promise<PlanReason | undefined> {
  const target = await readRefreshTarget(tx, oid);
  if (target === undefined) return undefined;
  return explainPlan(target, await tx.rows<UniqueIndex>(uniqueIndexesQuery, [oid]), await adviseUniqueIndex(tx, oid));
}

/** Why is a view refreshed the way it is? Pure. */
export function explainPlan(target: RefreshTarget, indexes: readonly UniqueIndex[], advice: UniqueIndexAdvice | undefined): PlanReason {
  const plan = choosePlan(target);
  const usable = indexes.find((index) => index.fault === null) ?? null;
  if (usable !== null) {
    const by = `by unique index ${usable.name} (${usable.columns.join(', ')})`;
    return {
      plan, index: usable, advice: null,
      reason: plan === 'concurrent' ? `${by}: readers do not notice` : `it holds no data yet; from then on concurrently, ${by}`,
    };
  }
  const faults = indexes.map(({ name, fault }) => `${name} will not do: ${String(fault)}`);
  return {
    plan, index: null,
    reason: `readers wait while it is refreshed, for it has no usable unique index${faults.length === 0 ? '' : ` (${faults.join('; ')})`}`,
    advice: advice?.statement ?? null,
  };
}
