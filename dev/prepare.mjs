// Makes a clone ready to run: installs and builds what is missing or out of date, and is silent when nothing is.
// `npm run demo` and `npm test` start with it, on a fresh clone too: therefore plain JavaScript without dependencies.
import { spawnSync } from 'node:child_process';
import { readdirSync, rmSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = fileURLToPath(new URL('..', import.meta.url));

if (changedAt('package-lock.json') > changedAt('node_modules/.package-lock.json')) {
  console.log('Installing dependencies (npm ci)');
  // Said explicitly, since NODE_ENV=production and npm's settings may leave them out.
  npm(['ci', '--include=dev', '--include=optional', '--no-audit', '--no-fund']);
}

const sources = ['src', 'sql', 'tsconfig.json', 'tsconfig.build.json'];
if (Math.max(...sources.map(changedAt)) > changedAt('dist')) {
  console.log('Building (npm run build)');
  // The compiler writes its output in spite of errors: what failed must not pass for built the next time.
  npm(['run', '--silent', 'build'], () => rmSync(join(root, 'dist'), { recursive: true, force: true }));
}

/** When a file, or the newest file in a folder, was last changed; 0 if there is none. */
function changedAt(path) {
  const found = statSync(join(root, path), { throwIfNoEntry: false });
  if (!found) return 0;
  if (!found.isDirectory()) return found.mtimeMs;
  return Math.max(0, ...readdirSync(join(root, path)).map((name) => changedAt(join(path, name))));
}

function npm(args, onFailure) {
  // The npm that runs us, if one does: PATH may hold another one or, on Windows, something that cannot be spawned.
  const { npm_execpath: own } = process.env;
  const [command, first] = own?.endsWith('.js') ? [process.execPath, [own]] : ['npm', []];
  const { status, error } = spawnSync(command, [...first, ...args], { cwd: root, stdio: 'inherit' });
  if (status === 0) return;
  if (error) console.error(`npm could not be started: ${error.message}`);
  onFailure?.();
  process.exit(status ?? 1);
}
