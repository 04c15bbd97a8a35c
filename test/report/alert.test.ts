import { describe, expect, it } from 'vitest';
import { alertBody, isAlert, subjectOf, type Alert } from '../../src/report/alert.js';
import { eventNames } from '../../src/report/event-level.js';

const alert: Alert = {
  event: { event: 'freshness.missed', view: 'public.mv', stalenessMs: 72_000, targetMs: 60_000, because: 'its refreshes fail (<!channel> & co at postgres://u:hunter2@h/db)' },
  at: new Date('2026-11-21T12:00:00Z'), database: 'app',
};
const text = '[app] public.mv has been stale for 1m 12s, over its freshness target of 1m: its refreshes fail (<!channel> & co at postgres://u:***@h/db).';

describe('the body of an alert', () => {
  it('has a text for people and fields for machines', () => {
    expect(alertBody(alert, 'alerts.example.com')).toEqual({
      text, event: 'freshness.missed', view: 'public.mv', stalenessMs: 72_000, targetMs: 60_000,
      because: 'its refreshes fail (<!channel> & co at postgres://u:***@h/db)', database: 'app', at: '2026-11-21T12:00:00.000Z',
    });
  });

  it('calls nobody to a Slack channel, whatever an error says', () => {
    expect(alertBody(alert, 'hooks.slack.com').text).toBe(text.replace('<!channel> &', '&lt;!channel&gt; &amp;'));
  });

  it('is all that Google Chat and Discord accept, and no more', () => {
    expect(alertBody(alert, 'chat.googleapis.com')).toEqual({ text: text.replace('<', '‹') });
    expect(alertBody(alert, 'discord.com')).toEqual({ content: text, allowed_mentions: { parse: [] } });
  });

  it('is never too long for a chat', () => {
    const { content } = alertBody({ ...alert, event: { event: 'refresh.failing', view: 'v', failures: 3, sqlstate: null, error: 'x'.repeat(5_000) } }, 'discord.com');
    expect(String(content).length).toBeLessThan(2_000);
  });
});

describe('what is an alert', () => {
  it('is a miss, a view that keeps failing, and the end of both', () => {
    expect(eventNames.filter((event) => isAlert({ event }))).toEqual(['refresh.failing', 'refresh.recovered', 'freshness.missed', 'freshness.restored']);
  });

  it('has its end for successor, and only that', () => {
    const ended = { event: 'freshness.restored', view: 'public.mv', missedForMs: 1, because: 'refreshed' } as const;
    const failing = { event: 'refresh.failing', view: 'public.mv', failures: 3, sqlstate: null, error: 'boom' } as const;
    expect(subjectOf(ended)).toBe(subjectOf(alert.event));
    expect(new Set([ended, failing, { ...ended, view: 'public.other' }].map(subjectOf)).size).toBe(3);
  });
});
