import type { SurveyedSource, SurveyedView } from '../catalog/survey.js';
import type { Database } from '../database/database.js';
import { loadQuery } from '../database/sql.js';

const registeredSourcesQuery = loadQuery('registered-sources');

/** A source of an examined view. */
export interface WatchedSource extends SurveyedSource {
  /** Under which it is registered; undefined while no worker has met it. */
  readonly id: number | undefined;
  /** Names of the views that read it. */
  readonly views: readonly string[];
}

/** Each source of these views once. */
export async function watchedSources(database: Database, views: readonly SurveyedView[]): Promise<WatchedSource[]> {
  const sources = new Map(views.flatMap((view) => view.sources.map((source) => [source.oid, source] as const)));
  const registered = await database.rows<{ id: number; oid: number }>(registeredSourcesQuery, [[...sources.keys()]]);
  const ids = new Map(registered.map(({ id, oid }) => [oid, id]));
  return [...sources.values()].map((source) => ({
    ...source,
    id: ids.get(source.oid),
    views: views.filter((view) => view.sources.some(({ oid }) => oid === source.oid)).map((view) => view.name),
  }));
}
