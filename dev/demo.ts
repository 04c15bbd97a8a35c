// npm run demo [-- --seconds 20]: a PostgreSQL of its own, live traffic on it, and the worker as production runs it.
import { parseArgs } from 'node:util';
import pg from 'pg';
import { compareWithQueries } from './demo/agreement.js';
import { Interrupted, watchForEnding, type Ending } from './demo/ending.js';
import { caughtUp, readRecord } from './demo/record.js';
import { buildScene } from './demo/scene.js';
import { summaryLines } from './demo/summary.js';
import { Traffic } from './demo/traffic.js';
import { runCommand, startWorkerProcess, type WorkerProcess } from './demo/worker-process.js';
import { startEmbeddedServer, type EmbeddedServer } from './embedded-server.js';
import { readAirports, readFlights } from './flights.js';

const views = ['mv_dashboard', 'mv_worst_airports', 'daily_departures'];
const creation = ['summary', 'create', 'public.daily_departures', '--from', 'dev/demo/daily-departures.sql'];
const workerOptions = ['--views', views.join(','), '--debounce', '500ms', '--max-wait', '3s'];
/** Of the 20,000 flights; the others are live traffic. */
const loadedBefore = 10_000;
const catchUpMs = 15_000;

/**
 * @param seconds of traffic; undefined: until somebody ends it
 * @returns whether the worker did its job: the views agree with their queries, and it stopped in order
 */
async function demo(ending: Ending, seconds: number | undefined): Promise<boolean> {
  const startedAt = Date.now();
  let server: EmbeddedServer | undefined;
  let worker: WorkerProcess | undefined;
  try {
    say('Real flight records are replayed as live traffic; the worker keeps two materialized views and a summary table over them fresh.');
    const [flights, airports] = await Promise.all([readFlights(), readAirports()]);
    const serverStartedAt = Date.now();
    server = await startEmbeddedServer();
    const scene = await ending.unlessAtOnce(buildScene(server.url, airports, flights.slice(0, loadedBefore)));
    say(`PostgreSQL ${server.version}, ${loadedBefore.toLocaleString('en-US')} flights. Worker: listener ${workerOptions.join(' ')}`);
    say(`Look, or change something yourself: psql ${scene.appUrl}   (Ctrl-C ends everything)`);

    say(`listener ${creation.join(' ')}`);
    await ending.unlessAtOnce(runCommand(scene.listenerUrl, creation));
    say('');
    worker = startWorkerProcess(scene.listenerUrl, [...workerOptions, '--log-format', 'text']);
    const died = worker.ended.then((status) => {
      throw new Error(status === null ? 'A signal ended the worker' : `The worker ended by itself, with exit status ${status}`);
    });
    died.catch(() => undefined); // told to whoever waits for something else meanwhile
    const during = <T>(work: Promise<T>): Promise<T> => ending.unlessAtOnce(Promise.race([work, died]));

    const client = new pg.Client({ connectionString: scene.listenerUrl, application_name: 'demo summary', statement_timeout: 10_000 });
    client.on('error', () => undefined); // a connection that breaks: the next statement tells
    await client.connect();
    await client.query('GRANT SELECT ON public.daily_departures TO app');
    await during(caughtUp(client, views.length, catchUpMs));
    if (seconds !== undefined) ending.endIn(seconds * 1_000);
    const traffic = new Traffic({ url: scene.appUrl, flights: flights.slice(loadedBefore), tell: tellTraffic, signal: ending.enough });
    await during(traffic.run());
    tellTraffic('has ended; the worker catches up');
    await during(caughtUp(client, views.length, catchUpMs));
    const status = await ending.unlessAtOnce(worker.stop());

    const agreements = await ending.unlessAtOnce(compareWithQueries(client));
    const records = await ending.unlessAtOnce(readRecord(client));
    await client.end();
    const { committed, rolledBack } = traffic;
    say(`\n${summaryLines({ durationMs: Date.now() - startedAt, committed, rolledBack, records, agreements, serverStartedAt }).join('\n')}`);
    return status === 0 && agreements.length === views.length && agreements.every(({ differing }) => differing === 0);
  } finally {
    await worker?.kill();
    await server?.stop();
  }
}

function say(line: string): void {
  console.log(line);
}

/** Apart from the worker's log, which has a time and a level. */
function tellTraffic(line: string): void {
  const colored = process.stdout.isTTY && (process.env.NO_COLOR ?? '') === '';
  say(colored ? `\u001B[35mtraffic  | ${line}\u001B[39m` : `traffic  | ${line}`);
}

/** @throws when they are anything but `--seconds N` */
function secondsOf(args: readonly string[]): number | undefined {
  const usage = 'write npm run demo, or npm run demo -- --seconds 20';
  let given: string | undefined;
  try {
    given = parseArgs({ args: [...args], options: { seconds: { type: 'string' } } }).values.seconds;
  } catch (error) {
    throw new Error(`${error instanceof Error ? error.message : String(error)}: ${usage}`, { cause: error });
  }
  if (given === undefined) return undefined;
  const seconds = Number(given);
  if (!(seconds > 0 && seconds <= 86_400)) throw new Error(`--seconds ${given} is not a number of seconds: ${usage}`);
  return seconds;
}

function explain(error: unknown): void {
  if (error instanceof Interrupted) return;
  console.error(`The demo failed: ${error instanceof Error ? error.message : String(error)}`);
}

const ending = watchForEnding();
let status: number;
try {
  status = (await demo(ending, secondsOf(process.argv.slice(2)))) ? 0 : 1;
} catch (error) {
  explain(error);
  status = error instanceof Interrupted ? 130 : 1;
}
process.exit(status);
