import { connect } from 'node:net';
import { describe, expect, it } from 'vitest';
import { explainConnectionError } from '../../src/database/connection-error.js';

const url = 'postgres://app:***@db.example:5432/shop';

function failure(message: string, fields: Record<string, unknown> = {}): Error {
  return Object.assign(new Error(message), fields);
}

const server = (code: string, message: string) => failure(message, { code, severity: 'FATAL' });

describe('explainConnectionError', () => {
  it.each<[string, Error, string]>([
    [
      'a refused connection',
      failure('connect ECONNREFUSED 127.0.0.1:5432', { code: 'ECONNREFUSED', address: '127.0.0.1', port: 5432 }),
      `nothing listens at ${url} (127.0.0.1:5432): start PostgreSQL there, or set DATABASE_URL or --database-url to where it runs`,
    ],
    [
      'all addresses of a host refused',
      Object.assign(
        new AggregateError([
          failure('connect ECONNREFUSED ::1:5432', { code: 'ECONNREFUSED', address: '::1', port: 5432 }),
          failure('connect ECONNREFUSED 127.0.0.1:5432', { code: 'ECONNREFUSED', address: '127.0.0.1', port: 5432 }),
        ]),
        { code: 'ECONNREFUSED' },
      ),
      `nothing listens at ${url} ([::1]:5432): start PostgreSQL`,
    ],
    ['no socket', failure('connect ENOENT /tmp/.s.PGSQL.5432', { code: 'ENOENT', syscall: 'connect', address: '/tmp/.s.PGSQL.5432' }), '(/tmp/.s.PGSQL.5432): start it'],
    ['an unknown host', failure('getaddrinfo ENOTFOUND db.example', { code: 'ENOTFOUND' }), `the host of ${url} is not known`],
    ['no answer', failure('connect ETIMEDOUT', { code: 'ETIMEDOUT' }), `no answer from ${url}: check host and port`],
    ["the driver's own time limit", failure('timeout expired'), `no answer from ${url}`],
    [
      'a wrong password',
      server('28P01', 'password authentication failed for user "app"'),
      `password authentication failed for user "app" at ${url}: check user and password`,
    ],
    ['no password', failure('SASL: SCRAM-SERVER-FIRST-MESSAGE: client password must be a string'), 'asks for a password and none was given'],
    [
      'TLS required',
      server('28000', 'no pg_hba.conf entry for host "10.0.0.7", user "app", database "shop", no encryption'),
      'refuses connections without encryption: add sslmode=require to the URL',
    ],
    [
      'no entry in pg_hba.conf',
      server('28000', 'no pg_hba.conf entry for host "10.0.0.7", user "app", database "shop", SSL encryption'),
      'lets nobody of this name in over TLS from here: add the entry to its pg_hba.conf, or write sslmode=disable',
    ],
    ['an entry of pg_hba.conf that is missing, without a word of TLS', server('28000', 'no pg_hba.conf entry for host "10.0.0.7"'), 'does not let this user in from here'],
    [
      'a certificate asked for',
      server('28000', 'connection requires a valid client certificate'),
      'give yours as sslcert and sslkey in the URL (or PGSSLCERT and PGSSLKEY)',
    ],
    ['a server that starts', server('57P03', 'the database system is starting up'), 'wait until it does, and start again'],
    [
      'no right to connect',
      server('42501', 'permission denied for database "shop"'),
      'run as an administrator GRANT CONNECT ON DATABASE "shop" TO "app";',
    ],
    ["a pooler that knows no such database", server('08P01', 'no such database: shop'), `no such database: shop at ${url}: check user and database`],
    ['a listening connection that is not answered', new Error('cannot listen', { cause: failure('no connection within 5000 ms') }), `no answer from ${url}`],
    [
      'a black hole, as the pool tells it',
      new Error('Connection terminated due to connection timeout', { cause: failure('Connection terminated unexpectedly') }),
      `no answer from ${url}`,
    ],
    ['a connection that breaks off', failure('Connection terminated unexpectedly'), `the connection to ${url} broke off (Connection terminated unexpectedly)`],
    ['one that is reset, further in', new Error('cannot listen', { cause: failure('read ECONNRESET', { code: 'ECONNRESET' }) }), 'broke off'],
    ['something that is no PostgreSQL', failure('There was an error establishing an SSL connection'), `what answers at ${url} is no PostgreSQL`],
    ['a handshake that fails', failure('tlsv1 alert protocol version', { code: 'ERR_SSL_TLSV1_ALERT_PROTOCOL_VERSION' }), 'find no way to speak TLS'],
    ['no channel binding', failure('channel binding is required, but the server does not offer it'), 'take channel_binding out of the URL'],
    ['an unknown role', server('28000', 'role "app" does not exist'), `role "app" does not exist at ${url}: check the user`],
    ['no such database', server('3D000', 'database "shop" does not exist'), `database "shop" does not exist at ${url}: check the database's name`],
    ['too many connections', server('53300', 'sorry, too many clients already'), 'has no connection left'],
    ['a self-signed certificate', failure('self-signed certificate', { code: 'DEPTH_ZERO_SELF_SIGNED_CERT' }), 'sslrootcert='],
    ['a certificate of another host', failure("Hostname/IP does not match certificate's altnames", { code: 'ERR_TLS_CERT_ALTNAME_INVALID' }), 'another host name'],
    ['no TLS there', failure('The server does not support SSL connections'), 'does not speak TLS'],
    ['an error around it', new Error('could not start', { cause: server('3D000', 'database "shop" does not exist') }), 'does not exist at'],
  ])('explains %s', (_name, error, expected) => {
    const explanation = explainConnectionError(error, url);
    expect(explanation).toContain(expected);
    expect(explanation).not.toContain('\n');
  });

  it('explains what Node really reports', async () => {
    const error = await new Promise<Error>((resolve) => connect({ host: 'localhost', port: 1 }).on('error', resolve));
    expect(explainConnectionError(error, url)).toMatch(/^nothing listens at .* \(.*:1\): start PostgreSQL/);
  });

  it('names the PG* variables where there is no URL', () => {
    expect(explainConnectionError(failure('', { code: 'ECONNREFUSED' }), undefined)).toContain('the server that the PG* variables name');
  });

  it.each<[string, unknown]>([
    ['another error', new Error('out of cheese')],
    ['an error of SQL', server('42P01', 'relation "x" does not exist')],
    ['a missing file', failure("ENOENT: no such file or directory, open 'ca.pem'", { code: 'ENOENT', syscall: 'open' })],
    ['a code of a plain object', failure('x', { code: 'toString' })],
    ['no error at all', 'ECONNREFUSED'],
    ['nothing', undefined],
  ])('leaves %s alone', (_name, error) => {
    expect(explainConnectionError(error, url)).toBeUndefined();
  });

  it('ends on an error that is its own cause', () => {
    const error = new Error('round');
    error.cause = error;
    expect(explainConnectionError(error, url)).toBeUndefined();
  });
});
