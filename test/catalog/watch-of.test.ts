import { describe, expect, it } from 'vitest';
import { bellOf, watchOf } from '../../src/catalog/source-watch.js';

const unread = { standsFor: null };

describe('how a source is watched', () => {
  it.each([
    ['always', { kind: 'r', mayTrigger: true }, unread, { enabled: 'A', intact: true }],
    ['trigger', { kind: 'r', mayTrigger: true }, unread, { enabled: 'O', intact: true }],
    ['disabled', { kind: 'p', mayTrigger: true }, unread, { enabled: 'D', intact: true }],
    ['disabled', { kind: 'r', mayTrigger: true }, unread, { enabled: 'R', intact: true }],
    ['altered', { kind: 'r', mayTrigger: true }, unread, { enabled: 'A', intact: false }],
    ['missing', { kind: 'r', mayTrigger: true }, unread, undefined],
    ['no-privilege', { kind: 'r', mayTrigger: false }, unread, undefined],
    ['not-installed', { kind: 'r', mayTrigger: true }, undefined, undefined],
    ['refreshes', { kind: 'm', mayTrigger: false }, { standsFor: 7 }, undefined],
    ['sweep', { kind: 'm', mayTrigger: false }, unread, undefined],
    ['sweep', { kind: 'm', mayTrigger: false }, undefined, undefined],
    ['never', { kind: 'f', mayTrigger: true }, unread, undefined],
  ] as const)('%s: %j, %j, %j', (watch, source, linked, trigger) => {
    expect(watchOf(source, linked, trigger)).toBe(watch);
  });
});

describe('the bell of a source', () => {
  const nowMs = 1_800_000_000_000;
  it.each([
    ['rings while its register is unset', null, 'rings'],
    ['rings past a hold', nowMs - 1, 'rings'],
    ['rings at the end of a hold', nowMs, 'rings'],
    ['is quiet inside a hold', nowMs + 1, 'quiet'],
    ['is quiet where a hold lies far ahead: it is one until a sweep clamps it', 2 ** 63, 'quiet'],
    ['is silent at 0', 0, 'silent'],
  ] as const)('%s', (_, holdUntilMs, bell) => {
    expect(bellOf(holdUntilMs, nowMs)).toBe(bell);
  });
});
