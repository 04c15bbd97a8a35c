import pg from 'pg';
import { quoteIdentifier } from '../database/identifier.js';

/** Everything that makes up a new summary: the SQL that creates it is written from this alone. */
export interface SummaryDesign {
  /** Its table: quoted as needed and with its schema. */
  readonly name: string;
  /** Of the unique constraint over the dimensions; unquoted. */
  readonly keyName: string;
  /** As pg_get_viewdef prints it under an empty search path, without a semicolon. */
  readonly definition: string;
  /** In the order of the table, hidden ones last. Types as SQL writes them, with their collation where it is not the type's own. */
  readonly columns: readonly { readonly name: string; readonly type: string; readonly remark?: string }[];
  readonly dimensions: readonly string[];
  readonly source: { readonly oid: number; readonly name: string };
  readonly capture: 'watermark';
  readonly idColumn: string;
  /** The sequence that ids are drawn from: quoted and qualified. */
  readonly sequence: string;
  readonly bucket: string | undefined;
  readonly latenessMs: number | undefined;
  readonly freshnessMs: number | undefined;
}

/** What expressions may depend on, as summary-state.sql compares it. The first fill writes them down anew. */
const settings = ['TimeZone', 'DateStyle', 'IntervalStyle', 'lc_time', 'default_text_search_config', 'bytea_output'];
/** Room for the new version of a row beside the old one: updates that no index sees, and no index grows by. */
const fillfactor = 80;

/**
 * One statement that creates the table of a summary, its definition and its records, all or nothing. The same for a
 * database at hand and for a migration: it holds no id. Pure.
 *
 * @param again what it does where the summary is there already: a migration may be run again
 */
export function creationStatement(design: SummaryDesign, again: 'fail' | 'skip'): string {
  const { name, source, idColumn, sequence } = design;
  const bucket = design.bucket === undefined ? 'NULL' : literal(design.bucket);
  const table = literal(name);
  const body = [
    'DECLARE',
    '  summary_id integer;',
    "  path_before constant text := pg_catalog.current_setting('search_path');",
    'BEGIN',
    ...(again === 'fail' ? [] : [
      '  IF EXISTS (SELECT FROM refresh_listener.view AS v',
      `             WHERE v.kind = 'summary' AND v.oid = pg_catalog.to_regclass(${table})) THEN`,
      '    RETURN;',
      '  END IF;',
    ]),
    "  PERFORM pg_catalog.set_config('search_path', '', true);",
    "  summary_id := pg_catalog.nextval(pg_catalog.pg_get_serial_sequence('refresh_listener.view', 'id'));",
    `  EXECUTE pg_catalog.format('CREATE VIEW refresh_listener.definition_%s AS %s', summary_id, ${dollarQuoted(design.definition)});`,
    ...tableStatement(design),
    ...commentStatements(design),
    `  EXECUTE pg_catalog.format('CREATE TABLE refresh_listener.fill_%s (LIKE %s INCLUDING ALL)', summary_id, ${table});`,
    '  INSERT INTO refresh_listener.view (id, oid, name, kind, served_until)',
    "  SELECT summary_id, c.oid, pg_catalog.format('%I.%I', n.nspname, c.relname), 'summary', pg_catalog.clock_timestamp()",
    '  FROM pg_catalog.pg_class AS c JOIN pg_catalog.pg_namespace AS n ON n.oid = c.relnamespace',
    `  WHERE c.oid = pg_catalog.to_regclass(${table});`,
    '  INSERT INTO refresh_listener.summary (view, capture, id_column, bucket_column, lateness, freshness, settings)',
    `  VALUES (summary_id, ${literal(design.capture)}, ${literal(idColumn)}, ${bucket}, ${interval(design.latenessMs)}, ${interval(design.freshnessMs)},`,
    '          (SELECT pg_catalog.jsonb_object_agg(p.name, p.setting) FROM pg_catalog.pg_settings AS p',
    `           WHERE p.name IN (${settings.map(literal).join(', ')})));`,
    '  -- Below every id there is, and every id that will be drawn.',
    '  INSERT INTO refresh_listener.watermark (view, first_id, last_id)',
    '  SELECT summary_id, f.id, f.id',
    `  FROM (SELECT greatest(least((SELECT min(t.${quoteIdentifier(idColumn)}) FROM ${source.name} AS t), s.seqmin), -9223372036854775807) - 1 AS id`,
    `        FROM pg_catalog.pg_sequence AS s WHERE s.seqrelid = ${literal(sequence)}::pg_catalog.regclass) AS f;`,
    "  PERFORM pg_catalog.set_config('search_path', path_before, true);",
    'END',
  ].join('\n');
  return `DO ${dollarQuoted(body)};`;
}

function tableStatement({ name, keyName, columns, dimensions }: SummaryDesign): string[] {
  return [
    `  CREATE TABLE ${name} (`,
    ...columns.map((column) => `    ${quoteIdentifier(column.name)} ${column.type},`),
    `    CONSTRAINT ${quoteIdentifier(keyName)} UNIQUE NULLS NOT DISTINCT (${dimensions.map(quoteIdentifier).join(', ')})`,
    `  ) WITH (fillfactor = ${fillfactor});`,
  ];
}

function commentStatements({ name, source, columns }: SummaryDesign): string[] {
  return [
    `  COMMENT ON TABLE ${name} IS ${literal(`A summary of ${source.name}: what its defining query returns, kept so by pg-refresh-listener, which alone writes to it (listener explain shows the query).`)};`,
    ...columns.flatMap((column) => (column.remark === undefined ? [] : [
      `  COMMENT ON COLUMN ${name}.${quoteIdentifier(column.name)} IS ${literal(column.remark)};`])),
  ];
}

function interval(durationMs: number | undefined): string {
  return durationMs === undefined ? 'NULL' : `pg_catalog.make_interval(secs => ${durationMs / 1000})`;
}

function literal(text: string): string {
  return pg.escapeLiteral(text).trimStart();
}

function dollarQuoted(text: string): string {
  let tag = '$summary$';
  for (let number = 1; text.includes(tag); number += 1) tag = `$summary${number}$`;
  return `${tag}\n${text.trimEnd()}\n${tag}`;
}
