import { cpus, totalmem } from 'node:os';

/** Where and when, in one line: processor, cores, memory, versions and date. No names, no paths. */
export function describeMachine(postgresVersion: string, at: Date): string {
  const processors = cpus();
  const model = (processors[0]?.model ?? process.arch).replaceAll(/\s+/g, ' ').trim();
  const gigabytes = Math.round(totalmem() / 2 ** 30);
  return (
    `${model}, ${processors.length} cores, ${gigabytes} GB, ${process.platform}; PostgreSQL ${postgresVersion}, ` +
    `Node ${process.versions.node}; ${at.toISOString().slice(0, 10)}`
  );
}
