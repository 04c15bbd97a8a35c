import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { UsageError } from '../../src/config/usage-error.js';
import { readConnectionParameters } from '../../src/database/connection-parameters.js';
import { connectionSettings, unusedParameters } from '../../src/database/connection.js';
import { tlsSettings, type TlsSettings } from '../../src/database/tls.js';
import { authority, signedBy } from '../support/certificates.js';

const folder = mkdtempSync(join(tmpdir(), 'listener-connection-'));
const file = (name: string): string => join(folder, name);
beforeAll(async () => {
  const ca = await authority('Authority');
  const client = await signedBy(ca, 'client');
  const texts = { 'ca.pem': ca.cert, 'client.pem': client.cert, 'client.key': client.key, 'other.key': ca.key, 'no.pem': 'nothing' };
  for (const [name, text] of Object.entries(texts)) writeFileSync(file(name), text);
});
afterAll(() => rmSync(folder, { recursive: true }));

const base = 'postgres://u:secret@db.example/shop';

/** A folder of one's own certificates, with or without some in it. */
function settingsOf(query: string, env: Record<string, string> = {}, own = 'nowhere', url = base): TlsSettings {
  return tlsSettings(readConnectionParameters(`${url}?${query.replaceAll('FOLDER', folder)}`, env), own);
}

function refusal(work: () => unknown): string {
  try {
    work();
  } catch (error) {
    expect(error).toBeInstanceOf(UsageError);
    return (error as UsageError).message.replaceAll(folder, 'FOLDER');
  }
  return 'accepted';
}

