import { unbound } from './handshake.js';
import { quoteIdentifier } from './identifier.js';
import { isConnectionLoss } from './sqlstate.js';

/** What failed over the connection of `--listen-url`; `cause` tells why. */
export class DirectConnectionError extends Error {
  override readonly name = 'DirectConnectionError';

  constructor(cause: unknown) {
    super(cause instanceof Error ? cause.message : String(cause), { cause });
  }
}

/** The database URL has proved itself by then: what fails is `--listen-url`, and the error must name that. */
export async function overDirect<T>(work: Promise<T>): Promise<T> {
  return work.catch((error: unknown) => {
    throw new DirectConnectionError(error);
  });
}

/** What an error says about itself, of a driver's, a server's or a system's. */
interface Facts {
  readonly code: string | undefined;
  readonly message: string;
  readonly address: string | undefined;
  readonly port: number | undefined;
}

type Explanation = (facts: Facts, target: string) => string;

const setUrl = 'set DATABASE_URL or --database-url to where it runs';

const unreachable: Explanation = (facts, target) =>
  `no answer from ${target}${place(facts)}: check host and port, and that a firewall or allowlist lets this machine in`;

const untrusted: Explanation = (facts, target) =>
  `the certificate of ${target} is not signed by an authority that is trusted here (${facts.message}): give that authority's certificate as sslrootcert=/path/to/ca.pem in the URL (or PGSSLROOTCERT), or write sslmode=no-verify to encrypt without checking who answers`;

/** Of a handshake of TLS that failed for another reason than the server's certificate. */
const noTls: Explanation = (facts, target) =>
  `${target} and this machine find no way to speak TLS (${facts.message}): check sslmode, sslcert and sslnegotiation (direct needs PostgreSQL 17), or write sslmode=disable where the network is safe`;

/** By the code of the system, of TLS, or of PostgreSQL (SQLSTATE). */
const byCode: Readonly<Record<string, Explanation>> = {
  ECONNREFUSED: (facts, target) => `nothing listens at ${target}${place(facts)}: start PostgreSQL there, or ${setUrl}`,
  ENOENT: (facts, target) => `there is no socket of PostgreSQL for ${target}${place(facts)}: start it, or ${setUrl}`,
  ENOTFOUND: (_facts, target) => `the host of ${target} is not known: check its spelling, or ${setUrl}`,
  EAI_AGAIN: (_facts, target) => `the host of ${target} cannot be looked up now: check the network and its name server`,
  ETIMEDOUT: unreachable,
  EHOSTUNREACH: unreachable,
  ENETUNREACH: unreachable,

  DEPTH_ZERO_SELF_SIGNED_CERT: untrusted,
  SELF_SIGNED_CERT_IN_CHAIN: untrusted,
  UNABLE_TO_VERIFY_LEAF_SIGNATURE: untrusted,
  UNABLE_TO_GET_ISSUER_CERT: untrusted,
  UNABLE_TO_GET_ISSUER_CERT_LOCALLY: untrusted,
  CERT_HAS_EXPIRED: (_facts, target) => `the certificate of ${target} has expired: renew it, or check the clock of this machine`,
  ERR_TLS_CERT_ALTNAME_INVALID: (_facts, target) =>
    `the certificate of ${target} is for another host name: connect by the name it was issued for, or write sslmode=verify-ca with an sslrootcert of your own`,
  EPROTO: noTls,

  '28P01': (facts, target) => `${facts.message} at ${target}: check user and password in the URL (or PGUSER and PGPASSWORD)`,
  '28000': ({ message }, target) => {
    if (message.includes('client certificate')) return `${target} wants to see a certificate (${message}): give yours as sslcert and sslkey in the URL (or PGSSLCERT and PGSSLKEY)`;
    if (!message.includes('pg_hba.conf')) return `${message} at ${target}: check the user in the URL (or PGUSER)`;
    if (message.includes('no encryption') || message.includes('SSL off')) {
      return `${target} refuses connections without encryption: add sslmode=require to the URL, or sslmode=no-verify (${message})`;
    }
    // libpq would try again without; we do not send a password in the clear where TLS was to be had.
    return /SSL (encryption|on)/.test(message)
      ? `${target} lets nobody of this name in over TLS from here: add the entry to its pg_hba.conf, or write sslmode=disable where it has one without TLS (${message})`
      : `${target} does not let this user in from here: add the entry to its pg_hba.conf (${message})`;
  },
  '3D000': (facts, target) => `${facts.message} at ${target}: check the database's name in the URL (or PGDATABASE)`,
  '57P03': (facts, target) => `${target} takes no connections now (${facts.message}): wait until it does, and start again`,
  '53300': (facts, target) =>
    `${target} has no connection left (${facts.message}): lower --concurrency (a worker takes that many and two more), or raise the limit`,
};

