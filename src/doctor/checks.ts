import { bloatCheck } from './checks/bloat.js';
import { clockedViewCheck } from './checks/clocked-view.js';
import { countingCheck } from './checks/counting.js';
import { foreignTableCheck } from './checks/foreign-table.js';
import { indexlessScanCheck } from './checks/indexless-scan.js';
import { logCheck } from './checks/log.js';
import { notificationCheck } from './checks/notification.js';
import { notificationQueueCheck } from './checks/notification-queue.js';
import { paceCheck } from './checks/pace.js';
import { partitionCheck } from './checks/partition.js';
import { preparedTransactionCheck } from './checks/prepared-transaction.js';
import { privilegeCheck } from './checks/privilege.js';
import { publicationCheck } from './checks/publication.js';
import { replicationSlotCheck } from './checks/replication-slot.js';
import { longTransactionCheck } from './checks/long-transaction.js';
import { servedCheck } from './checks/served.js';
import { subscriptionCheck } from './checks/subscription.js';
import { triggerCheck } from './checks/trigger.js';
import { summaryCheck } from './checks/summary.js';
import { uniqueIndexCheck } from './checks/unique-index.js';
import { upstreamCheck } from './checks/upstream.js';
import { versionCheck } from './checks/version.js';
import type { Check } from './examination.js';

/** Every check, in the order in which it is told. */
export const checks: readonly Check[] = [
  versionCheck, countingCheck, publicationCheck,
  privilegeCheck, servedCheck, uniqueIndexCheck, summaryCheck, clockedViewCheck, paceCheck, indexlessScanCheck,
  notificationCheck, triggerCheck, partitionCheck, upstreamCheck, subscriptionCheck, foreignTableCheck, preparedTransactionCheck,
  logCheck, bloatCheck, longTransactionCheck, replicationSlotCheck, notificationQueueCheck,
];
