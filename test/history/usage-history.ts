import fc from 'fast-check';
import type { Act } from './history.js';
import { additions, changes, type UsageWrite } from './usage-write.js';
import { absorbPoints, type AbsorbPoint } from './absorb-points.js';

/** What happens to the workers while the writers write. */
export interface Blow {
  readonly afterMs: number;
  /**
   * `die at`: all that wait at this point of an absorb are killed there; `cut at`: only their sessions are. `die`: one is
   * killed wherever it is; `absent`: they are all gone for a while. `slow`: an absorb that has its snapshot waits a while
   * before it looks further, again and again, so that transactions end in between.
   */
  readonly what: 'die at' | 'cut at' | 'die' | 'absent' | 'slow';
  readonly point: AbsorbPoint;
  readonly pick: number;
  readonly forMs: number;
}

export interface UsagePhase {
  /** Whether rows are only added. */
  readonly adds: boolean;
  readonly acts: readonly (readonly Act[])[];
  readonly blows: readonly Blow[];
}

export interface UsageSettings {
  readonly prepared: boolean;
  readonly writers: number;
  readonly actsPerWriter: number;
  readonly blows: number;
  /** For each phase, whether rows are only added in it. */
  readonly phases: readonly boolean[];
}

/** The same history for the same seed; how its writers interleave is up to the machine. */
export function makeUsageHistory(seed: number, { prepared, writers, actsPerWriter, blows, phases }: UsageSettings): UsagePhase[] {
  return phases.map((adds, index) => {
    const act = actOf(adds ? additions : changes, prepared);
    const acts = fc.array(fc.array(act, { minLength: actsPerWriter, maxLength: actsPerWriter }), { minLength: writers, maxLength: writers });
    const phase = fc.record({ adds: fc.constant(adds), acts, blows: fc.array(blow, { minLength: blows, maxLength: blows }) });
    const [made] = fc.sample(phase, { seed: seed + index, numRuns: 1 });
    if (made === undefined) throw new Error('fast-check made no phase');
    return made;
  });
}

const blow: fc.Arbitrary<Blow> = fc.record({
  afterMs: fc.integer({ min: 0, max: 400 }),
  what: fc.constantFrom('die at', 'die at', 'cut at', 'cut at', 'cut at', 'slow', 'slow', 'die', 'absent'),
  point: fc.constantFrom(...absorbPoints),
  pick: fc.nat({ max: 7 }),
  forMs: fc.integer({ min: 0, max: 1_500 }),
});

const pauseMs = fc.oneof(
  { weight: 8, arbitrary: fc.constant(0) },
  { weight: 4, arbitrary: fc.integer({ min: 1, max: 40 }) },
);
const isolation = fc.constantFrom('READ COMMITTED', 'READ COMMITTED', 'REPEATABLE READ', 'SERIALIZABLE');

function bodyOf(write: fc.Arbitrary<UsageWrite>): fc.Arbitrary<UsageWrite[]> {
  const inner = fc.tuple(fc.array(write, { minLength: 1, maxLength: 3 }), fc.constantFrom('ROLLBACK TO', 'ROLLBACK TO', 'RELEASE'))
    .map(([writes, end]) => [{ sql: 'SAVEPOINT s' }, ...writes, { sql: `${end} SAVEPOINT s` }]);
  return fc.array(fc.oneof({ weight: 4, arbitrary: write.map((one) => [one]) }, { weight: 1, arbitrary: inner }), { minLength: 1, maxLength: 4 })
    .map((parts) => parts.flat());
}

function actOf(write: fc.Arbitrary<UsageWrite>, prepared: boolean): fc.Arbitrary<Act> {
  const made = (writes: readonly UsageWrite[], rest: Pick<Act, 'pauseMs' | 'end'> & Partial<Pick<Act, 'isolation'>>): Act => ({
    kind: 'transaction', role: writes.some(({ byAdmin }) => byAdmin) ? 'admin' : 'app', statements: writes.map(({ sql }) => sql), ...rest,
  });
  const single = write.map((one) => made([one], { pauseMs: 0, end: 'commit' }));
  const transaction = fc.tuple(bodyOf(write), isolation, pauseMs, fc.constantFrom('commit' as const, 'commit' as const, 'commit' as const, 'commit' as const, 'rollback' as const))
    .map(([body, level, pause, end]) => made(body, { isolation: level, pauseMs: pause, end }));
  /** Open for seconds, with ids of all along. */
  const imported = fc.tuple(fc.array(additions, { minLength: 3, maxLength: 5 }), fc.integer({ min: 200, max: 600 }))
    .map(([writes, ms]) => made(writes.flatMap((one) => [one, { sql: `SELECT pg_catalog.pg_sleep(${ms / 1000})` }]), { isolation: 'READ COMMITTED', pauseMs: 0, end: 'commit' }));
  /** One id, for longer than all those that were open as it was drawn: nobody but its own holder keeps the gap. */
  const lingers = fc.tuple(write, isolation, fc.integer({ min: 800, max: 2_500 }), fc.constantFrom('commit' as const, 'commit' as const, 'rollback' as const))
    .map(([one, level, pause, end]) => made([one], { isolation: level, pauseMs: pause, end }));
  // What holds an ACCESS EXCLUSIVE lock must not be prepared: nothing could be absorbed until somebody resolves it. And only
  // who prepared a transaction may resolve it.
  const preparable = bodyOf(write).filter((body) => !body.some(({ sql, byAdmin }) => byAdmin === true || sql.startsWith('TRUNCATE')));
  const prepares = fc.tuple(preparable, isolation).map(([body, level]) => made(body, { isolation: level, pauseMs: 0, end: 'prepare' }));
  const resolves: fc.Arbitrary<Act> = fc.record({
    kind: fc.constant('resolve'), role: fc.constant('app'), statements: fc.constant([]), pauseMs, end: fc.constantFrom('commit', 'commit', 'rollback'),
  });
  return fc.oneof(
    { weight: 12, arbitrary: single }, { weight: 14, arbitrary: transaction }, { weight: 1, arbitrary: imported }, { weight: 3, arbitrary: lingers },
    ...(prepared ? [{ weight: 2, arbitrary: prepares }, { weight: 1, arbitrary: resolves }] : []),
  );
}
