import { count } from '../../report/sentence.js';
import type { Check } from '../examination.js';
import { pass, type Finding } from '../finding.js';
import { nodeEnd, serverLifecycle } from '../lifecycle.js';

/** Do the server, and the Node.js of this process, still get fixes, and does the server have them? */
export const versionCheck: Check = {
  name: 'versions',
  group: 'Server',
  examine: ({ facts, thresholds, today }) => {
    const version = facts.version.split(' ')[0] ?? facts.version;
    const findings = [
      ...serverVersionFindings(version, facts.versionNumber, today, thresholds.minorReleases), ...nodeFindings(process.versions.node, today),
    ];
    return Promise.resolve(findings.length > 0 ? findings : [pass(`PostgreSQL ${version} and Node.js ${process.versions.node} get fixes`)]);
  },
};

/** Pure. @param mayBeBehind how many minor releases */
export function serverVersionFindings(version: string, versionNumber: number, today: Date, mayBeBehind: number): Finding[] {
  const major = Math.floor(versionNumber / 10_000);
  const { endedOn, behind } = serverLifecycle(versionNumber, today);
  if (endedOn !== undefined) {
    return [{
      level: 'warning',
      what: `PostgreSQL ${major} has been out of support since ${endedOn}`,
      why: 'Holes in its security are no longer closed, nor faults mended that lose data, unless a provider does so on its own.',
      remedy: 'Upgrade the server with pg_upgrade, or by your provider, to a release that is supported',
    }];
  }
  if (behind < mayBeBehind) return [];
  return [{
    level: 'warning',
    what: `PostgreSQL ${version} lacks about ${count(behind, 'minor release')} of fixes`,
    why: 'They close holes in its security and mend faults that lose data. Minor releases need a restart and nothing else.',
    remedy: `Update the server to the latest release of PostgreSQL ${major}`,
  }];
}

/** Pure. */
export function nodeFindings(version: string, today: Date): Finding[] {
  const endedOn = nodeEnd(version, today);
  if (endedOn === undefined) return [];
  return [{
    level: 'warning',
    what: `Node.js ${version}, which runs this, has been out of support since ${endedOn}`,
    why: 'Holes in its security are no longer closed, those of TLS among them.',
    remedy: 'Run the listener with Node.js 24 or newer',
  }];
}
