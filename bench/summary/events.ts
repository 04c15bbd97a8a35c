import type pg from 'pg';
import { readManyFlights } from '../../dev/flights.js';
import type { BenchDatabase } from '../server.js';

/** An append-only table, and what a summary of it says. */
export interface Events {
  readonly table: string;
  /** All but the id. */
  readonly columns: string;
  /** As RESULTS.md names it. */
  readonly title: string;
  readonly create: string;
  /** Puts so many rows into the empty table. */
  fill(app: pg.Client, rows: number): Promise<void>;
  /** The definition of the summary, and of the materialized view beside it. */
  readonly definition: string;
  /** Its columns that make a group. */
  readonly key: string;
  /** The column of `key` that is a time. */
  readonly bucket: string;
  /** An INSERT of so many rows as come now, of which the last is the only one in a group of its own. */
  newRows(rows: number): string;
  /** A condition over the key: that group, in the summary. */
  last(rows: number): string;
}

const perStatement = 1_000_000;

/** Invented events, 13,846 an hour: as many by each account as the square of its number makes it, most by few. */
export const usageEvents = (table: string): Events => ({
  table,
  columns: 'occurred_at, account_id, event_type, bytes',
  title: 'generated usage events, by hour, account and type',
  create: `CREATE TABLE public.${table} (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, occurred_at timestamptz NOT NULL, account_id integer NOT NULL, event_type text NOT NULL, bytes bigint)`,
  async fill(app, rows) {
    for (let at = 0; at < rows; at += perStatement) {
      await app.query(
        `INSERT INTO public.${table} (occurred_at, account_id, event_type, bytes)
         SELECT timestamptz '2026-01-01 00:00Z' + i * interval '260 milliseconds', ${account('i')}, ${type('i')}, hashint8(i) & 1048575
         FROM generate_series($1::bigint, $2::bigint) AS i`,
        [at + 1, Math.min(rows, at + perStatement)],
      );
    }
  },
  definition: `SELECT date_trunc('hour', occurred_at) AS bucket, account_id, event_type, count(*) AS event_count, sum(bytes) AS total_bytes
FROM public.${table} GROUP BY 1, 2, 3`,
  key: 'bucket, account_id, event_type',
  bucket: 'bucket',
  newRows: (rows) => `INSERT INTO public.${table} (occurred_at, account_id, event_type, bytes)
    SELECT timestamptz '2026-03-01 00:00Z' + i * interval '260 milliseconds', CASE i WHEN ${rows} THEN -1 ELSE ${account('i')} END, ${type('i')}, 1000
    FROM generate_series(1::bigint, ${rows}) AS i ORDER BY i`,
  last: (rows) => `bucket = date_trunc('hour', timestamptz '2026-03-01 00:00Z' + ${rows} * interval '260 milliseconds') AND account_id = -1`,
});

function account(i: string): string {
  return `floor(50 * ((hashint8(${i}) & 65535) / 65536.0) ^ 2)::integer`;
}

function type(i: string): string {
  return `(ARRAY['read', 'write', 'list', 'delete'])[1 + ((hashint8(${i}) >> 16) & 3)]`;
}

const flightColumns = 'departed_at, delay_minutes, distance_miles, origin, destination';
/** Of January to June 2001. */
const realFlights = 3_000_000;

export const flights = (table: string): Events => ({
  table,
  columns: flightColumns,
  title: 'real flights, by day and airport',
  create: `CREATE TABLE public.${table} (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, departed_at timestamptz NOT NULL, delay_minutes integer NOT NULL, distance_miles integer NOT NULL,
    origin text NOT NULL, destination text NOT NULL)`,
  async fill(app, rows) {
    await insertReal(app, table, rows);
    // The same half year again, and again.
    for (let at = realFlights; at < rows; at += perStatement) {
      const [turn, first] = [Math.floor(at / realFlights), at % realFlights];
      await app.query(copyFlights(table, `${turn} * interval '181 days'`, 'f.origin', first, first + Math.min(perStatement, rows - at)));
    }
  },
  definition: `SELECT date_trunc('day', departed_at) AS day, origin, count(*) AS flights, count(*) FILTER (WHERE delay_minutes >= 15) AS late,
       sum(delay_minutes) AS delay_minutes, avg(distance_miles) AS mean_distance
FROM public.${table} GROUP BY 1, 2`,
  key: 'day, origin',
  bucket: 'day',
  newRows: (rows) => copyFlights(table, `interval '3000 days'`, `CASE f.id WHEN ${rows} THEN '---' ELSE f.origin END`, 0, rows),
  last: (rows) => `day = date_trunc('day', (SELECT f.departed_at + interval '3000 days' FROM public.${table} AS f WHERE f.id = ${rows})) AND origin = '---'`,
});

/** @param after, to the ids of those that are copied */
function copyFlights(table: string, later: string, origin: string, after: number, to: number): string {
  return `INSERT INTO public.${table} (${flightColumns})
    SELECT f.departed_at + ${later}, f.delay_minutes, f.distance_miles, ${origin}, f.destination
    FROM public.${table} AS f WHERE f.id > ${after} AND f.id <= ${to} ORDER BY f.id`;
}

async function insertReal(app: pg.Client, table: string, rows: number): Promise<void> {
  let at = 0;
  for await (const batch of readManyFlights()) {
    const some = batch.slice(0, rows - at);
    at += batch.length;
    await app.query(
      `INSERT INTO public.${table} (${flightColumns})
       SELECT * FROM unnest($1::timestamptz[], $2::integer[], $3::integer[], $4::text[], $5::text[])`,
      [
        some.map(({ departedAt }) => departedAt.toISOString()), some.map(({ delayMinutes }) => delayMinutes), some.map(({ distanceMiles }) => distanceMiles),
        some.map(({ origin }) => origin), some.map(({ destination }) => destination),
      ],
    );
    if (at >= rows) return;
  }
}

/** Creates the tables and fills them: the largest anew, each other one with the first rows of it. */
export async function createAll(database: BenchDatabase, all: readonly { readonly events: Events; readonly size: number }[]): Promise<void> {
  const app = await database.connect('app');
  const [largest, ...others] = [...all].sort((a, b) => b.size - a.size);
  if (largest === undefined) return;
  await app.query(largest.events.create);
  await largest.events.fill(app, largest.size);
  for (const { events: { create, table, columns }, size } of others) {
    await app.query(create);
    await app.query(`INSERT INTO public.${table} (${columns}) SELECT ${columns} FROM public.${largest.events.table} WHERE id <= ${size} ORDER BY id`);
  }
  // As autovacuum would in time.
  for (const { events } of all) await app.query(`VACUUM (ANALYZE) public.${events.table}`);
}
