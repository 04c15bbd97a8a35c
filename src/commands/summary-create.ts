import { readFileSync } from 'node:fs';
import { readDefinitionFile, type DefinitionFile } from '../catalog/definition/definition-file.js';
import { createSummary, summaryScript, type CreatedSummary, type SummaryRequest } from '../catalog/summary-creation.js';
import { formatDuration } from '../config/duration.js';
import { UsageError } from '../config/usage-error.js';
import { connectionOptions, type Command, type Invocation } from './command.js';
import { say, tell, withDatabase } from './opened.js';

export const summaryCreateCommand: Command = {
  name: 'summary create',
  summary: 'Create a summary table from a SELECT, or print the SQL for it',
  names: { required: true, many: false, description: 'Name of the table, as CREATE TABLE takes it' },
  viewsOptional: true,
  options: ['from', 'capture', 'id', 'bucket', 'lateness', 'freshness', ...connectionOptions, 'lapse', 'print', 'role'],
  meanings: { freshness: 'How long the summary may be stale, as a target: what a worker takes for it unless its config file says otherwise' },
  examples: [
    ['listener summary create usage_hourly --from usage.sql', 'which a worker then keeps: listener --views usage_hourly'],
    ["listener summary create usage_hourly --from usage.sql --bucket hour --lateness '3 days'", 'and closes hours after three days'],
    ['listener summary create usage_hourly --from usage.sql --print', 'the SQL of it, for a migration'],
  ],
  run: (invocation) => (invocation.isSet('print') ? printScript(invocation) : createNow(invocation)),
};

async function createNow(invocation: Invocation): Promise<number> {
  const { config, valueOf } = invocation;
  if (valueOf('role') !== undefined) {
    throw new UsageError('--role goes with --print: run the SQL that listener summary create --print --role writes, as the owner of the tables');
  }
  const request = await readRequest(invocation);
  const created = await withDatabase(config, (database) => createSummary(database, request, {
    directUrl: config.listenUrl,
    lapseMs: config.lapseMs,
    signal: new AbortController().signal,
    onWait: (source) => tell(`Waiting for running writers of ${source}; nobody waits for that.`),
  }));
  report(created).forEach(say);
  return 0;
}

async function printScript(invocation: Invocation): Promise<number> {
  const { config, names, valueOf } = invocation;
  const request = await readRequest(invocation);
  const written = [
    ...names, ...(['from', 'id', 'bucket', 'role'] as const).flatMap((option) => { const value = valueOf(option); return value === undefined ? [] : [`--${option}`, value]; }),
    ...(['lateness', 'freshness'] as const).flatMap((option) => { const value = valueOf(option); return value === undefined ? [] : [`--${option}`, formatDuration(value)]; }),
  ];
  const commandLine = ['listener summary create', ...written.map((word) => (/^[\w./-]+$/.test(word) ? word : `'${word}'`)), '--print'].join(' ');
  process.stdout.write(await withDatabase(config, (database) => summaryScript(database, request, { commandLine, lapseMs: config.lapseMs, role: valueOf('role') })));
  return 0;
}

async function readRequest({ names, valueOf }: Invocation): Promise<SummaryRequest> {
  const path = valueOf('from');
  if (path === undefined) throw new UsageError('the definition is missing: write --from usage.sql, a file with one SELECT ... GROUP BY');
  return {
    name: names[0] ?? '', file: await readFile(path), capture: valueOf('capture') ?? 'watermark', idColumn: valueOf('id'),
    bucket: valueOf('bucket'), latenessMs: valueOf('lateness'), freshnessMs: valueOf('freshness'),
  };
}

async function readFile(path: string): Promise<DefinitionFile> {
  const shown = path === '-' ? 'standard input' : path;
  let bytes: Buffer;
  try {
    bytes = readFileSync(path === '-' ? 0 : path);
  } catch (error) {
    throw new UsageError(`${shown} cannot be read (${(error as NodeJS.ErrnoException).code ?? String(error)}): check its path and its permissions`);
  }
  let text: string;
  try {
    text = new TextDecoder('utf-8', { fatal: true }).decode(bytes);
  } catch {
    throw new UsageError(`${shown} is no text in UTF-8: save it in that encoding`);
  }
  return readDefinitionFile(shown, text);
}

/** What a creation did, a line a thing. */
export function report({ design, restsOn, advice, installed }: CreatedSummary): string[] {
  const { name, source, bucket, latenessMs } = design;
  return [
    ...installed.migrations.map((migration) => `Ran migration ${migration} in schema refresh_listener.`),
    `Created summary ${name} of ${source.name}${bucket === undefined ? '' : `, in buckets by ${bucket}`}${
      latenessMs === undefined ? '' : `, each closed ${formatDuration(latenessMs)} after it ended`}.`,
    restsOn,
    ...(advice === undefined ? [] : [advice]),
    ...installed.triggers.filter(({ state }) => state !== 'present').map(({ source: table, state, because }) => (
      state === 'created' || state === 'mended' ? `Created the trigger of ${table}.`
        : state === 'none' ? `No trigger on ${table}, since ${because ?? 'it cannot have one'}: writes to it are seen when they come through its parent.`
          : `No trigger on ${table} yet (${because ?? 'unknown'}): a worker sees to it.`)),
    `It is empty until a worker has filled it: listener --views ${name}`,
  ];
}
