import type { ViewFreshness } from '../catalog/freshness.js';
import type { Lineage, LineageNode, RelationKind } from '../catalog/lineage.js';
import type { WatchedSource } from '../catalog/source-watch.js';
import { formatDuration } from '../config/duration.js';
import { options } from '../config/options.js';
import type { SettingInForce } from '../config/setting-origin.js';
import { ago, remarks, staleFor, stateNames, took, troubleOf } from './freshness-table.js';
import { sourceJson, viewJson, type SourceJson, type ViewJson } from './freshness-json.js';
import { printable } from './printable.js';
import { summaryLines } from './summary-standing.js';
import { renderTable } from './table.js';
import { renderTree, type Branch } from './tree.js';
import { reasonsOf, sourceTable } from './view-detail.js';

/** All there is to know of one view: what it reads, how that is watched, how it is refreshed, and why so. */
export interface Explanation {
  /** Quoted as needed and with its schema. */
  readonly view: string;
  /** The server's clock. */
  readonly at: Date;
  readonly standby: boolean;
  /** Whether anything of ours is in the database. */
  readonly installed: boolean;
  /** Undefined: no worker has ever served it. */
  readonly freshness: ViewFreshness | undefined;
  readonly plan: {
    readonly plan: 'concurrent' | 'plain' | 'merge';
    /** One clause. */
    readonly reason: string;
    readonly index: { readonly name: string; readonly columns: readonly string[] } | null;
    /** The statement that would let it be refreshed concurrently. */
    readonly advice: string | null;
    /** Of a summary: what it is kept by. */
    readonly sql?: readonly { readonly title: string; readonly text: string }[];
  };
  readonly lineage: Lineage;
  readonly sources: readonly WatchedSource[];
  /** Why it changes without a write, each a clause to follow "it"; empty: it does not. */
  readonly unwritten: readonly string[];
  readonly settings: readonly SettingInForce[];
}

export function explanationText(explanation: Explanation, width: number): string {
  const { view, at, lineage, plan, sources, settings } = explanation;
  const name = printable(view);
  const sections: (readonly [string, readonly string[]])[] = [
    ['Now', standing(explanation)],
    ['How it is refreshed', [
      `${planNames[plan.plan]}: ${printable(plan.reason)}.`,
      ...(plan.advice === null ? [] : [`This would help, with columns that no two rows share: ${printable(plan.advice)}`]),
    ]],
    ...(plan.sql ?? []).map(({ title, text }) => [title, text.split('\n').map(printable)] as const),
    ['What it reads', lineage.upstream.length === 0 ? ['Nothing.'] : renderTree({ text: name, below: branches(lineage.upstream) })],
    ['What reads it', lineage.downstream.length === 0 ? ['No other view.'] : renderTree({ text: name, below: branches(lineage.downstream) })],
    ['How changes are seen', [
      ...sourceTable(sources, at, width - indentation.length).split('\n'),
      ...sources.flatMap((source) => sourceRemarks(source, explanation.freshness)),
    ]],
    ['What changes it without a write', unwritten(explanation)],
    ['Settings in force, as this call finds them', settingTable(settings, width - indentation.length)],
  ];
  return sections
    // Tables fit; sentences are not cut, nor is SQL: the terminal breaks them.
    .map(([title, lines]) => [title, ...lines.map((line) => `${indentation}${line}`)].join('\n'))
    .join('\n\n');
}

const planNames: Readonly<Record<Explanation['plan']['plan'], string>> = { concurrent: 'Concurrently', plain: 'Plainly', merge: 'By merge' };

const indentation = '  ';

function standing({ freshness, installed, standby, at }: Explanation): string[] {
  if (!installed) return ['Nothing is installed in this database yet: this is what a worker would do.'];
  if (freshness === undefined) return ['No worker has served it yet: this is what one would do.'];
  const stale = freshness.stale === true && freshness.staleSince !== null ? `, for ${staleFor(freshness, at)}` : '';
  const refreshed = freshness.lastSuccess === null ? 'Not refreshed yet.' : `Refreshed ${ago(freshness.lastSuccess, at)} in ${took(freshness.lastDurationMs)}.`;
  const state = stateNames[freshness.state];
  return [
    `${state.charAt(0).toUpperCase()}${state.slice(1)}${stale}. ${refreshed}`,
    ...(freshness.summary === undefined ? [] : summaryLines(freshness.summary, printable(freshness.name), at)),
    ...reasonsOf(freshness), ...troubleOf(freshness, at), ...remarks({ standby, log: undefined }),
  ];
}

function unwritten({ unwritten: reasons, settings }: Explanation): string[] {
  if (reasons.length === 0) return ['Nothing that the catalog shows.'];
  const timed = settings.some(({ option, value }) => (option === 'max-age' || option === 'schedule') && value !== undefined);
  return [
    ...reasons.map((reason) => `It ${printable(reason)}.`),
    ...(timed ? [] : ['Nothing tells the worker of that: give it --max-age or --schedule.']),
  ];
}

