import pg from 'pg';
import { install, type Installed } from '../../src/catalog/install.js';
import { installScript } from '../../src/catalog/install-script.js';
import { requireFound, survey } from '../../src/catalog/survey.js';
import { parseViewPattern } from '../../src/config/view-pattern.js';
import { Database } from '../../src/database/database.js';
import type { Role, TestDatabase } from '../support/database.js';

export const lapseMs = 3_600_000;

/** Lends the product's way to a database. */
export async function opened<T>(url: string, work: (database: Database) => Promise<T>): Promise<T> {
  const database = new Database(url, 1);
  try {
    return await work(database);
  } finally {
    await database.close();
  }
}

/** What `listener install` does. */
export async function installIn(
  db: TestDatabase, views: readonly string[], role: Role = 'worker', onWait: (source: string) => void = () => undefined,
): Promise<Installed> {
  const url = db.url(role);
  return opened(url, (database) =>
    install(database, { patterns: views.map(parseViewPattern), directUrl: url, lapseMs, signal: new AbortController().signal, onWait }));
}

/** What `listener install --print` writes. */
export async function printedIn(db: TestDatabase, views: readonly string[], role?: string): Promise<string> {
  const found = await opened(db.url('worker'), (database) => survey(database, views.map(parseViewPattern), []));
  requireFound(found);
  return installScript(found, { commandLine: `listener install --views ${views.join(',')} --print`, lapseMs, role });
}

/** Takes from the worker's role all that it does not need when somebody else installs. */
export async function lockDown(db: TestDatabase): Promise<void> {
  const { worker, app } = db.roles;
  await db.admin.query(
    `REVOKE CREATE ON DATABASE ${db.name} FROM ${worker}; REVOKE CREATE ON SCHEMA public FROM ${worker};
     REVOKE TRIGGER ON ALL TABLES IN SCHEMA public FROM ${worker};
     ALTER DEFAULT PRIVILEGES FOR ROLE ${app} REVOKE TRIGGER ON TABLES FROM ${worker}`,
  );
}

/** Everything that the catalog lists and that could be left behind, in words. */
export async function listing(db: TestDatabase): Promise<string[]> {
  const { rows } = await db.admin.query<{ thing: string }>(
    `SELECT 'namespace ' || nspname || coalesce(nspacl::text, '') AS thing FROM pg_namespace WHERE nspname !~ '^pg_(temp|toast_temp)'
     UNION ALL SELECT format('class %s %s %s %s %s', oid, relnamespace, relname, relkind, relacl) FROM pg_class WHERE relnamespace::regnamespace::text !~ '^pg_(toast_)?temp'
     UNION ALL SELECT format('proc %s %s', oid, proname) FROM pg_proc
     UNION ALL SELECT format('type %s %s', oid, typname) FROM pg_type WHERE typnamespace::regnamespace::text !~ '^pg_(toast_)?temp'
     UNION ALL SELECT format('trigger %s %s', tgrelid, tgname) FROM pg_trigger
     UNION ALL SELECT format('constraint %s', conname) FROM pg_constraint
     UNION ALL SELECT format('depend %s %s %s %s %s %s', classid, objid, objsubid, refclassid, refobjid, refobjsubid) FROM pg_depend
     UNION ALL SELECT format('shdepend %s %s %s %s', classid, objid, refobjid, deptype) FROM pg_shdepend WHERE dbid = (SELECT oid FROM pg_database WHERE datname = current_database())
     UNION ALL SELECT format('acl %s %s', defaclrole, defaclacl) FROM pg_default_acl
     UNION ALL SELECT format('description %s %s', classoid, objoid) FROM pg_description WHERE objoid >= 16384
     UNION ALL SELECT format('init_privs %s', objoid) FROM pg_init_privs WHERE objoid >= 16384
     UNION ALL SELECT format('setting %s', setconfig) FROM pg_db_role_setting WHERE setdatabase = (SELECT oid FROM pg_database WHERE datname = current_database())
     UNION ALL SELECT format('advisory lock %s', objid) FROM pg_locks WHERE locktype = 'advisory' AND database = (SELECT oid FROM pg_database WHERE datname = current_database())
     ORDER BY 1`,
  );
  return rows.map((row) => row.thing);
}

/** Rows of our tables and what the triggers are, to tell whether somebody changed anything. */
export async function registered(db: TestDatabase): Promise<unknown> {
  const { rows } = await db.admin.query<{ registered: unknown }>(
    `SELECT jsonb_build_object(
       'views', (SELECT jsonb_agg(to_jsonb(v) - ARRAY['served_until', 'cursor', 'whole_marks', 'whole_absorbed', 'last_success', 'last_duration_ms', 'absorbed_at', 'target_ms'] ORDER BY v.id) FROM refresh_listener.view AS v),
       'sources', (SELECT jsonb_agg(to_jsonb(s) ORDER BY s.id) FROM refresh_listener.source AS s),
       'links', (SELECT jsonb_agg(jsonb_build_array(vs.view, vs.source) ORDER BY vs.view, vs.source) FROM refresh_listener.view_source AS vs),
       'triggers', (SELECT jsonb_agg(jsonb_build_array(t.oid::int8, t.tgrelid::regclass, t.tgenabled, t.xmin::text) ORDER BY t.oid)
                    FROM pg_trigger AS t WHERE t.tgname = 'refresh_listener'),
       'relations', (SELECT jsonb_agg(c.relname ORDER BY c.oid) FROM pg_class AS c WHERE c.relnamespace = 'refresh_listener'::regnamespace),
       'migrations', (SELECT jsonb_agg(m.name ORDER BY m.id) FROM refresh_listener.migration AS m)) AS registered`,
  );
  return rows[0]?.registered;
}

/** A session that is no pool's, to hold a transaction open. */
export async function session(db: TestDatabase, role: Role): Promise<pg.Client> {
  const client = new pg.Client(db.url(role));
  client.on('error', () => undefined);
  await client.connect();
  return client;
}
