import { Socket } from 'node:net';
import type { ClientConfig } from 'pg';
import { Doorbell, type DoorbellOptions } from '../../src/wake/doorbell.js';
import { Signals } from './signals.js';

/** A doorbell with short times that keeps every socket it made and everything it said. */
export class RecordedDoorbell {
  readonly sockets: Socket[] = [];
  openSockets = 0;
  mostOpenSockets = 0;
  readonly rings = new Signals<string>();
  readonly losses = new Signals<string>();
  readonly retries = new Signals<string>();
  readonly restores = new Signals<number>();
  readonly bell: Doorbell;

  constructor(connection: ClientConfig, settings: Partial<DoorbellOptions> = {}) {
    this.bell = new Doorbell({
      connection: {
        ...connection,
        stream: () => {
          const socket = new Socket();
          this.sockets.push(socket);
          this.openSockets += 1;
          this.mostOpenSockets = Math.max(this.mostOpenSockets, this.openSockets);
          // Not `socket.closed`: that is true before the handle is.
          socket.once('close', () => (this.openSockets -= 1));
          return socket;
        },
      },
      channel: 'refresh_listener',
      canaryMs: 60_000,
      canaryTimeoutMs: 2_000,
      retryBaseMs: 20,
      retryMaxMs: 100,
      onRing: this.rings.push,
      onLost: this.losses.push,
      onRetry: this.retries.push,
      onRestored: this.restores.push,
      ...settings,
    });
  }
}