/** What of a source stands in no column. */
function sourceRemarks(source: WatchedSource, freshness: ViewFreshness | undefined): string[] {
  const name = printable(source.name);
  const remarks: string[] = [];
  if (source.watch === 'no-privilege') remarks.push(`This role may not create a trigger on ${name}: GRANT TRIGGER ON ${name} TO the worker's role.`);
  if (source.watch === 'sweep') remarks.push(`No worker serves ${name}: the sweep notices when somebody has refreshed it.`);
  if (source.watch === 'missing' || source.watch === 'disabled' || source.watch === 'altered') {
    remarks.push(`The trigger of ${name} is ${source.watch}: the next sweep of a worker mends it.`);
  }
  if (source.linked && !source.remembered) remarks.push(`What ${name} looks like is not remembered yet: the next refresh does so.`);
  // Of a change on record that is to be expected.
  if (source.difference !== undefined && freshness?.changes === 0) {
    remarks.push(`${name} looks different from the last refresh (${source.difference}), and no trigger saw why: the next sweep looks into it.`);
  }
  return remarks;
}

/** Partitions may be many: these, and how many more. */
const childrenShown = 3;

function branches(nodes: readonly LineageNode[]): Branch[] {
  const children = nodes.filter((node) => node.child);
  const shown = [...nodes.filter((node) => !node.child), ...(children.length > childrenShown + 1 ? children.slice(0, childrenShown) : children)];
  const hidden = nodes.length - shown.length;
  const texts = shown.map((node) => ({
    text: `${printable(node.name)} (${node.child ? 'partition or child' : relationNames[node.kind]}${node.repeated ? ', see above' : ''})`,
    below: branches(node.below),
  }));
  return hidden > 0 ? [...texts, { text: `and ${hidden.toLocaleString('en-US')} more partitions or children`, below: [] }] : texts;
}

const relationNames: Readonly<Record<RelationKind, string>> = {
  r: 'table', p: 'partitioned table', f: 'foreign table', m: 'materialized view', v: 'plain view',
};

function settingTable(settings: readonly SettingInForce[], width: number): string[] {
  const rows = settings.map(({ option, value, origin }) => [option, settingText({ option, value }), printable(origin)]);
  return renderTable([{ title: 'option' }, { title: 'value' }, { title: 'from', elastic: true }], rows, width).split('\n');
}

function settingText({ option, value }: Pick<SettingInForce, 'option' | 'value'>): string {
  if (value === undefined && option === 'freshness') return 'twice its interval';
  if (value === undefined || (option === 'refresh-timeout' && value === 0)) return 'none';
  if (typeof value === 'boolean') return value ? 'on' : 'off';
  if (typeof value === 'string') return printable(value);
  return options[option].type.name === 'duration' ? formatDuration(value) : value.toLocaleString('en-US');
}

/**
 * What `listener explain NAME --json` prints. Names and fields are stable: they are added, never renamed or reused. Times
 * are ISO 8601 in UTC, durations in milliseconds, names quoted as SQL needs them.
 */
export interface ExplanationJson {
  readonly view: string;
  readonly at: string;
  readonly standby: boolean;
  readonly installed: boolean;
  /** As in `listener status --json`; null: no worker has ever served it. */
  readonly status: ViewJson | null;
  readonly plan: Explanation['plan'];
  readonly reads: readonly TreeJson[];
  readonly readBy: readonly TreeJson[];
  readonly sources: readonly SourceJson[];
  readonly unwritten: readonly string[];
  readonly settings: readonly { readonly option: string; readonly value: number | string | boolean | null; readonly origin: string }[];
}

export interface TreeJson {
  readonly name: string;
  readonly kind: string;
  /** Whether it is a partition, or child, of what stands above it. */
  readonly child: boolean;
  /** It stands in the tree before, with what is below it. */
  readonly repeated: boolean;
  readonly below: readonly TreeJson[];
}

export function explanationJson(explanation: Explanation): ExplanationJson {
  const { view, at, standby, installed, freshness, plan, lineage, sources, unwritten: reasons, settings } = explanation;
  return {
    view, at: at.toISOString(), standby, installed,
    status: freshness === undefined ? null : viewJson(freshness, at),
    plan: { plan: plan.plan, reason: plan.reason, index: plan.index === null ? null : { name: plan.index.name, columns: plan.index.columns }, advice: plan.advice, ...(plan.sql === undefined ? {} : { sql: plan.sql }) },
    reads: lineage.upstream.map(treeJson), readBy: lineage.downstream.map(treeJson),
    sources: sources.map(sourceJson), unwritten: reasons,
    settings: settings.map(({ option, value, origin }) => ({ option, value: value ?? null, origin })),
  };
}

function treeJson({ name, kind, child, repeated, below }: LineageNode): TreeJson {
  return { name, kind: relationNames[kind], child, repeated, below: below.map(treeJson) };
}
