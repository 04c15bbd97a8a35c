import type { FingerprintChange } from '../catalog/fingerprint.js';
import type { Backlog, Holder } from '../catalog/run-record.js';
import type { FailureKind } from '../database/sqlstate.js';

/**
 * How a view was brought up to date: REFRESH ... CONCURRENTLY, or a plain REFRESH that readers wait for; a summary by adding
 * what is new (`merge`), or by comparing it with its source (`rebuild`).
 */
export type Plan = 'concurrent' | 'plain' | 'merge' | 'rebuild';

/** Why a view was absorbed. */
export type RefreshReason = 'change' | 'sweep' | 'start' | 'upstream' | 'schedule' | 'repair' | 'manual' | 'backfill';

/** Why what was told of a view is over: it was refreshed; somebody paused it; it is no longer served. */
export type TroubleEnd = 'refreshed' | 'paused' | 'removed';

/**
 * The events of the log, and their fields. The list is stable: names and fields are added, never renamed or reused,
 * since alerts and dashboards are built on them. Views and sources are given by their display names, durations in ms.
 */
export interface EventFields {
  /** The worker serves its views from here on. */
  ready: {
    version: string;
    /** The server's version, '17.2'. */
    server: string;
    database: string;
    views: readonly string[];
    /** How many relations the views read. */
    sources: number;
    wake: 'notify' | 'poll' | 'once';
  };

  /** A view shows everything that had been committed when the refresh began. */
  'refresh.done': {
    view: string;
    plan: Plan;
    reason: RefreshReason;
    /** The sources that changed; empty where it is not known which. */
    sources: readonly string[];
    /** From the oldest absorbed change to visible; null where nothing recorded when it was. */
    stalenessMs: number | null;
    durationMs: number;
    /** Rows; null where unknown. A concurrent refresh writes a changed row as one deleted and one inserted, a plain one inserts all. */
    inserted: number | null;
    updated: number | null;
    deleted: number | null;
    /** Of a summary: source rows read. */
    rowsRead?: number;
    /** Of a summary: in how many transactions. */
    batches?: number;
    /** Of a summary: source rows for buckets that had ended before the refresh before. */
    late?: number;
    /** Of a summary: source rows for closed buckets, which are counted and not shown. */
    closedLate?: number;
    /** Of a summary: its rows that a repair found wrong; null: none was made. */
    corrections?: number | null;
    /** Of a summary: ids that are drawn and not seen yet, and who may still commit them. */
    gaps?: number;
    holders?: readonly Holder[];
  };
  /** A summary is on its way: its first fill, or many new rows. */
  'summary.progress': {
    view: string;
    phase: 'fill' | 'catch-up';
    /** Source rows taken since the last such line. */
    rows: number;
    /** Ids between the watermark and the greatest. */
    rowsBehind: number;
    rowsPerSecond: number;
    /** Whether that becomes more or less; null: nobody knows yet. */
    backlog: Backlog;
    /** At this pace; null: no rows were taken. */
    remainingMs: number | null;
    /** Ids below the watermark that are not seen yet, and who may still commit them. */
    gaps: number;
    holders: readonly Holder[];
    /** Of these rows; see `refresh.done`, which tells of those that came after the last such line. */
    late: number;
    closedLate: number;
    corrections: number | null;
  };
  /** A refresh failed, and is tried again. */
  'refresh.failed': {
    view: string;
    reason: RefreshReason;
    /** Failures in a row, this one included: from 1. */
    attempt: number;
    sqlstate: string | null;
    kind: FailureKind;
    /** The message of the error. */
    error: string;
    retryInMs: number;
    durationMs: number;
  };
  /** A view was to be absorbed, and there was no need or no way. */
  'refresh.skipped': {
    view: string;
    reason: RefreshReason;
    /** Nothing to absorb; paused; `shouldRefresh` said no; another worker has its lock, or was faster; it is no longer there. */
    because: 'fresh' | 'paused' | 'declined' | 'locked' | 'absorbed' | 'gone';
  };
  /** A running refresh was cancelled, because others waited for a lock that it held. */
  'refresh.yielded': {
    view: string;
    durationMs: number;
    /** Sessions that waited. */
    waiters: number;
    /** How often in a row, this time included, and how often at most. */
    times: number;
    maxTimes: number;
    retryInMs: number;
  };

