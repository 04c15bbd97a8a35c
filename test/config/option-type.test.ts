import { describe, expect, it } from 'vitest';
import { choice, cronExpression, hostName, integer, onOff, portNumber } from '../../src/config/option-type.js';

describe('choice', () => {
  it('is read without regard to case', () => {
    expect(choice('notify', 'poll').schema.parse(' Poll ')).toBe('poll');
  });
});

describe('integer', () => {
  it.each(['', '1e1', '-1', '0x1', '9'.repeat(400)])('refuses %j', (text) => {
    expect(integer(0, 10).schema.safeParse(text).success).toBe(false);
  });
});

describe('cronExpression', () => {
  it.each(['*/15 * * * *', '0 6 * * 1-5', '30 0 6 * * *', '@daily', ' 0  6 * * * '])('takes %j', (given) => {
    expect(cronExpression().schema.parse(given)).toBe(given.trim().replace(/\s+/g, ' '));
  });

  it.each([['daily', 'is no cron expression: write five fields'], ['61 * * * *', 'is no cron expression ('], ['2026-01-01', 'is no cron expression'], ['0 0 30 2 *', 'never comes']])(
    'refuses %j', (given, message) => {
      expect(cronExpression().schema.safeParse(given).error?.issues[0]?.message).toContain(message);
    },
  );
});

describe('onOff', () => {
  it.each([['on', true], ['TRUE', true], ['yes', true], ['1', true], ['off', false], ['false', false], ['no', false], ['0', false]])('reads %j as %j', (given, value) => {
    expect(onOff().schema.parse(given)).toBe(value);
  });

  it('refuses anything else', () => {
    expect(onOff().schema.safeParse('perhaps').error?.issues[0]?.message).toBe('"perhaps" is not accepted: write on or off');
  });
});

describe('portNumber and hostName', () => {
  it.each([['9187', 9187], [' 1 ', 1], ['65535', 65_535], ['off', undefined], ['Off', undefined]])('read the port %j as %j', (given, value) => {
    expect(portNumber().schema.parse(given)).toBe(value);
  });

  it.each(['0', '65536', '-1', '1e3', '0x10', 'http', ''])('refuse the port %j', (given) => {
    expect(portNumber().schema.safeParse(given).success).toBe(false);
  });

  it.each([['127.0.0.1', '127.0.0.1'], [' 0.0.0.0 ', '0.0.0.0'], ['::', '::'], ['[::1]', '::1'], ['localhost', 'localhost'], ['fly-local-6pn', 'fly-local-6pn'], ['a.internal.', 'a.internal.']])(
    'read the host %j as %j', (given, value) => {
      expect(hostName().schema.parse(given)).toBe(value);
    },
  );

  it.each(['*', 'localhost:9187', 'http://localhost', 'a..b', '', '127.0.0.1/8', ':::'])('refuse the host %j', (given) => {
    expect(hostName().schema.safeParse(given).success).toBe(false);
  });
});
