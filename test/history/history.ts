import fc from 'fast-check';
import type { Role } from '../support/database.js';
import { views } from './shop.js';
import { writes } from './write.js';

/** What one writer does in one transaction, or in several statements that each commit by themselves. */
export interface Act {
  /** For the log of what was played. */
  readonly kind: 'transaction' | 'resolve' | 'unseen' | 'structure' | 'refresh' | 'pause';
  readonly role: Role;
  /** Undefined: each statement commits by itself. */
  readonly isolation?: 'READ COMMITTED' | 'REPEATABLE READ' | 'SERIALIZABLE';
  readonly statements: readonly string[];
  /** Idle before the end; in a transaction, idle in transaction. */
  readonly pauseMs: number;
  /** `prepare`: whoever plays a `resolve` later commits it or rolls it back. */
  readonly end: 'commit' | 'rollback' | 'prepare';
}

/** What happens to the workers while the writers write. */
export interface Disturbance {
  readonly afterMs: number;
  readonly what: 'terminate' | 'deafen' | 'restart' | 'absent';
  /** Which worker, or how many of its sessions. */
  readonly pick: number;
  /** How long a worker stays away. */
  readonly forMs: number;
}

/** Everything between two quiet moments. */
export interface Phase {
  /** For each writer, in order. */
  readonly acts: readonly (readonly Act[])[];
  readonly disturbances: readonly Disturbance[];
}

export interface HistorySettings {
  /** What the generator may use: without `unseen`, only changes that triggers see, so that a rare sweep does. */
  readonly unseen: boolean;
  readonly prepared: boolean;
  readonly writers: number;
  readonly actsPerWriter: number;
  readonly phases: number;
  readonly disturbances: number;
}

/** The same history for the same seed; how its writers interleave is up to the machine. */
export function makeHistory(seed: number, settings: HistorySettings): Phase[] {
  const acts = fc.array(act(settings), { minLength: settings.actsPerWriter, maxLength: settings.actsPerWriter });
  const phase = fc.record({
    acts: fc.array(acts, { minLength: settings.writers, maxLength: settings.writers }),
    disturbances: fc.array(disturbance, { minLength: settings.disturbances, maxLength: settings.disturbances }),
  });
  return fc.sample(phase, { seed, numRuns: settings.phases });
}

const disturbance: fc.Arbitrary<Disturbance> = fc.record({
  afterMs: fc.integer({ min: 50, max: 1_200 }),
  what: fc.constantFrom('terminate', 'terminate', 'deafen', 'restart', 'absent'),
  pick: fc.nat({ max: 7 }),
  forMs: fc.integer({ min: 0, max: 900 }),
});

const pauseMs = fc.oneof(
  { weight: 6, arbitrary: fc.constant(0) },
  { weight: 3, arbitrary: fc.integer({ min: 1, max: 60 }) },
  { weight: 1, arbitrary: fc.integer({ min: 100, max: 900 }) },
);

/** Statements with savepoints among them, some of which are rolled back to. */
const body: fc.Arbitrary<string[]> = fc
  .array(
    fc.oneof(
      { weight: 4, arbitrary: writes.map((sql) => [sql]) },
      {
        weight: 1,
        arbitrary: fc.tuple(fc.array(writes, { minLength: 1, maxLength: 3 }), fc.constantFrom('ROLLBACK TO', 'ROLLBACK TO', 'RELEASE'))
          .map(([inner, end]) => ['SAVEPOINT s', ...inner, `${end} SAVEPOINT s`]),
      },
    ),
    { minLength: 1, maxLength: 4 },
  )
  .map((parts) => parts.flat());

const isolation = fc.constantFrom('READ COMMITTED', 'READ COMMITTED', 'REPEATABLE READ', 'SERIALIZABLE');

const single: fc.Arbitrary<Act> = writes.map((sql) => ({ kind: 'transaction', role: 'app', statements: [sql], pauseMs: 0, end: 'commit' }));

const transaction: fc.Arbitrary<Act> = fc.record({
  kind: fc.constant('transaction'), role: fc.constant('app'), isolation, statements: body, pauseMs,
  end: fc.constantFrom('commit', 'commit', 'commit', 'commit', 'rollback'),
});

/** What holds an ACCESS EXCLUSIVE lock must not be prepared: nothing could be refreshed until somebody resolves it. */
const preparable = body.filter((statements) => !statements.some((sql) => sql.startsWith('TRUNCATE')));
const prepared: fc.Arbitrary<Act> = fc.record({
  kind: fc.constant('transaction'), role: fc.constant('app'), isolation, statements: preparable, pauseMs, end: fc.constant('prepare'),
});
const resolve: fc.Arbitrary<Act> = fc.record({
  kind: fc.constant('resolve'), role: fc.constant('app'), statements: fc.constant([]), pauseMs, end: fc.constantFrom('commit', 'rollback'),
});

/** Changes that no trigger sees, where the worker's role does not own the table. */
const replicated: fc.Arbitrary<Act> = fc.record({
  kind: fc.constant('unseen'), role: fc.constant('admin'), isolation: fc.constant('READ COMMITTED'),
  statements: body.map((statements) => ['SET LOCAL session_replication_role = replica', ...statements]),
  pauseMs, end: fc.constantFrom('commit', 'commit', 'rollback'),
});

