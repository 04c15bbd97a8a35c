import type { EventEmitter } from 'node:events';
import { Socket } from 'node:net';

/** What of `pg`'s protocol Connection is needed here. It calls a `stream` factory as a method of its own, untyped. */
interface ProtocolConnection extends EventEmitter {
  attachListeners(stream: Socket): void;
}

/** What `pg` cannot do by itself at the beginning of a connection. */
export interface Handshake {
  /** Go on without TLS where the server has none: libpq's `prefer`. */
  readonly optionalTls: boolean;
  /** Tell no password to a server that does not prove, by channel binding, that it is the end of the TLS connection. */
  readonly requireChannelBinding: boolean;
}

/** A `stream` factory for the settings of a `pg` client. Without either wish it makes the socket that `pg` would make. */
export function socketFactory(handshake: Handshake): () => Socket {
  return function (this: unknown) {
    const socket = new Socket();
    const connection = this as ProtocolConnection;
    if (handshake.optionalTls) goOnWithoutTls(socket, connection);
    if (handshake.requireChannelBinding) refuseUnbound(socket, connection);
    return socket;
  };
}

/** The server answers the request for TLS with one byte. At an `N`, `pg` would give up; libpq goes on in the same connection. */
function goOnWithoutTls(socket: Socket, connection: ProtocolConnection): void {
  const emit = socket.emit.bind(socket);
  socket.emit = (event: string | symbol, ...values: unknown[]): boolean => {
    if (event !== 'data') return emit(event, ...values);
    socket.emit = emit;
    if (String(values[0]) !== 'N') return emit(event, ...values);
    socket.removeAllListeners('data');
    connection.attachListeners(socket);
    return connection.emit('sslconnect'); // what makes the client introduce itself
  };
}

/** These listeners come before those of the client, which would answer. */
function refuseUnbound(socket: Socket, connection: ProtocolConnection): void {
  let bound = false;
  const refuse = (): void => {
    if (!bound) socket.destroy(new Error(unbound));
  };
  connection.on('authenticationSASL', ({ mechanisms }: { mechanisms: readonly string[] }) => {
    bound = mechanisms.includes('SCRAM-SHA-256-PLUS');
    refuse();
  });
  for (const event of ['authenticationCleartextPassword', 'authenticationMD5Password', 'authenticationOk']) connection.on(event, refuse);
}

export const unbound = 'channel binding is required, but the server does not offer it';
