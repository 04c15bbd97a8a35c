import type { OptionType } from './option-type.js';
import { choice, columnName, cronExpression, duration, filePath, hostName, integer, moment, onOff, portNumber, postgresUrl, roleName, viewNames, webhookUrl } from './option-type.js';

export interface Option<Value = unknown> {
  readonly type: OptionType<Value>;
  /** As one would write it. Absent: the option is required, or `fallback` says what happens without it. */
  readonly default?: string;
  readonly fallback?: string;
  readonly required?: true;
  readonly description: string;
  /** Of a switch that is on by default: what --no-NAME does. */
  readonly negation?: string;
  readonly group: 'Views' | 'Database' | 'When to look' | 'How to refresh' | 'Health' | 'Log' | 'This command';
  /** A variable that is read after LISTENER_..., because platforms set it. */
  readonly platformVariable?: string;
  /** Whether the config file may set it for single views. */
  readonly perView?: true;
  /** It belongs to one call of a command: neither a variable nor the config file sets it. */
  readonly flagOnly?: true;
}

const day = 24 * 60 * 60 * 1000;

/** Every option, declared once. The key is its name on the command line; environmentNames() tells its variables. */
export const options = {
  views: {
    type: viewNames(),
    required: true,
    description: "Views to keep fresh, as SQL names them, or patterns such as 'mv_*'. Repeat it or separate with commas",
    group: 'Views',
  },
  config: {
    type: filePath(),
    fallback: 'listener.config.json, if there',
    description: 'A file with any of these options, and with settings for single views',
    group: 'Views',
  },
  'database-url': {
    type: postgresUrl(),
    fallback: 'PG* variables',
    platformVariable: 'DATABASE_URL',
    description: 'Where the views live. A variable keeps the password out of the process list',
    group: 'Database',
  },
  'listen-url': {
    type: postgresUrl(),
    fallback: 'the same',
    description: 'A direct connection for notifications, where the database URL leads through a pooler',
    group: 'Database',
  },
  'lock-timeout': {
    // PostgreSQL reads 0 as "wait for ever", and a refresh that waits for a lock makes others wait behind it.
    type: duration({ minMs: 1 }),
    default: '5s',
    description: 'How long a refresh waits for a lock before it tries again later',
    group: 'Database',
    perView: true,
  },
  install: {
    type: onOff(),
    default: 'on',
    description: 'Create what is missing in the database: schema, triggers',
    negation: 'Create nothing in the database, and do not start where something is missing: see listener install',
    group: 'Database',
  },
  debounce: {
    type: duration(),
    default: '5s',
    description: 'Refresh once changes have been quiet for so long',
    group: 'When to look',
    perView: true,
  },
  'max-wait': {
    type: duration(),
    default: '30s',
    description: 'But never later than this after the first change',
    group: 'When to look',
    perView: true,
  },
  sweep: {
    type: duration({ minMs: 100 }),
    default: '1m',
    description: 'How often to look for changes without being notified',
    group: 'When to look',
  },
  'max-age': {
    type: duration({ minMs: 1000 }),
    fallback: 'none',
    description: 'Refresh a view that is older than this, changed or not',
    group: 'When to look',
    perView: true,
  },
  schedule: {
    type: cronExpression(),
    fallback: 'none',
    description: "Refresh at these times, changed or not: a cron expression such as '0 6 * * *', in the time zone of this process",
    group: 'When to look',
    perView: true,
  },
  freshness: {
    // Compared with dates in the database; the timers that wait for it look again before they are as long.
    type: duration({ minMs: 100, maxMs: 3650 * day }),
    fallback: 'twice --max-wait and the last refresh with its rest',
    description: 'How long a view may be stale before that is told as freshness.missed; a view with a target waits half of it at most',
    group: 'When to look',
    perView: true,
  },
  once: {
    type: onOff(),
    default: 'off',
    description: 'Look once, refresh what is stale, and exit',
    group: 'When to look',
  },
  wake: {
    type: choice('notify', 'poll'),
    default: 'notify',
    description: 'Be woken by notifications, or look every --poll',
    group: 'When to look',
  },
  poll: {
    type: duration({ minMs: 10 }),
    default: '1s',
    description: 'How often to look with --wake poll, or where no notifications arrive',
    group: 'When to look',
  },
  canary: {
    type: duration({ minMs: 100 }),
    default: '30s',
    description: 'How often to prove that notifications still arrive',
    group: 'When to look',
  },
  lapse: {
    type: duration({ minMs: 1000 }),
    default: '1h',
    description: 'Stop recording changes so long after the last worker was seen',
    group: 'When to look',
  },
  concurrency: {
    type: integer(1, 100),
    default: '2',
    description: 'How many views to refresh at a time, each on its own connection',
    group: 'How to refresh',
  },
  'refresh-timeout': {
    type: duration({ minMs: 1, none: true }),
    default: 'none',
    description: 'Cancel a refresh that runs longer',
    group: 'How to refresh',
    perView: true,
  },
  batch: {
    type: integer(100, 2_000_000),
    default: '50000',
    description: 'How many new rows a summary takes in one transaction, to begin with; adapted so that each takes about a second',
    group: 'How to refresh',
    perView: true,
  },
  'repair-every': {
    type: duration({ minMs: 1000 }),
    default: '1h',
    description: 'Compare a summary with its source so often, and put right what differs',
    group: 'How to refresh',
    perView: true,
  },
  vacuum: {
    type: onOff(),
    default: 'on',
    description: 'Clear dead rows, and renew statistics, in the pause after a refresh that left many',
    negation: 'Leave VACUUM and ANALYZE to autovacuum',
    group: 'How to refresh',
    perView: true,
  },
  'retry-base': {
    type: duration({ minMs: 1 }),
    default: '1s',
    description: 'Wait about so long after a first failure, twice as long after each further one',
    group: 'How to refresh',
    perView: true,
  },
  'retry-max': {
    type: duration({ minMs: 1 }),
    default: '5m',
    description: 'But never longer than this',
    group: 'How to refresh',
    perView: true,
  },
  grace: {
    type: duration(),
    default: '20s',
    description: 'How long a running refresh may take to finish at shutdown before it is cancelled',
    group: 'How to refresh',
  },
  history: {
    // Compared with dates in the database, never a timer.
    type: duration({ maxMs: 3650 * day }),
    default: '7 days',
    description: 'How long to keep the record of past refreshes',
    group: 'How to refresh',
  },
  port: {
    type: portNumber(),
    fallback: 'off',
    description: 'Tell of health and metrics on this port: /healthz, /readyz, /metrics',
    group: 'Health',
  },
  host: {
    type: hostName(),
    default: '127.0.0.1',
    description: 'The address to do so on; 0.0.0.0 for all of this machine',
    group: 'Health',
  },
  'alert-url': {
    type: webhookUrl(),
    fallback: 'none',
    description: 'Post alerts to this webhook: views that miss their freshness target or keep failing, and when that is over. A variable keeps it out of the process list',
    group: 'Health',
  },
  'alert-after': {
    type: integer(1, 1000),
    default: '3',
    description: 'How many refreshes of a view must fail in a row before that is told as refresh.failing',
    group: 'Health',
  },
  'log-level': {
    type: choice('trace', 'debug', 'info', 'warn', 'error'),
    default: 'info',
    description: 'The least level that is logged',
    group: 'Log',
  },
  'log-format': {
    type: choice('text', 'json'),
    fallback: 'text on a terminal, else json',
    description: 'One sentence a line, or one JSON object a line',
    group: 'Log',
  },
  json: {
    type: onOff(),
    default: 'off',
    description: 'Write JSON, for scripts',
    group: 'This command',
    flagOnly: true,
  },
  watch: {
    type: onOff(),
    default: 'off',
    description: 'Show it again every two seconds, until Ctrl-C',
    group: 'This command',
    flagOnly: true,
  },
  print: {
    type: onOff(),
    default: 'off',
    description: 'Write the SQL, for a migration, and change nothing',
    group: 'This command',
    flagOnly: true,
  },
  role: {
    type: roleName(),
    fallback: 'the role that runs the SQL',
    description: 'With --print: grant what this role needs to run listener --no-install',
    group: 'This command',
    flagOnly: true,
  },
  yes: {
    type: onOff(),
    default: 'off',
    description: 'Do not ask',
    group: 'This command',
    flagOnly: true,
  },
  force: {
    type: onOff(),
    default: 'off',
    description: 'Refresh it even when nothing has changed, or it is paused',
    group: 'This command',
    flagOnly: true,
  },
  wait: {
    type: duration(),
    fallback: 'not at all',
    description: 'Wait so long for a view to be refreshed that has something to absorb',
    group: 'This command',
    flagOnly: true,
  },
  from: {
    type: filePath(),
    required: true,
    description: 'The file with the SELECT that the summary is to show; - reads standard input',
    group: 'This command',
    flagOnly: true,
  },
  to: {
    type: moment(),
    fallback: 'now',
    description: 'The moment before which to end, as SQL writes it: 2026-02-01',
    group: 'This command',
    flagOnly: true,
  },
  restart: {
    type: onOff(),
    default: 'off',
    description: 'Begin anew, not where a call was stopped',
    group: 'This command',
    flagOnly: true,
  },
  capture: {
    type: choice('watermark'),
    default: 'watermark',
    description: 'How to find new rows: by their ids, which come from a sequence, in a table that is only appended to',
    group: 'This command',
    flagOnly: true,
  },
  id: {
    type: columnName(),
    fallback: 'the identity column, or the primary key that a sequence fills',
    description: 'The column of the table that the watermark counts',
    group: 'This command',
    flagOnly: true,
  },
  bucket: {
    type: columnName(),
    fallback: 'the one dimension that is a time',
    description: 'The column of the summary that says which bucket of time a row belongs to',
    group: 'This command',
    flagOnly: true,
  },
  lateness: {
    // Compared with dates in the database, never a timer.
    type: duration({ maxMs: 3650 * day }),
    fallback: 'any: no bucket is ever closed',
    description: 'How late rows may arrive: a bucket that ended longer ago is closed, and what comes for it is counted apart',
    group: 'This command',
    flagOnly: true,
  },
} as const satisfies Record<string, Option>;

export type OptionName = keyof typeof options;

/** What an option reads as. */
export type OptionValue<Name extends OptionName> =
  (typeof options)[Name]['type'] extends OptionType<infer Value> ? Value : never;

export const optionNames = Object.keys(options) as readonly OptionName[];

export function isOptionName(name: string): name is OptionName {
  return Object.hasOwn(options, name);
}

/** The variables an option is read from, the first that is set and not empty: LISTENER_MAX_WAIT for max-wait. */
export function environmentNames(name: OptionName): string[] {
  const option: Option = options[name];
  if (option.flagOnly === true) return [];
  const own = `LISTENER_${name.toUpperCase().replaceAll('-', '_')}`;
  return option.platformVariable === undefined ? [own] : [own, option.platformVariable];
}
