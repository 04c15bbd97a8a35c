import { spawnSync } from 'node:child_process';
import { describe, expect, it } from 'vitest';
import type { LogOptions } from '../../src/report/log.js';
import { createLog } from '../../src/report/log.js';

function record(options: Omit<LogOptions, 'destination'>) {
  const lines: string[] = [];
  const log = createLog({ ...options, destination: { write: (line) => lines.push(line) } });
  return { log, lines };
}

describe('createLog', () => {
  it('writes an event as one JSON object a line, with its level by name, an ISO time and a sentence', () => {
    const { log, lines } = record({ level: 'info', format: 'json' });
    log.emit({ event: 'trigger.installed', source: 'orders' });
    expect(lines).toHaveLength(1);
    expect(lines[0]).toMatch(/^[^\n]+\n$/);
    const { time, ...fields } = JSON.parse(lines[0] ?? '') as Record<string, unknown>;
    expect(time).toMatch(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/);
    expect(fields).toEqual({ level: 'info', event: 'trigger.installed', source: 'orders', msg: 'Installed the change triggers on orders.' });
  });

  it('writes the sentence alone as text', () => {
    const { log, lines } = record({ level: 'info', format: 'text' });
    log.emit({ event: 'trigger.installed', source: 'orders' });
    expect(lines).toHaveLength(1);
    expect(lines[0]).toMatch(/^\[[-\d]+ [:.\d]+\] INFO: Installed the change triggers on orders\.\n$/);
  });

  it('leaves out what is below its level', () => {
    const { log, lines } = record({ level: 'warn', format: 'json' });
    log.info('quiet');
    log.emit({ event: 'trigger.installed', source: 'orders' });
    log.warn('loud');
    expect(lines).toHaveLength(1);
  });

  it('writes chosen fields of an error, and no secrets', () => {
    const { log, lines } = record({ level: 'info', format: 'json' });
    const error = Object.assign(new Error('no answer from postgres://u:hidden@h/d', { cause: new AggregateError([new Error('inner')]) }), {
      code: '57P01',
      severity: 'FATAL',
      detail: 'Key (email)=(hidden) already exists.',
      client: { password: 'hidden' },
    });
    log.error('It broke.', { err: error, view: 'mv' });
    expect(lines[0]).not.toContain('hidden');
    expect(JSON.parse(lines[0] ?? '')).toMatchObject({
      level: 'error',
      view: 'mv',
      msg: 'It broke.',
      err: { type: 'Error', message: 'no answer from postgres://u:***@h/d', sqlstate: '57P01', cause: { errors: [{ message: 'inner' }] } },
    });
  });

  it('does not take a code of the system for a SQLSTATE', () => {
    const { log, lines } = record({ level: 'info', format: 'json' });
    log.error('It broke.', { err: Object.assign(new Error('write EPIPE'), { code: 'EPIPE' }) });
    const { err } = JSON.parse(lines[0] ?? '') as { err: Record<string, unknown> };
    expect(err).toMatchObject({ code: 'EPIPE' });
    expect(err).not.toHaveProperty('sqlstate');
  });

  it('ends with the reason as text, and shows the stack to who debugs', () => {
    const plain = record({ level: 'info', format: 'text' });
    plain.log.error('It broke.', { err: new Error('for a reason') });
    expect(plain.lines[0]).toMatch(/ERROR: It broke: for a reason\n$/);
    const verbose = record({ level: 'debug', format: 'text' });
    verbose.log.error('It broke.', { err: new Error('for a reason') });
    expect(verbose.lines[0]).toMatch(/It broke\.\nError: for a reason\n +at /);
  });

  it('hides passwords in sentences and fields', () => {
    const { log, lines } = record({ level: 'info', format: 'json' });
    log.emit({ event: 'listen.lost', error: 'no answer from postgres://u:hidden@h/d' });
    log.info('connecting to postgres://u:hidden@h/d', { url: 'postgres://u:hidden@h/d' });
    expect(lines.join('')).not.toContain('hidden');
  });

  it.each(['text', 'json'])('loses no %s line at an abrupt exit, and outlives its reader', { timeout: 60_000 }, (format) => {
    const program = `
      import { createLog } from './src/report/log.ts';
      const log = createLog({ level: 'info', format: '${format}' });
      for (let line = 1; line <= 500; line += 1) log.info('line ' + line);
      process.exit(7);`;
    const run = (reader: string) =>
      spawnSync('bash', ['-c', `"$0" --import tsx --input-type=module --eval "$1" | ${reader}; exit \${PIPESTATUS[0]}`, process.execPath, program], {
        encoding: 'utf8',
      });
    const read = run('cat');
    expect(read.stderr).toBe('');
    expect(read.stdout).toMatch(/line 500\b/);
    expect(read.status).toBe(7);
    const unread = run('true');
    expect(unread.stderr).toBe('');
    expect(unread.status).toBe(7);
  });
});
