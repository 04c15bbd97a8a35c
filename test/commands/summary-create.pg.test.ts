import { describe, expect, it } from 'vitest';
import { listener } from '../support/hand-command.js';
import { valueOf } from '../worker/scene.js';
import { sqlFile, usageDatabase, usageSql } from './summary-scene.js';

describe('listener summary create', { timeout: 60_000 }, () => {
  it('creates the table, its definition, its records, the links and the trigger', async () => {
    const db = await usageDatabase();
    const file = await sqlFile(usageSql);
    const created = await listener(db.url('worker'), ['summary', 'create', 'public.usage_hourly', '--from', file, '--capture', 'watermark', '--lateness', '3 days', '--freshness', '1m']);
    expect(created).toMatchObject({ status: 0, stderr: '' });
    expect(created.stdout).toContain('Created summary public.usage_hourly of public.usage_events, in buckets by bucket, each closed 3d after it ended.\n');
    expect(await valueOf(db.admin, "SELECT to_jsonb(s) - 'settings' FROM refresh_listener.summary AS s")).toEqual({
      view: 1, capture: 'watermark', id_column: 'id', bucket_column: 'bucket', lateness: '72:00:00', freshness: '00:01:00',
      filled_at: null, repaired_at: null, closed_before: null,
    });
  });
});