describe('tlsSettings', () => {
  const unchecked = { rejectUnauthorized: false };
  const ca = expect.stringContaining('BEGIN CERTIFICATE') as string;

  it.each<[string, Partial<TlsSettings>]>([
    ['', { ssl: unchecked, optional: true }],
    ['sslmode=prefer', { ssl: unchecked, optional: true }],
    ['sslmode=allow', { ssl: unchecked, optional: true }],
    ['sslmode=disable', { ssl: false, optional: false }],
    ['sslmode=require', { ssl: unchecked, optional: false }],
    ['sslmode=no-verify&sslrootcert=FOLDER/ca.pem', { ssl: unchecked, optional: false }],
    ['sslmode=require&uselibpqcompat=true', { ssl: unchecked, optional: false }],
    ['ssl=true', { ssl: unchecked, optional: false }],
    ['ssl=0', { ssl: false, optional: false }],
    ['sslmode=require&sslrootcert=FOLDER/ca.pem', { ssl: { ca, checkServerIdentity: expect.any(Function) as never }, optional: false }],
    ['sslmode=verify-ca&sslrootcert=FOLDER/ca.pem', { ssl: { ca, checkServerIdentity: expect.any(Function) as never }, optional: false }],
    ['sslmode=verify-full&sslrootcert=FOLDER/ca.pem', { ssl: { ca }, optional: false }],
    ['sslmode=require&sslnegotiation=direct', { ssl: unchecked, sslnegotiation: 'direct' }],
    ['sslmode=require&ssl_min_protocol_version=TLSv1.3', { ssl: { ...unchecked, minVersion: 'TLSv1.3' } }],
    ['sslcert=FOLDER/client.pem&sslkey=FOLDER/client.key', { ssl: { ...unchecked, cert: ca, key: expect.stringContaining('PRIVATE KEY') as string } }],
  ])('reads %s', (query, expected) => {
    expect(settingsOf(query)).toMatchObject(expected);
    if (typeof expected.ssl === 'object') expect(Object.keys(settingsOf(query).ssl)).toEqual(expect.arrayContaining(Object.keys(expected.ssl)));
  });

  it('checks certificate and name with verify-full, also against the authorities of this machine', () => {
    for (const query of ['sslmode=verify-full', 'sslrootcert=system']) {
      const { ssl } = settingsOf(query);
      expect(ssl).not.toHaveProperty('rejectUnauthorized');
      expect(ssl).not.toHaveProperty('checkServerIdentity');
    }
  });

  it('reads the PG* variables where the URL says nothing', () => {
    expect(settingsOf('', { PGSSLMODE: 'disable' }).ssl).toBe(false);
    expect(settingsOf('', { PGSSLMODE: '' }).optional).toBe(true);
    expect(settingsOf('sslmode=require', { PGSSLMODE: 'disable' }).ssl).toEqual(unchecked);
    expect(settingsOf('', { PGSSLMODE: 'verify-full', PGSSLROOTCERT: file('ca.pem') }).ssl).toEqual({ ca });
  });

  it('finds what lies in the folder of libpq', () => {
    const own = mkdtempSync(join(folder, 'own-'));
    writeFileSync(join(own, 'root.crt'), '-----BEGIN CERTIFICATE-----');
    expect(settingsOf('sslmode=require', {}, own).ssl).toHaveProperty('checkServerIdentity');
    expect(settingsOf('sslmode=no-verify', {}, own).ssl).toEqual(unchecked);
  });

  it('has no TLS on a socket of this machine', () => {
    expect(settingsOf('host=/tmp&sslmode=require', {}, 'nowhere', 'postgres:///shop').ssl).toBe(false);
    expect(settingsOf('sslmode=require', { PGHOST: '/tmp' }, 'nowhere', 'postgres:///shop').ssl).toBe(false);
  });

  it.each<[string, string]>([
    ['sslmode=verify', 'sslmode=verify is not known: write sslmode=disable, allow, prefer, require, no-verify, verify-ca, verify-full'],
    ['sslmode=verify-ca', 'sslmode=verify-ca needs the certificate of the authority: add sslrootcert=/path/to/ca.pem, or write sslmode=verify-full'],
    ['sslmode=require&sslrootcert=system', 'sslrootcert=system proves nothing with sslmode=require: write sslmode=verify-full'],
    ['sslnegotiation=direct', 'sslnegotiation=direct starts with TLS, which sslmode=prefer does not ask for: write sslmode=require'],
    ['sslnegotiation=quick', 'sslnegotiation=quick is not known: write sslnegotiation=postgres or direct'],
    ['sslmode=verify-full&sslrootcert=FOLDER/none.pem', 'sslrootcert=FOLDER/none.pem cannot be read (ENOENT): give the path of a PEM file'],
    ['sslmode=verify-full&sslrootcert=FOLDER/no.pem', 'sslrootcert=FOLDER/no.pem holds no PEM text (-----BEGIN ...): give the path of a PEM file'],
    ['sslcert=FOLDER/client.pem', 'sslcert=FOLDER/client.pem is of no use without its key: add sslkey=/path/to/key.pem'],
    ['ssl_min_protocol_version=3', 'ssl_min_protocol_version=3 is not known: write TLSv1.2 or TLSv1.3'],
  ])('refuses %s', (query, message) => {
    expect(refusal(() => settingsOf(query))).toBe(message);
  });

  it('refuses a key that is not of the certificate, and names the variable that led to it', () => {
    expect(refusal(() => settingsOf('', { PGSSLCERT: file('client.pem'), PGSSLKEY: file('other.key') }))).toMatch(
      /^PGSSLCERT=FOLDER\/client\.pem and its key cannot be used \(.*\): check sslcert, sslkey and sslpassword$/,
    );
  });
});

