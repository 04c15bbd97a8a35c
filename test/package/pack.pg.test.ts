import { execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { cpSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest';
import type { TestDatabase } from '../support/database.js';
import { createOrders, freshDatabase, valueOf } from '../worker/scene.js';

const run = promisify(execFile);
const root = fileURLToPath(new URL('../..', import.meta.url));
const { version } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as { version: string };

let folder: string;
let app: string;
let packed: string[];

/** Paths of the files in a folder and below it, with slashes. */
function filesIn(path: string, ending: string): string[] {
  return readdirSync(path, { recursive: true, encoding: 'utf8' }).map((file) => file.replaceAll('\\', '/')).filter((file) => file.endsWith(ending));
}

/** As somebody has it who is no developer of ours. */
function environment(more: NodeJS.ProcessEnv = {}): NodeJS.ProcessEnv {
  const inherited = Object.entries(process.env).filter(([name]) => !/^(LISTENER_|PG|npm_|NODE_|VITEST|DATABASE_URL$)/.test(name));
  return { ...Object.fromEntries(inherited), ...more };
}

const npm = (cwd: string, ...args: string[]): Promise<{ stdout: string; stderr: string }> => run('npm', args, { cwd, env: environment() });

/** Packs a copy of what the package is made of, so that the build is a new one and nobody's `dist` is touched; and installs it. */
beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'listener-pack-'));
  const source = join(folder, 'source');
  mkdirSync(source);
  for (const name of ['package.json', 'tsconfig.json', 'tsconfig.build.json', 'README.md', 'CHANGELOG.md', 'CONTRIBUTING.md', 'LICENSE', 'Procfile', 'src', 'sql', 'ops', 'dev']) {
    cpSync(join(root, name), join(source, name), { recursive: true });
  }
  symlinkSync(join(root, 'node_modules'), join(source, 'node_modules'));
  // Left over from another build, as it may be at a developer's.
  mkdirSync(join(source, 'dist'));
  writeFileSync(join(source, 'dist', 'stale.js'), '');
  const { stdout } = await npm(source, 'pack', '--json', '--foreground-scripts=false');
  const described = JSON.parse(stdout) as unknown;
  // A list until npm 11, by name since.
  const [result] = Object.values(described as object) as { filename: string; files: { path: string }[] }[];
  if (result === undefined) throw new Error(`npm pack said: ${stdout}`);
  packed = result.files.map(({ path }) => path).sort();

  app = join(folder, 'app');
  mkdirSync(app);
  writeFileSync(join(app, 'package.json'), '{ "private": true, "type": "module" }');
  await npm(app, 'install', '--omit=dev', '--prefer-offline', '--no-audit', '--no-fund', join(source, result.filename));
}, 180_000);
afterAll(() => rmSync(folder, { recursive: true, force: true }));

async function ordersDatabase(): Promise<TestDatabase> {
  const db = await freshDatabase();
  await createOrders(db);
  return db;
}

interface Started {
  /** Resolves with the first line that fits. */
  readonly line: (pattern: RegExp) => Promise<string>;
  readonly exited: Promise<unknown>;
  /** To the process alone, or to it and all that it started, as a terminal and Heroku do. */
  readonly signal: (signal: NodeJS.Signals, whom: 'process' | 'group') => void;
}

/** A process in the folder of the app, in a group of its own. */
function started(command: string, args: string[], env: NodeJS.ProcessEnv): Started {
  const child = spawn(command, args, { cwd: app, env: environment(env), stdio: ['ignore', 'pipe', 'inherit'], detached: true });
  const exited = once(child, 'close').then(([status]: unknown[]) => status);
  const signal: Started['signal'] = (name, whom) => {
    if (child.pid === undefined) return;
    try {
      process.kill(whom === 'group' ? -child.pid : child.pid, name);
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error; // all have ended
    }
  };
  onTestFinished(async () => {
    signal('SIGKILL', 'group');
    await exited;
  });
  const lines: string[] = [];
  const reader = createInterface({ input: child.stdout });
  reader.on('line', (line) => lines.push(line));
  return {
    exited, signal,
    async line(pattern) {
      for (;;) {
        const found = lines.find((line) => pattern.test(line));
        if (found !== undefined) return found;
        await once(reader, 'line');
      }
    },
  };
}

