import { describe, expect, it } from 'vitest';
import { UsageError } from '../../src/config/usage-error.js';
import { checks } from '../../src/doctor/checks.js';
import { valueOf } from '../catalog/worker-scene.js';
import { diagnose, runRemedy, serveOnce, servedShop, shop, trouble } from './scene.js';

describe('the doctor', () => {
  it('has a line for every check where all is well', async () => {
    const findings = await diagnose(await servedShop());
    expect(findings.filter(({ level }) => level !== 'ok')).toEqual([]);
    expect(findings.map(({ check }) => check)).toEqual(['server', 'installation', ...checks.map(({ name }) => name)]);
  });

  it('says that nothing is installed, looks at the views all the same, and installs nothing', async () => {
    const db = await shop();
    const findings = await diagnose(db, { views: ['mv_orders'] });
    expect(findings.filter(({ level }) => level !== 'ok')).toEqual([expect.objectContaining({
      check: 'installation', level: 'failure', remedy: 'listener install --views mv_orders',
      what: 'Nothing is installed in this database: there is no schema refresh_listener',
    })]);
    expect(findings.map(({ check }) => check)).toContain('unique index');
    expect(await valueOf(db, "SELECT pg_catalog.to_regnamespace('refresh_listener')::text")).toBeNull();
    expect(await trouble(db, 'installation')).toHaveLength(1);
  });

  it('says of what it may not see that it may not, and sees the rest', async () => {
    const db = await servedShop();
    await db.admin.query('REVOKE EXECUTE ON FUNCTION pg_catalog.pg_notification_queue_usage() FROM PUBLIC');
    const findings = await diagnose(db);
    expect(findings.map(({ check }) => check)).toEqual(['server', 'installation', ...checks.map(({ name }) => name)]);
    expect(findings.filter(({ level }) => level !== 'ok')).toEqual([expect.objectContaining({
      check: 'notification queue', level: 'warning', what: `Role ${db.roles.worker} may not examine notification queue: permission denied for function pg_notification_queue_usage`,
    })]);
  });

  it('refuses a name that means no view', async () => {
    await expect(diagnose(await shop(), { views: ['mv_order'] })).rejects.toThrow(
      new UsageError('No materialized view matches mv_order. Did you mean public.mv_orders?'));
  });

  it('tells of a schema of an older version', async () => {
    const db = await servedShop();
    await db.worker.query("DELETE FROM refresh_listener.migration WHERE name LIKE '0001%'");
    expect(await trouble(db, 'installation')).toEqual([expect.objectContaining({ level: 'failure', what: expect.stringContaining('0001_') as string })]);
  });

  it('serves a role that merely looks on: it names the grants, and with them finds what the worker would', async () => {
    const db = await servedShop();
    const reader = `${db.name}_reader`;
    await db.admin.query(`CREATE ROLE ${reader} LOGIN PASSWORD 'secret'`);
    try {
      const url = Object.assign(new URL(db.url('worker')), { username: reader, password: 'secret' }).href;
      const [server, installation] = (await diagnose(db, { url })).filter(({ level }) => level !== 'ok');
      expect(server).toMatchObject({ check: 'server', level: 'warning', what: expect.stringContaining(`${reader} is no member`) as string });
      expect(installation).toMatchObject({ check: 'installation', level: 'warning' });
      await runRemedy(db, 'worker', installation);
      expect((await diagnose(db, { url })).filter(({ level }) => level !== 'ok')).toEqual([server]);

      await db.app.query('ALTER TABLE public.orders DISABLE TRIGGER refresh_listener');
      expect(await trouble(db, 'triggers', { url })).toHaveLength(1);
    } finally {
      await db.admin.query(`DROP OWNED BY ${reader}; DROP ROLE ${reader}`);
    }
  });
});

describe('a missing privilege is a failure that its GRANT ends', () => {
  it('CREATE on the database', async () => {
    const db = await shop();
    await db.admin.query(`REVOKE CREATE ON DATABASE ${db.name} FROM ${db.roles.worker}`);
    const [finding] = await trouble(db, 'server');
    expect(finding).toMatchObject({ level: 'failure', what: `Role ${db.roles.worker} may not create the schema refresh_listener` });
    await runRemedy(db, 'admin', finding);
    expect(await trouble(db, 'server')).toEqual([]);
  });

  it.each([
    ['TRIGGER on a source', 'REVOKE TRIGGER ON public.orders FROM $worker', { source: 'public.orders' }],
    ['USAGE of its schema', 'CREATE SCHEMA "Shop"; ALTER TABLE public.orders SET SCHEMA "Shop"', { source: '"Shop".orders' }],
    ['the view itself', 'ALTER MATERIALIZED VIEW public.mv_orders OWNER TO $app', {}],
  ])('%s', async (_what, fault, about) => {
    const db = await shop();
    await db.admin.query(fault.replace('$worker', db.roles.worker).replace('$app', db.roles.app));
    const visit = { views: ['mv_orders'] };
    const found = await trouble(db, 'privileges', visit);
    expect(found).toEqual([expect.objectContaining({ level: 'failure', view: 'public.mv_orders', ...about })]);
    await runRemedy(db, 'admin', found[0]);
    expect(await trouble(db, 'privileges', visit)).toEqual([]);
    await serveOnce(db, ['mv_orders']);
  });
});
