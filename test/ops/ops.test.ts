import { execFile } from 'node:child_process';
import { cp, mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { describe, expect, it, onTestFinished, type TestContext } from 'vitest';
import { Metrics } from '../../src/health/metrics.js';
import { samplesOf } from '../health/samples.js';

const execute = promisify(execFile);
const path = (file: string): string => fileURLToPath(new URL(`../../${file}`, import.meta.url));
const alerts = await readFile(path('ops/alerts.yml'), 'utf8');

interface Panel { readonly title: string; readonly type: string; readonly panels?: readonly Panel[]; readonly targets?: readonly { readonly expr: string; readonly legendFormat?: string }[] }
const dashboard = JSON.parse(await readFile(path('ops/grafana-dashboard.json'), 'utf8')) as {
  readonly panels: readonly Panel[]; readonly templating: { readonly list: readonly { readonly name: string; readonly query: unknown }[] };
};
const panels = dashboard.panels.flatMap((panel) => [panel, ...(panel.panels ?? [])]);
const queries = [...panels.flatMap(({ targets = [] }) => targets.map(({ expr }) => expr)), ...dashboard.templating.list.map(({ query }) => JSON.stringify(query))];

/** Names of series that an expression asks for. */
function metricsIn(expression: string): string[] {
  return expression.match(/\b(refresh_listener|process|nodejs)_[a-z0-9_]+/g) ?? [];
}

/** Every name that a series of ours can have, with the labels it can have. */
function series(): Map<string, readonly string[]> {
  const { registry } = new Metrics();
  const metrics = registry.getMetricsAsArray() as unknown as { name: string; type: string; labelNames: string[] }[];
  return new Map(metrics.flatMap(({ name, type, labelNames }) =>
    type === 'histogram' ? ['_bucket', '_sum', '_count'].map((part) => [name + part, labelNames] as const) : [[name, labelNames] as const]));
}

/** Prometheus's own checker, with what it reads on standard input; without it the test is skipped and says so. */
async function promtool(context: TestContext, args: readonly string[], input = ''): Promise<string> {
  try {
    await execute('promtool', ['--version']);
  } catch {
    return context.skip('promtool is not installed: in Debian it is part of the package prometheus');
  }
  const run = execute('promtool', [...args]);
  run.child.stdin?.end(input);
  // Both are wanted: promtool says in its status, and on either stream, what is wrong.
  return run.then(({ stdout, stderr }) => stdout + stderr, (error: unknown) => { throw new Error(outputOf(error)); });
}

function outputOf(error: unknown): string {
  const { stdout = '', stderr = '' } = error as { readonly stdout?: string; readonly stderr?: string };
  return `promtool said: ${stdout}${stderr}`;
}

describe('the alert rules', () => {
  const expressions = [...alerts.matchAll(/^ +expr: (.+)$/gm)].map(([, expression = '']) => expression);
  const names = [...alerts.matchAll(/- alert: (\w+)/g)].map(([, name]) => name);

  it('ask for metrics that there are', () => {
    const known = series();
    expect(expressions.length).toBeGreaterThan(10);
    for (const expression of expressions) expect([expression, metricsIn(expression).filter((name) => !known.has(name))]).toEqual([expression, []]);
  });

  it('are each tried both ways', async () => {
    const trials = await readFile(path('test/ops/alerts.test.yml'), 'utf8');
    expect(names.filter((name) => !trials.includes(`alertname: ${name} }`))).toEqual([]);
    expect(names.filter((name) => !trials.includes(`{alertname="${name}"`))).toEqual([]);
  });

  it('are accepted by Prometheus', async (context) => {
    expect(await promtool(context, ['check', 'rules', path('ops/alerts.yml')])).toContain(`SUCCESS: ${names.length} rules found`);
  });

  it('fire when they should, and else do not', async (context) => {
    const folder = await mkdtemp(join(tmpdir(), 'listener-rules-'));
    onTestFinished(() => rm(folder, { recursive: true, force: true }));
    await cp(path('ops/alerts.yml'), join(folder, 'alerts.yml'));
    await cp(path('test/ops/alerts.test.yml'), join(folder, 'alerts.test.yml'));
    expect(await promtool(context, ['test', 'rules', join(folder, 'alerts.test.yml')])).toContain('SUCCESS');
  });
});

describe('the metrics', () => {
  it('are read by Prometheus, which finds nothing to say about their names', async (context) => {
    const metrics = new Metrics();
    metrics.note({
      event: 'refresh.done', view: 'public."odd \\ \n name"', plan: 'merge', reason: 'change', sources: [], stalenessMs: 1, durationMs: 1,
      inserted: 1, updated: 0, deleted: 0, rowsRead: 1,
    });
    const worker = { ready: true, listening: true, rings: { heard: 1, ignored: 0 }, overTarget: [], targetsMs: new Map([['public.a', 1]]) };
    const view = { id: 1, stalenessMs: null, refreshedAt: 1, failures: 0, paused: false, summary: { rowsBehind: 1, gapIds: 1, waitingRows: 1 } };
    const all = await metrics.text(new Map([[1, 'public."odd \\ \n name"']]), worker, { views: [view], logRows: 1, logBytes: 1, queueUsage: 0 });
    expect(samplesOf(all).size).toBeGreaterThan(50);
    // Some names of prom-client's own are not as Prometheus would have them.
    const own = all.split('\n').filter((line) => line.includes('refresh_listener_')).join('\n');
    expect(await promtool(context, ['check', 'metrics'], `${own}\n`)).toBe('');
  });
});

describe('the dashboard', () => {
  it('asks for metrics that there are, and groups by labels that they have', () => {
    const known = series();
    expect(queries.length).toBeGreaterThan(20);
    for (const query of queries) {
      const names = metricsIn(query);
      expect([query, names.length > 0 || query.includes('prometheus'), names.filter((name) => !known.has(name))]).toEqual([query, true, []]);
      const labels = [...query.matchAll(/\bby \(([^)]*)\)/g)].flatMap(([, list = '']) => list.split(',').map((label) => label.trim()));
      const possible = [...names.flatMap((name) => known.get(name) ?? []), 'le', 'instance', 'job'];
      expect([query, labels.filter((label) => !possible.includes(label))]).toEqual([query, []]);
    }
  });

  it('shows every metric of ours', () => {
    const shown = new Set(queries.flatMap(metricsIn));
    const names = [...series().keys()].filter((name) => name.startsWith('refresh_listener_') && !/_(sum|count)$/.test(name));
    expect(names.filter((name) => !shown.has(name))).toEqual([]);
  });

  it('has a title and a query in each panel, and no two panels in one place', () => {
    for (const panel of panels) expect([panel.title !== '', panel.type === 'row' || (panel.targets ?? []).length > 0]).toEqual([true, true]);
    const places = panels.map((panel) => JSON.stringify((panel as unknown as { gridPos: unknown }).gridPos));
    expect(new Set(places).size).toBe(places.length);
  });
});

it('samples are read as Prometheus writes them', () => {
  expect(samplesOf('# HELP a b\na{x="1 2"} 3\nb NaN\n\n')).toEqual(new Map([['a{x="1 2"}', 3], ['b', NaN]]));
});
