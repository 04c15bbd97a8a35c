import { fork, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import type { Identity } from './server-identity.js';

export interface RunResult {
  /** False when the program wrote the awaited text and goes on running. */
  readonly ended: boolean;
  readonly code?: number | null;
  readonly pid?: number;
  /** The last 20,000 characters of stdout and stderr. */
  readonly output: string;
}

export interface RunOptions {
  readonly env: NodeJS.ProcessEnv;
  /** Answer as soon as the program has written this. */
  readonly until?: string;
}

/** A temporary folder and the program in it, both of which disappear with this process. See guard-process.mjs. */
export interface Guard {
  /** Mode 0700, belongs to the given identity. */
  readonly folder: string;
  run(command: string, args: readonly string[], options: RunOptions): Promise<RunResult>;
  /** Resolves when the running program has ended; at once if none runs. */
  signal(signal: NodeJS.Signals): Promise<void>;
  /** Ends the program with SIGQUIT, removes the folder; may be called twice. */
  end(): Promise<void>;
}

interface GuardReply extends Partial<RunResult> {
  readonly id: number;
  readonly folder?: string;
}

const guardProcess = fileURLToPath(new URL('guard-process.mjs', import.meta.url));

/** Starts a guard whose folder stands in `parent` and whose programs run as `identity` (default: as this process). */
export async function startGuard(parent: string, prefix: string, identity?: Identity): Promise<Guard> {
  const child = fork(guardProcess, [JSON.stringify({ parent, prefix, identity })], {
    cwd: '/',
    detached: true,
    execArgv: [],
    // A debugger or loader meant for the parent must neither stop nor slow down the guard.
    env: { ...process.env, NODE_OPTIONS: '' },
    stdio: ['ignore', 'ignore', 'inherit', 'ipc'],
  });
  const ended = once(child, 'exit'); // `close` never comes after a disconnect from our side
  const conversation = new Conversation(child);
  // Neither the guard nor its channel keeps this process alive: a script that forgets to stop its server still ends.
  child.unref();
  const { folder } = await conversation.answer(0);
  if (folder === undefined) throw new Error('The guard of the embedded server named no folder');

  return {
    folder,
    async run(command, args, options) {
      const { ended = true, output = '', ...rest } = await conversation.ask({ do: 'run', command, args, ...options });
      return { ended, output, ...rest };
    },
    async signal(signal) {
      await conversation.ask({ do: 'signal', signal });
    },
    async end() {
      child.ref();
      if (child.connected) child.disconnect();
      await ended;
      if (child.exitCode !== 0) throw new Error(`The guard of the embedded server left ${folder} behind (exit status ${String(child.exitCode)})`);
    },
  };
}

class Conversation {
  readonly #child: ChildProcess;
  readonly #waiting = new Map<number, { resolve: (reply: GuardReply) => void; reject: (error: Error) => void }>();
  #lastId = 0;

  constructor(child: ChildProcess) {
    this.#child = child;
    child.on('message', (reply) => this.#hear(reply as GuardReply));
    child.on('error', (error) => this.#giveUp(error));
    child.on('exit', () => this.#giveUp(new Error('The guard of the embedded server has ended')));
  }

  ask(request: object): Promise<GuardReply> {
    const id = ++this.#lastId;
    const answer = this.answer(id);
    this.#child.send({ id, ...request }, (error) => {
      if (error) this.#giveUp(error);
    });
    return answer;
  }

  answer(id: number): Promise<GuardReply> {
    this.#child.channel?.ref();
    return new Promise((resolve, reject) => this.#waiting.set(id, { resolve, reject }));
  }

  #hear(reply: GuardReply): void {
    this.#waiting.get(reply.id)?.resolve(reply);
    this.#waiting.delete(reply.id);
    if (this.#waiting.size === 0) this.#child.channel?.unref();
  }

  #giveUp(error: Error): void {
    for (const waiting of this.#waiting.values()) waiting.reject(error);
    this.#waiting.clear();
  }
}
