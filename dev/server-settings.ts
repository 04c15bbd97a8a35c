/** What every test server runs with, embedded or in a container. Extra settings win. */
export const serverSettings: Readonly<Record<string, string>> = {
  fsync: 'off',
  full_page_writes: 'off',
  max_connections: '300',
  max_prepared_transactions: '50',
  shared_buffers: '64MB',
  timezone: 'UTC',
  wal_level: 'logical',
};

/** The same locale everywhere, so that orderings in tests do not depend on the machine. */
export const initdbFlags: readonly string[] = ['--encoding=UTF8', '--locale=C'];

/** `-c name=value` for the postgres command line. */
export function settingFlags(extra: Readonly<Record<string, string>> = {}): string[] {
  return Object.entries({ ...serverSettings, ...extra }).flatMap(([name, value]) => ['-c', `${name}=${value}`]);
}