describe('connectionSettings', () => {
  it('passes on what pg understands', () => {
    const settings = connectionSettings('postgres://u:p%40ss@db.example:6543/shop?application_name=mine&options=-c%20geqo%3Doff&connect_timeout=3', 'listener', {});
    expect(settings).toMatchObject({
      user: 'u', password: 'p@ss', host: 'db.example', port: 6543, database: 'shop', application_name: 'mine', options: '-c geqo=off',
      connectionTimeoutMillis: 3_000, fallback_application_name: 'listener', enableChannelBinding: false,
    });
  });

  it('lets no parameter of a URL set what is ours', () => {
    const settings = connectionSettings(`${base}?max=50&keepAlive=false&query_timeout=1&stream=x&dbname=other`, 'listener', {});
    expect(settings).toMatchObject({ keepAlive: true, stream: expect.any(Function) as unknown, database: 'other' });
    expect(settings).not.toHaveProperty('max');
    expect(settings).not.toHaveProperty('query_timeout');
  });

  it('leaves to pg what only the variables say', () => {
    const settings = connectionSettings(undefined, 'listener', { PGHOST: 'db.example', PGSSLMODE: 'require', PGCONNECT_TIMEOUT: '4' });
    expect(settings).toMatchObject({ host: 'db.example', ssl: { rejectUnauthorized: false }, connectionTimeoutMillis: 4_000 });
    expect(settings).not.toHaveProperty('user');
  });

  it('never waits for ever', () => {
    for (const query of ['', '?connect_timeout=0', '?connect_timeout=-1']) {
      expect(connectionSettings(base + query, 'listener', {}).connectionTimeoutMillis).toBe(10_000);
    }
  });

  it.each<[string, string]>([
    ['target_session_attrs=standby', 'target_session_attrs=standby leads to a server where nothing can be refreshed: take it out, and give the primary'],
    ['connect_timeout=5s', 'connect_timeout=5s is no number of seconds: write connect_timeout=10'],
    ['channel_binding=require', 'channel_binding=require needs TLS: write sslmode=require, or a stricter one, as well'],
    ['channel_binding=yes', 'channel_binding=yes is not known: write channel_binding=disable, prefer or require'],
    ['host=a,b', 'the connection names several hosts: give the one that is the primary, or a name that always leads to it'],
    ['hostaddr=10.0.0.1', 'hostaddr in the connection URL cannot be honoured: give the address as the host'],
    ['service=shop', 'service in the connection URL cannot be honoured: write out what the service file holds'],
    ['gssencmode=require', 'gssencmode=require cannot be honoured: write sslmode=require to encrypt'],
    ['sslmod=verify-full', 'the connection URL has a parameter sslmod: did you mean sslmode?'],
    ['sslroot_cert=ca.pem', 'the connection URL has a parameter sslroot_cert: did you mean sslrootcert?'],
    ['port=x', 'port=x is no port: write a number from 1 to 65535'],
  ])('refuses %s', (query, message) => {
    expect(refusal(() => connectionSettings(`${base}?${query}`, 'listener', {}))).toBe(message);
  });

  it.each<[Record<string, string>, string]>([
    [{ PGSSLMODE: 'on' }, 'PGSSLMODE=on is not known: write sslmode='],
    [{ PGHOST: 'a,b' }, 'the connection names several hosts'],
    [{ PGSERVICE: 'shop' }, 'PGSERVICE cannot be honoured: write out what the service file holds, and unset it'],
    [{ PGTARGETSESSIONATTRS: 'read-only' }, 'PGTARGETSESSIONATTRS=read-only leads to a server where nothing can be refreshed'],
  ])('refuses %j', (env, message) => {
    expect(refusal(() => connectionSettings(undefined, 'listener', env))).toContain(message);
  });

  it('takes a URL beside variables that are for other programs', () => {
    expect(connectionSettings(base, 'listener', { PGSERVICE: 'shop', PGHOSTADDR: '10.0.0.1' }).host).toBe('db.example');
  });

  it.each(['any', 'read-write', 'primary', 'prefer-standby'])('takes target_session_attrs=%s', (attributes) => {
    expect(connectionSettings(`${base}?target_session_attrs=${attributes}`, 'listener', {}).host).toBe('db.example');
  });
});

describe('unusedParameters', () => {
  it('names those of other programs, and those of libpq that do nothing here', () => {
    expect(unusedParameters(`${base}?sslmode=require&pgbouncer=true&connection_limit=1&schema=public&keepalives_idle=5&connect_timeout=5&sslaccept=strict`)).toEqual([
      'pgbouncer', 'connection_limit', 'schema', 'keepalives_idle', 'sslaccept',
    ]);
    expect(unusedParameters(base)).toEqual([]);
    expect(unusedParameters(undefined)).toEqual([]);
  });
});
