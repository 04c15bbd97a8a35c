import { describe, expect, it } from 'vitest';
import { planRegistration, type RegisteredView } from '../../src/catalog/registry.js';
import type { Survey, SurveyedView } from '../../src/catalog/survey.js';

function surveyed(oid: number, name: string): SurveyedView {
  return { oid, kind: 'matview', freshnessMs: null, definedBy: oid, name, schema: 'public', relation: name, pathPosition: 1, mayRefresh: true, owner: 'owner', sources: [], definition: null };
}

function registered(oid: number, name: string, state: Partial<RegisteredView> = {}): RegisteredView {
  return { id: oid + 1_000, oid, name, kind: 'matview', abandoned: false, exists: true, sources: [], definition: null, ...state };
}

function plan(views: SurveyedView[], registry: RegisteredView[]): { register: string[]; forget: string[] } {
  const found: Survey = { views, missing: [], ambiguous: [] };
  const { views: register, forget } = planRegistration(found, registry);
  return { register: register.map((view) => view.name), forget: forget.map((view) => view.name) };
}

describe('planRegistration', () => {
  it('registers a view that has no row', () => {
    expect(plan([surveyed(1, 'daily')], [])).toEqual({ register: ['daily'], forget: [] });
  });

  it('leaves alone what is registered as it is', () => {
    expect(plan([surveyed(1, 'daily')], [registered(1, 'daily')])).toEqual({ register: [], forget: [] });
  });

  it('registers a renamed view anew, under its oid', () => {
    expect(plan([surveyed(1, 'days')], [registered(1, 'daily')])).toEqual({ register: ['days'], forget: [] });
  });

  it('forgets a view that is gone, and registers the one created in its place', () => {
    expect(plan([surveyed(2, 'daily')], [registered(1, 'daily', { exists: false })])).toEqual({ register: ['daily'], forget: ['daily'] });
  });

  it('keeps a view of another worker', () => {
    expect(plan([], [registered(1, 'daily')])).toEqual({ register: [], forget: [] });
  });

  it('forgets a view that nobody has served for the lapse', () => {
    expect(plan([], [registered(1, 'daily', { abandoned: true })])).toEqual({ register: [], forget: ['daily'] });
  });

  it('keeps an abandoned view that it is about to serve: its cursor may still be good', () => {
    expect(plan([surveyed(1, 'daily')], [registered(1, 'daily', { abandoned: true })])).toEqual({ register: [], forget: [] });
  });
});

describe('planRegistration and summaries', () => {
  it('forgets one that is gone, and none for that nobody serves it: what it is made of stands in the registry alone', () => {
    expect(plan([], [registered(1, 'hourly', { kind: 'summary', abandoned: true })]).forget).toEqual([]);
    expect(plan([], [registered(1, 'hourly', { kind: 'summary', exists: false })]).forget).toEqual(['hourly']);
  });
});
