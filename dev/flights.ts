import { readFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { asyncBufferFromFile, parquetMetadataAsync, parquetReadObjects } from 'hyparquet';
import { compressors } from 'hyparquet-compressors';

/**
 * Real records of US domestic flights in 2001, of the Bureau of Transportation Statistics (package vega-datasets). They have what
 * invented data lacks: skew by airport, many rows in one minute, and defects (an arrival 1,116 minutes early).
 */
export interface Flight {
  /** Actual departure, to the minute: local time of the origin, here as if it were UTC. */
  readonly departedAt: Date;
  /** Of the arrival; negative when early. No cancelled flights. */
  readonly delayMinutes: number;
  readonly distanceMiles: number;
  /** IATA code, as `Airport.iata`. */
  readonly origin: string;
  readonly destination: string;
}

export interface Airport {
  readonly iata: string;
  readonly name: string;
  readonly city: string;
  readonly state: string;
  readonly country: string;
  readonly latitude: number;
  readonly longitude: number;
}

/** 20,000 flights of January to March, in order of departure. */
export async function readFlights(): Promise<Flight[]> {
  const records = JSON.parse(await readFile(dataFile('flights-20k.json'), 'utf8')) as {
    date: string;
    delay: number;
    distance: number;
    origin: string;
    destination: string;
  }[];
  return records.map(({ date, delay, distance, origin, destination }) => ({
    departedAt: new Date(`${date.replaceAll('/', '-').replace(' ', 'T')}:00Z`),
    delayMinutes: delay,
    distanceMiles: distance,
    origin,
    destination,
  }));
}

/** 3,000,000 flights of January to June, in order of departure, in batches of 272,727: all at once take half a gigabyte. */
export async function* readManyFlights(): AsyncGenerator<Flight[], void> {
  const file = await asyncBufferFromFile(dataFile('flights-3m.parquet'));
  const metadata = await parquetMetadataAsync(file);
  let rowStart = 0;
  for (const group of metadata.row_groups) {
    const rowEnd = rowStart + Number(group.num_rows);
    const records = (await parquetReadObjects({ file, metadata, compressors, rowStart, rowEnd })) as {
      date: Date;
      delay: bigint;
      distance: bigint;
      origin: string;
      destination: string;
    }[];
    yield records.map(({ date, delay, distance, origin, destination }) => ({
      departedAt: date,
      delayMinutes: Number(delay),
      distanceMiles: Number(distance),
      origin,
      destination,
    }));
    rowStart = rowEnd;
  }
}

/** All airports of the United States that had a code, also those without a flight. */
export async function readAirports(): Promise<Airport[]> {
  const [, ...lines] = (await readFile(dataFile('airports.csv'), 'utf8')).trimEnd().split(/\r?\n/);
  return lines.map((line) => {
    const [iata = '', name = '', city = '', state = '', country = '', latitude, longitude] = csvFields(line);
    return { iata, name, city, state, country, latitude: Number(latitude), longitude: Number(longitude) };
  });
}

/** One line of CSV: a field in quotes may hold commas, and quotes doubled. */
function csvFields(line: string): string[] {
  return Array.from(line.matchAll(/(?:^|,)(?:"((?:[^"]|"")*)"|([^,]*))/g), ([, quoted, plain]) => quoted?.replaceAll('""', '"') ?? plain ?? '');
}

/** The package exports only its code, which would fetch the data from the network: the files lie beside it. */
function dataFile(name: string): string {
  return join(dirname(createRequire(import.meta.url).resolve('vega-datasets')), '..', 'data', name);
}
