import { loadQuery } from '../../database/sql.js';
import type { Check } from '../examination.js';
import { pass, type Finding } from '../finding.js';
import { sessionAge, sessionName, terminate, type Session } from '../session.js';

const notificationQueueQuery = loadQuery('notification-queue');

interface NotificationQueue {
  /** 0 to 1. */
  readonly usage: number;
  /** The oldest first. */
  readonly suspects: readonly Session[];
}

export const notificationQueueCheck: Check = {
  name: 'notification queue',
  group: 'Upkeep',
  examine: async ({ database, thresholds }) => {
    const [queue = { usage: 0, suspects: [] }] = await database.rows<NotificationQueue>(notificationQueueQuery);
    return [notificationQueueFinding(queue, thresholds.queueUsage)];
  },
};

/** From here on it is a failure: when the queue is full, the commits of all who notify fail. */
const nearlyFull = 0.5;

/** Pure. */
export function notificationQueueFinding({ usage, suspects }: NotificationQueue, mayUse: number): Finding {
  const percent = `${(usage * 100).toFixed(usage < 0.001 && usage > 0 ? 3 : 0)}%`;
  if (usage < mayUse) return pass(`The notification queue is ${percent} full`);
  const [oldest] = suspects;
  return {
    level: usage >= nearlyFull ? 'failure' : 'warning',
    what: `The notification queue is ${percent} full`,
    why: 'A session that listens and stays in a transaction keeps it from being emptied. When it is full, commits that notify fail.'
      + (oldest === undefined ? '' : ` The oldest transaction is that of ${sessionName(oldest)}, for ${sessionAge(oldest)}.`),
    remedy: oldest === undefined
      ? 'Let a role with pg_read_all_stats run listener doctor: this one cannot see who is in a transaction'
      : terminate(oldest),
  };
}
