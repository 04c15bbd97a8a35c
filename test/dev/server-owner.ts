// Run as a process of its own by embedded-server.pg.test.ts: starts a server, says where, and ends in the given way.
import { startEmbeddedServer } from '../../dev/embedded-server.js';
import { parseMajor } from '../../dev/postgres-package.js';

const server = await startEmbeddedServer({ major: parseMajor(process.env.TEST_POSTGRES_MAJOR ?? '15') });
console.log(JSON.stringify({ pid: server.pid, dataDir: server.dataDir }));
if (process.argv[2] === 'wait') setInterval(() => undefined, 1_000);
if (process.argv[2] === 'throw') throw new Error('thrown on purpose');
