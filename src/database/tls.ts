import { existsSync, readFileSync } from 'node:fs';
import { homedir } from 'node:os';
import { join } from 'node:path';
import tls from 'node:tls';
import { UsageError } from '../config/usage-error.js';
import type { ConnectionParameters, Given } from './connection-parameters.js';

/**
 * libpq's modes, and `no-verify` of `pg`: encrypt, whatever certificate there may be on this machine.
 * `allow` is taken for `prefer`: it encrypts where libpq might not, and is refused by no server that libpq reaches.
 */
const modes = ['disable', 'allow', 'prefer', 'require', 'no-verify', 'verify-ca', 'verify-full'] as const;
type Mode = (typeof modes)[number];

export interface TlsSettings {
  /** For `pg`; false: no TLS. */
  readonly ssl: false | tls.ConnectionOptions;
  /** Whether to go on without TLS where the server has none. */
  readonly optional: boolean;
  readonly sslnegotiation: 'postgres' | 'direct';
}

const none: TlsSettings = { ssl: false, optional: false, sslnegotiation: 'postgres' };

/**
 * The TLS of a connection, with libpq's meaning of `sslmode` and its companions. `pg` reads `prefer`, `require` and
 * `verify-ca` as `verify-full`, which fails where a provider's certificate is self-signed (Heroku).
 *
 * Other than libpq, `verify-full` without `sslrootcert` trusts the authorities that this machine and Node trust.
 *
 * @param folder of the user's own certificates: `root.crt`, `postgresql.crt`, `postgresql.key`
 * @throws UsageError for a mode that does not exist, a contradiction, or a file that cannot be read
 */
export function tlsSettings({ given, host }: Pick<ConnectionParameters, 'given' | 'host'>, folder = ownFolder()): TlsSettings {
  const root = given('sslrootcert') ?? inFolder(folder, 'root.crt', 'sslrootcert');
  const fromSystem = root?.value === 'system';
  const written = given('sslmode');
  const mode = modeOf(written, fromSystem);
  // A socket of this machine has no TLS; libpq passes over sslmode, too.
  if (host?.startsWith('/') === true) return none;
  const direct = isDirect(given('sslnegotiation'), mode);
  if (mode === 'disable') return none;
  if (fromSystem && mode !== 'verify-full') {
    throw new UsageError(`sslrootcert=system proves nothing with sslmode=${mode}: write sslmode=verify-full`);
  }
  const options: tls.ConnectionOptions = { ...identity(given, folder), ...versions(given) };
  const trust = { ...options, ...trusted(root, mode), ...optionalFile('crl', given('sslcrl')) };
  const asRoot = mode === 'require' && root !== undefined ? 'verify-ca' : mode;
  const sslnegotiation = direct ? 'direct' : 'postgres';
  switch (asRoot) {
    case 'verify-full':
      return { ssl: trust, optional: false, sslnegotiation };
    case 'verify-ca':
      return { ssl: { ...trust, checkServerIdentity: () => undefined }, optional: false, sslnegotiation };
    case 'require':
    case 'no-verify':
      return { ssl: { ...options, rejectUnauthorized: false }, optional: false, sslnegotiation };
    case 'allow':
    case 'prefer':
      return { ssl: { ...options, rejectUnauthorized: false }, optional: true, sslnegotiation };
  }
}

function modeOf(given: Given | undefined, fromSystem: boolean): Mode {
  if (given === undefined) return fromSystem ? 'verify-full' : 'prefer';
  const mode = modes.find((one) => one === given.value);
  if (mode === undefined) throw new UsageError(`${given.written} is not known: write sslmode=${modes.join(', ')}`);
  return mode;
}

function isDirect(given: Given | undefined, mode: Mode): boolean {
  if (given === undefined || given.value === 'postgres') return false;
  if (given.value !== 'direct') throw new UsageError(`${given.written} is not known: write sslnegotiation=postgres or direct`);
  if (mode === 'disable' || mode === 'allow' || mode === 'prefer') {
    throw new UsageError(`${given.written} starts with TLS, which sslmode=${mode} does not ask for: write sslmode=require`);
  }
  return true;
}