const watched = fc.constantFrom('items', 'notes', 'events', 'events_0', 'events_1', 'base', 'derived');
const triggerTrouble: fc.Arbitrary<Act> = fc
  .tuple(watched, fc.constantFrom('DISABLE TRIGGER', 'DROP TRIGGER'), writes, fc.boolean(), pauseMs)
  .map(([table, what, sql, mended, pauseMs]) => {
    const broken = what === 'DROP TRIGGER'
      ? `DROP TRIGGER IF EXISTS refresh_listener ON public.${table}`
      : `ALTER TABLE public.${table} DISABLE TRIGGER refresh_listener`;
    const mending = mended && what === 'DISABLE TRIGGER' ? [`ALTER TABLE public.${table} ENABLE TRIGGER refresh_listener`] : [];
    return { kind: 'unseen', role: 'app', statements: [broken, sql, ...mending], pauseMs, end: 'commit' };
  });

const partitions: fc.Arbitrary<Act> = fc
  .tuple(
    fc.constantFrom(
      ['ALTER TABLE public.events DETACH PARTITION public.events_1', 'ALTER TABLE public.events ATTACH PARTITION public.events_1 FOR VALUES IN (1)'],
      ['CREATE TABLE public.events_3 PARTITION OF public.events FOR VALUES IN (3)'],
      ['DROP TABLE public.events_3'],
      ['CREATE TABLE public.events_3 (id int NOT NULL, bucket int NOT NULL, val int NOT NULL)', 'INSERT INTO public.events_3 VALUES (1, 3, 3), (2, 3, 4)',
        'ALTER TABLE public.events ATTACH PARTITION public.events_3 FOR VALUES IN (3)'],
      ['ALTER TABLE public.derived NO INHERIT public.base', 'ALTER TABLE public.derived INHERIT public.base'],
      ['VACUUM FULL public.items'],
      ['ANALYZE public.items', 'ANALYZE public.events'],
    ),
    fc.array(writes, { maxLength: 1 }),
    pauseMs,
  )
  .map(([statements, write, pauseMs]) => {
    const [first = '', ...rest] = statements;
    return { kind: 'structure', role: 'app', statements: [first, ...write, ...rest], pauseMs, end: 'commit' };
  });

const manualRefresh: fc.Arbitrary<Act> = fc.record({
  kind: fc.constant('refresh'), role: fc.constant('worker'), isolation: fc.constant('READ COMMITTED'),
  statements: fc.constantFrom(...views).map(({ name, key }) => [`REFRESH MATERIALIZED VIEW ${key === undefined ? '' : 'CONCURRENTLY '}public.${name}`]),
  pauseMs: fc.constantFrom(0, 0, 150), end: fc.constantFrom('commit', 'commit', 'rollback'),
});

/** refresh() before, between and after writes of its own transaction, also in savepoints. */
const calledRefresh: fc.Arbitrary<Act> = fc
  .tuple(
    fc.array(fc.tuple(fc.constantFrom(...views), fc.constantFrom('', '', ', force => true')), { minLength: 1, maxLength: 3 }),
    body, fc.array(fc.nat({ max: 20 }), { minLength: 3, maxLength: 3 }), isolation, pauseMs, fc.constantFrom('commit' as const, 'commit' as const, 'commit' as const, 'rollback' as const),
  )
  .map(([called, written, places, isolation, pauseMs, end]) => {
    const statements = [...written];
    for (const [index, [{ name }, force]] of called.entries()) {
      statements.splice((places[index] ?? 0) % (statements.length + 1), 0, `SELECT refresh_listener.refresh('public.${name}'${force})`);
    }
    return { kind: 'refresh', role: 'admin', isolation, statements, pauseMs, end };
  });

/** Loads that no trigger sees, and that whoever loads tells of. A root stands for its leaves. */
const markedLoad: fc.Arbitrary<Act> = fc.record({
  kind: fc.constant('transaction'), role: fc.constant('admin'), isolation,
  statements: body.map((statements) => [
    'SET LOCAL session_replication_role = replica', ...statements,
    ...['items', 'notes', 'events', 'base'].map((table) => `SELECT refresh_listener.mark_changed('public.${table}')`),
  ]),
  pauseMs, end: fc.constantFrom('commit', 'commit', 'rollback'),
});

/** Pauses a view for a while, as `listener pause` and `listener resume` do. */
const paused: fc.Arbitrary<Act> = fc.tuple(fc.constantFrom(...views), pauseMs).map(([{ name }, pauseMs]) => ({
  kind: 'pause', role: 'admin', pauseMs, end: 'commit',
  statements: [
    `UPDATE refresh_listener.view SET paused_at = clock_timestamp() WHERE name = 'public.${name}'`,
    `WITH resumed AS (UPDATE refresh_listener.view SET paused_at = NULL WHERE name = 'public.${name}' RETURNING id)
     SELECT pg_notify('refresh_listener', 'view ' || id) FROM resumed`,
  ],
}));

const forgottenCounters: fc.Arbitrary<Act> = watched.map((table) => ({
  kind: 'structure', role: 'admin', statements: [`SELECT pg_stat_reset_single_table_counters('public.${table}'::regclass)`], pauseMs: 0, end: 'commit',
}));

function act(settings: HistorySettings): fc.Arbitrary<Act> {
  return fc.oneof(
    { weight: 6, arbitrary: single },
    { weight: 14, arbitrary: transaction },
    { weight: 3, arbitrary: calledRefresh },
    { weight: 1, arbitrary: markedLoad },
    { weight: 1, arbitrary: paused },
    { weight: settings.prepared ? 3 : 0, arbitrary: prepared },
    { weight: settings.prepared ? 3 : 0, arbitrary: resolve },
    { weight: settings.unseen ? 2 : 0, arbitrary: replicated },
    { weight: settings.unseen ? 1 : 0, arbitrary: triggerTrouble },
    { weight: settings.unseen ? 2 : 0, arbitrary: partitions },
    { weight: settings.unseen ? 2 : 0, arbitrary: manualRefresh },
    { weight: settings.unseen ? 1 : 0, arbitrary: forgottenCounters },
  );
}
