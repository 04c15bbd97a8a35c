import pg from 'pg';
import { packageVersion } from '../config/package-version.js';
import { migrationLock, readMigrations } from '../database/migrate.js';
import { loadQuery, loadScript } from '../database/sql.js';
import { beginLogQuery } from './log-identity.js';
import type { Survey, SurveyedSource } from './survey.js';
import { grantStatements } from './worker-grants.js';

export interface InstallScriptOptions {
  /** The command line that prints it. */
  readonly commandLine: string;
  readonly lapseMs: number;
  /** A role that serves the views with --no-install, and owns nothing. */
  readonly role: string | undefined;
  /** A statement that creates one of the views: a summary that the surveyed database does not have yet. */
  readonly creation?: string;
}

const helpers = [
  'install_triggers()', 'install_grants(text, text)', 'install_view(text, bigint)', 'install_source(text, bigint)',
  'install_links(integer, integer[], text)', 'install_view_definitions(oid[])', 'install_view_sources(oid[])',
];

/**
 * The whole installation as SQL, for a migration: it names tables and views and holds no id of the database that was
 * surveyed, so that it can be reviewed once and run on every other. Pure, but for the files that it is put together from.
 */
export function installScript(found: Survey, { commandLine, lapseMs, role, creation }: InstallScriptOptions): string {
  const views = found.views.map((view) => view.name).toSorted();
  const sources = namedSources(found);
  const parts = [
    heading(commandLine, views, creation === undefined),
    schemaPart(),
    ...readMigrations().map(migrationPart),
    clusterPart(),
    helperPart(),
    lines(
      '-- What the views read. Partitions that a view reads through their parent are found as this runs.',
      ...sources.map(({ name, kind }) => `SELECT refresh_listener.install_source(${literal(name)}, ${lapseMs});${kindRemark(kind)}`),
    ),
    ...(creation === undefined ? [] : [lines('-- The summary. A worker fills it.', creation)]),
    lines('-- The views.', ...views.map((name) => `SELECT refresh_listener.install_view(${literal(name)}, ${lapseMs});`)),
    ...(role === undefined ? [] : [grantPart(role, views)]),
    lines(
      '-- The triggers. From here on the tables are locked against writers, not against readers, until this transaction ends.',
      'SELECT refresh_listener.install_triggers();',
    ),
    lines('-- The helpers have done their work.', ...helpers.map((helper) => `DROP FUNCTION refresh_listener.${helper};`)),
  ];
  return parts.join('\n');
}

function heading(commandLine: string, views: readonly string[], isInstallation: boolean): string {
  return lines(
    `-- The database's part of pg-refresh-listener ${packageVersion}, which keeps ${isInstallation ? 'materialized views' : 'views'} fresh:`,
    ...views.map((name) => `--   ${remark(name)}`),
    `-- Printed by: ${remark(commandLine)}`,
    '--',
    '-- For a migration of its own. Run it as the role that owns the tables, in one transaction (as Rails, Django and Flyway do)',
    `-- or without one. It may be run again: what is there stays as it is. ${isInstallation ? 'It reads and changes no row of the application.' : 'Of the application it reads the least id, and changes nothing.'}`,
    '-- To undo it: listener uninstall --print.',
    '--',
    '-- Locks: creating a trigger waits for running writers of its table. The step that does so gives up after 200ms, lets',
    '-- everybody pass, and tries again. It comes last, so that the tables are locked for a moment only: let nothing slow',
    '-- follow in the same transaction. Your own SET lock_timeout and SET statement_timeout (more than a minute) do no harm.',
  );
}

function schemaPart(): string {
  return lines(
    '-- The schema, and the record of which migrations it has had: a worker that comes later finds nothing left to do.',
    '-- The lock makes workers wait that are starting right now. Each block sets the search_path back as it found it.',
    ...block(
      `PERFORM pg_catalog.pg_advisory_xact_lock(${migrationLock});`,
      "IF pg_catalog.to_regnamespace('refresh_listener') IS NULL THEN",
      '  CREATE SCHEMA refresh_listener;',
      'END IF;',
      "IF pg_catalog.to_regclass('refresh_listener.migration') IS NULL THEN",
      '  CREATE TABLE refresh_listener.migration (id serial PRIMARY KEY, name varchar(255) NOT NULL, run_on timestamp NOT NULL);',
      'END IF;',
    ),
  );
}