/** Who is trusted to sign the server's certificate. */
function trusted(root: Given | undefined, mode: Mode): tls.ConnectionOptions {
  if (mode !== 'verify-ca' && mode !== 'verify-full' && mode !== 'require') return {};
  if (root !== undefined && root.value !== 'system') return { ca: content(root) };
  if (mode === 'verify-ca') {
    throw new UsageError('sslmode=verify-ca needs the certificate of the authority: add sslrootcert=/path/to/ca.pem, or write sslmode=verify-full');
  }
  return systemAuthorities();
}

/** Those of Node and of the machine, from Node 22.15 on; before, those of Node, and of NODE_EXTRA_CA_CERTS. */
function systemAuthorities(): tls.ConnectionOptions {
  const certificates = Reflect.get(tls, 'getCACertificates') as ((kind: string) => string[]) | undefined;
  return certificates === undefined ? {} : { ca: [...certificates('default'), ...certificates('system')] };
}

/** Our own certificate, for servers that want one. */
function identity(given: ConnectionParameters['given'], folder: string): tls.ConnectionOptions {
  const cert = given('sslcert') ?? inFolder(folder, 'postgresql.crt', 'sslcert');
  if (cert === undefined) return {};
  const key = given('sslkey') ?? inFolder(folder, 'postgresql.key', 'sslkey');
  if (key === undefined) throw new UsageError(`${cert.written} is of no use without its key: add sslkey=/path/to/key.pem`);
  const passphrase = given('sslpassword')?.value;
  const pair = { cert: content(cert), key: content(key), ...(passphrase === undefined ? {} : { passphrase }) };
  checkUsable(pair, `${cert.written} and its key cannot be used`);
  return pair;
}

function versions(given: ConnectionParameters['given']): tls.ConnectionOptions {
  const version = (field: 'minVersion' | 'maxVersion', parameter: Given | undefined): tls.ConnectionOptions => {
    if (parameter === undefined) return {};
    const known = (['TLSv1', 'TLSv1.1', 'TLSv1.2', 'TLSv1.3'] as const).find((one) => one === parameter.value);
    if (known === undefined) throw new UsageError(`${parameter.written} is not known: write TLSv1.2 or TLSv1.3`);
    return { [field]: known };
  };
  return { ...version('minVersion', given('ssl_min_protocol_version')), ...version('maxVersion', given('ssl_max_protocol_version')) };
}

function optionalFile(field: 'crl', file: Given | undefined): tls.ConnectionOptions {
  return file === undefined ? {} : { [field]: content(file) };
}

function content(file: Given): string {
  try {
    const text = readFileSync(file.value, 'utf8');
    if (text.includes('-----BEGIN ')) return text;
  } catch (error) {
    throw new UsageError(`${file.written} cannot be read (${(error as NodeJS.ErrnoException).code ?? String(error)}): give the path of a PEM file`);
  }
  throw new UsageError(`${file.written} holds no PEM text (-----BEGIN ...): give the path of a PEM file`);
}

/** A wrong key or passphrase would show itself only in the handshake, in words of OpenSSL's. */
function checkUsable(options: tls.SecureContextOptions, what: string): void {
  try {
    tls.createSecureContext(options);
  } catch (error) {
    throw new UsageError(`${what} (${error instanceof Error ? error.message : String(error)}): check sslcert, sslkey and sslpassword`);
  }
}

function inFolder(folder: string, file: string, name: string): Given | undefined {
  const path = join(folder, file);
  return existsSync(path) ? { value: path, written: `${name}=${path}` } : undefined;
}

/** Where libpq looks for certificates that nobody names. */
function ownFolder(): string {
  const { APPDATA } = process.env;
  return process.platform === 'win32' && APPDATA !== undefined ? join(APPDATA, 'postgresql') : join(homedir(), '.postgresql');
}
