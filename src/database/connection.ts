import pg from 'pg';
import type { Environment } from '../config/environment.js';
import { UsageError } from '../config/usage-error.js';
import { readConnectionParameters, type ConnectionParameters } from './connection-parameters.js';
import { socketFactory } from './handshake.js';
import { tlsSettings } from './tls.js';

/** Seconds a connection attempt may take before it counts as failed, unless `connect_timeout` says otherwise. */
const connectTimeoutSeconds = 10;

/** int8 arrives as a number: ours are counts, ids and milliseconds, all far below 2^53. */
const types = new pg.TypeOverrides();
types.setTypeParser(pg.types.builtins.INT8, Number);

/**
 * Settings of a connection to `url`, with libpq's meaning of its parameters; what it does not say, the PG* variables do.
 *
 * @throws UsageError, one line with the remedy, for what cannot be honoured
 */
export function connectionSettings(url: string | undefined, applicationName: string, env: Environment = process.env): pg.ClientConfig {
  const parameters = readConnectionParameters(url, env);
  const { user, password, host, port, database, given } = parameters;
  const { ssl, optional, sslnegotiation } = tlsSettings(parameters);
  const binding = bindingOf(parameters, ssl !== false && !optional);
  refuseStandby(parameters);
  const name = given('application_name')?.value;
  const options = given('options')?.value;
  return {
    ...defined({ user, password, host, port, database, application_name: name, options }),
    ssl,
    sslnegotiation,
    enableChannelBinding: binding !== 'disable' && ssl !== false,
    stream: socketFactory({ optionalTls: optional, requireChannelBinding: binding === 'require' }),
    fallback_application_name: applicationName,
    connectionTimeoutMillis: timeoutSecondsOf(parameters) * 1000,
    keepAlive: true,
    keepAliveInitialDelayMillis: 10_000,
    types,
  };
}

/** Parameters of a connection URL that have no effect here, such as those of other programs. */
export function unusedParameters(url: string | undefined): readonly string[] {
  return readConnectionParameters(url, {}).unused;
}

type Binding = 'disable' | 'prefer' | 'require';

/** Only with TLS that is certain: an authority in between could otherwise strip both. */
function bindingOf({ given }: ConnectionParameters, certainTls: boolean): Binding {
  const parameter = given('channel_binding');
  if (parameter === undefined) return 'disable';
  const binding = (['disable', 'prefer', 'require'] as const).find((one) => one === parameter.value);
  if (binding === undefined) throw new UsageError(`${parameter.written} is not known: write channel_binding=disable, prefer or require`);
  if (binding === 'require' && !certainTls) throw new UsageError(`${parameter.written} needs TLS: write sslmode=require, or a stricter one, as well`);
  return binding;
}

/** The worker writes. Whether a server is a primary is asked of it anyway. */
function refuseStandby({ given }: ConnectionParameters): void {
  const wanted = given('target_session_attrs');
  if (wanted === undefined || ['any', 'read-write', 'primary', 'prefer-standby'].includes(wanted.value)) return;
  throw new UsageError(`${wanted.written} leads to a server where nothing can be refreshed: take it out, and give the primary`);
}

/** With libpq, 0 and less mean to wait for ever, which a worker must never do. */
function timeoutSecondsOf({ given }: ConnectionParameters): number {
  const parameter = given('connect_timeout');
  if (parameter === undefined) return connectTimeoutSeconds;
  if (!/^-?\d{1,6}$/.test(parameter.value.trim())) throw new UsageError(`${parameter.written} is no number of seconds: write connect_timeout=10`);
  const seconds = Number(parameter.value);
  return seconds > 0 ? seconds : connectTimeoutSeconds;
}

function defined<Fields extends object>(fields: Fields): { [Name in keyof Fields]?: Exclude<Fields[Name], undefined> } {
  return Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== undefined)) as never;
}
