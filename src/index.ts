/// <reference lib="esnext.disposable" preserve="true" />
export { createListener } from './api/listener.js';
export type { Listener } from './api/listener.js';
export type { ListenerOptions, ViewOptions, Views } from './api/listener-options.js';
export type { ListenerEventName, ListenerEvents, ListenerFault } from './api/listener-events.js';
export type { LogEntry, Logger, LogOption } from './api/listener-log.js';
export { UsageError } from './config/usage-error.js';
export type { RefreshQuestion } from './freshen/freshener.js';
export type { EventFields, EventName, EventOf, ListenerEvent, Plan, RefreshReason } from './report/event.js';
