import { describe, expect, it } from 'vitest';
import { TriggerScene } from './trigger-scene.js';

const scene = TriggerScene.here();

describe('privileges', () => {
  it('lets a role write that has none in the schema', async () => {
    const source = await scene.table();
    const { rows } = await scene.database.app.query("SELECT has_schema_privilege('refresh_listener', 'USAGE') AS usage, has_schema_privilege('refresh_listener', 'CREATE') AS create");
    expect(rows).toEqual([{ usage: false, create: false }]);
    await scene.database.app.query(`INSERT INTO ${source.name} VALUES (3, 3)`);
    expect(await scene.operations(source)).toBe('I');
  });

  it('lets a role write that may do nothing but that', async () => {
    const source = await scene.table();
    const role = `${scene.database.name}_guest`;
    await scene.database.admin.query(`CREATE ROLE ${role}; GRANT INSERT ON ${source.name} TO ${role}`);
    try {
      const writer = await scene.writer('admin', `SET ROLE ${role}`);
      await writer.query(`INSERT INTO ${source.name} VALUES (3, 3)`);
      expect(await scene.operations(source)).toBe('I');
    } finally {
      await scene.database.admin.query(`DROP OWNED BY ${role}; DROP ROLE ${role}`);
    }
  });

  it.each([
    ['read the log', 'SELECT FROM refresh_listener.change_log'],
    ['write the log', "INSERT INTO refresh_listener.change_log (source, operation) VALUES (1, 'T')"],
    ['move a cursor', 'UPDATE refresh_listener.view SET cursor = pg_current_snapshot()'],
    ['put the trigger on a table of its own', 'CREATE TRIGGER own AFTER INSERT ON public.own EXECUTE FUNCTION refresh_listener.record_change(1)'],
  ])('does not let the application %s', async (_, statement) => {
    await scene.database.app.query('CREATE TABLE IF NOT EXISTS public.own (id int)');
    await expect(scene.database.app.query(statement)).rejects.toThrow('permission denied for schema refresh_listener');
  });

  it('gives PUBLIC nothing, on the schema and whatever is in it', async () => {
    await scene.table();
    const { rows } = await scene.database.admin.query<{ things: number; open: string[] }>(`
      WITH thing (name, acl) AS (
        SELECT n.oid::regnamespace::text, coalesce(n.nspacl, acldefault('n', n.nspowner)) FROM pg_namespace AS n WHERE n.nspname = 'refresh_listener'
        UNION ALL
        SELECT c.oid::regclass::text, coalesce(c.relacl, acldefault(CASE c.relkind WHEN 'S' THEN 's' ELSE 'r' END::"char", c.relowner))
        FROM pg_class AS c WHERE c.relnamespace = 'refresh_listener'::regnamespace AND c.relkind IN ('r', 'S', 'v', 'm')
        UNION ALL
        SELECT p.oid::regprocedure::text, coalesce(p.proacl, acldefault('f', p.proowner))
        FROM pg_proc AS p WHERE p.pronamespace = 'refresh_listener'::regnamespace
      )
      SELECT count(*)::int AS things, coalesce(array_agg(name) FILTER (WHERE EXISTS (SELECT FROM aclexplode(acl) AS a WHERE a.grantee = 0)), '{}') AS open
      FROM thing`);
    expect(rows).toEqual([{ things: expect.any(Number) as number, open: [] }]);
    expect(rows[0]?.things).toBeGreaterThan(8);
  });
});
