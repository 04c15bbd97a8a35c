/** Absorbs a view from SQL, if it is stale. @param view quoted as needed and with its schema */
export function refreshStatement(view: string): string {
  return `SELECT refresh_listener.refresh('${view.replaceAll("'", "''")}');`;
}
