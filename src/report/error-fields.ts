import { redactUrls } from '../config/redact-url.js';

/** An error as the log shows it. */
export interface ErrorFields {
  type: string;
  message: string;
  /** Of an error that PostgreSQL reported. */
  sqlstate?: string;
  /** Of a system call: ECONNREFUSED. */
  code?: string;
  hint?: string;
  stack?: string;
  cause?: ErrorFields;
  errors?: ErrorFields[];
}

const deepest = 5;

/**
 * Chosen fields only: a driver's error may hold the connection's settings with the password,
 * and PostgreSQL's `detail` and `where` hold values of the application's rows.
 */
export function errorFields(error: unknown, depth = 0): ErrorFields {
  if (!(error instanceof Error)) return { type: typeof error, message: redactUrls(String(error)) };
  const fields: ErrorFields = { type: error.name, message: redactUrls(error.message) };
  const code = textOf(error, 'code');
  // EPIPE looks like a SQLSTATE too. Only an error reported by PostgreSQL has a severity.
  if (code !== undefined) fields[textOf(error, 'severity') === undefined ? 'code' : 'sqlstate'] = code;
  const hint = textOf(error, 'hint');
  if (hint !== undefined) fields.hint = redactUrls(hint);
  if (error.stack !== undefined) fields.stack = redactUrls(error.stack);
  if (depth >= deepest) return fields;
  if (error.cause !== undefined) fields.cause = errorFields(error.cause, depth + 1);
  if (error instanceof AggregateError) fields.errors = error.errors.map((one) => errorFields(one, depth + 1));
  return fields;
}

function textOf(error: Error, field: string): string | undefined {
  const value: unknown = Reflect.get(error, field);
  return typeof value === 'string' ? value : undefined;
}
