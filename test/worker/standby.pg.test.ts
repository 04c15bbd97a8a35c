import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { runCommand } from '../support/command.js';
import { startOwnServer } from '../support/own-server.js';
import { createOrders, freshDatabase, valueOf } from './scene.js';

it('a standby is refused in one line that asks for the primary', async (context) => {
  const server = await startOwnServer(context);
  const db = await freshDatabase(server.url);
  await createOrders(db);
  await db.admin.query('CHECKPOINT');
  // In recovery for good, with what it has: all that a standby without a primary to follow is.
  await writeFile(join(server.dataDir, 'standby.signal'), '');
  await server.restart('fast');
  context.onTestFinished(async () => {
    await db.admin.query('SELECT pg_promote()'); // so that the database can be dropped
  });
  expect(await valueOf(db.admin, 'SELECT pg_is_in_recovery()')).toBe(true);
  expect(await runCommand(['--views', 'mv_orders'], { DATABASE_URL: db.url('worker') })).toEqual({
    status: 2, stdout: '',
    stderr: `listener: The server of database ${db.name} is a standby (pg_is_in_recovery), where nothing can be refreshed. Give --database-url the primary.\n`,
  });
});
