import { readInstallation } from '../catalog/installation.js';
import { findSummary } from '../catalog/summary-drop.js';
import { probeServerSettings, readServerFacts } from '../catalog/server.js';
import { UsageError } from '../config/usage-error.js';
import { settingsOf } from '../config/view-settings.js';
import { backfill } from '../freshen/summary/backfill.js';
import { backfillEnded } from '../report/backfill.js';
import { BackfillScreen } from './backfill-screen.js';
import { connectionOptions, type Command, type Invocation } from './command.js';
import { say, withServer } from './opened.js';

export const backfillCommand: Command = {
  name: 'backfill',
  summary: 'Recompute buckets of a summary, closed ones too',
  names: { required: true, many: false, description: 'Name of the summary' },
  viewsOptional: true,
  options: ['from', 'to', 'restart', ...connectionOptions, 'lock-timeout', 'refresh-timeout', 'force', 'json'],
  meanings: {
    from: 'The first moment to recompute, as SQL writes it: 2026-01-01',
    force: 'Also closed buckets that the source has no rows of any more: they vanish',
    'refresh-timeout': 'Give up when a batch of buckets takes longer',
    'lock-timeout': 'How long to wait for a row that somebody else has locked',
  },
  examples: [
    ["listener backfill usage_hourly --from 2026-01-01 --to 2026-02-01", 'January; call it again to go on where it was stopped'],
    ["listener backfill usage_hourly --from '2026-01-01 06:00'", 'up to now'],
  ],
  run: backfillByHand,
};

async function backfillByHand({ config, names: [name = ''], isSet, valueOf }: Invocation): Promise<number> {
  const from = valueOf('from');
  if (from === undefined) throw new UsageError(`say from when: listener backfill ${name} --from 2026-01-01`);
  return withServer(config, async (database) => {
    const facts = await readServerFacts(database);
    const summary = await readInstallation(database, facts, (tx) => findSummary(tx, name));
    if (summary.oid === null || summary.schema === null || summary.relation === null) throw new UsageError(`the table of ${summary.name} is gone: listener summary drop ${name} removes what is left of it`);
    database.useServerSettings(await probeServerSettings(database, facts));
    const { lockTimeoutMs, refreshTimeoutMs } = settingsOf(config, { schema: summary.schema, relation: summary.relation });
    const screen = new BackfillScreen(summary.name, isSet('json'));
    const startedMs = performance.now();
    try {
      const done = await backfill(
        database,
        { view: summary.id, name: summary.name, from, to: valueOf('to'), restart: isSet('restart'), evenPruned: isSet('force') },
        {
          lockTimeoutMs, statementTimeoutMs: refreshTimeoutMs,
          onBegin: (begun) => screen.begin(begun), onProgress: (so) => screen.progress(so),
          onWait: () => screen.note(`Another worker is refreshing ${summary.name}: waiting for it.`),
        },
      );
      screen.end();
      if (!isSet('json')) say(backfillEnded(summary.name, done, performance.now() - startedMs));
      return 0;
    } finally {
      screen.end();
    }
  });
}
