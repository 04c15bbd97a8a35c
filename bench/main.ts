// npm run bench [-- --only NAME,... --quick --minutes 10]: what it costs, measured on a PostgreSQL of its own; see RESULTS.md.
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { describeMachine } from './machine.js';
import type { Measure, Target } from './measure.js';
import { measures } from './measures.js';
import { parseBenchOptions, type BenchOptions } from './options.js';
import { mergeResults, parseResults, renderResults, type Section } from './results.js';
import { startBenchServer, type BenchServer } from './server.js';

const resultsFile = fileURLToPath(new URL('RESULTS.md', import.meta.url));
const startedAt = Date.now();

function say(line: string): void {
  const seconds = Math.round((Date.now() - startedAt) / 1_000);
  console.log(`[${String(Math.floor(seconds / 60)).padStart(2)}:${String(seconds % 60).padStart(2, '0')}] ${line}`);
}

async function measure(server: BenchServer, wanted: Measure, { quick, minutes }: BenchOptions): Promise<{ section: Section; targets: readonly Target[] }> {
  say(wanted.title);
  const { body, targets } = await wanted.run({ server, quick, minutes, say: (line) => say(`  ${line}`) });
  const where = `${describeMachine(server.version, new Date())}.`;
  const verdicts = targets.map(({ text, met }) => `- ${met ? 'met' : '**missed**'}: ${text}`).join('\n');
  const section = { name: wanted.name, title: wanted.title, body: `${where}\n\n${body}\n\n${verdicts}`.trim() };
  console.log(`\n${section.body}\n`);
  return { section, targets };
}

/** Kept after each measure, so that a bench that is interrupted has not run for nothing. */
function keep(section: Section): void {
  const before = existsSync(resultsFile) ? parseResults(readFileSync(resultsFile, 'utf8')) : [];
  writeFileSync(resultsFile, renderResults(mergeResults(before, [section], measures.map(({ name }) => name))));
}

async function bench(options: BenchOptions): Promise<void> {
  const server = await startBenchServer();
  const missed: string[] = [];
  try {
    for (const wanted of measures.filter(({ name }) => options.only.includes(name))) {
      const { section, targets } = await measure(server, wanted, options);
      if (!options.quick) keep(section);
      missed.push(...targets.filter(({ met }) => !met).map(({ text }) => text));
    }
  } finally {
    await server.stop();
  }
  for (const text of missed) say(`Missed: ${text}`);
  say(options.quick ? 'Done. A quick run is for seeing that everything runs: its figures were not kept.' : 'Done: bench/RESULTS.md');
}

let options: BenchOptions;
try {
  options = parseBenchOptions(process.argv.slice(2), measures.map(({ name }) => name), measures.filter(({ long }) => long).map(({ name }) => name));
} catch (error) {
  console.error(error instanceof Error ? error.message : error);
  process.exit(2);
}
await bench(options);
process.exit(0);
