import { distance } from 'fastest-levenshtein';
import { parse, type ConnectionOptions } from 'pg-connection-string';
import type { Environment } from '../config/environment.js';
import { UsageError } from '../config/usage-error.js';

/** Parameters of a connection URL that mean here what they mean to libpq, with the variable read where the URL has none. */
const honoured = {
  sslmode: 'PGSSLMODE',
  sslnegotiation: 'PGSSLNEGOTIATION',
  sslrootcert: 'PGSSLROOTCERT',
  sslcert: 'PGSSLCERT',
  sslkey: 'PGSSLKEY',
  sslpassword: undefined,
  sslcrl: 'PGSSLCRL',
  ssl_min_protocol_version: 'PGSSLMINPROTOCOLVERSION',
  ssl_max_protocol_version: 'PGSSLMAXPROTOCOLVERSION',
  channel_binding: 'PGCHANNELBINDING',
  connect_timeout: 'PGCONNECT_TIMEOUT',
  target_session_attrs: 'PGTARGETSESSIONATTRS',
  application_name: 'PGAPPNAME',
  options: 'PGOPTIONS',
} as const;
type Name = keyof typeof honoured;

/** Those that say where or who we are; the variables are read by `pg`. */
const places = ['host', 'port', 'user', 'password', 'dbname'];
/** How others write `sslmode`; the last asks for libpq's meaning, which it has here anyway. */
const synonyms = ['ssl', 'uselibpqcompat'];

/** To pass over one of these would connect to another server, or less safely, than was asked. */
const refused: Readonly<Record<string, { readonly variable?: string; readonly remedy: string }>> = {
  hostaddr: { variable: 'PGHOSTADDR', remedy: 'give the address as the host' },
  service: { variable: 'PGSERVICE', remedy: 'write out what the service file holds' },
  servicefile: { remedy: 'write out what the service file holds' },
  passfile: { remedy: 'set PGPASSFILE, or put the password into the URL' },
  require_auth: { variable: 'PGREQUIREAUTH', remedy: 'write channel_binding=require to make sure who answers' },
  requirepeer: { variable: 'PGREQUIREPEER', remedy: 'take it out' },
  sslcrldir: { variable: 'PGSSLCRLDIR', remedy: 'give one file as sslcrl' },
  replication: { remedy: 'take it out' },
};
/** They only tune what the worker does in its own way. */
const unneeded = [
  'client_encoding', 'fallback_application_name', 'gssdelegation', 'gssencmode', 'gsslib', 'keepalives', 'keepalives_count',
  'keepalives_idle', 'keepalives_interval', 'krbsrvname', 'load_balance_hosts', 'sslcertmode', 'sslcompression', 'sslsni', 'tcp_user_timeout',
];
const known = [...Object.keys(honoured), ...places, ...synonyms, ...Object.keys(refused), ...unneeded];

/** A parameter as given: in the URL, or by its variable. */
export interface Given {
  readonly value: string;
  /** For messages: `sslmode=verify`, `PGSSLMODE=verify`. */
  readonly written: string;
}

/** What a connection URL and the PG* variables say. An empty value counts as none. */
export interface ConnectionParameters {
  readonly host: string | undefined;
  /** This and the next: undefined where the URL says nothing, and `pg` is to read the variable. */
  readonly port: number | undefined;
  readonly user: string | undefined;
  readonly password: string | undefined;
  readonly database: string | undefined;
  readonly given: (name: Name) => Given | undefined;
  /** Parameters of the URL without any effect here. */
  readonly unused: readonly string[];
}

/**
 * Reads a connection URL; the PG* variables apply to what it does not say, as with libpq.
 * `pg` would take any parameter of a URL as a setting of its own, or pass over it in silence.
 *
 * @throws UsageError for what cannot be honoured and must not be ignored
 */
export function readConnectionParameters(url: string | undefined, env: Environment): ConnectionParameters {
  const query = new URLSearchParams(url?.replace(/^[^?]*\??/, ''));
  const place = placeOf(url, query);
  const host = place.host ?? nonEmpty(env.PGHOST);
  if (host?.includes(',') === true) {
    throw new UsageError('the connection names several hosts: give the one that is the primary, or a name that always leads to it');
  }
  refuse(url, query, env);
  return {
    ...place,
    host,
    given: (name) => {
      const inUrl = name === 'sslmode' ? sslmodeIn(query) : nonEmpty(query.get(name));
      if (inUrl !== undefined) return { value: inUrl, written: `${name}=${inUrl}` };
      const variable = honoured[name];
      const value = variable === undefined ? undefined : nonEmpty(env[variable]);
      return variable === undefined || value === undefined ? undefined : { value, written: `${variable}=${value}` };
    },
    unused: [...new Set(query.keys())].filter((name) => unneeded.includes(name) || !known.includes(name)),
  };
}

type Place = Pick<ConnectionParameters, 'host' | 'port' | 'user' | 'password' | 'database'>;

function placeOf(url: string | undefined, query: URLSearchParams): Place {
  const given = new URLSearchParams([...query].filter(([name]) => places.includes(name)));
  const parsed: Partial<ConnectionOptions> = url === undefined ? {} : parse(`${url.replace(/\?.*$/s, '')}?${given.toString()}`);
  const port = parsed.port ? Number(parsed.port) : undefined;
  if (port !== undefined && !(Number.isInteger(port) && port > 0 && port < 65_536)) {
    throw new UsageError(`port=${String(parsed.port)} is no port: write a number from 1 to 65535`);
  }
  return {
    host: nonEmpty(parsed.host), port, user: nonEmpty(parsed.user), password: nonEmpty(parsed.password),
    database: nonEmpty(given.get('dbname')) ?? nonEmpty(parsed.database),
  };
}

function refuse(url: string | undefined, query: URLSearchParams, env: Environment): void {
  for (const [name, { variable, remedy }] of Object.entries(refused)) {
    if (query.get(name)) throw new UsageError(`${name} in the connection URL cannot be honoured: ${remedy}`);
    // Beside a URL the shell's variables of this kind fill nothing in, as the URL says it all.
    if (url === undefined && variable !== undefined && env[variable]) throw new UsageError(`${variable} cannot be honoured: ${remedy}, and unset it`);
  }
  if (query.get('gssencmode') === 'require') throw new UsageError('gssencmode=require cannot be honoured: write sslmode=require to encrypt');
  for (const name of query.keys()) {
    if (known.includes(name) || name.length < 5) continue;
    // A typing error in `sslmode` must not end in a connection less safe than was asked.
    const meant = [...Object.keys(honoured), ...places].find((other) => distance(other, name.toLowerCase()) <= 2);
    if (meant !== undefined) throw new UsageError(`the connection URL has a parameter ${name}: did you mean ${meant}?`);
  }
}

/** `ssl=true` is how JDBC writes `sslmode=require`; libpq reads it so, too. */
function sslmodeIn(query: URLSearchParams): string | undefined {
  const ssl = nonEmpty(query.get('ssl'));
  const translated: Readonly<Record<string, string>> = { true: 'require', 1: 'require', false: 'disable', 0: 'disable' };
  return nonEmpty(query.get('sslmode')) ?? (ssl === undefined ? undefined : (translated[ssl] ?? ssl));
}

function nonEmpty(text: string | null | undefined): string | undefined {
  return text === null || text === '' ? undefined : text;
}
