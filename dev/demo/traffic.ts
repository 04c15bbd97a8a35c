import { setTimeout as sleep } from 'node:timers/promises';
import pg from 'pg';
import type { Flight } from '../flights.js';
import { insertFlights } from './scene.js';

export interface Tally {
  statements: number;
  rows: number;
}

export interface TrafficOptions {
  readonly url: string;
  /** What happens, in order. When they are used up they come again, moved on in time. */
  readonly flights: readonly Flight[];
  /** One short line a deed. */
  readonly tell: (line: string) => void;
  readonly signal: AbortSignal;
}

/** The application's writes: flights depart, delays are corrected, flights are cancelled, loads go wrong. */
export class Traffic {
  readonly committed: Tally = { statements: 0, rows: 0 };
  readonly rolledBack: Tally = { statements: 0, rows: 0 };
  readonly #options: TrafficOptions;
  readonly #client: pg.Client;
  #used = 0;

  constructor(options: TrafficOptions) {
    this.#options = options;
    this.#client = new pg.Client({ connectionString: options.url, application_name: 'demo traffic', statement_timeout: 10_000 });
  }

  /** Until the signal comes; then what has been begun is finished. @throws what the database answers */
  async run(): Promise<void> {
    const deeds = [
      () => this.#departures(3),
      () => this.#correction(),
      () => this.#bulkLoad(250),
      () => this.#cancellations(2),
      () => this.#failedLoad(400),
      () => this.#rush(5_000),
      () => this.#unseenCorrection(),
    ];
    // A connection that breaks between two statements: the next statement tells.
    this.#client.on('error', () => undefined);
    await this.#client.connect();
    try {
      while (!this.#isOver()) {
        for (const deed of deeds) {
          if (this.#isOver()) break;
          await deed();
          await this.#pause(1_700);
        }
      }
    } finally {
      await this.#client.end().catch(() => undefined);
    }
  }

  async #departures(count: number): Promise<void> {
    const flights = this.#next(count);
    this.#tell(`${count} flights depart, one INSERT each: ${flights.map(route).join(', ')}`);
    for (const flight of flights) {
      this.#count(this.committed, await insertFlights(this.#client, [flight]));
      await this.#pause(120);
    }
  }

  async #correction(): Promise<void> {
    const { rows } = await this.#client.query<{ origin: string; destination: string; minutes: number }>(
      `UPDATE public.flights SET delay_minutes = delay_minutes + 45
       WHERE id = (SELECT id FROM public.flights ORDER BY departed_at DESC, id DESC LIMIT 1)
       RETURNING origin, destination, delay_minutes AS minutes`,
    );
    this.#count(this.committed, rows.length);
    for (const row of rows) this.#tell(`a delay is corrected, ${route(row)}: ${row.minutes - 45} to ${row.minutes} minutes`);
  }

  async #bulkLoad(count: number): Promise<void> {
    const rows = await insertFlights(this.#client, this.#next(count));
    this.#count(this.committed, rows);
    this.#tell(`bulk load: ${rows} flights in one INSERT`);
  }

  async #cancellations(count: number): Promise<void> {
    const { rows } = await this.#client.query<{ origin: string; destination: string }>(
      `DELETE FROM public.flights WHERE id IN (SELECT id FROM public.flights ORDER BY departed_at DESC, id DESC LIMIT $1)
       RETURNING origin, destination`,
      [count],
    );
    this.#count(this.committed, rows.length);
    this.#tell(`${rows.length} flights are cancelled, one DELETE: ${rows.map(route).join(', ')}`);
  }

  async #failedLoad(count: number): Promise<void> {
    const flights = this.#peek(count);
    await this.#client.query('BEGIN');
    const rows = await insertFlights(this.#client, flights);
    await this.#client.query('ROLLBACK');
    this.#count(this.rolledBack, rows);
    this.#tell(`a load of ${rows} flights is rolled back: nothing has changed, nothing to refresh`);
  }

  /** Steady traffic: the views would wait for quiet for ever if there were no --max-wait. */
  async #rush(durationMs: number): Promise<void> {
    this.#tell(`rush hour: a flight every 100ms for ${durationMs / 1000}s, no quiet moment: --max-wait limits the delay`);
    const until = performance.now() + durationMs;
    while (performance.now() < until && !this.#isOver()) {
      this.#count(this.committed, await insertFlights(this.#client, this.#next(1)));
      await this.#pause(100);
    }
    this.#tell('the rush is over');
  }

  /** A change of a source that no view shows: refreshed, found equal, and the view over it is left alone. */
  async #unseenCorrection(): Promise<void> {
    const { rowCount } = await this.#client.query(
      `UPDATE public.airports SET name = name || ' (closed)'
       WHERE iata = (SELECT iata FROM public.airports WHERE iata NOT IN (SELECT origin FROM public.flights) AND name NOT LIKE '%(closed)'
                     ORDER BY iata LIMIT 1)`,
    );
    this.#count(this.committed, rowCount ?? 0);
    this.#tell('an airport without flights gets another name: a source changes, the result does not');
  }

  /** The next flights, used up. */
  #next(count: number): Flight[] {
    const flights = this.#peek(count);
    this.#used += count;
    return flights;
  }

  #peek(count: number): Flight[] {
    const { flights } = this.#options;
    const [first, last] = [flights[0], flights.at(-1)];
    if (first === undefined || last === undefined) throw new Error('The traffic needs flights');
    const spanMs = last.departedAt.getTime() - first.departedAt.getTime();
    return Array.from({ length: count }, (_, index) => {
      const position = this.#used + index;
      const flight = flights[position % flights.length] ?? first;
      return { ...flight, departedAt: new Date(flight.departedAt.getTime() + Math.floor(position / flights.length) * spanMs) };
    });
  }

  #count(tally: Tally, rows: number): void {
    tally.statements += 1;
    tally.rows += rows;
  }

  #tell(line: string): void {
    this.#options.tell(line);
  }

  #isOver(): boolean {
    return this.#options.signal.aborted;
  }

  async #pause(ms: number): Promise<void> {
    // The signal ends it early, nothing else does.
    await sleep(ms, undefined, { signal: this.#options.signal }).catch(() => undefined);
  }
}

function route({ origin, destination }: Pick<Flight, 'origin' | 'destination'>): string {
  return `${origin}-${destination}`;
}