  /** A view has failed so often in a row that somebody should look at it (`--alert-after`). Told once, until it has recovered. */
  'refresh.failing': {
    view: string;
    /** In a row. */
    failures: number;
    sqlstate: string | null;
    /** The message of the last error. */
    error: string;
  };
  /** A view that was told to be failing no longer is. */
  'refresh.recovered': {
    view: string;
    failures: number;
    /** From the failure that was told. */
    failedForMs: number;
    because: TroubleEnd;
  };
  /** A view has been stale for longer than it may be (`--freshness`). Told once, until that is over. */
  'freshness.missed': {
    view: string;
    /** From the oldest change that it does not show. */
    stalenessMs: number;
    targetMs: number;
    /** What is known of the cause, in clauses to follow a colon; null: nothing. */
    because: string | null;
  };
  /** A view that missed its freshness target is within it again. */
  'freshness.restored': {
    view: string;
    /** For how long it was over its target. */
    missedForMs: number;
    because: TroubleEnd;
  };

  /** The periodic look that needs no notification. */
  'sweep.done': {
    /** Views looked at, and those of them that were stale. */
    views: number;
    stale: number;
    /** Sources whose fingerprint showed a change that no trigger recorded. */
    unseen: number;
    /** Triggers put right. */
    healed: number;
    /** Notifications on our channel, since the start, that named no source of a served view: junk, or other workers' sources. */
    ignoredRings: number;
    durationMs: number;
  };

  /** The listening connection broke; the worker polls until it is back. */
  'listen.lost': { error: string };
  /** Notifications arrive again. */
  'listen.restored': { lostForMs: number; attempts: number };
  /** The connection lives and no notification arrives on it: most often a transaction pooler. */
  'listen.deaf': {
    /** How long the worker waited for a notification of its own. */
    waitedMs: number;
    /** How often it looks instead. */
    pollMs: number;
  };

  /** A source changed and no trigger recorded it. */
  'change.unseen': {
    source: string;
    /** The views that are absorbed because of it. */
    views: readonly string[];
    /** What of the fingerprint differs. */
    because: FingerprintChange;
  };
  /** Writers had stopped recording changes, since no worker was seen for too long. */
  'log.lapsed': { sources: readonly string[]; views: readonly string[] };
  /** The change log came back empty from a crash or fail-over of the server. */
  'log.reset': { views: readonly string[] };
  /** The database is a copy, or a restored one: what was absorbed elsewhere says nothing about it. */
  'cluster.changed': { views: readonly string[] };

  'trigger.installed': { source: string };
  'trigger.removed': { source: string };
  /** A trigger was missing, disabled or altered, and was put right. */
  'trigger.healed': { source: string; state: 'missing' | 'disabled' | 'altered' };
  /** Changes of this source cannot be seen. */
  'source.unwatched': {
    source: string;
    views: readonly string[];
    /** What it is, with its article: 'a foreign table'. */
    because: string;
  };

  /** A view that fits --views has appeared. */
  'view.added': { view: string };
  /** A view that was served is no longer there; it is served again when it comes back. */
  'view.missing': { view: string };
  /** A view is no longer served. */
  'view.removed': { view: string };
  /** A view has no usable unique index, so readers wait while it is refreshed. */
  'view.plain': {
    view: string;
    /** The CREATE UNIQUE INDEX that would change it. */
    statement: string;
    /** Whether the view's definition allows no two equal rows there, or its data has none so far, or nobody knows. */
    certainty: 'definition' | 'data' | 'guess';
  };

  /** Dead rows of a view were cleared, and its statistics renewed, in the pause after a refresh. */
  'view.vacuumed': {
    view: string;
    /** Rows, as the server counts them: before, and those that stay, since an open transaction might still see them. */
    deadRows: number;
    deadRowsLeft: number;
    durationMs: number;
  };
  /** The statistics of a view were renewed, after a plain refresh say. */
  'view.analyzed': {
    view: string;
    /** Rows that had changed since the last time. */
    changedRows: number;
    durationMs: number;
  };
  /** A view may change without a write to what it reads, and has neither --max-age nor --schedule. */
  'view.timeless': {
    view: string;
    /** Each a clause to follow 'it': 'reads the clock by now()'. */
    because: readonly string[];
  };

  'database.lost': { error: string; sqlstate: string | null; attempt: number; retryInMs: number };
  'database.restored': { lostForMs: number; attempts: number };

  /** --alert-url does not take what is posted. Told once, until it does again. */
  'alert.failed': {
    /** What was wrong, without the URL. */
    error: string;
    /** Alerts that wait to be posted, the newest of each view. */
    queued: number;
  };
  'alert.restored': { failedForMs: number };

  /** The worker takes no more work. */
  stopping: {
    /** Null when it was not a signal. */
    signal: string | null;
    /** Whether running refreshes are cancelled at once. */
    force: boolean;
    graceMs: number;
  };
  stopped: { exitStatus: number; uptimeMs: number };
}

export type EventName = keyof EventFields;

/** One event with its fields, told apart by `event`. Narrow it by name: `EventOf<'refresh.done'>`. */
export type EventOf<Name extends EventName> = {
  [One in Name]: Readonly<{ event: One } & EventFields[One]>;
}[Name];

export type ListenerEvent = EventOf<EventName>;
