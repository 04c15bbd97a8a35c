import { randomBytes } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import pg from 'pg';
import type { Airport, Flight } from '../flights.js';

const roles = ['app', 'listener'] as const;
const database = 'demo';

/** Connection strings of the demo's database. */
export interface Scene {
  /** The application: owns the tables, may read the views, knows nothing of the worker. */
  readonly appUrl: string;
  /** The worker: owns the views. */
  readonly listenerUrl: string;
}

/** Roles, tables and views as production would have them; the airports and the first flights in the tables, the views filled. */
export async function buildScene(adminUrl: string, airports: readonly Airport[], flights: readonly Flight[]): Promise<Scene> {
  const password = randomBytes(6).toString('hex');
  const url = (user: string): string => {
    const own = new URL(adminUrl);
    return Object.assign(own, { username: user, password, pathname: `/${database}` }).href;
  };
  await onServer(adminUrl, async (admin) => {
    for (const role of roles) await admin.query(`CREATE ROLE ${role} LOGIN PASSWORD '${password}'`);
    await admin.query(`CREATE DATABASE ${database}`);
    // The worker creates one schema of its own, refresh_listener.
    await admin.query(`GRANT CREATE ON DATABASE ${database} TO listener`);
  });
  const inDatabase = Object.assign(new URL(adminUrl), { pathname: `/${database}` }).href;
  await onServer(inDatabase, (admin) => admin.query('GRANT USAGE, CREATE ON SCHEMA public TO app, listener'));

  await onServer(url('app'), async (app) => {
    await app.query(await sql('tables'));
    await app.query(
      `INSERT INTO public.airports SELECT iata, name, city, state
       FROM jsonb_to_recordset($1) AS a (iata text, name text, city text, state text)`,
      [JSON.stringify(airports)],
    );
    await insertFlights(app, flights);
    await app.query('ANALYZE public.flights, public.airports');
  });
  await onServer(url('listener'), async (listener) => listener.query(await sql('views')));
  return { appUrl: url('app'), listenerUrl: url('listener') };
}

/** In one statement, however many they are. */
export async function insertFlights(client: pg.ClientBase, flights: readonly Flight[]): Promise<number> {
  const { rowCount } = await client.query(
    `INSERT INTO public.flights (departed_at, delay_minutes, origin, destination)
     SELECT "departedAt", "delayMinutes", origin, destination
     FROM jsonb_to_recordset($1) AS f ("departedAt" timestamptz, "delayMinutes" integer, origin text, destination text)`,
    [JSON.stringify(flights)],
  );
  return rowCount ?? 0;
}

function sql(name: string): Promise<string> {
  return readFile(new URL(`${name}.sql`, import.meta.url), 'utf8');
}

async function onServer(url: string, work: (client: pg.Client) => Promise<unknown>): Promise<void> {
  const client = new pg.Client(url);
  await client.connect();
  try {
    await work(client);
  } finally {
    await client.end();
  }
}
