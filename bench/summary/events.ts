import type pg from 'pg';
import { readManyFlights } from '../../dev/flights.js';
import type { BenchDatabase } from '../server.js';

/** An append-only table, and what a summary of it says. */
export interface Events {
  readonly table: string;
  /** As RESULTS.md names it. */
  readonly title: string;
  readonly create: string;
  /** Adds rows until there are so many. */
  grow(app: pg.Client, from: number, to: number): Promise<void>;
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
export const usageEvents: Events = {
  table: 'usage_events',
  title: 'generated usage events, by hour, account and type',
  create: `CREATE TABLE public.usage_events (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, occurred_at timestamptz NOT NULL, account_id integer NOT NULL, event_type text NOT NULL, bytes bigint)`,
  async grow(app, from, to) {
    for (let at = from; at < to; at += perStatement) {
      await app.query(
        `INSERT INTO public.usage_events (occurred_at, account_id, event_type, bytes)
         SELECT timestamptz '2026-01-01 00:00Z' + i * interval '260 milliseconds', ${account('i')}, ${type('i')}, hashint8(i) & 1048575
         FROM generate_series($1::bigint, $2::bigint) AS i`,
        [at + 1, Math.min(to, at + perStatement)],
      );
    }
  },
  definition: `SELECT date_trunc('hour', occurred_at) AS bucket, account_id, event_type, count(*) AS event_count, sum(bytes) AS total_bytes
FROM public.usage_events GROUP BY 1, 2, 3`,
  key: 'bucket, account_id, event_type',
  bucket: 'bucket',
  newRows: (rows) => `INSERT INTO public.usage_events (occurred_at, account_id, event_type, bytes)
    SELECT timestamptz '2026-03-01 00:00Z' + i * interval '260 milliseconds', CASE i WHEN ${rows} THEN -1 ELSE ${account('i')} END, ${type('i')}, 1000
    FROM generate_series(1::bigint, ${rows}) AS i ORDER BY i`,
  last: (rows) => `bucket = date_trunc('hour', timestamptz '2026-03-01 00:00Z' + ${rows} * interval '260 milliseconds') AND account_id = -1`,
};

function account(i: string): string {
  return `floor(50 * ((hashint8(${i}) & 65535) / 65536.0) ^ 2)::integer`;
}

function type(i: string): string {
  return `(ARRAY['read', 'write', 'list', 'delete'])[1 + ((hashint8(${i}) >> 16) & 3)]`;
}

/** Of January to June 2001. */
const realFlights = 3_000_000;

export const flights: Events = {
  table: 'flights',
  title: 'real flights, by day and airport',
  create: `CREATE TABLE public.flights (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, departed_at timestamptz NOT NULL, delay_minutes integer NOT NULL, distance_miles integer NOT NULL,
    origin text NOT NULL, destination text NOT NULL)`,
  async grow(app, from, to) {
    if (from < realFlights) await insertReal(app, from, Math.min(to, realFlights));
    // The same half year again, and again.
    for (let at = Math.max(from, realFlights); at < to; at += perStatement) {
      const [turn, first] = [Math.floor(at / realFlights), at % realFlights];
      await app.query(copyFlights(`${turn} * interval '181 days'`, 'f.origin'), [first, first + Math.min(perStatement, to - at, realFlights - first)]);
    }
  },
  definition: `SELECT date_trunc('day', departed_at) AS day, origin, count(*) AS flights, count(*) FILTER (WHERE delay_minutes >= 15) AS late,
       sum(delay_minutes) AS delay_minutes, avg(distance_miles) AS mean_distance
FROM public.flights GROUP BY 1, 2`,
  key: 'day, origin',
  bucket: 'day',
  newRows: (rows) => copyFlights(`interval '3000 days'`, `CASE f.id WHEN ${rows} THEN '---' ELSE f.origin END`).replace('$1', '0').replace('$2', String(rows)),
  last: (rows) => `day = date_trunc('day', (SELECT f.departed_at + interval '3000 days' FROM public.flights AS f WHERE f.id = ${rows})) AND origin = '---'`,
};

/** $1, $2: of the real ones, those after the first up to the second. */
function copyFlights(later: string, origin: string): string {
  return `INSERT INTO public.flights (departed_at, delay_minutes, distance_miles, origin, destination)
    SELECT f.departed_at + ${later}, f.delay_minutes, f.distance_miles, ${origin}, f.destination
    FROM public.flights AS f WHERE f.id > $1 AND f.id <= $2 ORDER BY f.id`;
}

async function insertReal(app: pg.Client, from: number, to: number): Promise<void> {
  let at = 0;
  for await (const batch of readManyFlights()) {
    const some = batch.slice(Math.max(0, from - at), Math.max(0, to - at));
    at += batch.length;
    if (some.length > 0) {
      await app.query(
        `INSERT INTO public.flights (departed_at, delay_minutes, distance_miles, origin, destination)
         SELECT * FROM unnest($1::timestamptz[], $2::integer[], $3::integer[], $4::text[], $5::text[])`,
        [
          some.map(({ departedAt }) => departedAt.toISOString()), some.map(({ delayMinutes }) => delayMinutes), some.map(({ distanceMiles }) => distanceMiles),
          some.map(({ origin }) => origin), some.map(({ destination }) => destination),
        ],
      );
    }
    if (at >= to) return;
  }
}

/** Grows the table, and has its statistics brought up, as autovacuum would. */
export async function growTo(database: BenchDatabase, events: Events, from: number, to: number): Promise<void> {
  const app = await database.connect('app');
  await events.grow(app, from, to);
  await app.query(`VACUUM (ANALYZE) public.${events.table}`);
}
