import { afterAll, afterEach, beforeAll, expect } from 'vitest';
import type { ClientConfig } from 'pg';
import type { DoorbellOptions } from '../../src/wake/doorbell.js';
import { createDatabase, type TestDatabase } from '../support/database.js';
import { RecordedDoorbell } from './recorded-doorbell.js';

export const CHANNEL = 'refresh_listener';
const NAME = 'listener (doorbell)';

/**
 * A database, and at most one doorbell a test in it. It is stopped after the test, which fails if a socket is left or if
 * there ever was more than one.
 */
export class DoorbellScene {
  database!: TestDatabase;
  #recorded: RecordedDoorbell | undefined;

  /** To be called where hooks may be: at the top of a test file. */
  static here(): DoorbellScene {
    const scene = new DoorbellScene();
    beforeAll(async () => {
      scene.database = await createDatabase();
    });
    afterEach(async () => {
      await scene.#recorded?.bell.stop();
      expect(scene.#recorded?.openSockets ?? 0).toBe(0);
      expect(scene.#recorded?.mostOpenSockets ?? 0).toBeLessThanOrEqual(1);
      scene.#recorded = undefined;
    });
    afterAll(() => scene.database.drop());
    return scene;
  }

  /** The way to the database as the role of the worker. */
  get url(): string {
    return this.database.url('worker');
  }

  /** The same by way of another port of this machine. */
  urlBy(port: number): string {
    const url = new URL(this.url);
    url.host = `127.0.0.1:${port}`;
    return url.href;
  }

  /** A doorbell, not yet started. It is rung by the direct way, so that a proxy sees its listening connections only. */
  doorbell(connection: string | ClientConfig, settings: Partial<DoorbellOptions> = {}): RecordedDoorbell {
    this.#recorded = new RecordedDoorbell(typeof connection === 'string' ? { connectionString: connection } : connection, {
      ringer: { connectionString: this.url, application_name: 'ringer' },
      ...settings,
    });
    return this.#recorded;
  }

  async hearing(connection: string | ClientConfig, settings: Partial<DoorbellOptions> = {}): Promise<RecordedDoorbell> {
    const recorded = this.doorbell(connection, settings);
    expect(await recorded.bell.start()).toBe('hears');
    return recorded;
  }

  async ring(payload: string, channel = CHANNEL): Promise<void> {
    await this.database.app.query('SELECT pg_notify($1, $2)', [channel, payload]);
  }

  /** Rings, and waits until it is heard. */
  async expectRing({ rings }: RecordedDoorbell, payload: string): Promise<void> {
    await this.ring(payload);
    expect(await rings.next()).toBe(payload);
  }

  /** The server processes of doorbells. */
  async sessions(name = NAME): Promise<number[]> {
    const { rows } = await this.database.admin.query<{ pid: number }>(
      'SELECT pid FROM pg_stat_activity WHERE datname = current_database() AND application_name = $1',
      [name],
    );
    return rows.map(({ pid }) => pid);
  }

  /** The server takes note of a closed socket in its own time. */
  async expectSessions(count: number, name = NAME): Promise<void> {
    await expect.poll(() => this.sessions(name), { timeout: 10_000, interval: 20 }).toHaveLength(count);
  }

  async terminate(): Promise<void> {
    await this.database.admin.query('SELECT pg_terminate_backend(pid) FROM unnest($1::int[]) AS pid', [await this.sessions()]);
  }
}
