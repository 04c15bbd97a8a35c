import { afterAll, beforeAll, describe, expect, inject, it, type TestContext } from 'vitest';
import { startEmbeddedServer, type EmbeddedServer } from '../../dev/embedded-server.js';
import { parseMajor } from '../../dev/postgres-package.js';
import { clientPrograms, type ClientPrograms } from '../support/client-programs.js';
import { serverVersion } from '../support/server.js';
import { startWorker } from '../support/test-worker.js';
import type { TestDatabase } from '../support/database.js';
import {
  change, copy, copyByTemplate, createServedGraph, createTarget, dump, editList, expectAgreement, expectFollowing, expectServed, patterns, restore,
  type DumpWay,
} from './dump-scene.js';
import { ownDatabase, startServing, sweeping } from './worker-scene.js';

const serverMajor = async (): Promise<number> => Number.parseInt(await serverVersion(inject('adminUrl')), 10);

let other: EmbeddedServer | undefined;
let whyNot: unknown;

// One for the whole file: nothing of one test is left in it for the next, but roles.
beforeAll(async () => {
  try {
    other = await startEmbeddedServer({ major: parseMajor(String(await serverMajor())) });
  } catch (error) {
    whyNot = error;
  }
});
afterAll(() => other?.stop());

async function programsFor(context: TestContext): Promise<ClientPrograms> {
  return clientPrograms(context, await serverMajor());
}

function target(context: TestContext, where: string): string {
  if (where === 'this cluster') return inject('adminUrl');
  return other?.url ?? context.skip(`no embedded server can start here: ${String(whyNot)}`);
}

const withoutOurRows: DumpWay = { format: 'plain', dump: ['--exclude-table-data=refresh_listener.*'] };
const ways: readonly [where: string, what: string, way: DumpWay][] = [
  ['another cluster', 'a script', { format: 'plain' }],
  ['another cluster', 'a folder, in parallel', { format: 'directory' }],
  ['this cluster', 'an archive', { format: 'custom' }],
  ['another cluster', 'an archive, without the data of the views', { format: 'custom', withoutViewData: true }],
  ['this cluster', 'a folder, in parallel, without the data of the views', { format: 'directory', withoutViewData: true }],
  ['another cluster', 'a script, without the data of unlogged tables', { format: 'plain', dump: ['--no-unlogged-table-data'] }],
];

