import { describe, expect, it } from 'vitest';
import { classifyFailure, isConnectionLoss, sqlstateOf } from '../../src/database/sqlstate.js';

function failed(code: string | undefined, message = 'it failed'): Error {
  return Object.assign(new Error(message), code === undefined ? {} : { code });
}

describe('classifyFailure', () => {
  it.each([
    ['40001', 'serialization failure', 'transient'],
    ['40P01', 'deadlock', 'transient'],
    ['55P03', 'lock timeout', 'transient'],
    ['57P01', 'administrator shut down', 'transient'],
    ['57P03', 'cannot connect now', 'transient'],
    ['25006', 'read-only transaction, in a fail-over', 'transient'],
    ['08006', 'connection failure', 'transient'],
    ['53100', 'disk full', 'transient'],
    ['53300', 'too many connections', 'transient'],
    ['57014', 'cancelled', 'cancelled'],
    ['42P01', 'undefined table', 'permanent'],
    ['42501', 'insufficient privilege', 'permanent'],
    ['21000', 'duplicate rows in a concurrent refresh', 'permanent'],
    ['22012', 'division by zero in the view', 'permanent'],
    ['XX000', 'internal error', 'permanent'],
    ['57P04', 'database dropped', 'permanent'],
  ])('%s (%s) is %s', (code, _, expected) => {
    expect(classifyFailure(failed(code))).toBe(expected);
  });

  it('takes a network error for transient', () => {
    expect(classifyFailure(failed('ECONNREFUSED'))).toBe('transient');
  });

  it.each([['a bug of ours', new TypeError('x is not a function')], ['no error at all', 'oops'], ['nothing', undefined]])('takes %s for permanent', (_, thrown) => {
    expect(classifyFailure(thrown)).toBe('permanent');
  });
});

describe('isConnectionLoss', () => {
  it.each(['ECONNREFUSED', 'ECONNRESET', 'EPIPE', 'ENOTFOUND', 'ETIMEDOUT', '08000', '08006', '57P01', '57P02', '57P03', '57P05'])('%s: yes', (code) => {
    expect(isConnectionLoss(failed(code))).toBe(true);
  });

  it.each(['40001', '53300', '57014', '57P04', '42P01'])('%s: no, the statement failed', (code) => {
    expect(isConnectionLoss(failed(code))).toBe(false);
  });

  it.each([
    'Connection terminated unexpectedly',
    'Connection terminated due to connection timeout',
    'timeout exceeded when trying to connect',
    'timeout expired',
    'Query read timeout',
    'Client has encountered a connection error and is not queryable',
  ])('knows what the driver says without a code: %s', (message) => {
    expect(isConnectionLoss(failed(undefined, message))).toBe(true);
  });

  it('believes the server more than the words of its message', () => {
    expect(isConnectionLoss(failed('22012', 'connection terminated: said the function'))).toBe(false);
  });
});

describe('sqlstateOf', () => {
  it.each([
    ['40P01', '40P01'],
    // Five capital letters, and no SQLSTATE.
    ['EPIPE', undefined],
    ['ECONNRESET', undefined],
    ['ERR_TLS_CERT_ALTNAME_INVALID', undefined],
  ])('%s: %s', (code, expected) => {
    expect(sqlstateOf(failed(code))).toBe(expected);
  });

  it('is undefined for anything without a code, or with one that is no text', () => {
    expect([failed(undefined), { code: 42 }, null, 'text'].map(sqlstateOf)).toEqual([undefined, undefined, undefined, undefined]);
  });
});
