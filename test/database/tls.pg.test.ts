import pg from 'pg';
import { describe, expect, inject, it } from 'vitest';
import { connectionProblem } from '../../src/database/connection-problem.js';
import { connectionSettings } from '../../src/database/connection.js';
import { tlsOnly, tlsServerHere } from '../support/tls-server.js';

const server = tlsServerHere();

/** The address of the server, by the name in its certificate unless another is given. */
function urlWith(parameters: Readonly<Record<string, string>>, hostname = 'localhost'): string {
  const url = Object.assign(new URL(server().adminUrl), { hostname, search: '' });
  for (const [name, value] of Object.entries(parameters)) url.searchParams.set(name, value);
  return url.href;
}

/** Connects as every connection of the product does. Returns whether TLS is in use. */
async function connected(url: string | undefined, env: NodeJS.ProcessEnv = {}): Promise<boolean> {
  const client = new pg.Client(connectionSettings(url, 'test', env));
  client.on('error', () => undefined);
  await client.connect();
  try {
    const { rows } = await client.query<{ ssl: boolean }>('SELECT ssl FROM pg_catalog.pg_stat_ssl WHERE pid = pg_catalog.pg_backend_pid()');
    return rows[0]?.ssl ?? false;
  } finally {
    await client.end();
  }
}

/** What a command says when this connection fails. */
async function problem(url: string, env?: NodeJS.ProcessEnv): Promise<string> {
  const error: unknown = await connected(url, env).then(() => 'connected', (thrown: unknown) => thrown);
  const found = connectionProblem(error, { databaseUrl: url, listenUrl: url });
  return found?.message ?? `no problem: ${String(error)}`;
}

describe('a server that takes TLS only, with a certificate of an authority that nobody knows', () => {
  it.each<[string, () => Record<string, string>]>([
    ['no sslmode, as with libpq', () => ({})],
    ['allow', () => ({ sslmode: 'allow' })],
    ['prefer', () => ({ sslmode: 'prefer' })],
    ['require', () => ({ sslmode: 'require' })],
    ['no-verify', () => ({ sslmode: 'no-verify' })],
    ["JDBC's ssl=true", () => ({ ssl: 'true' })],
    ['require with the CA, which is verify-ca', () => ({ sslmode: 'require', sslrootcert: server().ca })],
    ['verify-ca', () => ({ sslmode: 'verify-ca', sslrootcert: server().ca })],
    ['verify-full with the CA', () => ({ sslmode: 'verify-full', sslrootcert: server().ca })],
    ['channel_binding=require', () => ({ sslmode: 'require', channel_binding: 'require' })],
  ])('is reached with %s', async (_mode, parameters) => {
    expect(await connected(urlWith(parameters()))).toBe(true);
  });

  it.each<[string, () => NodeJS.ProcessEnv]>([
    ['PGSSLMODE=require', () => ({ PGSSLMODE: 'require' })],
    ['PGSSLMODE=no-verify', () => ({ PGSSLMODE: 'no-verify' })],
    ['PGSSLMODE=verify-full and PGSSLROOTCERT', () => ({ PGSSLMODE: 'verify-full', PGSSLROOTCERT: server().ca })],
  ])('is reached with %s beside a URL', async (_variables, env) => {
    expect(await connected(urlWith({}), env())).toBe(true);
  });

  it('and the URL wins over the variable', async () => {
    expect(await connected(urlWith({ sslmode: 'require' }), { PGSSLMODE: 'disable' })).toBe(true);
    expect(await problem(urlWith({ sslmode: 'disable' }), { PGSSLMODE: 'require' })).toContain('refuses connections without encryption');
  });

  it.each<[string, () => string]>([
    ['verify-full without the CA', () => urlWith({ sslmode: 'verify-full' })],
    ['sslrootcert=system', () => urlWith({ sslrootcert: 'system' })],
    ['verify-full with another CA', () => urlWith({ sslmode: 'verify-full', sslrootcert: server().otherCa })],
    ['verify-ca with another CA', () => urlWith({ sslmode: 'verify-ca', sslrootcert: server().otherCa })],
    ['require with another CA', () => urlWith({ sslmode: 'require', sslrootcert: server().otherCa })],
  ])('is refused with %s, and the remedy told', async (_mode, url) => {
    expect(await problem(url())).toMatch(
      /^could not connect: the certificate of postgres:\/\/postgres:\*\*\*@localhost\S+ is not signed by an authority that is trusted here \([^)]+\): give .*sslrootcert=/,
    );
  });

  it('is refused by verify-full under a name that its certificate does not have, and taken by verify-ca', async () => {
    expect(await problem(urlWith({ sslmode: 'verify-full', sslrootcert: server().ca }, '127.0.0.1'))).toContain(
      'is for another host name: connect by the name it was issued for, or write sslmode=verify-ca',
    );
    expect(await connected(urlWith({ sslmode: 'verify-ca', sslrootcert: server().ca }, '127.0.0.1'))).toBe(true);
  });

  it('tells somebody without TLS to ask for it', async () => {
    expect(await problem(urlWith({ sslmode: 'disable' }))).toMatch(/refuses connections without encryption: add sslmode=require to the URL, or sslmode=no-verify \(/);
  });

  it('still tells of a wrong password', async () => {
    const wrong = Object.assign(new URL(urlWith({})), { password: 'wrong-secret' }).href;
    const message = await problem(wrong);
    expect(message).toContain('password authentication failed for user "postgres"');
    expect(message).not.toContain('wrong-secret');
  });

  it('lets in who shows a certificate, where it wants one', async () => {
    await server().admit(`${tlsOnly} clientcert=verify-ca`);
    try {
      expect(await problem(urlWith({}))).toContain('give yours as sslcert and sslkey in the URL (or PGSSLCERT and PGSSLKEY)');
      expect(await connected(urlWith({ sslmode: 'require', sslcert: server().clientCert, sslkey: server().clientKey }))).toBe(true);
      expect(await connected(urlWith({}), { PGSSLCERT: server().clientCert, PGSSLKEY: server().clientKey })).toBe(true);
    } finally {
      await server().admit(tlsOnly);
    }
  });

  it('gets no password from somebody who requires channel binding, when it knows none', async () => {
    await server().admit('hostssl all all 127.0.0.1/32 password');
    try {
      expect(await problem(urlWith({ sslmode: 'require', channel_binding: 'require' }))).toContain('channel binding is required, but the server does not offer it at');
    } finally {
      await server().admit(tlsOnly);
    }
  });

  it('starts with TLS at once from PostgreSQL 17 on', async () => {
    const url = urlWith({ sslmode: 'require', sslnegotiation: 'direct' });
    if (Number.parseInt(server().server.version, 10) >= 17) expect(await connected(url)).toBe(true);
    else expect(await problem(url)).toContain('(direct needs PostgreSQL 17)');
  });
});

describe('a server without TLS', () => {
  const plainUrl = (sslmode?: string): string => {
    const url = new URL(inject('adminUrl'));
    if (sslmode !== undefined) url.searchParams.set('sslmode', sslmode);
    return url.href;
  };

  it('is reached with no sslmode, allow, prefer and disable', async (context) => {
    if (await connected(plainUrl())) context.skip('the server of this run has TLS');
    for (const mode of ['allow', 'prefer', 'disable']) expect(await connected(plainUrl(mode))).toBe(false);
  });

  it('is refused with require', async (context) => {
    if (await connected(plainUrl())) context.skip('the server of this run has TLS');
    expect(await problem(plainUrl('require'))).toContain('does not speak TLS: take sslmode out of the URL (or PGSSLMODE), or write sslmode=disable');
  });
});
