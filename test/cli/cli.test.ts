import { execFile } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { environmentNames, optionNames, type OptionName } from '../../src/config/options.js';
import { cli } from '../support/cli.js';

const root = fileURLToPath(new URL('../..', import.meta.url));

interface Outcome {
  status: number;
  stdout: string;
  stderr: string;
}

/** Nothing of the environment that these tests run in counts. */
function listener(args: readonly string[], env: Record<string, string> = {}): Promise<Outcome> {
  const clean = Object.fromEntries(
    Object.entries(process.env).filter(([name]) => !name.startsWith('LISTENER_') && !optionNames.flatMap(environmentNames).includes(name)),
  );
  return new Promise((resolve) => {
    const child = execFile(
      process.execPath,
      [...cli, ...args],
      { cwd: root, env: { ...clean, ...env } },
      (_error, stdout, stderr) => resolve({ status: child.exitCode ?? -1, stdout, stderr }),
    );
  });
}

describe.concurrent('listener', { timeout: 60_000 }, () => {
  it.each<[string[], Record<string, string>, string]>([
    [[], {}, 'no views are named: write --views mv_dashboard, or set LISTENER_VIEWS'],
    [['--vews', 'mv'], {}, 'there is no option --vews: did you mean --views?'],
    [['--views', 'mv', '--no-canary'], {}, 'there is no option --no-canary: did you mean --canary?'],
    [['rnu', '--views', 'mv'], {}, 'there is no command rnu: did you mean run?'],
    [['mv_dashboard'], {}, 'there is no command mv_dashboard: views are named by --views mv_dashboard'],
    [['run', 'mv_dashboard'], {}, 'run takes no mv_dashboard: views are named by --views mv_dashboard'],
    [['refresh'], {}, 'the name of a view is missing: see listener --help'],
    [['summary', 'creat'], {}, 'there is no command summary creat: did you mean summary create?'],
    [['summary', 'mv_dashboard'], {}, 'there is no command summary mv_dashboard: there are create, list, drop'],
    [['summary', '--json'], {}, 'summary does nothing by itself: write listener summary create, list, drop'],
    [['summary', 'create', '--from', 'x.sql'], {}, 'the name of a view is missing: see listener --help'],
    [['summary', 'create', 'a', 'b'], {}, 'summary create takes no b: one name is enough'],
    [['summary', 'list', 'a'], {}, 'summary list takes no a: it is about all there is'],
    [['summary', 'drop', 'a', '--force'], {}, 'summary drop takes no --force: see listener summary drop --help'],
    [['create', 'a'], {}, 'there is no command create: views are named by --views create'],
    [['pause', 'mv', '--debounce', '5s'], {}, 'pause takes no --debounce: see listener pause --help'],
    [['--views', 'mv', '--no-install=x'], {}, '--no-install takes no value: leave it out, or write --install on'],
    [['--views', 'mv', '--once=maybe'], {}, '--once: "maybe" is not accepted: write on or off'],
    [['--views', 'mv', '--schedule', 'soon'], {}, `--schedule: "soon" is no cron expression: write five fields, such as '*/15 * * * *' (every quarter of an hour) or '0 6 * * 1-5' (at six, on weekdays)`],
    [['--views', 'mv', '--config', 'missing.json'], {}, 'the config file missing.json cannot be read (ENOENT): check its path and its permissions'],
    [['--views', 'mv', '--debounce', '5'], {}, '--debounce: 5 has no unit: write 5s or 5ms'],
    [['--views', 'mv', '--debounce'], {}, '--debounce needs a value; listener --help describes it'],
    [['run', '--views', '--debounce', '5s'], {}, '--views needs a value; listener --help describes it'],
    [['--views', 'mv', '--debounce', '1s', '--debounce', '2s'], {}, '--debounce is given 2 times: give it once'],
    [['--views', 'mv', '--debounce=-5s'], {}, '--debounce: "-5s" is negative: write a duration such as 250ms, 5s, 10m, 1h or 3 days'],
    [['--views', 'mv'], { LISTENER_MAX_WAIT: '1s' }, '--debounce 5s is longer than --max-wait 1s: lower the first or raise the second'],
    [['--views', 'mv'], { LISTENER_DEBONCE: '1s' }, 'no option reads the environment variable LISTENER_DEBONCE: did you mean LISTENER_DEBOUNCE?'],
    [[], { LISTENER_VIEWS: 'odd-name' }, `LISTENER_VIEWS: odd-name is not a name: write view, schema.view or a pattern such as 'mv_*', and put odd names in double quotes ('"Odd Name"')`],
  ])('says in one line what is wrong with %j and %j, and exits with 2', async (args, env, message) => {
    expect(await listener(args, env)).toEqual({ status: 2, stdout: '', stderr: `listener: ${message}\n` });
  });

  it('shows no password in a message', async () => {
    const { stderr } = await listener(['--views', 'mv'], { DATABASE_URL: 'mysql://u:hidden@h/d' });
    expect(stderr).toContain('DATABASE_URL: "mysql://u:***@h/d" is not a PostgreSQL URL');
    expect(stderr).not.toContain('hidden');
  });

  it('describes every option within 100 columns', async () => {
    const { status, stdout, stderr } = await listener(['--help']);
    expect({ status, stderr }).toEqual({ status: 0, stderr: '' });
    const ofOneCall: readonly OptionName[] = [
      'json', 'watch', 'print', 'role', 'yes', 'force', 'wait', 'from', 'to', 'restart', 'capture', 'id', 'bucket', 'lateness', 'freshness',
    ];
    for (const name of optionNames) {
      if (!ofOneCall.includes(name)) expect(stdout).toMatch(new RegExp(`^ +--(no-)?${name} `, 'm'));
    }
    expect(Math.max(...stdout.split('\n').map((line) => line.length))).toBeLessThanOrEqual(100);
  });

  it.each<[string[], string[], string[]]>([
    [['listener', 're'], ['refresh', 'resume'], ['--views']],
    [['listener', '--ma'], ['--max-wait', '--max-age', '--no-install'], ['--force']],
    [['listener', 'su'], ['summary'], ['create', '--views']],
    [['listener', 'summary', ''], ['create', 'list', 'drop'], ['refresh', '--views']],
    [['listener', 'summary', 'create', '--fr'], ['--from', '--freshness', '--print'], ['--views', '--yes']],
    [['listener', 'refresh', '--fo'], ['--force', '--json'], ['--views']],
  ])('completes %j in a shell', async (words, offered, others) => {
    const { status, stdout } = await listener(['--get-yargs-completions', ...words]);
    expect(status).toBe(0);
    const lines = stdout.trim().split('\n');
    expect(lines).toEqual(expect.arrayContaining(offered));
    expect(lines.filter((line) => others.includes(line))).toEqual([]);
  });

  it('prints the script that a shell needs for that', async () => {
    const { status, stdout, stderr } = await listener(['completion'], { SHELL: '/bin/bash' });
    expect({ status, stderr }).toEqual({ status: 0, stderr: '' });
    expect(stdout).toMatch(/^###-begin-listener-completions-###[^]*listener --get-yargs-completions[^]*###-end-listener-completions-###\s*$/);
  });

  it('helps with a single command', async () => {
    const asked = await listener(['help', 'refresh']);
    expect(asked).toEqual(await listener(['refresh', '--help']));
    expect(asked.stdout).toMatch(/^listener refresh <names\.\.>/);
    expect(asked.stdout).not.toContain('--debounce');
  });

  it('lists what is in a group of commands, with examples, and helps with each', async () => {
    const alone = await listener(['summary']);
    expect(alone).toEqual(await listener(['summary', '--help']));
    expect(alone).toMatchObject({ status: 0, stderr: '' });
    for (const command of ['create <name>', 'list', 'drop <name>']) expect(alone.stdout).toContain(`  listener summary ${command}  `);
    expect(alone.stdout).toContain('Examples:\n  listener summary create usage_hourly --from');
    const create = await listener(['help', 'summary', 'create']);
    expect(create).toEqual(await listener(['summary', 'create', '--help']));
    expect(create.stdout).toMatch(/^listener summary create <name>\n[^]*--lateness[^]*Examples:\n/);
    expect(Math.max(...create.stdout.split('\n').map((line) => line.length))).toBeLessThanOrEqual(100);
  });

  it('tells its version', async () => {
    const { version } = JSON.parse(readFileSync(new URL('../../package.json', import.meta.url), 'utf8')) as { version: string };
    expect(await listener(['--version'])).toEqual({ status: 0, stdout: `${version}\n`, stderr: '' });
  });
});
