import type { Transaction } from '../database/database.js';
import { loadQuery } from '../database/sql.js';

const lineageQuery = loadQuery('lineage');

/** `relkind`: r table, p partitioned table, f foreign table, m materialized view, v plain view. */
export type RelationKind = 'r' | 'p' | 'f' | 'm' | 'v';

/** The row of `lineage.sql`: one link between two relations. */
export interface LineageLink {
  readonly direction: 'up' | 'down';
  readonly link: 'reads' | 'child';
  readonly reader: number;
  readonly readerName: string;
  readonly readerKind: RelationKind;
  readonly relation: number;
  readonly name: string;
  readonly kind: RelationKind;
}

/** A relation in the tree of what a view reads, or of what reads it. */
export interface LineageNode {
  readonly oid: number;
  readonly name: string;
  readonly kind: RelationKind;
  /** Whether it is a partition, or child, of the node above. */
  readonly child: boolean;
  /** It stands in the tree before, with what is below it. */
  readonly repeated: boolean;
  readonly below: readonly LineageNode[];
}

/** What a view reads, and what reads it, as two trees without their root. Reads only. */
export interface Lineage {
  readonly upstream: readonly LineageNode[];
  readonly downstream: readonly LineageNode[];
}

/** @param definedBy oid of the relation whose query the view shows: its own, or that of a summary's definition */
export async function readLineage(tx: Transaction, oid: number, definedBy: number): Promise<Lineage> {
  const { downstream } = buildLineage(oid, await tx.rows<LineageLink>(lineageQuery, [oid]));
  const { upstream } = buildLineage(definedBy, await tx.rows<LineageLink>(lineageQuery, [definedBy]));
  return { upstream, downstream: downstream.filter((node) => node.oid !== definedBy) };
}

/** Lays links out as trees; what is below a relation is shown once. Pure. */
export function buildLineage(oid: number, links: readonly LineageLink[]): Lineage {
  return {
    upstream: grow(oid, links.filter((link) => link.direction === 'up').map(({ reader, relation, name, kind, link }) => (
      { from: reader, oid: relation, name, kind, child: link === 'child' }))),
    downstream: grow(oid, links.filter((link) => link.direction === 'down').map(({ reader, relation, readerName, readerKind }) => (
      { from: relation, oid: reader, name: readerName, kind: readerKind, child: false }))),
  };
}

interface Step {
  readonly from: number;
  readonly oid: number;
  readonly name: string;
  readonly kind: RelationKind;
  readonly child: boolean;
}

function grow(root: number, steps: readonly Step[]): LineageNode[] {
  const seen = new Set<number>([root]);
  const nodes = (from: number): LineageNode[] =>
    steps.filter((step) => step.from === from).map(({ oid, name, kind, child }) => {
      const repeated = seen.has(oid) && steps.some((step) => step.from === oid);
      seen.add(oid);
      return { oid, name, kind, child, repeated, below: repeated ? [] : nodes(oid) };
    });
  return nodes(root);
}
