import { describe, expect, it } from 'vitest';
import { watchOf } from '../../src/catalog/source-watch.js';

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
