import { DefaultReporter, type TestCase, type TestModule, type TestRunEndReason, type SerializedError } from 'vitest/node';

export interface Summary {
  passed: number;
  failed: number;
  skipped: number;
  /** `name: reason`, for the skipped tests that gave one. */
  skipReasons: string[];
}

/** Vitest's own output, then why tests were skipped, then `N passed, N failed, N skipped` alone on the last line, which CI reads. */
export class SummaryReporter extends DefaultReporter {
  override onTestRunEnd(modules: readonly TestModule[], errors: readonly SerializedError[], reason: TestRunEndReason): void {
    super.onTestRunEnd(modules, errors, reason);
    const { passed, failed, skipped, skipReasons } = summarise(modules, errors.length);
    for (const skip of skipReasons) console.log(`skipped ${skip}`);
    console.log(`${passed} passed, ${failed} failed, ${skipped} skipped`);
  }
}

/**
 * A run without a single file (a global setup that failed, a filter that matches nothing) is one failure.
 * A file that does not load, a failing beforeAll and an error outside of tests count as one failure each as well: the tests behind
 * them are reported as skipped or not at all, and the line would say "0 failed" of a broken run.
 */
export function summarise(modules: readonly Pick<TestModule, 'children' | 'errors'>[], errorsOutside: number): Summary {
  const summary: Summary = { passed: 0, failed: modules.length === 0 ? Math.max(1, errorsOutside) : errorsOutside, skipped: 0, skipReasons: [] };
  for (const module of modules) {
    summary.failed += module.errors().length;
    for (const suite of module.children.allSuites()) summary.failed += suite.errors().length;
    for (const test of module.children.allTests()) count(test, summary);
  }
  return summary;
}

function count(test: TestCase, summary: Summary): void {
  const result = test.result();
  if (result.state === 'passed') summary.passed++;
  else if (result.state === 'failed') summary.failed++;
  else {
    summary.skipped++;
    if (result.state === 'skipped' && result.note !== undefined) summary.skipReasons.push(`${test.fullName}: ${result.note.replaceAll(/\s+/g, ' ')}`);
  }
}
