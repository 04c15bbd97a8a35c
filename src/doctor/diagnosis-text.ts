import { styleText } from 'node:util';
import wrap from 'wrap-ansi';
import { count } from '../report/sentence.js';
import type { Diagnosis } from './examine.js';
import type { Finding, Level } from './finding.js';

const labels: Readonly<Record<Level, string>> = { ok: 'ok', warning: 'warning', failure: 'failure' };
const colours = { ok: 'green', warning: 'yellow', failure: 'red' } as const;
const labelWidth = 9;

export interface TextOptions {
  /** Columns to fit into. */
  readonly width: number;
  readonly colour: boolean;
}

/**
 * For a terminal: a group a paragraph, a line for what passed; for what did not, why it matters and the remedy. SQL and
 * commands are never broken into lines: they are there to be copied.
 */
export function renderDiagnosis({ findings }: Pick<Diagnosis, 'findings'>, { width, colour }: TextOptions): string {
  const groups = new Map<string, string[]>();
  for (const finding of findings) {
    groups.set(finding.group, [...(groups.get(finding.group) ?? []), ...renderFinding(finding, width, colour)]);
  }
  const paragraphs = [...groups].map(([group, lines]) => [group, ...lines].join('\n'));
  return [...paragraphs, summary(findings)].join('\n\n');
}

function renderFinding(finding: Finding, width: number, colour: boolean): string[] {
  const label = labels[finding.level].padEnd(labelWidth);
  const indent = ' '.repeat(2 + labelWidth);
  const [first = '', ...rest] = wrapped(finding.what, width - indent.length);
  const lines = [`  ${colour ? styleText(colours[finding.level], label, { validateStream: false }) : label}${first}`, ...rest.map((line) => indent + line)];
  if (finding.why !== undefined) lines.push(...wrapped(finding.why, width - indent.length - 2).map((line) => `${indent}  ${line}`));
  if (finding.remedy !== undefined) {
    const remedy = isVerbatim(finding.remedy) ? finding.remedy.split('\n') : wrapped(finding.remedy, width - indent.length - 4);
    lines.push(...remedy.map((line) => `${indent}    ${colour ? styleText('bold', line, { validateStream: false }) : line}`));
  }
  return lines;
}

/** SQL or a command, and no sentence. */
function isVerbatim(remedy: string): boolean {
  return remedy.endsWith(';') || remedy.startsWith('listener ');
}

function wrapped(text: string, width: number): string[] {
  return wrap(text, Math.max(20, width)).split('\n');
}

/** '1 failure, 2 warnings, 14 checks passed.' */
export function summary(findings: readonly Pick<Finding, 'level'>[]): string {
  const { failures, warnings, passed } = tally(findings);
  return `${failures === 0 ? 'No failure' : count(failures, 'failure')}, ${count(warnings, 'warning')}, ${count(passed, 'check')} passed.`;
}

export function tally(findings: readonly Pick<Finding, 'level'>[]): { failures: number; warnings: number; passed: number } {
  const of = (level: Level): number => findings.filter((finding) => finding.level === level).length;
  return { failures: of('failure'), warnings: of('warning'), passed: of('ok') };
}