function migrationPart({ name, sql }: { readonly name: string; readonly sql: string }): string {
  return lines(
    `-- Migration ${name}.`,
    ...block(
      `IF NOT EXISTS (SELECT FROM refresh_listener.migration AS m WHERE m.name = ${literal(name)}) THEN`,
      `  EXECUTE ${dollarQuoted(sql)};`,
      `  INSERT INTO refresh_listener.migration (name, run_on) VALUES (${literal(name)}, pg_catalog.now());`,
      'END IF;',
    ),
  );
}

function clusterPart(): string {
  return lines(
    '-- Which database of which cluster this is: what a dump and restore brings along from elsewhere is begun anew.',
    ...block(
      'IF NOT EXISTS (SELECT FROM refresh_listener.cluster AS c',
      '               JOIN pg_catalog.pg_control_system() AS s ON s.system_identifier = c.system_identifier',
      '               JOIN pg_catalog.pg_database AS d ON d.oid = c.database_oid AND d.datname = pg_catalog.current_database()) THEN',
      `  EXECUTE ${dollarQuoted(beginLogQuery)};`,
      'END IF;',
    ),
  );
}

/** Statements in which the caller's search_path means nothing: a schema on it may be anybody's to create in. */
function block(...statements: readonly string[]): string[] {
  return [
    'DO $listener$',
    'DECLARE',
    "  search_path_before constant pg_catalog.text := pg_catalog.current_setting('search_path');",
    'BEGIN',
    "  PERFORM pg_catalog.set_config('search_path', '', true);",
    ...statements.map((statement) => `  ${statement}`),
    "  PERFORM pg_catalog.set_config('search_path', search_path_before, true);",
    'END',
    '$listener$;',
  ];
}

/** The worker's own queries, so that both find the same. */
function helperPart(): string {
  return lines(
    '-- Helpers for the steps below; the last step drops them. These three are questions that the worker asks, too.',
    'CREATE OR REPLACE FUNCTION refresh_listener.install_view_sources(oid[])',
    'RETURNS TABLE (view oid, oid oid, name text, kind "char", owned boolean, may_trigger boolean, is_child boolean,',
    '               schema text, may_use_schema boolean)',
    `LANGUAGE sql SET search_path = '' AS ${dollarQuoted(loadQuery('view-sources'))};`,
    '',
    'CREATE OR REPLACE FUNCTION refresh_listener.install_view_definitions(oid[]) RETURNS TABLE (view oid, definition text)',
    `LANGUAGE sql SET search_path = '' AS ${dollarQuoted(loadQuery('view-definitions'))};`,
    '',
    'CREATE OR REPLACE FUNCTION refresh_listener.install_links(integer, integer[], text) RETURNS void',
    `LANGUAGE sql SET search_path = '' AS ${dollarQuoted(loadQuery('link-sources'))};`,
    '',
    loadScript('install-functions').trimEnd(),
  );
}

function grantPart(role: string, views: readonly string[]): string {
  return lines(
    `-- What role ${remark(role)} needs to serve these views with --no-install: it can create nothing, and change nothing but this.`,
    '-- To be run again when a table is added.',
    ...grantStatements(role),
    ...views.map((name) => `SELECT refresh_listener.install_grants(${literal(name)}, ${literal(role)});`),
  );
}

/** Relations to name in the script. Children are found beneath their parents, which a survey always holds as well. */
function namedSources(found: Survey): SurveyedSource[] {
  const sources = new Map(found.views.flatMap((view) => view.sources).map((source) => [source.name, source]));
  return [...sources.values()].filter((source) => !source.isChild).toSorted((a, b) => (a.name < b.name ? -1 : 1));
}

function kindRemark(kind: SurveyedSource['kind']): string {
  if (kind === 'm') return ' -- a materialized view: no trigger';
  return kind === 'f' ? ' -- a foreign table: no trigger' : '';
}

function lines(...texts: readonly string[]): string {
  return `${texts.join('\n')}\n`;
}

/** A comment ends with its line, wherever a name has a line break. */
function remark(text: string): string {
  return text.replace(/\s+/g, ' ');
}

function literal(text: string): string {
  return pg.escapeLiteral(text).trimStart();
}

function dollarQuoted(text: string): string {
  let tag = '$sql$';
  for (let number = 1; text.includes(tag); number += 1) tag = `$sql${number}$`;
  return `${tag}\n${text.trimEnd()}\n${tag}`;
}
