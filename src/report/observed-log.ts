import type { ListenerEvent } from './event.js';
import type { Log } from './log.js';

/** The same log; each event is told to `onEvent` first, which must not throw. */
export function observedLog(log: Log, onEvent: (event: ListenerEvent) => void): Log {
  return {
    emit: (event) => {
      onEvent(event);
      log.emit(event);
    },
    debug: (msg, fields) => log.debug(msg, fields),
    info: (msg, fields) => log.info(msg, fields),
    warn: (msg, fields) => log.warn(msg, fields),
    error: (msg, fields) => log.error(msg, fields),
  };
}
