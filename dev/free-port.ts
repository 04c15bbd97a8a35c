import { randomInt } from 'node:crypto';
import { once } from 'node:events';
import { createServer } from 'node:net';

/**
 * A TCP port that nobody listened on just now. Somebody may take it before you do: be ready to ask again.
 *
 * Below the range for outgoing connections (from 32768 on Linux): while a server restarts, an outgoing connection could be given
 * its port, and a client that keeps knocking at a closed port of that range may even connect to itself.
 */
export async function freePort(): Promise<number> {
  for (let attempt = 0; attempt < 100; attempt++) {
    const port = randomInt(20_000, 30_000);
    if (await isFree(port)) return port;
  }
  throw new Error('No free TCP port between 20000 and 30000 after 100 attempts');
}

async function isFree(port: number): Promise<boolean> {
  const probe = createServer().listen(port, '127.0.0.1');
  try {
    await once(probe, 'listening');
  } catch {
    return false; // taken, or not ours to take: either way not free
  }
  probe.close();
  await once(probe, 'close');
  return true;
}
