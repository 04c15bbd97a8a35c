import { setTimeout as pause } from 'node:timers/promises';
import { expect, it } from 'vitest';
import { createDatabase } from '../support/database.js';
import { startOwnServer } from '../support/own-server.js';
import { startWorker } from '../support/test-worker.js';
import { playHistory } from './play.js';
import { scenes } from './scenes.js';

const scene = scenes['by polling, with prepared transactions'];

for (const mode of ['fast', 'immediate'] as const) {
  it(`a history in which the server is restarted (${mode}) ends with every view as its query returns it`, { timeout: 90_000 }, async (context) => {
    if (scene === undefined) throw new Error('no such scene');
    const server = await startOwnServer(context);
    const seed = Number(process.env.HISTORY_SEED ?? Math.floor(Math.random() * 1_000_000_000));
    const outcome = await playHistory(seed, {
      ...scene,
      history: { ...scene.history, disturbances: 0, actsPerWriter: 16, phases: 1 },
      worker: { ...scene.worker, sweepMs: 400 },
      quietAtTheEnd: mode === 'fast',
      catchUpMs: 20_000,
      adminUrl: server.url,
      restart: async () => {
        await pause(200 + (seed % 900));
        await server.restart(mode);
      },
    });
    console.log(`History ${seed}, restart ${mode}: ${outcome.commits} commits, ${outcome.refreshes} refreshes`);
    if (outcome.faults.length > 0) console.log(`HISTORY_SEED=${seed}\n${outcome.told}`);
    expect(outcome.faults).toEqual([]);
  });
}

it('the registers outlive a crash: a silenced source stays silent, and an abandoned one unlogged, though no worker is there', async (context) => {
  const server = await startOwnServer(context);
  const db = await createDatabase(server.url);
  context.onTestFinished(() => db.drop());
  await db.app.query('CREATE TABLE public.orders (id int)');
  await db.worker.query('CREATE MATERIALIZED VIEW public.mv_orders AS SELECT id FROM public.orders');
  const worker = await startWorker(db.url('worker'), ['mv_orders'], { wake: 'poll', sweepMs: 200, lapseMs: 300 });
  await worker.events.next('refresh.done');
  await worker.stop();
  await server.restart('immediate');

  const client = await db.app.connect();
  context.onTestFinished(() => client.release(true));
  await client.query('BEGIN');
  await client.query('INSERT INTO public.orders VALUES (1)');
  await client.query(`PREPARE TRANSACTION 'after the crash'`);
  await client.query(`COMMIT PREPARED 'after the crash'`);

  await pause(1_000);
  await db.admin.query('TRUNCATE refresh_listener.change_log');
  await client.query('INSERT INTO public.orders VALUES (2)');
  expect((await db.admin.query('TABLE refresh_listener.change_log')).rowCount).toBe(0);
});