describe('a dump of a served database', () => {
  for (const [where, what, way] of ways) {
    it(`into ${where}: ${what}`, async (context) => {
      const { programs, source, restored } = await scene(context, where);
      expect(await copy(programs, source.url('admin'), restored.url('admin'), way)).toBe('');
      const { events } = await expectServed(restored);
      expect(events.of('cluster.changed')).toHaveLength(1);
      // Triggers are given their new numbers in place: nobody reads less than before, nothing is to be removed.
      expect(events.of('trigger.healed').map(({ state }) => state)).toEqual(['altered', 'altered']);
      expect([...events.of('trigger.removed'), ...events.of('log.lapsed'), ...events.of('log.reset')]).toEqual([]);
    });
  }

  it('as one role, without owners and privileges', async (context) => {
    const { programs, source, restored } = await scene(context, 'another cluster');
    await restored.admin.query(`GRANT ALL ON SCHEMA public TO ${source.roles.worker}`);
    const way: DumpWay = { format: 'custom', restore: ['--no-owner', '--no-acl', `--role=${source.roles.worker}`] };
    expect(await copy(programs, source.url('admin'), restored.url('admin'), way)).toBe('');
    const { events } = await expectServed({ ...restored, app: restored.worker });
    expect(events.of('cluster.changed')).toHaveLength(1);
  });

  it('without the rows of our own tables: they are made anew, under the triggers that are there', async (context) => {
    const { programs, source, restored } = await scene(context, 'another cluster');
    expect(await copy(programs, source.url('admin'), restored.url('admin'), withoutOurRows)).toBe('');
    const { events } = await expectServed(restored);
    expect(events.of('trigger.installed')).toEqual([]);
  });

  it('without any rows, which come later, under a running worker', async (context) => {
    const { programs, source, restored } = await scene(context, 'this cluster');
    const way: DumpWay = { format: 'custom' };
    const { file } = await dump(programs, source.url('admin'), way);
    expect(await restore(programs, file, restored.url('admin'), { ...way, restore: ['--schema-only'] })).toBe('');
    const worker = await startServing(restored, patterns, sweeping);
    expect(await restore(programs, file, restored.url('admin'), { ...way, restore: ['--data-only', '--exclude-schema=refresh_listener'] })).toBe('');
    await expectAgreement(restored, worker);
    await expectFollowing(restored, worker);
    expect(worker.events.of('refresh.failed')).toEqual([]);
  });

  it('rows alone, while the triggers are disabled', async (context) => {
    const { programs, source, restored } = await scene(context, 'this cluster');
    const way: DumpWay = { format: 'custom' };
    const { file } = await dump(programs, source.url('admin'), way);
    await restore(programs, file, restored.url('admin'), { ...way, restore: ['--schema-only'] });
    const worker = await startServing(restored, patterns, sweeping);
    const rows: DumpWay = { ...way, withoutViewData: true, restore: ['--data-only', '--disable-triggers', '--exclude-schema=refresh_listener'] };
    expect(await restore(programs, file, restored.url('admin'), rows)).toBe('');
    await expectAgreement(restored, worker);
    await expectFollowing(restored, worker);
    expect(worker.events.of('refresh.failed')).toEqual([]);
  });

  it('without our schema: only its triggers cannot be restored, and a worker makes them anew', async (context) => {
    const { programs, source, restored } = await scene(context, 'this cluster');
    const way: DumpWay = { format: 'custom', dump: ['--exclude-schema=refresh_listener'] };
    const { file } = await dump(programs, source.url('admin'), way);
    const { kept, left } = await editList(programs, file, (entry) => / TRIGGER .* refresh_listener /.test(entry));
    expect(left).toBe(2);
    expect(await restore(programs, file, restored.url('admin'), { ...way, restore: [`--use-list=${kept}`] })).toBe('');
    const { events } = await expectServed(restored);
    expect(events.of('trigger.installed')).toHaveLength(2);
  });

  it('taken and restored over itself under a running worker', async (context) => {
    const programs = await programsFor(context);
    const db = await ownDatabase();
    await createServedGraph(db);
    const way: DumpWay = { format: 'custom', restore: ['--clean', '--if-exists'] };
    const worker = await startServing(db, patterns, sweeping);
    const { file, complaints } = await dump(programs, db.url('admin'), way);
    expect(complaints).toBe('');
    await change(db);
    expect(await restore(programs, file, db.url('admin'), way)).toBe('');
    await expectAgreement(db, worker);
    await expectFollowing(db, worker);
  });

  it('slowly, under a running worker, which leaves our tables to the restore until that has ended', async (context) => {
    const programs = await programsFor(context);
    const db = await ownDatabase();
    await createServedGraph(db);
    const way: DumpWay = { format: 'custom' };
    const { file } = await dump(programs, db.url('admin'), way);
    const worker = await startServing(db, patterns, sweeping);
    await db.admin.query('DROP SCHEMA public, "Sales Data", "Reports", refresh_listener CASCADE; CREATE SCHEMA public');
    for (const section of ['pre-data', 'data', 'post-data']) {
      expect(await restore(programs, file, db.url('admin'), { ...way, restore: [`--section=${section}`] })).toBe('');
      if (section === 'post-data') continue;
      // The worker has met what is there by now, and so has one that starts.
      const met = worker.events.complaints.length;
      await expect.poll(() => worker.events.complaints.slice(met).join('\n'), { timeout: 10_000 }).toContain('a restore seems to be under way');
      if (section === 'pre-data') await expect(startWorker(db.url('worker'), patterns)).rejects.toThrow('a restore seems to be under way');
    }
    await expectAgreement(db, worker);
    await expectFollowing(db, worker);
  });

  it('is not needed for a copy by template: it is served from its first moment', async () => {
    const source = await ownDatabase();
    await createServedGraph(source);
    const restored = await copyByTemplate(source, inject('adminUrl'));
    const { events } = await expectServed(restored);
    expect(events.of('cluster.changed')).toHaveLength(1);
  });
});

async function scene(context: TestContext, where: string): Promise<{ programs: ClientPrograms; source: TestDatabase; restored: TestDatabase }> {
  const programs = await programsFor(context);
  const adminUrl = target(context, where);
  const source = await ownDatabase();
  await createServedGraph(source);
  return { programs, source, restored: await createTarget(source, adminUrl) };
}
