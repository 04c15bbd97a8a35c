import { expect, it } from 'vitest';
import { readAirports, readFlights, readManyFlights, type Flight } from '../../dev/flights.js';

function isInOrder(flights: readonly Flight[]): boolean {
  return flights.every((flight, index) => index === 0 || flight.departedAt >= (flights[index - 1]?.departedAt ?? flight.departedAt));
}

it('reads 20,000 flights in order of departure', async () => {
  const flights = await readFlights();
  expect(flights).toHaveLength(20_000);
  expect(flights[0]).toEqual({
    departedAt: new Date('2001-01-01T00:47:00Z'),
    delayMinutes: 66,
    distanceMiles: 1750,
    origin: 'DTW',
    destination: 'LAS',
  });
  expect(isInOrder(flights)).toBe(true);
  expect(flights.every(({ delayMinutes, distanceMiles }) => Number.isInteger(delayMinutes) && Number.isInteger(distanceMiles))).toBe(true);
});

it('reads many flights in batches, in order of departure across them', async () => {
  const batches = readManyFlights();
  const first = (await batches.next()).value ?? [];
  const second = (await batches.next()).value ?? [];
  await batches.return();
  expect(first[0]).toEqual({
    departedAt: new Date('2001-01-01T00:01:00Z'),
    delayMinutes: 33,
    distanceMiles: 2176,
    origin: 'LAS',
    destination: 'PHL',
  });
  expect([first.length, second.length]).toEqual([272_727, 272_727]);
  expect(isInOrder([...first, ...second])).toBe(true);
});

it('reads the airports, with commas and quotes in their names', async () => {
  const airports = await readAirports();
  expect(new Set(airports.map(({ iata }) => iata)).size).toBe(airports.length);
  expect(airports.find(({ iata }) => iata === '35A')?.name).toBe('Union County, Troy Shelton');
  expect(airports.find(({ iata }) => iata === 'DBN')?.name).toBe('W. H. "Bud" Barron');
  expect(airports.every(({ latitude, longitude }) => Number.isFinite(latitude) && Number.isFinite(longitude))).toBe(true);
});

it('knows the airport of every flight', async () => {
  const known = new Set((await readAirports()).map(({ iata }) => iata));
  const unknown = (await readFlights()).flatMap(({ origin, destination }) => [origin, destination]).filter((code) => !known.has(code));
  expect(unknown).toEqual([]);
});
