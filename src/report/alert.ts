import type { EventOf } from './event.js';
import { eventMessage } from './event-message.js';
import { redactUrls } from '../config/redact-url.js';

/** The events that somebody is told of who does not read the log. */
const alertNames = ['freshness.missed', 'freshness.restored', 'refresh.failing', 'refresh.recovered'] as const;

export type AlertEvent = EventOf<(typeof alertNames)[number]>;

export function isAlert(event: { readonly event: string }): event is AlertEvent {
  return alertNames.some((name) => name === event.event);
}

/** What an alert and its end have in common: of each subject only the newest state is worth telling. Pure. */
export function subjectOf({ event, view }: AlertEvent): string {
  return `${event.startsWith('freshness.') ? 'freshness' : 'failure'} of ${view}`;
}

/** An event, and when and where it was. */
export interface Alert {
  readonly event: AlertEvent;
  readonly at: Date;
  /** Undefined until the server has told its name. */
  readonly database: string | undefined;
}

/** Discord refuses longer ones. */
const longestText = 1_900;

/**
 * The body of a webhook. Slack, Mattermost, Rocket.Chat and whoever reads JSON take a `text` and the event's own fields
 * beside it; Google Chat refuses fields that it does not know, and Discord wants `content`. Names and errors come from the
 * database: in none of them may they call people to a channel. Pure.
 */
export function alertBody({ event, at, database }: Alert, host: string): Readonly<Record<string, unknown>> {
  const place = database === undefined ? '' : `[${database}] `;
  const text = redactUrls(`${place}${eventMessage(event)}`).slice(0, longestText);
  if (/(^|\.)discord(app)?\.com$/.test(host)) return { content: text, allowed_mentions: { parse: [] } };
  if (host === 'chat.googleapis.com') return { text: text.replaceAll('<', '‹') };
  const shown = /(^|\.)slack\.com$/.test(host) ? text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;') : text;
  const fields = Object.fromEntries(Object.entries(event).map(([name, value]) => [name, typeof value === 'string' ? redactUrls(value) : value]));
  return { text: shown, ...fields, database: database ?? null, at: at.toISOString() };
}
