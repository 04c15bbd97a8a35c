/**
 * A mistake in how the worker was called or configured: the caller's to mend, not ours to retry.
 * The message is one line that says what was given, what is accepted, and what to do. Exit status 2.
 */
export class UsageError extends Error {
  override readonly name = 'UsageError';
}
