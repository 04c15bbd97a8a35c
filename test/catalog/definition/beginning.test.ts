import { expect, it } from 'vitest';
import { readDefinition } from '../../../src/catalog/definition/read-definition.js';

async function beginningOf(expression: string): Promise<string | undefined> {
  const reading = await readDefinition(`SELECT ${expression} AS bucket, count(*) AS n FROM public.events GROUP BY ${expression}`);
  if ('refusal' in reading) throw new Error(reading.refusal);
  return reading.definition.beginningOf('bucket');
}

it.each([
  `date_trunc('hour'::text, events.occurred_at)`,
  `date_trunc('day'::text, occurred_at, 'Europe/Berlin'::text)`,
  `date_trunc('day'::text, (occurred_at AT TIME ZONE 'UTC'::text))`,
  `(date_trunc('day'::text, (occurred_at AT TIME ZONE 'Europe/Berlin'::text)) AT TIME ZONE 'Europe/Berlin'::text)`,
  `date_bin('00:05:00'::interval, occurred_at, '2000-01-01 00:00:00+00'::timestamp with time zone)`,
  `(occurred_at)::date`,
  `date_trunc('month'::text, (occurred_at)::timestamp with time zone)`,
  `occurred_at`,
])('%s begins a bucket of its column', async (expression) => {
  expect(await beginningOf(expression)).toBe('occurred_at');
});

it.each([
  `public.date_trunc('hour'::text, occurred_at)`,
  `date_trunc(unit, occurred_at)`,
  `date_bin('00:05:00'::interval, occurred_at, created_at)`,
  `(date_trunc('hour'::text, occurred_at) + '01:00:00'::interval)`,
  `(occurred_at AT TIME ZONE 'XXX+99'::text)`,
  `(occurred_at AT TIME ZONE '99:00:00'::interval)`,
  `(occurred_at)::text`,
  `EXTRACT(hour FROM occurred_at)`,
  `to_timestamp((n)::double precision)`,
  `GREATEST(occurred_at, created_at)`,
])('%s is something else', async (expression) => {
  expect(await beginningOf(expression)).toBeUndefined();
});
