/** What /metrics says, by series as it is written there: `name` or `name{label="value",...}`. */
export function samplesOf(text: string): Map<string, number> {
  const lines = text.split('\n').filter((line) => line !== '' && !line.startsWith('#'));
  return new Map(lines.map((line) => {
    const end = line.lastIndexOf(' ');
    return [line.slice(0, end), readNumber(line.slice(end + 1))];
  }));
}

/** Asks a worker for its metrics. */
export async function scrape(port: number): Promise<Map<string, number>> {
  const response = await fetch(`http://127.0.0.1:${port}/metrics`);
  if (response.status !== 200) throw new Error(`/metrics answered ${response.status}: ${await response.text()}`);
  return samplesOf(await response.text());
}

function readNumber(text: string): number {
  // As Prometheus writes what JavaScript calls NaN; it has `+Inf` for a bucket's label alone.
  if (text === 'Nan' || text === 'NaN') return NaN;
  return Number(text);
}