describe('the package', () => {
  it('holds what was built from the sources, the SQL, the alerts and the words about it, and nothing else', () => {
    const modules = filesIn(join(root, 'src'), '.ts').map((path) => path.replace(/\.ts$/, ''));
    const sql = filesIn(join(root, 'sql'), '.sql').map((path) => `sql/${path}`);
    expect(packed).toEqual([
      'CHANGELOG.md', 'LICENSE', 'README.md', 'package.json', 'ops/alerts.yml', 'ops/grafana-dashboard.json',
      ...modules.flatMap((path) => [`dist/${path}.js`, `dist/${path}.d.ts`]), ...sql,
    ].sort());
    expect(sql.length).toBeGreaterThan(30);
  });

  it('points to no source map', () => {
    const dist = join(app, 'node_modules/pg-refresh-listener/dist');
    const scripts = filesIn(dist, '.js');
    expect(scripts.length).toBeGreaterThan(0);
    expect(scripts.filter((path) => readFileSync(join(dist, path), 'utf8').includes('sourceMappingURL'))).toEqual([]);
  });

  it('brings production dependencies alone', async () => {
    const { stdout } = await npm(app, 'ls', '--parseable', '--depth=1');
    const { dependencies } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as { dependencies: object };
    const installed = stdout.trim().split('\n').map((path) => path.split('node_modules/').at(-1)).filter((name) => name !== 'pg-refresh-listener' && name !== app);
    expect(installed.sort()).toEqual(Object.keys(dependencies).sort());
  });

  it('tells its version', async () => {
    expect((await run('npx', ['--no-install', 'listener', '--version'], { cwd: app, env: environment() })).stdout).toBe(`${version}\n`);
  });

  // npx leaves a signal to its shell, which on many systems passes on none: the process alone can be told where none is between.
  it.each<[string, string, string[], 'process' | 'group']>([
    ['npx listener', 'npx', ['--no-install', 'listener'], 'group'],
    ['node_modules/.bin/listener', 'node_modules/.bin/listener', [], 'process'],
  ])('keeps a view fresh with %s, until it is told to stop', async (_name, command, args, whom) => {
    const db = await ordersDatabase();
    const worker = started(command, [...args, '--views', 'mv_orders', '--debounce', '50ms', '--log-format', 'json'], { DATABASE_URL: db.url('worker') });
    await worker.line(/"refresh.done"/);
    await db.app.query('INSERT INTO public.orders (n) VALUES (1)');
    await worker.line(/"refresh.done".*"reason":"change".*"inserted":1/);
    expect(await valueOf(db.worker, 'SELECT count(*)::int FROM public.mv_orders')).toBe(11);
    worker.signal('SIGTERM', whom);
    await worker.line(/"stopped".*"exitStatus":0/);
    await worker.exited;
  });

  it('keeps a view fresh from a script', async () => {
    const db = await ordersDatabase();
    writeFileSync(join(app, 'script.js'), `
      import { createListener, UsageError } from 'pg-refresh-listener';
      try {
        createListener({ views: 'mv_orders', maxwait: 1 });
      } catch (error) {
        console.log(error instanceof UsageError, error.message);
      }
      const listener = createListener({ views: 'mv_orders', debounce: 50 });
      listener.on('refresh.done', async ({ view, reason, inserted }) => {
        console.log(view, reason, inserted);
        if (reason === 'change') await listener.stop();
      });
      await listener.start();
      console.log('ready');
    `);
    const script = started(process.execPath, ['script.js'], { DATABASE_URL: db.url('worker') });
    await script.line(/^true there is no option maxwait: did you mean maxWait\?$/);
    await script.line(/^ready$/);
    await script.line(/^public\.mv_orders start 0$/);
    await db.app.query('INSERT INTO public.orders (n) VALUES (1)');
    await script.line(/^public\.mv_orders change 1$/);
    expect(await script.exited).toBe(0); // nothing is left that would keep the process
  });

  it('has types that a strict compiler accepts, whatever else is installed', async () => {
    writeFileSync(join(app, 'app.ts'), `
      import { createListener, UsageError, type EventOf, type Listener, type ListenerOptions } from 'pg-refresh-listener';
      const options: ListenerOptions = { views: { mv_orders: { debounce: '1s' } }, maxWait: 10_000, log: false };
      const listener: Listener = createListener(options);
      listener.on('refresh.done', (event: EventOf<'refresh.done'>) => event.view.toUpperCase());
      // @ts-expect-error there is no such option
      createListener({ views: 'mv', maxwait: 1 });
      // @ts-expect-error there is no such event
      listener.on('refresh.dome', () => undefined);
      export const stopped: Promise<void> = listener.start().catch((error: unknown) => { if (!(error instanceof UsageError)) throw error; });
    `);
    // A folder without @types/node, as it may be: the worst case.
    writeFileSync(join(app, 'tsconfig.json'), JSON.stringify({
      compilerOptions: { noEmit: true, strict: true, exactOptionalPropertyTypes: true, module: 'nodenext', target: 'es2022', types: [], skipLibCheck: false },
      files: ['app.ts'],
    }));
    const compile = run(process.execPath, [join(root, 'node_modules/typescript/bin/tsc'), '-p', app]);
    expect(await compile.catch((error: unknown) => error)).toMatchObject({ stdout: '' });
  });
});