/** Errors of the driver itself carry no code. */
const byMessage: readonly { readonly pattern: RegExp; readonly explain: Explanation }[] = [
  { pattern: /connection timeout|timeout expired|^no connection within/i, explain: unreachable },
  {
    pattern: /does not support SSL/i,
    explain: (_facts, target) => `${target} does not speak TLS: take sslmode out of the URL (or PGSSLMODE), or write sslmode=disable`,
  },
  {
    pattern: /error establishing an SSL connection/i,
    explain: (_facts, target) => `what answers at ${target} is no PostgreSQL: check host and port`,
  },
  { pattern: /before secure TLS connection was established/i, explain: noTls },
  {
    pattern: new RegExp(unbound),
    explain: (facts, target) => `${facts.message} at ${target}: connect directly, with a password that the server keeps by SCRAM, or take channel_binding out of the URL (or PGCHANNELBINDING)`,
  },
  {
    pattern: /^permission denied for database /,
    explain: (facts, target) =>
      `${facts.message} at ${target}: run as an administrator ${facts.message.replace('permission denied for database', 'GRANT CONNECT ON DATABASE')} TO ${roleOf(target)};`,
  },
  {
    // Of poolers.
    pattern: /^no such (database|user)|tenant or user not found/i,
    explain: (facts, target) => `${facts.message} at ${target}: check user and database in the URL`,
  },
  {
    pattern: /password must be a (non-empty )?string/i,
    explain: (_facts, target) => `${target} asks for a password and none was given: put it in the URL, or set PGPASSWORD`,
  },
];

const deepest = 5;

/**
 * Why a connection could not be made, and what to do about it, on one line; undefined for any other error.
 * @param redactedUrl the URL without its password (see redactUrl); undefined where the PG* variables are used.
 */
export function explainConnectionError(error: unknown, redactedUrl: string | undefined): string | undefined {
  const target = redactedUrl ?? 'the server that the PG* variables name';
  return (explain(error, target, 0) ?? explainLoss(error, target))?.replace(/\s+/g, ' ');
}

/** Last, since a connection that is lost often has a better reason behind it. */
function explainLoss(error: unknown, target: string): string | undefined {
  if (!(error instanceof Error) || !(isConnectionLoss(error) || isConnectionLoss(error.cause))) return undefined;
  return `the connection to ${target} broke off (${error.message}): look into the server's log, and whether a proxy or firewall in between ends connections`;
}

function explain(error: unknown, target: string, depth: number): string | undefined {
  if (!(error instanceof Error) || depth > deepest) return undefined;
  const facts = factsOf(error);
  // Node tries every address of a host, and gathers the failures: the first that names its address tells most.
  const gathered: unknown[] = error instanceof AggregateError ? error.errors : [];
  for (const inner of [...gathered, error.cause]) {
    const explanation = explain(inner, target, depth + 1);
    if (explanation !== undefined) return explanation;
  }
  // A missing file (a CA certificate, say) is ENOENT too, and no matter of a socket.
  if (facts.code === 'ENOENT' && Reflect.get(error, 'syscall') !== 'connect') return undefined;
  const known = facts.code === undefined ? undefined : explanationOf(facts.code);
  const matched = known ?? byMessage.find(({ pattern }) => pattern.test(facts.message))?.explain;
  return matched?.(facts, target);
}

function explanationOf(code: string): Explanation | undefined {
  if (Object.hasOwn(byCode, code)) return byCode[code];
  return code.startsWith('ERR_SSL_') ? noTls : undefined;
}

function factsOf(error: Error): Facts {
  const code: unknown = Reflect.get(error, 'code');
  const address: unknown = Reflect.get(error, 'address');
  const port: unknown = Reflect.get(error, 'port');
  return {
    code: typeof code === 'string' ? code : undefined,
    message: error.message,
    address: typeof address === 'string' ? address : undefined,
    port: typeof port === 'number' ? port : undefined,
  };
}

/** As one may write it in a GRANT. */
function roleOf(target: string): string {
  const user = /^[a-z]+:\/\/([^:@/?]+)[:@]/i.exec(target)?.[1];
  return user === undefined ? 'the role' : quoteIdentifier(user);
}

function place({ address, port }: Facts): string {
  if (address === undefined) return '';
  const host = address.includes(':') ? `[${address}]` : address;
  return port === undefined ? ` (${address})` : ` (${host}:${port})`;
}
