import { expect, it } from 'vitest';
import { Absorber, addEvents, eventsAndSummary } from '../freshen/summary/scene.js';
import type { TestDatabase } from '../support/database.js';
import { connect } from '../worker/scene.js';
import { listener } from './listener-process.js';

/** What `status` says of the summary `hourly`. */
async function told(db: TestDatabase): Promise<{ readonly text: string; readonly summary: unknown; readonly stale: unknown; readonly runs: unknown }> {
  const text = await listener(db.url('worker'), 'status', 'hourly');
  expect(text).toMatchObject({ status: 0, stderr: '' });
  const json = await listener(db.url('worker'), 'status', 'hourly', '--json');
  const { views: [view] } = JSON.parse(json.stdout) as { views: { summary: unknown; stale: unknown; runs: unknown }[] };
  return { text: text.stdout, summary: view?.summary, stale: view?.stale, runs: view?.runs };
}

it('status tells how far a summary is, what it waits for, and what came late', { timeout: 60_000 }, async () => {
  const db = await eventsAndSummary({ lateness: '1 day', rows: 3_000 });
  const hourly = await Absorber.of(db);
  await hourly.absorbed({ signal: AbortSignal.abort() });
  const filling = await told(db);
  expect(filling.text).toContain('up to 1000, 2,000 behind');
  expect(filling.text).toContain('It is still being filled, and empty until that has ended.');
  expect(filling).toMatchObject({ stale: true, summary: { filledAt: null, watermark: { column: 'id', lastId: '1000', rowsBehind: 2_000 } } });

  await hourly.absorbed();
  const open = await connect(db.app);
  await open.query('BEGIN');
  await open.query('INSERT INTO public.events (occurred_at) VALUES (now()), (now())');
  await db.app.query(`INSERT INTO public.events (occurred_at) VALUES (now() - interval '9 days')`);
  await hourly.absorbed();
  const { rows: [{ pid } = { pid: 0 }] } = await open.query<{ pid: number }>('SELECT pg_backend_pid() AS pid');
  const waiting = await told(db);
  expect(waiting.text).toContain(`2 ids below it not seen yet`);
  expect(waiting.text).toContain(`may still be committed by pid ${pid}`);
  expect(waiting.text).toContain('1 row for 1 closed bucket not shown: listener backfill public.hourly --from');
  expect(waiting).toMatchObject({
    stale: false, runs: [
      { rowsRead: 1, late: 0, closedLate: 1, corrections: null, plan: 'merge', batches: 1, gaps: 2, holders: [{ pid, since: expect.stringMatching(/^20/) as string }], rowsBehind: 0 },
      { rowsRead: 2_000, gaps: 0, holders: [], rowsBehind: 0 },
      { rowsRead: 1_000, batches: 1, rowsBehind: 2_000, plan: 'merge' },
    ],
    summary: { gaps: { ids: 2, holders: [{ pid }] }, closedLate: 1, waitingForBackfill: { rows: 1, buckets: 1 }, latenessMs: 86_400_000, bucket: 'bucket' },
  });
  await open.query('COMMIT');
  await hourly.absorbed();
  expect(await told(db)).toMatchObject({ summary: { gaps: { ids: 0, holders: [] }, watermark: { lastId: '3003', rowsBehind: 0, backlog: null } } });
});

it('explain prints the plan of a summary and its SQL; doctor has nothing against it, or says what', { timeout: 60_000 }, async () => {
  const db = await eventsAndSummary({ lateness: '1 day' });
  const hourly = await Absorber.of(db);
  await hourly.absorbed();
  const explained = await listener(db.url('worker'), 'explain', 'hourly');
  expect(explained).toMatchObject({ status: 0, stderr: '' });
  for (const line of ['By merge: new rows of public.events, by their id', 'Its definition', 'ON CONFLICT ("bucket", "account_id")', 'public.events (table)']) {
    expect(explained.stdout).toContain(line);
  }
  const findings = async (): Promise<{ what: string; level: string }[]> => {
    const { stdout } = await listener(db.url('worker'), 'doctor', '--views', 'hourly', '--json');
    return (JSON.parse(stdout) as { findings: { check: string; level: string; what: string }[] }).findings.filter(({ check }) => check === 'summaries');
  };
  const granted = `GRANT SELECT ON SEQUENCE public.events_id_seq TO "${db.roles.worker}";`;
  await db.app.query(granted);
  expect(await findings()).toMatchObject([{ level: 'ok', what: '1 summary can be kept, and nothing holds it up' }]);
  await db.app.query(`REVOKE ALL ON SEQUENCE public.events_id_seq FROM ${db.roles.worker}`);
  expect(await findings()).toMatchObject([{ level: 'warning', what: 'This role may not read public.events_id_seq, which public.hourly follows', remedy: granted }]);
  await db.app.query(granted);
  await db.app.query(`INSERT INTO public.events (occurred_at) VALUES (now() - interval '9 days')`);
  await hourly.absorbed();
  expect(await findings()).toMatchObject([{ level: 'warning', what: 'public.hourly does not show 1 row that came for 1 closed bucket' }]);
  await db.worker.query('ALTER TABLE public.hourly DROP CONSTRAINT hourly_bucket_account_id_key');
  await db.app.query('ALTER TABLE public.events ALTER id SET INCREMENT 2');
  const refused = await findings();
  expect(refused[0]).toMatchObject({ level: 'failure' });
  expect(refused[0]?.what).toContain('public.hourly cannot be kept any more: ');
});

it('status notices rows that no batch has taken', { timeout: 60_000 }, async () => {
  const db = await eventsAndSummary();
  await (await Absorber.of(db)).absorbed();
  await addEvents(db, 4);
  expect(await told(db)).toMatchObject({ stale: true });
});
