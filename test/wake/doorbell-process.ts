import { Doorbell } from '../../src/wake/doorbell.js';

/**
 * A process of its own with a doorbell, for what a test cannot see within vitest: that the process ends by itself, and
 * uncaught exceptions. It says what happens, a line each, and stops the doorbell at the first line of its input.
 *
 *     node --import tsx doorbell-process.ts LISTEN_URL RINGER_URL
 */
const [listenUrl = '', ringerUrl = ''] = process.argv.slice(2);

const say = (line: string) => process.stdout.write(`${line}\n`);
process.on('uncaughtException', (error) => say(`uncaught: ${error.message}`));
process.on('unhandledRejection', (reason) => say(`unhandled: ${String(reason)}`));

const bell = new Doorbell({
  connection: { connectionString: listenUrl },
  ringer: { connectionString: ringerUrl },
  channel: 'refresh_listener',
  canaryMs: 20,
  canaryTimeoutMs: 60_000,
  retryBaseMs: 20,
  retryMaxMs: 100,
  onRing: (payload) => {
    if (payload === 'throw') throw new Error('thrown by onRing');
    say(`ring: ${payload}`);
  },
  onLost: (reason) => {
    say(`lost: ${reason}`);
    throw new Error('thrown by onLost');
  },
  onRestored: () => {
    say('restored');
    throw new Error('thrown by onRestored');
  },
});

say(await bell.start());
process.stdin.once('data', () => {
  process.stdin.destroy();
  void bell.stop().then(() => {
    const left = process.getActiveResourcesInfo().filter((kind) => /TCP|Timeout|GetAddrInfo/.test(kind));
    say(`stopped, left: ${left.join(' ')}`);
  });
});
