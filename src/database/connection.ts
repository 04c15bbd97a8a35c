import pg from 'pg';
import { parseIntoClientConfig } from 'pg-connection-string';

/** Milliseconds a connection attempt may take, before it counts as failed. */
export const connectTimeoutMs = 10_000;

/** int8 arrives as a number: ours are counts, ids and milliseconds, all far below 2^53. */
const types = new pg.TypeOverrides();
types.setTypeParser(pg.types.builtins.INT8, Number);

/**
 * Settings of a connection to `url`; without one, libpq's PG* variables apply (`pg` reads them).
 * `sslmode` has libpq's meaning: `pg` by itself reads `require` as `verify-full`, which fails on self-signed providers.
 */
export function connectionSettings(url: string | undefined, applicationName: string): pg.ClientConfig {
  const fromUrl = url === undefined ? {} : parseIntoClientConfig(withLibpqMeaning(url));
  return {
    ...fromUrl,
    fallback_application_name: applicationName,
    connectionTimeoutMillis: connectTimeoutMs,
    keepAlive: true,
    keepAliveInitialDelayMillis: 10_000,
    types,
  };
}

function withLibpqMeaning(url: string): string {
  if (!/[?&]sslmode=/.test(url) || /[?&]uselibpqcompat=/.test(url)) return url;
  return `${url}&uselibpqcompat=true`;
}
