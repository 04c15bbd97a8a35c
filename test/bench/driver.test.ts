import { describe, expect, it } from 'vitest';
import { FrontendMessages } from '../../bench/frontend-messages.js';
import { parseBenchOptions } from '../../bench/options.js';
import { pgbenchScript, transactionsPerSecond } from '../../bench/pgbench-driver.js';
import { countBetween } from '../../bench/query-counter.js';

const measures = ['write-cost', 'pinned-vacuum', 'flood'];
const options = (...args: string[]) => parseBenchOptions(args, measures, ['pinned-vacuum']);

describe('the command line of the bench', () => {
  it('runs everything but what takes long', () => {
    expect(options()).toEqual({ only: ['write-cost', 'flood'], quick: false, minutes: undefined });
    expect(options('--minutes', '10')).toEqual({ only: measures, quick: false, minutes: 10 });
  });

  it('runs what is named, in its own order', () => {
    expect(options('--only', 'flood,write-cost', '--quick')).toMatchObject({ only: ['write-cost', 'flood'], quick: true });
    expect(options('--only', 'pinned-vacuum').only).toEqual(['pinned-vacuum']);
  });

  it.each([
    [['--only', 'speed'], 'There is no measure "speed": --only takes write-cost, pinned-vacuum, flood'],
    [['--minutes', 'ten'], '--minutes ten is not a number of minutes'],
    [['--fast'], 'npm run bench'],
  ])('refuses %j', (args, message) => {
    expect(() => options(...args)).toThrow(message);
  });
});

describe('pgbench', () => {
  it('gets its script', () => {
    expect(pgbenchScript(['BEGIN', 'INSERT INTO t VALUES (:customer)', 'COMMIT'])).toBe(
      '\\set customer random(1, 1000)\nBEGIN;\nINSERT INTO t VALUES (:customer);\nCOMMIT;\n',
    );
  });

  it('has its report read', () => {
    const report = 'number of transactions actually processed: 61234\nlatency average = 1.304 ms\ntps = 12273.911402 (without initial connection time)\n';
    expect(transactionsPerSecond(report)).toBe(12273.911402);
    expect(() => transactionsPerSecond('pgbench: fatal: Run was aborted; the above results are incomplete.\ntps = 1.0 (x)')).toThrow('pgbench failed');
  });
});

describe('counting queries', () => {
  const message = (type: string, content: string): Buffer => {
    const length = Buffer.alloc(4);
    length.writeInt32BE(content.length + 4);
    return Buffer.concat([Buffer.from(type), length, Buffer.from(content)]);
  };
  const conversation = Buffer.concat([message('', '\0\x03\0\0user\0q\0\0'), message('p', 'secret\0'), message('Q', 'BEGIN; SELECT 1\0'), message('P', '\0Q\0'), message('E', '\0\0\0\0\0'), message('S', '')]);

  it.each([1, 7, conversation.length])('finds simple queries and executions in pieces of %i bytes', (size) => {
    const messages = new FrontendMessages();
    const found = [];
    for (let at = 0; at < conversation.length; at += size) found.push(...messages.read(conversation.subarray(at, at + size)));
    expect(found).toEqual([{ sql: 'BEGIN; SELECT 1' }, { sql: undefined }]);
  });

  it('tells what came between', () => {
    expect(countBetween({ transactions: 2, roundTrips: 6 }, { transactions: 5, roundTrips: 15 })).toEqual({ transactions: 3, roundTrips: 9 });
  });
});
