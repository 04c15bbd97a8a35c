import { quoteIdentifier } from '../database/identifier.js';
import type { Fault } from './fault.js';
import { maintainVersionNumber, type ServerFacts } from './server.js';
import { needsTrigger } from './source-kind.js';
import type { SurveyedSource, SurveyedView } from './survey.js';

/** A privilege that the role lacks for one view. */
export interface MissingPrivilege extends Fault {
  /** The source that it is about; absent: the view itself. */
  readonly source?: string;
}

/**
 * What the role may not do and has to, to keep this view fresh. A partition without TRIGGER is not among it: writes
 * through its parent are seen all the same. Pure.
 */
export function missingPrivileges(view: SurveyedView, facts: Pick<ServerFacts, 'role' | 'versionNumber'>): MissingPrivilege[] {
  const missing: MissingPrivilege[] = view.mayRefresh ? [] : [lacksRefresh(view, facts)];
  const watched = view.sources.filter(needsTrigger);
  for (const source of watched.filter(({ mayUseSchema }) => !mayUseSchema)) missing.push(lacksUsage(source, view, facts));
  for (const source of watched.filter(({ mayTrigger, isChild }) => !mayTrigger && !isChild)) missing.push(lacksTrigger(source, view, facts));
  return missing;
}

type Asked = Pick<ServerFacts, 'role' | 'versionNumber'>;

function lacksRefresh(view: SurveyedView, { role, versionNumber }: Asked): MissingPrivilege {
  if (view.kind === 'summary') {
    return {
      what: `Role ${role} may not write to summary ${view.name}.`,
      by: 'its owner',
      remedy: `GRANT SELECT, INSERT, UPDATE, DELETE ON ${view.name} TO ${quoteIdentifier(role)};`,
    };
  }
  if (versionNumber >= maintainVersionNumber) {
    return {
      what: `Role ${role} may not refresh and read ${view.name}.`,
      by: 'its owner',
      remedy: `GRANT SELECT, MAINTAIN ON ${view.name} TO ${quoteIdentifier(role)};`,
    };
  }
  return {
    what: `Only its owner may refresh ${view.name}.`,
    by: 'an administrator',
    remedy: `GRANT ${quoteIdentifier(view.owner)} TO ${quoteIdentifier(role)};`,
    alternative: `ALTER MATERIALIZED VIEW ${view.name} OWNER TO ${quoteIdentifier(role)};`,
  };
}

function lacksUsage(source: SurveyedSource, view: SurveyedView, { role }: Asked): MissingPrivilege {
  return {
    source: source.name,
    what: `Role ${role} may not use the schema of ${source.name}, which ${view.name} reads.`,
    by: 'its owner',
    remedy: `GRANT USAGE ON SCHEMA ${source.schema} TO ${quoteIdentifier(role)};`,
  };
}

function lacksTrigger(source: SurveyedSource, view: SurveyedView, { role }: Asked): MissingPrivilege {
  return {
    source: source.name,
    what: `Role ${role} may not create a trigger on ${source.name}, which ${view.name} reads.`,
    by: 'its owner',
    remedy: triggerGrant(source, role),
  };
}

/** What lets a role put our trigger on a source. */
export function triggerGrant(source: Pick<SurveyedSource, 'name'>, role: string): string {
  return `GRANT TRIGGER ON ${source.name} TO ${quoteIdentifier(role)};`;
}
