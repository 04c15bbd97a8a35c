import pg from 'pg';
import { expect } from 'vitest';
import type { Config } from '../../src/config/config.js';
import { examine } from '../../src/doctor/examine.js';
import type { CheckedFinding } from '../../src/doctor/finding.js';
import { defaultThresholds, type Thresholds } from '../../src/doctor/thresholds.js';
import { ownDatabase, startServing } from '../catalog/worker-scene.js';
import type { Role, TestDatabase } from '../support/database.js';
import { configFor } from '../support/test-worker.js';

/** A table of the application's, and a view of the worker's over it that can be refreshed concurrently. */
export async function shop(): Promise<TestDatabase> {
  const db = await ownDatabase();
  await db.app.query('CREATE TABLE public.orders (id int PRIMARY KEY, n int); INSERT INTO public.orders SELECT i, i FROM generate_series(1, 10) AS i');
  await db.worker.query('CREATE MATERIALIZED VIEW public.mv_orders AS SELECT id, n FROM public.orders; CREATE UNIQUE INDEX ON public.mv_orders (id)');
  return db;
}

/** The same, after a worker has served it and has gone a moment ago. */
export async function servedShop(): Promise<TestDatabase> {
  const db = await shop();
  await serveOnce(db, ['mv_orders']);
  return db;
}

export async function serveOnce(db: TestDatabase, views: readonly string[], overrides: Partial<Config> = {}): Promise<void> {
  const worker = await startServing(db, views, overrides);
  await worker.stop();
}

export interface Visit {
  readonly role?: Role;
  readonly url?: string;
  readonly views?: readonly string[];
  readonly config?: Partial<Config>;
  readonly thresholds?: Partial<Thresholds>;
}

/** A day on which all releases that this is tested with are supported. */
const today = new Date('2026-04-15');

/** All that the doctor has to say. */
export async function diagnose(db: TestDatabase, { role = 'worker', url = db.url(role), views = [], config = {}, thresholds = {} }: Visit = {}): Promise<readonly CheckedFinding[]> {
  // So late a canary is that of a busy machine, and no pooler.
  const diagnosis = await examine(configFor(url, views, config), { ...defaultThresholds, ...thresholds }, today);
  return diagnosis.findings;
}

/** What is not well, of one check. */
export async function trouble(db: TestDatabase, check: string, visit: Visit = {}): Promise<readonly CheckedFinding[]> {
  const findings = (await diagnose(db, visit)).filter((finding) => finding.check === check);
  expect(findings).not.toEqual([]);
  return findings.filter(({ level }) => level !== 'ok');
}

/** Runs what a finding advises, a line a statement in one session, as psql would. */
export async function runRemedy(db: TestDatabase, role: Role, finding: CheckedFinding | undefined): Promise<void> {
  const lines = (finding?.remedy ?? '').split('\n');
  expect(lines.every((line) => line.endsWith(';')), `SQL: ${lines.join(' ')}`).toBe(true);
  const client = new pg.Client(db.url(role));
  await client.connect();
  try {
    for (const line of lines) await client.query(line);
  } finally {
    await client.end();
  }
}
