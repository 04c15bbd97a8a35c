// The guard: a process of its own that owns one temporary folder and the one program running in it.
//
// Invariant: when the process that started it is gone, for whatever reason (end, Ctrl-C, uncaughtException, kill -9), the program and
// the folder are gone a moment later. Death is noticed by the closing of the IPC channel, which the kernel does even for kill -9; that
// one way serves an orderly stop as well. Started detached, so that a Ctrl-C meant for the tests does not reach it.
//
// Plain JavaScript without imports of ours: it has to start at once, whatever loader its parent runs under.
import { spawn } from 'node:child_process';
import { chmodSync, chownSync, mkdtempSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout } from 'node:timers';

/** How long a program may take to obey SIGQUIT when everything ends. */
const PATIENCE_MS = 10_000;
/** How much of the program's output is kept, to explain a failure. */
const KEPT_CHARACTERS = 20_000;

/** @type {{ parent: string, prefix: string, identity?: { uid: number, gid: number } }} */
const { parent, prefix, identity } = JSON.parse(process.argv[2] ?? '{}');

/** @type {import('node:child_process').ChildProcess | undefined} */
let program;
let ending = false;

for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) process.on(signal, end);
process.on('disconnect', end);
process.on('message', obey);

const folder = mkdtempSync(join(parent, prefix));
chmodSync(folder, 0o700); // mkdtemp obeys the umask, which may even forbid the owner
if (identity) chownSync(folder, identity.uid, identity.gid);
if (process.connected) reply({ id: 0, folder });
else end();

function obey(request) {
  if (ending) return;
  if (request.do === 'run') run(request);
  if (request.do === 'signal') signal(request);
}

/** Runs a program; answers when it has ended, or as soon as it has written the text `until` (it then goes on). */
function run({ id, command, args, env, until }) {
  if (program) return reply({ id, ended: true, output: `${program.spawnfile} is still running` });
  let output = '';
  let answered = false;
  const answer = (result) => {
    if (answered) return;
    answered = true;
    reply({ id, pid: child.pid, output, ...result });
  };
  const child = spawn(command, args, { ...identity, cwd: folder, env, detached: true, stdio: ['ignore', 'pipe', 'pipe'] });
  program = child;
  const hear = (chunk) => {
    output = (output + chunk).slice(-KEPT_CHARACTERS);
    if (until !== undefined && output.includes(until)) answer({ ended: false });
  };
  child.stdout.setEncoding('utf8').on('data', hear);
  child.stderr.setEncoding('utf8').on('data', hear);
  child.on('error', (error) => hear(`${error.message}\n`));
  child.on('close', (code) => {
    program = undefined;
    answer({ ended: true, code });
  });
}

/** Signals the program and answers when it has ended; at once if none runs. */
function signal({ id, signal }) {
  if (!program) return reply({ id });
  program.once('close', () => reply({ id }));
  program.kill(signal);
}

function reply(message) {
  // The parent may die between our look and the write; `disconnect` then ends us, so there is nobody left to tell.
  if (process.connected) process.send(message, () => undefined);
}

function end() {
  if (ending) return;
  ending = true;
  if (!program) return clear();
  program.once('close', clear);
  const { pid } = program;
  if (pid === undefined) return;
  signalGroup(pid, 'SIGQUIT');
  setTimeout(() => signalGroup(pid, 'SIGKILL'), PATIENCE_MS);
}

/** The whole process group, since initdb has children; the server's own children end with it. */
function signalGroup(pid, signal) {
  try {
    process.kill(-pid, signal);
  } catch (error) {
    if (error.code !== 'ESRCH') throw error;
  }
}

function clear() {
  try {
    rmSync(folder, { recursive: true, force: true, maxRetries: 20, retryDelay: 50 });
  } catch (error) {
    process.exitCode = 1;
    console.error(`The folder ${folder} could not be removed: ${error.message}`);
  }
  process.exit();
}
