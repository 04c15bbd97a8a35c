import { redactUrl } from '../../config/redact-url.js';
import { explainConnectionError } from '../../database/connection-error.js';
import { connectionSettings } from '../../database/connection.js';
import { clause } from '../../report/sentence.js';
import { Doorbell } from '../../wake/doorbell.js';
import type { Check } from '../examination.js';
import { pass } from '../finding.js';

/** Do notifications arrive? One is sent the way that applications' do, and must be heard the way that the worker hears. */
export const notificationCheck: Check = {
  name: 'notifications',
  group: 'Changes',
  examine: async ({ config, thresholds }) => {
    if (config.wake === 'poll') return [pass('Notifications are not needed: the worker polls (--wake poll)')];
    const doorbell = new Doorbell({
      connection: connectionSettings(config.listenUrl, 'listener (doorbell)'),
      ringer: connectionSettings(config.databaseUrl, 'listener (canary)'),
      channel: 'refresh_listener',
      canaryMs: config.canaryMs,
      canaryTimeoutMs: thresholds.canaryMs,
      retryBaseMs: 1_000,
      retryMaxMs: 1_000,
      onRing: () => undefined,
      onLost: () => undefined,
      onRestored: () => undefined,
    });
    try {
      if ((await doorbell.start()) === 'hears') return [pass('A notification arrives')];
      return [{
        level: 'failure',
        what: 'A notification that was sent did not arrive: most often a transaction pooler is in the way',
        why: `The worker looks every --poll instead of being woken. A session of one's own is needed to listen, to install and to lock.`,
        remedy: '--listen-url postgres://USER:PASSWORD@HOST:5432/DATABASE (or LISTENER_LISTEN_URL), past the pooler',
      }];
    } catch (error) {
      const url = config.listenUrl === undefined ? undefined : redactUrl(config.listenUrl);
      const reason = explainConnectionError(error, url) ?? (error instanceof Error ? error.message : String(error));
      return [{
        level: 'failure',
        what: `The worker cannot listen for notifications: ${clause(reason)}`,
        why: 'It does not start.',
        remedy: '--listen-url postgres://USER:PASSWORD@HOST:5432/DATABASE (or LISTENER_LISTEN_URL)',
      }];
    } finally {
      await doorbell.stop();
    }
  },
};
